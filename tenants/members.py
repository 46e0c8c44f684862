"""Changing and ending memberships, so that a tenant always keeps an owner."""

from django.core.exceptions import ValidationError

from tenants.models import Member


def change_role(member: Member, role: str, by_role: str) -> Member:
    """Give a member another role, on behalf of somebody who holds `by_role`."""
    before = Member.objects.select_for_update().get(tenant_id=member.tenant_id, id=member.id).role
    _check_rank({before, role}, by_role)
    if before == Member.Role.OWNER and role != Member.Role.OWNER:
        _check_other_owner(member)
    member.role = role
    member.clean_fields(exclude=["tenant"])
    member.save(update_fields=["role"])
    return member


def remove(member: Member, by_role: str) -> None:
    """End a membership; the person's account stays."""
    _check_rank({member.role}, by_role)
    if member.role == Member.Role.OWNER:
        _check_other_owner(member)
    member.delete()


def may_grant(role: str, by_role: str) -> bool:
    """Only owners make owners."""
    return role != Member.Role.OWNER or by_role == Member.Role.OWNER


def _check_rank(roles: set[str], by_role: str) -> None:
    if not all(may_grant(role, by_role) for role in roles):
        raise ValidationError({"role": "Only an owner may make somebody an owner, or change an owner's role."})


def _check_other_owner(member: Member) -> None:
    owners = Member.objects.select_for_update().filter(tenant_id=member.tenant_id, role=Member.Role.OWNER)
    if not owners.exclude(id=member.id).exists():
        raise ValidationError({"role": "This is the only owner. Make somebody else an owner first."})
