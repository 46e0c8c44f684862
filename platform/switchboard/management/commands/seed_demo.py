"""seed_demo: the demo businesses with their knowledge, people and past conversations."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from deploy.demo import seed


class Command(BaseCommand):
    help = "Fill in the demo businesses; running it again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--meridian", required=True, metavar="URL", help="where Meridian Bank's service runs")
        parser.add_argument("--harbor", required=True, metavar="URL", help="where Harbor Outfitters' service runs")

    def handle(self, *args: Any, **options: Any) -> None:
        for line in seed.seed({"meridian": options["meridian"], "harbor": options["harbor"]}):
            self.stdout.write(line)
