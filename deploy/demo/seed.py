"""Fills in the demo businesses through the same verbs as everybody's; running it again changes nothing."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from chat import asking, handoff
from chat.models import Conversation
from deploy.demo.businesses import BUSINESSES, PASSWORD, Business
from knowledge import outbox
from knowledge.data_apis import save_action, save_data_api
from knowledge.documents import save_document
from knowledge.imports import import_faqs
from knowledge.models import Action, DataApi
from knowledge.parsing import front_matter
from tenants import bots, resolve
from tenants.models import Bot, Member
from tenants.scope import Scope, within

# A large embedding model on a small machine takes long, but it goes on.
LONGEST_STANDSTILL_S = 120.0


def seed(addresses: dict[str, str]) -> Iterator[str]:
    """Lines for the operator: where the websites are, and the logins. `addresses` maps a business to its site."""
    seeded = []
    for business in BUSINESSES:
        tenant = business.tenant
        scope = _tenant(business, tenant, addresses[business.slug])
        _data_apis(tenant, addresses[business.slug])
        for key, folder in business.folders.items():
            _knowledge(key, folder, addresses[business.slug])
        seeded.append((business, tenant, scope))
    for business, tenant, scope in seeded:
        _wait_until_indexed(scope)
        _conversations(tenant, scope)
        yield f"{tenant['name']}: {addresses[business.slug]}/"
        for member in tenant["members"]:
            yield f"  {member['role'].replace('_', ' '):<16} {member['email']}  {PASSWORD}"


def _tenant(business: Business, tenant: dict[str, Any], site: str) -> Scope:
    """The tenant with members and bots; its scope."""
    first = resolve.bot(tenant["bots"][0]["key"])
    if first is None:
        made = bots.create_tenant(tenant["name"])
        with within(Scope(frozenset([made.id]))):
            for member in tenant["members"]:
                bots.add_member(made.id, member["email"], member["name"], member["role"], PASSWORD)
            for fields in tenant["bots"]:
                bots.create_bot(made.id, fields["key"], fields["name"])
        first = resolve.bot(tenant["bots"][0]["key"])
    assert first is not None  # just made, if it was not there
    resolved = [resolve.bot(fields["key"]) for fields in tenant["bots"]]
    scope = Scope(first.scope.tenants, frozenset(bot.group_id for bot in resolved if bot))
    with within(scope):
        for fields in tenant["bots"]:
            _settings(Bot.objects.get(key=fields["key"]), fields, business, site)
        for fields in tenant["bots"]:
            front = Bot.objects.get(key=fields["key"])
            Bot.objects.filter(key__in=fields.get("fronts", [])).update(fronted_by=front)
    return scope


def _settings(bot: Bot, fields: dict[str, Any], business: Business, site: str) -> None:
    bot.name, bot.description, bot.greeting = fields["name"], fields["description"], fields["greeting"]
    bot.suggestions, bot.languages = fields["suggestions"], fields["languages"]
    bot.theme = {**fields["theme"], "logo": site + fields["theme"]["logo"]}
    bot.allowed_origins = [origin.replace("{site}", site) for origin in fields["allowed_origins"]]
    bot.identity_secret = business.identity_secret
    provider = business.openid
    if provider and provider.bot == bot.key:
        bot.openid_issuer = os.environ[provider.issuer_in]
        bot.openid_client_id, bot.openid_client_secret = provider.client_id, provider.client_secret
    bots.save_bot(bot)


def _data_apis(tenant: dict[str, Any], site: str) -> None:
    for described in tenant["data_apis"]:
        bot = resolve.bot(described["bot"])
        assert bot is not None  # made before
        with within(bot.scope):
            api = DataApi.objects.filter(group_id=bot.group_id, name=described["name"]).first() or DataApi(
                group_id=bot.group_id, name=described["name"]
            )
            api.base_url = described["base_url"].replace("{site}", site)
            api.allowed_hosts = described["allowed_hosts"]
            api.auth_type, api.auth_name = described["auth"]["type"], described["auth"].get("name", "")
            api.auth_secret = described["auth"].get("value", "")
            api.honours_keys = described.get("honours_keys", False)
            save_data_api(api)
            for fields in described["actions"]:
                _action(bot.group_id, api, fields)


def _action(group_id: UUID, api: DataApi, fields: dict[str, Any]) -> None:
    action = Action.objects.filter(group_id=group_id, name=fields["name"]).first() or Action(
        group_id=group_id, data_api=api
    )
    if any(getattr(action, name) != value for name, value in fields.items()):
        for name, value in fields.items():
            setattr(action, name, value)
        save_action(action)


def _knowledge(key: str, folder: Path, site: str) -> None:
    bot = resolve.bot(key)
    assert bot is not None  # made before
    with within(bot.scope):
        report = import_faqs(bot.group_id, (folder / "faqs.csv").read_bytes(), "faqs.csv")
    if report.errors:
        raise ValueError(f"{folder / 'faqs.csv'}: {report.errors[0]}")
    for path in sorted((folder / "documents").iterdir()):
        # What PDF and Word files cannot say of themselves stands in the text that they were built from.
        source = folder / "sources" / f"{path.stem}.md"
        meta, _ = front_matter.split((source if source.exists() else path).read_text(encoding="utf-8"))
        url = meta.url or ""
        with within(bot.scope), outbox.much_at_once():
            save_document(
                bot.group_id,
                filename=path.name,
                data=path.read_bytes(),
                title=meta.title or path.stem,
                url=site + url if url.startswith("/") else url,
                external_id=meta.id or path.name,
                dated=meta.date,
            )


def _wait_until_indexed(scope: Scope) -> None:
    least, moved = float("inf"), time.monotonic()
    while time.monotonic() < moved + LONGEST_STANDSTILL_S:
        with within(scope):
            pending = sum(outbox.pending(group) for group in scope.groups)
        if not pending:
            return
        if pending < least:
            least, moved = pending, time.monotonic()
        time.sleep(0.2)
    raise TimeoutError(
        f"Of the demo's knowledge {least} entries are not indexed, and nothing moves on: is the worker running?"
    )


def _conversations(tenant: dict[str, Any], scope: Scope) -> None:
    """Past conversations: the customers' questions are really asked, so that every answer has its explanation."""
    with within(scope):
        if Conversation.objects.exists():
            return
        agent = Member.objects.get(role=Member.Role.AGENT)
    for past in tenant["conversations"]:
        bot = resolve.bot(past["bot"])
        assert bot is not None  # made before
        conversation_id: UUID | None = None
        for message in past["messages"]:
            if message["who"] == "customer":
                asked = asyncio.run(asking.ask(past["bot"], message["text"], conversation_id=conversation_id))
                conversation_id = asked.conversation_id
            elif message["who"] == "person" and conversation_id:
                with within(scope):
                    handoff.reply(bot.group_id, conversation_id, agent, message["text"])
        if conversation_id:
            _leave(past["state"], bot.group_id, conversation_id, agent, scope)


def _leave(state: str, group_id: UUID, conversation_id: UUID, agent: Member, scope: Scope) -> None:
    with within(scope):
        if state == "waiting":
            handoff.ask_for_person(group_id, conversation_id)
        elif state == "resolved":
            handoff.resolve(group_id, conversation_id, agent)
