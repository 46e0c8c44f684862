"""What a member may see and change in the web admin: one tenant at a time, by the role held there."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.http import HttpRequest

from tenants.resolve import Membership
from tenants.scope import Scope

Area = Literal["bots", "people", "knowledge", "conversations"]

EVERYTHING: frozenset[Area] = frozenset(("bots", "people", "knowledge", "conversations"))
SHARED: frozenset[Area] = EVERYTHING - {"people"}
SEES: dict[str, frozenset[Area]] = {
    "owner": EVERYTHING,
    "admin": EVERYTHING,
    "knowledge_admin": SHARED,
    "agent": SHARED,
    "viewer": SHARED,
}
CHANGES: dict[str, frozenset[Area]] = {
    "owner": EVERYTHING,
    "admin": EVERYTHING,
    "knowledge_admin": frozenset(("knowledge",)),
    "agent": frozenset(("conversations",)),
    "viewer": frozenset(),
}


@dataclass(frozen=True)
class Access:
    """A signed-in member at work: the chosen tenant, the role held in it, and tenants to switch to."""

    user_id: int
    membership: Membership
    tenant_name: str
    others: tuple[tuple[UUID, str], ...] = ()

    @property
    def scope(self) -> Scope:
        return Scope(frozenset((self.membership.tenant_id,)), self.membership.groups)

    def sees(self, area: Area) -> bool:
        return area in SEES.get(self.membership.role, frozenset())

    def changes(self, area: Area) -> bool:
        return area in CHANGES.get(self.membership.role, frozenset())


def access(request: HttpRequest) -> Access | None:
    """Who is at work in this request, as the admin site has found out; None before signing in."""
    return getattr(request, "access", None)
