"""Tying a conversation to a verified customer, going on with what they had asked, and letting go again."""

from uuid import UUID

from chat import events, store
from chat.exchange import Choice
from chat.models import Conversation, Message, Turn
from tenants import identity
from tenants.database import in_database
from tenants.identity import IdentityError, IdentityPolicy, TokenUse, VerifiedIdentity
from tenants.models import Bot, Customer, UsedToken
from tenants.openid import sign_ins
from tenants.scope import Scope


async def verify(group_id: UUID, token: str, scope: Scope) -> tuple[VerifiedIdentity, TokenUse]:
    """Whom a token names. Raises IdentityError. Hold no scope around it."""
    policy = await in_database(_policy, group_id, scope=scope)
    return await identity.verify(policy, token)


def sign_in(
    group_id: UUID, conversation_id: UUID, verified: VerifiedIdentity, use: TokenUse | None = None
) -> tuple[Customer, bool]:
    """The customer, from now on the conversation's, and whether a turn now waits to go on with what they had asked.

    Raises IdentityError where the token was used elsewhere, or the conversation is another's: it is never passed on,
    also after the one has signed out. Needs the conversation's scope.
    """
    if use is not None:
        identity.use_once(group_id, use, conversation_id)
    return _adopt(group_id, conversation_id, identity.customer_for(group_id, verified))


def sign_in_by_code(group_id: UUID, conversation_id: UUID, code: str) -> tuple[Customer, bool]:
    """The same for somebody who comes back from the bot's provider."""
    return _adopt(group_id, conversation_id, sign_ins.take(group_id, conversation_id, code))


def sign_out(group_id: UUID, conversation_id: UUID) -> Conversation:
    """Nothing is done in the customer's name any more, and nothing that was said is shown to whoever comes next."""
    conversation = store.locked(group_id, conversation_id)
    sign_ins.drop(group_id, conversation_id)
    conversation.dialogue = {}
    if conversation.customer_id is None:
        conversation.save(update_fields=["dialogue"])
        return conversation
    # What is still being answered, or said by a person, is for the one who asked.
    Turn.objects.filter(group_id=group_id, conversation_id=conversation_id).exclude(state=Turn.State.DONE).update(
        state=Turn.State.DONE, lease_until=None
    )
    was_with_a_person = conversation.owner == Conversation.Owner.PERSON or conversation.waiting_since is not None
    conversation.owner, conversation.assignee, conversation.waiting_since = Conversation.Owner.BOT, None, None
    conversation.version += 1
    conversation.customer, conversation.former_customer = None, conversation.customer
    conversation.shown_from = conversation.last_seq + 1
    conversation.save()
    if was_with_a_person:
        events.emit(conversation, "status", {"owner": "bot", "waiting": False})
    return conversation


def start_over(group_id: UUID, former_id: UUID, page_url: str = "") -> tuple[Conversation, str]:
    """A new conversation for whoever has the former one: a customer who is signed in stays so."""
    former = store.locked(group_id, former_id)
    opened, token = store.open_conversation(Bot.objects.get(id=group_id), page_url, former.customer)
    if former.customer_id:
        sign_ins.move(group_id, former_id, opened.id)
        UsedToken.objects.filter(group_id=group_id, conversation_id=former_id).update(conversation_id=opened.id)
    return opened, token


def must_sign_in(group_id: UUID, conversation_id: UUID) -> bool:
    """Whether the bot is for signed-in customers only, and this is not one."""
    conversation = Conversation.objects.select_related("group").get(group_id=group_id, id=conversation_id)
    return conversation.group.identity_required and conversation.customer_id is None


def _policy(group_id: UUID) -> IdentityPolicy:
    return IdentityPolicy.of(Bot.objects.get(id=group_id))


def _adopt(group_id: UUID, conversation_id: UUID, customer: Customer) -> tuple[Customer, bool]:
    conversation = store.locked(group_id, conversation_id)
    if (conversation.customer_id or conversation.former_customer_id or customer.id) != customer.id:
        raise IdentityError("This conversation belongs to another customer. Start a new one.")
    is_new = conversation.customer_id is None
    conversation.customer, conversation.former_customer, conversation.shown_from = customer, None, 0
    conversation.save(update_fields=["customer", "former_customer", "shown_from"])
    return customer, is_new and _goes_on(conversation, customer)


def _goes_on(conversation: Conversation, customer: Customer) -> bool:
    """If the bot's last word was to sign in, signing in is the answer to it: what was asked is now looked up."""
    here = {"conversation_group_id": conversation.group_id, "conversation_id": conversation.id}
    last = Message.objects.filter(**here).order_by("-seq").first()
    if conversation.owner != Conversation.Owner.BOT or last is None or not (last.answer or {}).get("sign_in"):
        return False
    question = conversation.dialogue.get("question")
    choice = Choice("question", question) if question else Choice("sign_in", "done")
    store.save_question(conversation.group_id, conversation.id, f"Signed in as {customer}", choice, None)
    return True
