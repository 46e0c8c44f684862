"""prepare_models: what would slow down the first start: embedding models are fetched where allowed, and exported."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from knowledge.embedding import ModelNotFound, catalogue, prepare_model


class Command(BaseCommand):
    help = "Fetch (only with HF_HUB_OFFLINE=0) and export the embedding models of this installation."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        for name, choice in {"": catalogue.installed(), **catalogue.named()}.items():
            try:
                prepare_model(choice, Path(settings.DATA_DIR), settings.EMBEDDING_DEVICE)
            except ModelNotFound as problem:
                raise CommandError(str(problem)) from problem
            self.stdout.write(f"{name or 'the installation'}: {choice.title}")
