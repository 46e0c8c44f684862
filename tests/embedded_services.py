"""A pytest plugin that is loaded before Django: PostgreSQL and Redis of the test run's own, thrown away at its end."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from switchboard.embedded.services import Services, start

_ROOT = Path(__file__).parents[1]
# Exported models are kept between runs: they depend on nothing but the model.
_MODELS = Path(os.environ.get("TEST_MODELS", _ROOT / ".data" / "models"))


def _begin() -> Services:
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "LLM_BASE_URL", "LLM_MODEL", "LLM_ADAPTERS_DIR"):
        os.environ.pop(name, None)
    data = Path(tempfile.mkdtemp(prefix="switchboard-tests-"))
    data.chmod(0o755)
    _MODELS.mkdir(parents=True, exist_ok=True)
    (data / "models").symlink_to(_MODELS.resolve())
    services = start(data, durable=False)

    def end() -> None:
        services.stop()
        shutil.rmtree(data, ignore_errors=True)

    atexit.register(end)
    os.environ.update(services.environment())
    os.environ["DATA_DIR"] = str(data)
    # A broker of its own: what tests save in this process waits for them, not for the platform's workers.
    os.environ["REDIS_URL"] = services.redis_url.removesuffix("/0") + "/1"
    os.environ["ALLOWED_HOSTS"] = "*"
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.environ["ALLOW_PRIVATE_ADDRESSES"] = "127.0.0.1"
    return services


SERVICES = _begin()
