"""The embedded services and their supervisor, with real servers: what is started is stopped, and nothing is lost."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from switchboard.embedded import EmbeddedError, processes
from switchboard.embedded.commands import LONG_RUNNING, MIGRATE, PLATFORM, SEED, Places
from switchboard.embedded.services import Services, running, start

# A durable database writes everything out before it ends, and other programs may keep the disk busy.
PATIENCE_S = 60.0
SUPERVISOR = """
import sys
from switchboard.embedded.services import running
with running(sys.argv[1]) as services:
    print("up", flush=True)
    services.supervisor.watch()
"""


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with running(tmp_path_factory.mktemp("data of tests"), durable=False) as started:
        yield started


def test_both_roles_reach_the_database_and_neither_is_privileged(services: Services) -> None:
    for url in (services.owner_url, services.app_url):
        rights = _ask(url, "SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user")
        assert rights == (False, False, False)
    assert _ask(services.app_url, "SELECT '[1,2]'::vector <-> '[1,4]'::vector") == (2.0,)
    assert _ask(services.app_url, "SELECT lower('ÄÖÉ')") == ("äöé",)


def test_the_application_works_with_the_owners_tables_but_cannot_leave_row_level_security(services: Services) -> None:
    with psycopg.connect(services.owner_url) as owner:
        owner.execute("CREATE TABLE note (id serial PRIMARY KEY, seen boolean)")
        owner.execute("ALTER TABLE note ENABLE ROW LEVEL SECURITY")
        owner.execute("ALTER TABLE note FORCE ROW LEVEL SECURITY")
        owner.execute("CREATE POLICY only_seen ON note USING (seen) WITH CHECK (true)")
    with psycopg.connect(services.app_url, autocommit=True) as app:
        app.execute("INSERT INTO note (seen) VALUES (true), (false)")
        assert app.execute("SELECT count(*) FROM note").fetchone() == (1,)
        for attempt in (
            "ALTER TABLE note DISABLE ROW LEVEL SECURITY",
            "ALTER ROLE switchboard_app BYPASSRLS",
            "SET ROLE switchboard_owner",
            "SET SESSION AUTHORIZATION postgres",
            "CREATE TABLE other (id int)",
            "CREATE DATABASE other",
        ):
            with pytest.raises(psycopg.errors.Error, match=r"permission denied|must be owner"):
                app.execute(attempt)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            app.execute("SET row_security = off; SELECT * FROM note")


def test_a_test_database_has_the_extension_and_the_rights_too(services: Services) -> None:
    with psycopg.connect(services.owner_url, autocommit=True) as owner:
        owner.execute("CREATE DATABASE test_of_rights")
    with psycopg.connect(services.owner_url, dbname="test_of_rights") as owner:
        owner.execute("CREATE TABLE note (id serial PRIMARY KEY, place vector(3))")
    with psycopg.connect(services.app_url, dbname="test_of_rights") as app:
        app.execute("INSERT INTO note (place) VALUES ('[1,2,3]')")


def test_redis_answers_only_with_the_password(services: Services) -> None:
    password, port = services.redis_url.split(":", 2)[2].split("@")[0], int(services.redis_url.split(":")[-1][:-2])
    assert _redis(port, "PING").startswith("-NOAUTH")
    assert _redis(port, f"AUTH {password}") == "+OK\r\n"


def test_what_is_published_and_kept_is_readable_by_the_owner_only(services: Services) -> None:
    folder = services.supervisor.folder.path
    published = json.loads((folder / "services.json").read_text())
    assert published["database_url"] == services.app_url
    assert published["database_owner_url"] == services.owner_url
    assert set(published["children"]) == {"postgres", "redis"}
    for name in ("services.json", "secrets.json", "redis/redis.conf"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600


def test_a_second_start_is_refused_and_names_the_first(services: Services) -> None:
    with pytest.raises(EmbeddedError, match=rf"already running \(pid {os.getpid()}\)"):
        start(services.supervisor.folder.path)
    assert _ask(services.app_url, "SELECT 1") == (1,)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_however_the_supervisor_ends_nothing_is_left_and_nothing_is_lost(tmp_path: Path, end: signal.Signals) -> None:
    first = _supervise(tmp_path)
    published = _published(tmp_path)
    with psycopg.connect(published["database_owner_url"]) as owner:
        owner.execute("CREATE TABLE kept AS SELECT 42 AS number")
    first.send_signal(end)
    first.wait(PATIENCE_S)
    _until(lambda: not _living(published), PATIENCE_S)
    _until(lambda: not (tmp_path / "services.json").exists(), PATIENCE_S)
    with running(tmp_path) as again:
        assert _ask(again.owner_url, "SELECT number FROM kept") == (42,)
        assert again.secret_key == published["secret_key"]


def test_a_start_recovers_when_the_guardian_was_killed_as_well(tmp_path: Path) -> None:
    first = _supervise(tmp_path)
    published = _published(tmp_path)
    first.kill()
    os.kill(published["guardian_pid"], signal.SIGKILL)
    first.wait()
    assert _living(published)
    with running(tmp_path) as again:
        assert _ask(again.app_url, "SELECT 1") == (1,)
        assert not _living(published)


def test_what_crashes_is_started_again_the_guardian_included(tmp_path: Path) -> None:
    supervisor = _supervise(tmp_path)
    before = _published(tmp_path)
    for pid in (before["children"]["postgres"]["pid"], before["children"]["redis"]["pid"], before["guardian_pid"]):
        os.kill(pid, signal.SIGKILL)
    try:
        _until(lambda: _all_replaced(before, _published(tmp_path)), PATIENCE_S)
        _until(lambda: _accepts(before["database_url"]), PATIENCE_S)
    finally:
        after = _published(tmp_path)
        supervisor.kill()
        supervisor.wait()
    _until(lambda: not _living(after), PATIENCE_S)


def test_a_first_start_that_was_interrupted_is_completed(tmp_path: Path) -> None:
    draft = tmp_path / "postgres" / "data.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    (tmp_path / "postgres" / "password").write_text("old")
    with running(tmp_path, durable=False) as started:
        assert _ask(started.app_url, "SELECT 1") == (1,)
    assert not draft.exists()
    assert not (tmp_path / "postgres" / "password").exists()


def test_a_stale_pid_file_and_taken_ports_do_not_keep_it_from_starting(tmp_path: Path) -> None:
    with running(tmp_path, durable=False) as first:
        pass
    (tmp_path / "postgres" / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path}\n")
    with socket.socket() as thief:
        # Connections to the port that have just been closed do not keep it from being taken.
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", int(first.app_url.rsplit(":", 1)[1].split("/")[0])))
        thief.listen()
        with running(tmp_path, durable=False) as second:
            assert _ask(second.app_url, "SELECT 1") == (1,)
            assert second.app_url != first.app_url


def test_lost_passwords_are_named(tmp_path: Path) -> None:
    with running(tmp_path, durable=False):
        pass
    (tmp_path / "secrets.json").unlink()
    with pytest.raises(EmbeddedError, match=r"secrets\.json does not hold this database's passwords"):
        start(tmp_path)


def test_servers_that_are_given_are_used_and_not_started(tmp_path: Path) -> None:
    given = {"DATABASE_URL": "postgresql://app@db/one", "DATABASE_OWNER_URL": "postgresql://owner@db/one"}
    services = start(tmp_path, given={**given, "REDIS_URL": "redis://cache/0"})
    try:
        assert (services.app_url, services.owner_url) == tuple(given.values())
        assert services.redis_url == "redis://cache/0"
        assert _published(tmp_path)["children"] == {}
    finally:
        services.stop()


def test_every_command_of_the_table_has_its_places_filled(tmp_path: Path) -> None:
    places = Places(8100, tmp_path)
    words = [word for command in (MIGRATE, SEED, *LONG_RUNNING.values()) for word in places.fill(command)]
    assert not [word for word in words if "{" in word]
    assert {"8100", "8101", "8102", "http://127.0.0.1:8101"} <= set(words)


def test_the_demo_names_a_port_that_is_taken_and_leaves_nothing(tmp_path: Path) -> None:
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", 0))
        thief.listen()
        taken = thief.getsockname()[1]
        demo = _demo("--port", str(taken), "--data", str(tmp_path))
    assert demo.returncode == 1
    assert f"Port {taken} (for web) is taken" in demo.stderr
    assert not (tmp_path / "services.json").exists()


def test_the_demo_says_what_is_wrong_with_its_options(tmp_path: Path) -> None:
    assert "'0' is not a port" in _demo("--port", "0").stderr
    nothing = _demo("--stop", "--data", str(tmp_path / "new"))
    assert (nothing.returncode, nothing.stdout) == (0, f"Nothing is running on {tmp_path / 'new'}.\n")


def _supervise(folder: Path) -> subprocess.Popen[str]:
    """A supervisor in a process of its own, which may be killed."""
    program = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(folder)], stdout=subprocess.PIPE, text=True, env=_environment()
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "up\n"
    return program


def _demo(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "switchboard.embedded.demo", *words]
    environment = {name: value for name, value in _environment().items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PLATFORM)}


def _published(folder: Path) -> dict[str, Any]:
    published: dict[str, Any] = json.loads((folder / "services.json").read_text())
    return published


def _living(published: dict[str, Any]) -> list[int]:
    pids = [published["guardian_pid"], *(child["pid"] for child in published["children"].values())]
    return [pid for pid in pids if processes.look(pid)]


def _all_replaced(before: dict[str, Any], after: dict[str, Any]) -> bool:
    new = {"guardian": after["guardian_pid"], **{name: child["pid"] for name, child in after["children"].items()}}
    old = {"guardian": before["guardian_pid"], **{name: child["pid"] for name, child in before["children"].items()}}
    return new.keys() == old.keys() and all(new[name] != old[name] for name in old)


def _accepts(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def _ask(url: str, question: str) -> tuple[Any, ...] | None:
    with psycopg.connect(url) as connection:
        return connection.execute(question.encode()).fetchone()


def _redis(port: int, words: str) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(f"{words}\r\n".encode())
        return connection.recv(200).decode()


def _until(true: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)
