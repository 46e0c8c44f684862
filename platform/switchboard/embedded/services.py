"""The services an installation needs, started on a data folder or taken from the environment."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from switchboard.embedded import postgres, redis
from switchboard.embedded.folder import DataFolder
from switchboard.embedded.supervisor import Supervisor


@dataclass(frozen=True)
class Services:
    owner_url: str
    app_url: str
    redis_url: str
    secret_key: str
    field_encryption_keys: str
    supervisor: Supervisor = field(repr=False, compare=False)

    def environment(self) -> dict[str, str]:
        """The variables that let a program use these services."""
        return {
            "DATABASE_URL": self.app_url,
            "DATABASE_OWNER_URL": self.owner_url,
            "REDIS_URL": self.redis_url,
            "SECRET_KEY": self.secret_key,
            "FIELD_ENCRYPTION_KEYS": self.field_encryption_keys,
            "DATA_DIR": str(self.supervisor.folder.path),
        }

    def stop(self) -> None:
        self.supervisor.stop()


def start(
    data_dir: Path | str,
    *,
    durable: bool = True,
    given: Mapping[str, str] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Services:
    """Start PostgreSQL and Redis on a data folder; what `given` names already (DATABASE_URL, …) is used instead."""
    given = given or {}
    supervisor = Supervisor(DataFolder(Path(data_dir)), say)
    try:
        database = _given_database(given) or postgres.start(supervisor, durable)
        broker = given.get("REDIS_URL") or redis.start(supervisor)
        folder = supervisor.folder
        services = Services(
            owner_url=database.owner,
            app_url=database.app,
            redis_url=broker,
            secret_key=given.get("SECRET_KEY") or folder.secret("secret_key"),
            field_encryption_keys=given.get("FIELD_ENCRYPTION_KEYS") or folder.secret("field_encryption_keys"),
            supervisor=supervisor,
        )
        _publish(services)
    except BaseException:
        supervisor.stop()
        raise
    return services


@contextmanager
def running(data_dir: Path | str, *, durable: bool = True) -> Iterator[Services]:
    """Services for the length of a block, of a test session for one; nothing is left running after it."""
    services = start(data_dir, durable=durable)
    try:
        yield services
    finally:
        services.stop()


def _given_database(given: Mapping[str, str]) -> postgres.DatabaseUrls | None:
    url = given.get("DATABASE_URL")
    return postgres.DatabaseUrls(given.get("DATABASE_OWNER_URL") or url, url) if url else None


def _publish(services: Services) -> None:
    services.supervisor.publish(
        {
            "database_url": services.app_url,
            "database_owner_url": services.owner_url,
            "redis_url": services.redis_url,
            "secret_key": services.secret_key,
            "field_encryption_keys": services.field_encryption_keys,
        }
    )
