"""ask --bot KEY "question": one turn; prints the answer event as JSON."""

import asyncio
import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from chat import asking
from tenants.identity import IdentityError


class Command(BaseCommand):
    help = "Put one question to a bot, as a customer would."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("question")
        parser.add_argument("--bot", required=True, metavar="KEY")
        parser.add_argument("--as", dest="token", default="", metavar="JWT", help="a customer's identity token")
        parser.add_argument("--conversation", type=UUID, metavar="ID", help="go on in this conversation")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            asked = asyncio.run(
                asking.ask(
                    options["bot"],
                    options["question"],
                    token=options["token"],
                    conversation_id=options["conversation"],
                )
            )
        except ValidationError as problem:
            raise CommandError("; ".join(problem.messages)) from problem
        except (asking.AskError, IdentityError) as problem:
            raise CommandError(str(problem)) from problem
        if asked.answer is None and asked.owner == "bot":
            raise CommandError("The question could not be answered; the log says why.", returncode=1)
        answer = asked.answer or {"owner": "person"}
        self.stderr.write(f"conversation {asked.conversation_id}, {asked.milliseconds:.0f} ms")
        self.stdout.write(json.dumps(answer, ensure_ascii=False))
