"""Tying a conversation to a verified customer, and letting go again."""

from uuid import UUID

from chat import store
from chat.models import Conversation
from knowledge.models import Call
from tenants import identity
from tenants.models import Bot, Customer


def sign_in(group_id: UUID, conversation_id: UUID, token: str) -> Customer:
    """The customer whom the token names, from now on the conversation's. Raises tenants.identity.IdentityError.

    A conversation that belongs to one customer, or in which one's own data was fetched before they signed out, is never
    passed to another: what was said is the former's.
    """
    bot = Bot.objects.get(id=group_id)
    customer = identity.customer_for(group_id, identity.verify(bot, token))
    conversation = store.locked(group_id, conversation_id)
    fetched = Call.objects.filter(conversation_id=conversation_id).exclude(customer_subject__in=["", customer.subject])
    if (conversation.customer_id and conversation.customer_id != customer.id) or fetched.exists():
        raise identity.IdentityError("This conversation belongs to another customer. Start a new one.")
    conversation.customer = customer
    conversation.save(update_fields=["customer"])
    return customer


def sign_out(group_id: UUID, conversation_id: UUID) -> Conversation:
    """Nothing is done in the customer's name any more; what an action still waited for is forgotten."""
    conversation = store.locked(group_id, conversation_id)
    conversation.customer, conversation.dialogue = None, {}
    conversation.save(update_fields=["customer", "dialogue"])
    return conversation
