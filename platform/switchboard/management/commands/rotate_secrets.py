"""rotate_secrets: encrypt every secret at rest with the newest key, so that older ones can be taken out."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from knowledge import secret_rotation


class Command(BaseCommand):
    help = (
        "Put a new key before the others in FIELD_ENCRYPTION_KEYS, restart, and run this: every secret at rest, of "
        "data APIs, bots and sign-ins, is encrypted with it. Then the older keys can go. It may be run at any time."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        rotated = secret_rotation.rotate()
        counts = {"renewed": rotated.renewed, "current": rotated.current, "unreadable": len(rotated.lost)}
        self.stdout.write(json.dumps(counts))
        for where in rotated.lost:
            self.stderr.write(f"{where}: fits none of FIELD_ENCRYPTION_KEYS; it was left as it is.")
        if rotated.lost:
            raise CommandError(f"{len(rotated.lost)} secrets could not be read.", returncode=1)
