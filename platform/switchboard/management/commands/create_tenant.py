"""create_tenant NAME --bot KEY…: a tenant with its bots and an API key, as JSON."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from tenants import bots
from tenants.scope import Scope, within


class Command(BaseCommand):
    help = "Make a tenant with its bots and an API key (shown this once)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--bot", action="append", default=[], metavar="KEY", help="may be given several times")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                tenant = bots.create_tenant(options["name"])
                with within(Scope(frozenset([tenant.id]))):
                    made = [bots.create_bot(tenant.id, key) for key in options["bot"]]
                    _, secret = bots.create_api_key(tenant.id, "First key")
        except ValidationError as problem:
            raise CommandError(
                "; ".join(f"{name}: {' '.join(text)}" for name, text in problem.message_dict.items())
            ) from problem
        listed = [{"key": bot.key, "group_id": str(bot.id)} for bot in made]
        self.stdout.write(json.dumps({"id": str(tenant.id), "name": tenant.name, "api_key": secret, "bots": listed}))
