"""What several tests of conversations share: a shop whose prices are asked of its API."""

from collections.abc import Callable, Iterator

import pytest

from knowledge.data_apis import save_action
from knowledge.faqs import save_faq
from knowledge.models import Action, DataApi, Faq
from tenants.scope import within
from tests.conftest import Business
from tests.knowledge.demo_apis import running_service, tenant_of


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with running_service("harbor") as address:
        yield address


@pytest.fixture
def live_shop(site: str, harbor: Business, settle: Callable[..., None]) -> Business:
    """A shop whose prices are asked of its API."""
    with within(harbor.scope):
        save_faq(Faq(group=harbor.bot, question="Which caps do you sell?", answer="We sell the watch cap."), [])
        api = DataApi.objects.create(
            group=harbor.bot, name="Shop", base_url=f"{site}/api", auth_type="bearer", auth_secret="harbor-demo-key"
        )
        for row in tenant_of("harbor")["data_apis"][0]["actions"]:
            save_action(Action(group=harbor.bot, data_api=api, **row))
    settle(harbor)
    return harbor
