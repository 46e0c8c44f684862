"""The standing cast: two businesses, each with a bot, an API key and a member of every role."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import pytest
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from rest_framework.test import APIClient

from knowledge import indexing
from knowledge.models import IndexJob
from tenants import bots
from tenants.models import Bot, Member, Tenant, User
from tenants.scope import Scope, within
from tests.platform_processes import Platform, without_schedule
from tests.platform_processes import start as start_platform

PASSWORD = "a-long-enough-password"


@dataclass(frozen=True)
class Business:
    """A tenant as a test sees it. `members` maps each role to the member who has it."""

    tenant: Tenant
    bot: Bot
    api_key: str
    scope: Scope
    members: dict[str, Member]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What ends something that others share comes last."""
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: object) -> Iterator[None]:
    """The cluster is the test run's own, so its one database is used as it is, and every test commits for real."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        call_command("migrate", verbosity=0)
        yield


@pytest.fixture(autouse=True)
def _database(django_db_setup: None, django_db_blocker: object) -> Iterator[None]:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield


@pytest.fixture
def meridian() -> Business:
    return make_business("Meridian Bank", "meridian")


@pytest.fixture
def harbor() -> Business:
    return make_business("Harbor Outfitters", "harbor")


@pytest.fixture(scope="session")
def platform(django_db_setup: None) -> Platform:
    """The running platform with the demo businesses, for tests that go where customers and members go."""
    return start_platform()


@pytest.fixture(scope="module")
def no_schedule() -> Iterator[None]:
    """For tests that do themselves what the schedule is for, such as moving bots to other embedding spaces: the running
    platform leaves that to them."""
    with without_schedule():
        yield


@pytest.fixture
def api() -> Callable[[Business], APIClient]:
    def client_of(business: Business) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {business.api_key}")
        return client

    return client_of


@pytest.fixture
def settle() -> Callable[..., None]:
    """Do here what the workers would do: index all that waits, of the businesses given."""

    def index_all(*businesses: Business) -> None:
        for business in businesses:
            with within(business.scope):
                jobs = list(IndexJob.objects.values_list("group_id", "kind", "object_id"))
            for group_id, kind, object_id in jobs:
                indexing.index(group_id, kind, object_id)

    return index_all


def make_business(name: str, slug: str) -> Business:
    """A tenant of its own for one test: nothing of it meets another test's."""
    tenant = bots.create_tenant(name)
    mark = secrets.token_hex(4)
    with within(Scope(frozenset([tenant.id]))):
        bot = bots.create_bot(tenant.id, f"{slug}-{mark}", name, identity_secret=f"{slug}-secret-of-at-least-32-bytes")
        _, secret = bots.create_api_key(tenant.id, "Tests")
        members = {
            role: _member(tenant, f"{role}-{mark}@{slug}.example", f"{slug} {role}", role)
            for role in Member.Role.values
        }
    return Business(tenant, bot, secret, Scope(frozenset([tenant.id]), frozenset([bot.id])), members)


def _member(tenant: Tenant, email: str, name: str, role: str) -> Member:
    member = bots.add_member(tenant.id, email, name, role)
    User.objects.filter(id=member.user_id).update(password=_hashed())
    return member


@cache
def _hashed() -> str:
    """Hashing is slow by design; once is enough for all tests."""
    return make_password(PASSWORD)
