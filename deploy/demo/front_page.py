"""What the demo's front page tells: where the businesses are, who can sign in, and what to ask."""

import os
from typing import Any

from deploy.demo.businesses import BUSINESSES, PASSWORD

QUESTIONS = {
    "meridian": {
        "faq": "I lost my card, what do I do?",
        "document": "What counts as gross negligence with my PIN?",
        "dynamic": "What would £200,000 over 25 years at 4.19% cost a month?",
        "unknown": "Can I buy bitcoin with you?",
        "human": "I'd like to talk to a person",
    },
    "harbor": {
        "faq": "How long do I have to return something?",
        "document": "What is the water column of the Skerry?",
        "dynamic": "Is the Gannet jacket in stock?",
        "unknown": "Do you rent out tents?",
        "human": "Can I speak to somebody?",
    },
}


def businesses() -> list[dict[str, Any]]:
    addresses = {"meridian": os.environ.get("MERIDIAN_URL", ""), "harbor": os.environ.get("HARBOR_URL", "")}
    listed = []
    for business in BUSINESSES:
        tenant = business.tenant
        listed.append(
            {
                "name": tenant["name"],
                "url": addresses[business.slug] + "/",
                "bots": [bot["key"] for bot in tenant["bots"]],
                "color": tenant["bots"][0]["theme"]["color"],
                "members": [{**member, "role_name": member["role"].replace("_", " ")} for member in tenant["members"]],
                "password": PASSWORD,
                "questions": QUESTIONS[business.slug],
            }
        )
    return listed
