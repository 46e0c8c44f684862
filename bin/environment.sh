# Sourced by the commands beside it: makes .venv and installs into it, again when a list of requirements has changed.
# The caller has set `root`; every path is quoted, since the folder's name may hold blanks.

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# prepare_environment LIST OTHER...: leaves $python, the interpreter of .venv, with everything in the list LIST,
# which may include the others.
prepare_environment() {
    local list="$1" stamp="$root/.venv/.installed-$1" wanted
    python="$root/.venv/bin/python"
    wanted="$(cd "$root" && cat "$@" | cksum)"
    if [ -x "$python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    "$python" -m pip --version >/dev/null 2>&1 || make_environment
    echo "Installing what $list names (some minutes the first time) ..."
    "$python" -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
        --requirement "$root/$list" ||
        fail "What $list names could not be installed; the lines above say why."
    printf '%s' "$wanted" >"$stamp"
}

# prepare_vllm FOLDER: leaves $vllm_python, the interpreter of a virtual environment in FOLDER with vLLM for this machine,
# or fails with what is wrong. VLLM_PYTHON names one that has vLLM already.
prepare_vllm() {
    local list=deploy/vllm/requirements-cpu.txt stamp="$1/.installed" base wanted
    vllm_python="${VLLM_PYTHON:-$1/bin/python}"
    if [ -n "${VLLM_PYTHON:-}" ]; then
        return
    fi
    if nvidia-smi >/dev/null 2>&1; then
        list=deploy/vllm/requirements-cuda.txt
    fi
    wanted="$(cd "$root/deploy/vllm" && cat "$root/$list" constraints-*.txt | cksum)"
    if [ -x "$vllm_python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    base="$(find_python)" || return 1
    echo "Installing vLLM by $list (some minutes and gigabytes the first time) ..."
    rm -f "$stamp"
    "$vllm_python" -m pip --version >/dev/null 2>&1 || "$base" -m venv --clear "$1" || return 1
    "$vllm_python" -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
        --requirement "$root/$list" || return 1
    # What vLLM declares but does not need for text: builds of these that do not match this torch keep it from starting.
    [ "$list" = deploy/vllm/requirements-cuda.txt ] || "$vllm_python" -m pip uninstall --quiet --yes \
        --disable-pip-version-check --root-user-action ignore torchvision torchaudio torchcodec triton
    printf '%s' "$wanted" >"$stamp"
}

make_environment() {
    local base
    base="$(find_python)" || fail "Python 3.11 or newer is needed, and none was found: install it, then run this again."
    echo "Making a virtual environment with $("$base" --version) ..."
    rm -rf "$root/.venv"
    if ! "$base" -c 'import ensurepip' 2>/dev/null && may_install; then
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null || true
    fi
    "$base" -m venv "$root/.venv" ||
        fail "The virtual environment could not be made. On Debian and Ubuntu: apt-get install python3-venv"
}

may_install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
}

find_python() {
    local candidate
    for candidate in python3.11 python3.12 python3.13 python3.14 python3 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    return 1
}
