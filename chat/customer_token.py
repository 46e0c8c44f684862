"""The access token of a conversation's customer, for data APIs that are called in their own name."""

from functools import partial
from uuid import UUID

from knowledge.api_auth import CustomerToken
from tenants.openid import sign_ins
from tenants.scope import Scope


def token_of(group_id: UUID, conversation_id: UUID, scope: Scope) -> CustomerToken:
    """Asks for the token when a call needs it; None where the customer has not signed in with one."""
    return partial(sign_ins.access_token, group_id, conversation_id, scope)
