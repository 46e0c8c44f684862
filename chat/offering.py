"""The choices at a step of an action's questions, asked of the action that lists them, as the customer who asks."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist, ValidationError

from chat.customer_token import token_of
from chat.elicitation_steps import Lookup
from chat.exchange import Asker
from chat.progress import LookedUp
from knowledge import actions, choices
from knowledge.actions import ActionResult, ActionSpec
from knowledge.values import Remembered
from tenants.database import in_database

logger = logging.getLogger(__name__)

MOST = 8


@dataclass
class Offering:
    """What was looked up in one turn. The same question is put to an API once, and no more than a few are."""

    asker: Asker
    group_id: UUID
    remembered: tuple[Remembered, ...]
    language: str = "en"
    looked_up: tuple[LookedUp, ...] = ()
    calls: list[tuple[ActionSpec, ActionResult]] = field(default_factory=list)
    _answers: dict[str, ActionResult] = field(default_factory=dict)

    async def take(self, lookup: Lookup) -> ActionResult | None:
        """Ask for these choices; what went wrong where they cannot be known. What is optional is then left out."""
        question = json.dumps([lookup.source.action, lookup.arguments], sort_keys=True)
        if question not in self._answers:
            self._answers[question] = await self._asked(lookup.source.action, lookup.arguments)
        result = self._answers[question]
        if not result.ok and lookup.required and result.error_code not in ("not_found", "invalid"):
            return result
        options = choices.read(lookup.source, result.data, self.language) if result.ok else ()
        self.looked_up += (LookedUp(lookup.field, lookup.given, options, "" if result.ok else result.message),)
        return None

    async def _asked(self, name: str, arguments: Mapping[str, Any]) -> ActionResult:
        if len(self.calls) >= MOST:
            return ActionResult(False, None, None, 0.0, "busy", "I could not look up what there is to choose from.")
        try:
            spec = await in_database(actions.load_action_named, self.group_id, name, scope=self.asker.scope)
        except (ObjectDoesNotExist, ValidationError):
            logger.warning("choices of %s: there is no action %s that can be asked", self.group_id, name)
            return ActionResult(False, None, None, 0.0, "gone", "I could not look up what there is to choose from.")
        asker = self.asker
        token = token_of(asker.group_id, asker.conversation_id, asker.scope)
        result = await actions.run(spec, arguments, asker.customer, token=token, remembered=self.remembered)
        self.calls.append((spec, result))
        await in_database(
            actions.record_call,
            spec,
            result,
            conversation_id=asker.conversation_id,
            customer_subject=asker.customer.subject if asker.customer else "",
            scope=asker.scope,
        )
        return result
