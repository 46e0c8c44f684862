"""Saving and deleting data APIs and their actions."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from knowledge import outbox, writes
from knowledge.action_checks import check_action
from knowledge.models import Action, ActionPolicy, DataApi, Document, IndexJob
from tenants.text import check_text

LONGEST_TIMEOUT_S = 30


def save_data_api(api: DataApi) -> DataApi:
    check_text(name=api.name, base_url=api.base_url, auth_name=api.auth_name, auth_secret=api.auth_secret)
    check_text(token_url=api.token_url, client_id=api.client_id, token_scope=api.token_scope)
    api.clean_fields(exclude=["group"])
    if not isinstance(api.allowed_hosts, list) or not all(isinstance(host, str) for host in api.allowed_hosts):
        raise ValidationError({"allowed_hosts": "Give a list of host names."})
    if api.auth_type == DataApi.Auth.HEADER and not api.auth_name:
        raise ValidationError({"auth_name": "Name the header that carries the secret."})
    if api.auth_type in (DataApi.Auth.CLIENT, DataApi.Auth.EXCHANGE):
        missing = [name for name in ("token_url", "client_id") if not getattr(api, name)]
        if missing:
            raise ValidationError(dict.fromkeys(missing, "Needed to ask for a token."))
    if not 0 < api.timeout_s <= LONGEST_TIMEOUT_S:
        raise ValidationError({"timeout_s": f"Between 0 and {LONGEST_TIMEOUT_S} seconds."})
    if urlsplit(api.base_url).username:
        raise ValidationError({"base_url": "Put user names and passwords under authentication, not in the address."})
    if DataApi.objects.filter(group_id=api.group_id, name=api.name).exclude(id=api.id).exists():
        raise ValidationError({"name": f"This bot already has a data API named “{api.name}”."})
    api.save()
    own = Action.objects.filter(group_id=api.group_id, data_api=api)
    writes.withdraw_changed(api.group_id, own.values_list("id", flat=True))
    return api


def delete_data_api(api: DataApi) -> None:
    """Forget a data API with its actions."""
    group_id = api.group_id
    actions = list(Action.objects.select_for_update().filter(group_id=group_id, data_api=api).order_by("id"))
    ids = [action.id for action in actions]
    Action.objects.filter(group_id=group_id, id__in=ids).update(enabled=False)
    writes.withdraw_changed(group_id, ids)
    api.delete()
    for action_id in ids:
        outbox.done(group_id, IndexJob.Kind.ACTION, action_id)
    outbox.bump(group_id)


def save_action(action: Action) -> Action:
    """Store an action, new or changed; its examples count once a worker has embedded them."""
    check_text(
        name=action.name, title=action.title, description=action.description, path=action.path, answer=action.answer
    )
    check_text(confirmation=action.confirmation, status_answer=action.status_answer)
    if action.method == "GET":
        action.only_reads = False
    action.clean_fields(exclude=["group", "data_api", "status_action"])
    check_action(action)
    if action.data_api.group_id != action.group_id:
        raise ValidationError({"data_api": "The data API belongs to another bot."})
    if Action.objects.filter(group_id=action.group_id, name=action.name).exclude(id=action.id).exists():
        raise ValidationError({"name": f"This bot already has an action named “{action.name}”."})
    action.revision = action.revision if action._state.adding else action.revision + 1
    action.save()
    writes.withdraw_changed(action.group_id, [action.id])
    outbox.put(action.group_id, IndexJob.Kind.ACTION, action.id)
    outbox.bump(action.group_id)
    return action


def set_policies(action: Action, documents: Iterable[Document]) -> None:
    """The documents whose rules govern the action, instead of those before."""
    wanted = {document.id: document for document in documents}
    kept = ActionPolicy.objects.filter(group_id=action.group_id, action=action)
    if any(document.group_id != action.group_id for document in wanted.values()):
        raise ValidationError({"policies": "A policy must be a document of the same bot."})
    if set(kept.values_list("document_id", flat=True)) == set(wanted):
        return
    kept.exclude(document_id__in=wanted).delete()
    there = set(kept.values_list("document_id", flat=True))
    for document_id in wanted.keys() - there:
        ActionPolicy.objects.create(group_id=action.group_id, action=action, document_id=document_id)
    writes.withdraw_changed(action.group_id, [action.id])


def delete_action(action: Action) -> None:
    group_id, action_id = action.group_id, action.id
    Action.objects.select_for_update().filter(group_id=group_id, id=action_id).update(enabled=False)
    writes.withdraw_changed(group_id, [action_id])
    action.delete()
    outbox.done(group_id, IndexJob.Kind.ACTION, action_id)
    outbox.bump(group_id)
