"""How to run PostgreSQL, which refuses to run as root, when we are root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from switchboard.embedded import EmbeddedError

ACCOUNT = "pgserver"
# Leave root's identity but keep its right to pass through folders such as /root, where the program may live.
PASS_FOLDERS = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
PROBE = 'cd "$1" && test -w . && exec "$2" --version'


@dataclass(frozen=True)
class Runner:
    """Words to put before a command, and the user that its files then belong to."""

    prefix: tuple[str, ...]
    owner: int


def runner_for(program: Path, home: Path) -> Runner:
    """The first way that lets the program run and write in its home folder, which is given to that way's user."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() != 0:
        if home.stat().st_uid != os.geteuid():
            raise EmbeddedError(
                f"{home} belongs to {_name(home.stat().st_uid)}: "
                "run as that user, or choose another folder with --data."
            )
        return Runner((), os.geteuid())
    former_owner = home.stat().st_uid
    for runner in (_in_namespace(), *_as_account()):
        if runner and _works(runner, program, home):
            if runner.owner != former_owner:
                _give(home, runner.owner)
            return runner
    os.chown(home, former_owner, -1)
    raise EmbeddedError(
        "PostgreSQL does not run as root, and this machine allows neither a user namespace (unshare --user) nor "
        f"changing to the user {ACCOUNT} (setpriv). Run as an ordinary user, or set DATABASE_URL to a server of yours."
    )


def _in_namespace() -> Runner | None:
    """Another user's number inside a user namespace; outside it, and for the files, that is still root."""
    other = next((entry for entry in pwd.getpwall() if entry.pw_uid), None)
    if other is None or not shutil.which("unshare"):
        return None
    return Runner(("unshare", "--user", f"--map-user={other.pw_uid}", "--"), 0)


def _as_account() -> list[Runner]:
    if not shutil.which("setpriv"):
        return []
    try:
        account = pwd.getpwnam(ACCOUNT)
    except KeyError:
        if not shutil.which("useradd"):
            return []
        made = subprocess.run(["useradd", "--system", "--user-group", ACCOUNT], capture_output=True, check=False)
        if made.returncode:
            return []
        account = pwd.getpwnam(ACCOUNT)
    change = ("setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups")
    return [Runner((*change, *PASS_FOLDERS, "--"), account.pw_uid), Runner((*change, "--"), account.pw_uid)]


def _works(runner: Runner, program: Path, home: Path) -> bool:
    os.chown(home, runner.owner, -1)
    tried = subprocess.run(
        [*runner.prefix, "/bin/sh", "-c", PROBE, "sh", str(home), str(program)], capture_output=True, check=False
    )
    return tried.returncode == 0


def _give(home: Path, owner: int) -> None:
    for folder, _, files in os.walk(home):
        os.chown(folder, owner, -1)
        for file in files:
            os.chown(Path(folder, file), owner, -1, follow_symlinks=False)


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"
