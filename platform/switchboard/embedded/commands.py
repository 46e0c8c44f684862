"""Every process of an installation in one table; the containers in deploy/ run the same commands."""

from dataclasses import dataclass
from pathlib import Path

from switchboard.embedded.supervisor import PLATFORM

ROOT = PLATFORM.parent
CELERY = ("-m", "celery", "-A", "switchboard.celery")

# Words for the installation's Python, run in the repository's root with platform/ and the root on its path.
MIGRATE = ("manage.py", "migrate", "--noinput")
SEED = ("manage.py", "seed_demo", "--meridian", "{meridian}", "--harbor", "{harbor}")
WEB = (
    *("-m", "uvicorn", "switchboard.asgi:application", "--host", "{host}", "--port", "{port}"),
    *("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--timeout-graceful-shutdown", "3"),
)
WORKER = (*CELERY, "worker", "--concurrency", "2", "--without-gossip", "--without-mingle", "--loglevel", "INFO")
# Nothing but trainings, one after the other.
TUNER = (
    *(*CELERY, "worker", "--queues", "tuning", "--hostname", "tuner@%h", "--concurrency", "1"),
    *("--without-gossip", "--without-mingle", "--loglevel", "INFO"),
)
BEAT = (*CELERY, "beat", "--schedule", "{data}/beat", "--pidfile", "", "--loglevel", "INFO")
MERIDIAN = (
    *("-m", "uvicorn", "deploy.demo.meridian.service:app", "--host", "127.0.0.1", "--port", "{meridian_port}"),
    *("--no-access-log", "--timeout-graceful-shutdown", "1"),
)
HARBOR = (
    *("-m", "uvicorn", "deploy.demo.harbor.service:app", "--host", "127.0.0.1", "--port", "{harbor_port}"),
    *("--no-access-log", "--timeout-graceful-shutdown", "1"),
)
MERIDIAN_SIGN_IN = (
    *("-m", "uvicorn", "deploy.demo.meridian.sign_in.asgi:app", "--host", "127.0.0.1"),
    *("--port", "{meridian_sign_in_port}", "--lifespan", "off", "--no-access-log", "--timeout-graceful-shutdown", "1"),
)
LONG_RUNNING = {
    "web": WEB,
    "worker": WORKER,
    "beat": BEAT,
    "meridian": MERIDIAN,
    "harbor": HARBOR,
    "meridian-sign-in": MERIDIAN_SIGN_IN,
}
# Where there is a language model to tune, as well.
WITH_MODEL = {"tuner": TUNER}


@dataclass(frozen=True)
class Places:
    """Where the demo's parts are: four ports in a row, the data folder, and the address that the web listens on."""

    port: int
    data: Path
    host: str = "127.0.0.1"

    @property
    def ports(self) -> dict[str, int]:
        return {
            "web": self.port,
            "Meridian Bank": self.port + 1,
            "Harbor Outfitters": self.port + 2,
            "Meridian's sign-in": self.port + 3,
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def fill(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """A command of this module with its placeholders replaced."""
        values = {
            "host": self.host,
            "port": self.port,
            "meridian_port": self.port + 1,
            "harbor_port": self.port + 2,
            "meridian_sign_in_port": self.port + 3,
            "meridian": f"http://127.0.0.1:{self.port + 1}",
            "harbor": f"http://127.0.0.1:{self.port + 2}",
            "data": self.data,
        }
        return tuple(word.format_map(values) for word in words)
