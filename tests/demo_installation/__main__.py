"""python -m tests.demo_installation FOLDER: start the platform, fill in the demo, stop, and keep its database."""

import os
import subprocess
import sys
from pathlib import Path

import django
from django.core.management import call_command

from tests import embedded_services

# What else is in a data folder belongs to the processes that run on it.
KEPT = ("postgres", "secrets.json")


def main() -> int:
    if len(sys.argv) != 2:
        print("Usage: python -m tests.demo_installation FOLDER", file=sys.stderr)
        return 2
    os.environ["DJANGO_SETTINGS_MODULE"] = "switchboard.settings"
    django.setup()
    call_command("migrate", verbosity=0)
    from tests.platform_processes import start

    start()
    embedded_services.end(lambda data: _keep(data, sys.argv[1]))
    return 0


def _keep(data: Path, place: str) -> None:
    """Owners are kept: the database's is not root."""
    subprocess.run(["cp", "-a", *(str(data / name) for name in KEPT), place], check=True)


if __name__ == "__main__":
    sys.exit(main())
