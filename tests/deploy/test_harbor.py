"""The demo shop's API changes an order once for each key, and only for the customer whose order it is."""

from collections.abc import Iterator

import httpx
import pytest

from tests.knowledge.demo_apis import running_service

OPEN, SENT, OWNER, STRANGER = "HO-48377", "HO-48050", "cust-1002", "cust-1001"


@pytest.fixture(scope="module")
def shop() -> Iterator[httpx.Client]:
    key = {"Authorization": "Bearer harbor-demo-key"}
    with running_service("harbor") as site, httpx.Client(base_url=f"{site}/api/customers", headers=key) as http:
        yield http


def test_the_latest_order_is_the_customers_newest(shop: httpx.Client) -> None:
    assert shop.get(f"/{OWNER}/orders/latest").json()["order"] == OPEN


def test_nobody_changes_the_order_of_another(shop: httpx.Client) -> None:
    assert shop.post(f"/{STRANGER}/orders/{OPEN}/cancellation").status_code == 404
    assert shop.put(f"/{STRANGER}/orders/{OPEN}/address", json={"street": "Quay", "town": "Cork"}).status_code == 404


def test_an_address_is_checked_and_kept(shop: httpx.Client) -> None:
    refused = shop.put(f"/{OWNER}/orders/{OPEN}/address", json={"street": "", "town": "Cork"})
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["street"])
    kept = shop.put(f"/{OWNER}/orders/{OPEN}/address", json={"street": "1 Quay", "town": "Cork", "postcode": "T12"})
    assert kept.json()["address"] == "1 Quay, Cork, T12"


def test_an_order_is_cancelled_once_for_each_key(shop: httpx.Client) -> None:
    address = f"/{OWNER}/orders/{OPEN}/cancellation"
    first, again = (shop.post(address, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    assert again.json() == first.json()
    other = shop.post(address, headers={"Idempotency-Key": "k2"})
    assert (other.status_code, other.json()["code"]) == (409, "too_late")
    assert "delivered" in shop.post(f"/{OWNER}/orders/{SENT}/cancellation").json()["message"]
