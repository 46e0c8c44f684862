"""A pytest plugin that is loaded before Django: PostgreSQL and Redis of the test run's own, thrown away at its end.

Where a run has several processes, each of them has its own. The demo businesses are in it from the beginning, where
they have been filled in before.
"""

import atexit
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from switchboard.embedded.services import Services, start

from tests import demo_installation

_ROOT = Path(__file__).parents[1]


def _models() -> Path:
    """All tests and the platforms that they start share one export of each model. It is kept between runs as long as
    nothing has changed of what it is made by."""
    made_by = [_ROOT / "requirements.txt", *sorted((_ROOT / "knowledge" / "embedding").glob("*.py"))]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in made_by)).hexdigest()[:12]
    return Path(os.environ.get("TEST_MODELS", _ROOT / ".data" / "models-of-tests")) / digest


def _begin() -> Services:
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "LLM_BASE_URL", "LLM_MODEL", "LLM_ADAPTERS_DIR"):
        os.environ.pop(name, None)
    data = Path(tempfile.mkdtemp(prefix="switchboard-tests-"))
    demo_installation.begin(data)
    data.chmod(0o755)
    models = _models()
    models.mkdir(parents=True, exist_ok=True)
    (data / "models").symlink_to(models.resolve())
    services = start(data, durable=False)
    atexit.register(end)
    os.environ.update(services.environment())
    os.environ["DATA_DIR"] = str(data)
    # A broker of its own: what tests save in this process waits for them, not for the platform's workers.
    os.environ["REDIS_URL"] = services.redis_url.removesuffix("/0") + "/1"
    os.environ["ALLOWED_HOSTS"] = "*"
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.environ["ALLOW_PRIVATE_ADDRESSES"] = "127.0.0.1"
    return services


def end(keep: Callable[[Path], None] = lambda data: None) -> None:
    """Stop them and throw their data folder away, when `keep` has taken from it what it wants."""
    atexit.unregister(end)
    SERVICES.stop()
    keep(SERVICES.supervisor.folder.path)
    shutil.rmtree(SERVICES.supervisor.folder.path, ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """One of several processes of a test run may be killed soon after it has said that it is finished."""
    end()


SERVICES = _begin()
