"""The access token of a conversation's customer, for data APIs that are called in their own name."""

from uuid import UUID

from knowledge.api_auth import CustomerToken
from tenants.scope import Scope


def token_of(group_id: UUID, conversation_id: UUID, scope: Scope) -> CustomerToken:
    """Asks for the token when a call needs it; None where the customer has not signed in with one."""

    async def token() -> str | None:
        return None

    return token
