"""The compose file without Docker: what it says is true of this repository, and its commands work on real servers."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.core.management import get_commands
from switchboard import embedding_settings
from switchboard.embedded import commands, processes, vllm
from switchboard.embedded.commands import ROOT, Places
from switchboard.embedded.postgres import APP, DATABASE, OWNER, SUPERUSER
from switchboard.embedded.services import Services, running

from tests.deploy import compose_file
from tests.embedded_services import SERVICES
from tests.over_http import until

OURS = ("migrate", "web", "worker", "beat", "tuner")
BUILT = (*OURS, "vllm")
# Read by uvicorn, not by our settings.
OF_OTHERS = {"FORWARDED_ALLOW_IPS"}
READ = re.compile(r"""(?:setting|flag|words|one_of|number|environ\.get)\(\s*"([A-Z_]+)\"""")
GIVEN = {
    "SITE_HOST": "chat.example.com",
    "POSTGRES_PASSWORD": "superuserpassword",
    "OWNER_DATABASE_PASSWORD": "ownerpassword",
    "APP_DATABASE_PASSWORD": "apppassword",
    "REDIS_PASSWORD": "redispassword",
    "SECRET_KEY": "a" * 50,
    "FIELD_ENCRYPTION_KEYS": base64.urlsafe_b64encode(b"k" * 32).decode(),
}
READY_S = 240.0


def test_every_secret_is_required_and_explained() -> None:
    assert compose_file.required() == set(GIVEN)
    for name in GIVEN:
        with pytest.raises(compose_file.Missing, match=f"{name}: set it in .env"):
            compose_file.services({**GIVEN, name: ""})
    assert compose_file.mentioned() == set(compose_file.example())
    assert not any(compose_file.example()[name] for name in GIVEN), "the example holds no secret that somebody keeps"


def test_it_runs_what_the_demo_runs() -> None:
    places = Places(8000, Path("/data"), "0.0.0.0")
    services = compose_file.services(GIVEN)
    for name in ("web", "worker", "beat"):
        assert services[name]["command"] == ["python", *places.fill(commands.LONG_RUNNING[name])]
    assert services["tuner"]["command"] == ["python", *places.fill(commands.WITH_MODEL["tuner"])]
    shell, flags, script = services["migrate"]["command"]
    assert (shell, flags) == ("sh", "-ec")
    lines = [line.split() for line in script.splitlines()]
    assert ["python", *commands.MIGRATE] in lines
    assert {line[2] for line in lines} <= set(get_commands())
    assert [line[:2] for line in lines] == [["python", "manage.py"]] * 3


def test_every_variable_is_one_that_the_settings_read() -> None:
    sources = [path.read_text() for path in (ROOT / "platform" / "switchboard").rglob("*.py")]
    read = {name for source in sources for name in READ.findall(source)}
    read |= {f"EMBEDDING_{name.upper()}" for name in (*embedding_settings.TEXTS, *embedding_settings.NUMBERS)}
    read |= {"DATABASE_ADMIN_URL", "DATABASE_OWNER_URL", "DATABASE_URL"}
    for name in OURS:
        sent = compose_file.services({**GIVEN, "EMBEDDING_TIMEOUT": "5"})[name]["environment"]
        assert set(sent) - OF_OTHERS <= read, name
        assert sent["EMBEDDING_TIMEOUT"] == "5"
        assert "EMBEDDING_QUERY_PROMPT" not in sent, "an empty prompt would be one"
        assert ("DATABASE_OWNER_URL" in sent) == (name == "migrate"), "only who migrates may own"


def test_images_are_pinned_and_the_files_are_there() -> None:
    services = compose_file.services(GIVEN)
    files = {ROOT / services[name]["build"]["dockerfile"] for name in BUILT}
    bases = [base for file in files for base in re.findall(r"^FROM (\S+)", file.read_text(), re.MULTILINE)]
    for image in [*(service["image"] for name, service in services.items() if name not in BUILT), *bases]:
        assert re.search(r":v?\d+\.\d+\.\d+", image), image
    for name in BUILT:
        assert services[name]["build"]["context"] == ".."
    for source in compose_file.image_sources():
        assert (ROOT / source).exists(), source
    assert (compose_file.DEPLOY / "proxy" / "Caddyfile").is_file()
    assert all("USER 10001:10001" in file.read_text() for file in files), "one writes what the other reads"


def test_each_waits_for_what_it_needs_and_only_the_proxy_is_reached() -> None:
    services = compose_file.services(GIVEN)
    for name in ("web", "worker", "beat"):
        needs = {needed: how["condition"] for needed, how in services[name]["depends_on"].items()}
        assert needs == {
            "migrate": "service_completed_successfully", "postgres": "service_healthy", "redis": "service_healthy",
        }  # fmt: skip
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    assert {name for name, service in services.items() if "healthcheck" not in service} == {"migrate", "beat"}
    volumes = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    assert volumes == {
        "postgres", "data", "adapters", "hub", "./models", "./proxy/Caddyfile", "./proxy/llm.Caddyfile", "certificates",
        "proxy-config",
    }  # fmt: skip


def test_a_language_model_is_reached_only_by_what_asks_it() -> None:
    given = {**GIVEN, "LLM_MODEL": "/models/llama", "LLM_API_KEY": "llmkey"}
    services = compose_file.services(given)
    assert {name for name, service in services.items() if "profiles" in service} == {"vllm", "llm-proxy", "tuner"}
    model, proxy = services["vllm"], services["llm-proxy"]
    assert {name for name, service in services.items() if "llm" in service["networks"]} == {"vllm", "llm-proxy"}
    assert model["networks"] == ["llm"], "nobody but the proxy reaches it"
    assert (ROOT / "deploy" / "vllm" / "requirements-cpu.txt").is_file()
    assert "adapters:/adapters:ro" in model["volumes"]
    assert "adapters:/adapters" in services["worker"]["volumes"]
    assert proxy["environment"]["UPSTREAM"] == "vllm:8000"
    allowed = re.findall(
        r"^\t@answering path (.+)$", (compose_file.DEPLOY / "proxy" / "llm.Caddyfile").read_text(), re.M
    )
    assert [line.split() for line in allowed] == [
        ["/v1/models", "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/health", "/metrics"]
    ]


def test_the_language_model_starts_as_the_demos_does_and_never_without_a_key(tmp_path: Path) -> None:
    given = {**GIVEN, "LLM_MODEL": "/models/llama", "LLM_API_KEY": "llmkey"}
    assert _started(given, tmp_path) == [
        "-m", vllm.SERVER, "--model", "/models/llama", "--served-model-name", "/models/llama",
        "--host", "0.0.0.0", "--port", "8000", "--dtype", "float32", "--disable-uvicorn-access-log",
        "--enable-lora", "--max-lora-rank", "16", "--max-loras", "4", "--max-cpu-loras", "8",
    ]  # fmt: skip
    chosen = {**given, "LLM_QUANTIZATION": "awq", "LLM_MAX_MODEL_LEN": "4096"}
    assert _started(chosen, tmp_path)[-4:] == ["--quantization", "awq", "--max-model-len", "4096"]
    for name in ("LLM_API_KEY", "LLM_MODEL"):
        with pytest.raises(subprocess.CalledProcessError) as refused:
            _started({**given, name: ""}, tmp_path)
        assert f"set {name} in .env" in refused.value.stderr


def _started(given: dict[str, str], folder: Path) -> list[str]:
    """The words that the service's shell would give to Python."""
    program = folder / "python"
    program.write_text('#!/bin/sh\nfor word in "$@"; do echo "$word"; done\n')
    program.chmod(0o755)
    service = compose_file.services(given)["vllm"]
    told = subprocess.run(
        service["command"],
        env={**service["environment"], "PATH": f"{folder}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.splitlines()


@dataclass(frozen=True)
class Container:
    """The image's folder and a service's environment, on this machine: addresses and folders are those of the test."""

    folder: Path
    data: Path
    port: int
    services: Services

    def environment(self, name: str) -> dict[str, str]:
        sent = {**compose_file.image_environment(), **compose_file.services(GIVEN)[name]["environment"]}
        sent = {key: str(value).replace("/app", str(self.folder)) for key, value in sent.items()}
        port = psycopg.conninfo.conninfo_to_dict(self.services.owner_url)["port"]
        sent = {key: value.replace("@postgres:5432", f"@127.0.0.1:{port}") for key, value in sent.items()}
        kept = {key: os.environ[key] for key in ("LANG", "OPENBLAS_NUM_THREADS") if key in os.environ}
        path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        return {**sent, **kept, "PATH": path, "DATA_DIR": str(self.data), "REDIS_URL": self.services.redis_url}

    def words(self, name: str) -> list[str]:
        command = compose_file.services(GIVEN)[name]["command"]
        places = {"0.0.0.0": "127.0.0.1", "8000": str(self.port), "/data/beat": str(self.data / "beat")}
        return [places.get(word, word) for word in command]

    def run(self, name: str, *words: str) -> str:
        done = subprocess.run(
            words or self.words(name), cwd=self.folder, env=self.environment(name), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A bare PostgreSQL with nothing but its superuser, a Redis, and a copy of what is in the image."""
    folder, data = tmp_path_factory.mktemp("app"), tmp_path_factory.mktemp("data")
    for source in compose_file.image_sources():
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        copy(ROOT / source, folder / source)
    (data / "models").symlink_to((SERVICES.supervisor.folder.path / "models").resolve())
    with running(tmp_path_factory.mktemp("servers"), durable=False) as services:
        _make_bare(services)
        yield Container(folder, data, processes.free_port(), services)


def test_its_commands_bring_up_an_installation_on_servers_of_its_own(container: Container, tmp_path: Path) -> None:
    assert f"{DATABASE}: owned by {OWNER}, used by {APP}" in container.run("migrate")
    container.run("migrate")
    with psycopg.connect(container.environment("web")["DATABASE_URL"]) as app:
        rights = "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname IN (%s, %s)"
        assert sorted(app.execute(rights, [OWNER, APP]).fetchall()) == [
            (APP, False, False, False), (OWNER, False, False, False),
        ]  # fmt: skip
        owners = app.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'").fetchall()
        assert owners == [(OWNER,)]
    started = [
        subprocess.Popen(container.words(name), cwd=container.folder, env=container.environment(name))
        for name in ("web", "worker", "beat")
    ]
    try:
        until(lambda: _is_ready(container.port), "everything is ready", READY_S, every_s=0.5)
        _talk(container, tmp_path)
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(60)


def _talk(container: Container, folder: Path) -> None:
    (folder / "faqs.csv").write_text('question,answer\nAre you open on Sundays?,"Yes, from ten to four."\n')
    manage = ("python", "manage.py")
    made = json.loads(container.run("web", *manage, "create_tenant", "Harbour", "--bot", "harbour"))
    assert made["bots"][0]["key"] == "harbour"
    container.run("web", *manage, "import_faqs", "--bot", "harbour", str(folder / "faqs.csv"), "--wait")
    answer = json.loads(container.run("web", *manage, "ask", "--bot", "harbour", "Are you open on Sundays?"))
    assert answer["text"] == "Yes, from ten to four."
    with psycopg.connect(container.environment("web")["DATABASE_URL"]) as app:
        assert app.execute("SELECT count(*) FROM knowledge_faq").fetchone() == (0,), "without a scope there is nothing"
    front = urllib.request.urlopen(f"http://127.0.0.1:{container.port}/", timeout=10)
    assert front.status == 200


def _make_bare(services: Services) -> None:
    """What an installation has made in the servers is taken away again, roles and all."""
    port = psycopg.conninfo.conninfo_to_dict(services.owner_url)["port"]
    password = services.supervisor.folder.secret(f"{SUPERUSER}_password")
    address = {"host": "127.0.0.1", "port": port, "user": SUPERUSER, "password": password, "autocommit": True}
    with psycopg.connect(**address, dbname="postgres") as server:
        server.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
    with psycopg.connect(**address, dbname="template1") as template:
        template.execute("DROP EXTENSION vector")
        for role in (OWNER, APP):
            template.execute(f"DROP OWNED BY {role}")
        for role in (OWNER, APP):
            template.execute(f"DROP ROLE {role}")
        template.execute(f"ALTER ROLE {SUPERUSER} PASSWORD '{GIVEN['POSTGRES_PASSWORD']}'")


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
