"""The demo businesses as their files describe them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.demo.harbor.identity import DEMO_SECRET as HARBOR_SECRET
from deploy.demo.meridian.identity import DEMO_SECRET as MERIDIAN_SECRET

HERE = Path(__file__).parent
PASSWORD = "switchboard-demo"


@dataclass(frozen=True)
class Business:
    """`folders` maps a bot's key to the folder with its faqs.csv, documents/ and sources/."""

    slug: str
    identity_secret: str
    folders: dict[str, Path]

    @property
    def tenant(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((HERE / self.slug / "tenant.json").read_text(encoding="utf-8"))
        return content


BUSINESSES = (
    Business(
        "meridian",
        MERIDIAN_SECRET,
        {
            "meridian-retail": HERE / "meridian" / "retail",
            "meridian-mortgage": HERE / "meridian" / "mortgage",
        },
    ),
    Business("harbor", HARBOR_SECRET, {"harbor-shop": HERE / "harbor"}),
)
