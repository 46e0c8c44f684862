"""The demo businesses as their files describe them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.demo.harbor.identity import DEMO_SECRET as HARBOR_SECRET
from deploy.demo.meridian.sign_in import client

HERE = Path(__file__).parent
PASSWORD = "switchboard-demo"


@dataclass(frozen=True)
class OpenId:
    """The provider at which a bot's customers sign in; the environment says where it is."""

    bot: str
    issuer_in: str
    client_id: str
    client_secret: str


@dataclass(frozen=True)
class Business:
    """`folders` maps a bot's key to the folder with its faqs.csv, documents/ and sources/."""

    slug: str
    folders: dict[str, Path]
    identity_secret: str = ""
    openid: OpenId | None = None

    @property
    def tenant(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((HERE / self.slug / "tenant.json").read_text(encoding="utf-8"))
        return content


BUSINESSES = (
    Business(
        "meridian",
        {
            "meridian-retail": HERE / "meridian" / "retail",
            "meridian-mortgage": HERE / "meridian" / "mortgage",
        },
        openid=OpenId(client.BOT, "MERIDIAN_SIGN_IN_URL", client.CLIENT_ID, client.CLIENT_SECRET),
    ),
    Business("harbor", {"harbor-shop": HERE / "harbor"}, HARBOR_SECRET),
)
