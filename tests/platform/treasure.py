"""One business with something of everything, each text holding a mark that nobody else may ever read."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.apps import apps
from django.utils import timezone

from chat import store
from chat.models import AdapterVersion, Interaction, Message, TuningRow, TuningRun
from knowledge.actions import ActionResult, load_action, record_call
from knowledge.models import CallRecord
from tenants import bots
from tenants.models import Bot, Customer, GroupModel, Tenant, TenantModel
from tenants.scope import within
from tests.conftest import Business
from tests.over_http import Manager

WORD = "marzipan"


@dataclass(frozen=True)
class Treasure:
    """`ids` maps the name of a thing, as addresses have it, to its ID."""

    business: Business
    mark: str
    token: str
    ids: dict[str, str]

    def snapshot(self) -> dict[str, list[str]]:
        """Every row that the business owns, to compare."""
        with within(self.business.scope):
            owned = [model for model in apps.get_models() if issubclass(model, GroupModel | TenantModel | Bot | Tenant)]
            return {model.__name__: sorted(map(repr, model.objects.values_list())) for model in owned}


def bury(boss: Manager, mark: str) -> Treasure:
    """Fill the business with one of everything, searchable."""
    business, text = boss.business, f"{WORD} {mark}"
    faq = boss.add_faq(f"Where is the {text}?", f"The {text} is in the vault.", category=text)
    document = boss.add_document(f"About the {text}", f"# The {text}\n\nThe {text} is kept below the third stair.")
    api = boss.post("data-apis", bot=business.bot.key, name=text, base_url="https://vault.example/api")["id"]
    action = boss.post("actions", data_api=api, name="open_vault", title=text, path="/open", answer=text)["id"]
    boss.wait_until_indexed(f"faqs/{faq}", f"documents/{document}", f"actions/{action}")
    with within(business.scope):
        customer = Customer.objects.create(group=business.bot, issuer="vault", subject=mark, name=text)
        conversation, token = store.open_conversation(business.bot, customer=customer)
        question = store.add_message(store.locked(business.bot.id, conversation.id), Message.Role.CUSTOMER, text)
        answer = store.add_message(store.locked(business.bot.id, conversation.id), Message.Role.BOT, text)
        interaction = Interaction.objects.create(
            group=business.bot, conversation_group=business.bot, conversation=conversation, question=text, answer=text,
            question_id=question.id, answer_id=answer.id, route="faq", confidence=0.9, reason=text,
        )  # fmt: skip
        result = ActionResult(True, 200, {}, 1.0, arguments={"what": text})
        record_call(load_action(business.bot.id, UUID(action)), result, conversation_id=conversation.id)
        row = TuningRow.objects.create(group=business.bot, kind="faq", prompt=text, completion=text, digest=mark)
        # Not due yet: the sweeper of a running platform would take it up.
        run = TuningRun.objects.create(
            group=business.bot, weights=text, error=text, due_at=timezone.now() + timedelta(days=1)
        )
        version = AdapterVersion.objects.create(group=business.bot, run=run, number=1, base=text, state="live")
        key, _ = bots.create_api_key(business.tenant.id, text)
        member = bots.add_member(business.tenant.id, f"{mark}@vault.example", text, "viewer")
        record = CallRecord.objects.get()
    ids = {
        "callrecord": record.id, "call": record.call_id,
        "faq": faq, "document": document, "dataapi": api, "action": action, "conversation": conversation.id,
        "message": answer.id, "interaction": interaction.id, "apikey": key.id, "member": member.id,
        "tuningrow": row.id, "tuningrun": run.id, "adapterversion": version.id,
        "tenant": business.tenant.id, "bot": business.bot.id,
    }  # fmt: skip
    return Treasure(business, mark, token, {name: str(id) for name, id in ids.items()})
