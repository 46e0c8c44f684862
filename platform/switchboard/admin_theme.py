"""How the web admin looks and what its sidebar offers to whom."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from tenants.roles import Area, access


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar's groups, with only what this member may see."""
    groups = [_group("", [_item("Overview", "space_dashboard", "index"), *_inbox(request)])]
    at_work = access(request)
    for title, area, items in _SECTIONS:
        if at_work is not None and at_work.sees(area):
            groups.append(_group(title, [_item(*item) for item in items]))
    return groups


def tenant_name(request: HttpRequest) -> str:
    """The business that this member works for at the moment."""
    at_work = access(request)
    return at_work.tenant_name if at_work else "Every question, put through to the right line"


def tenant_choices(request: HttpRequest) -> list[dict[str, Any]]:
    """Links to the other businesses of somebody who is a member of several."""
    at_work = access(request)
    others = at_work.others if at_work else ()
    return [
        {"title": f"Switch to {name}", "link": reverse("admin:switch_tenant", args=[tenant_id]), "icon": "domain"}
        for tenant_id, name in others
    ]


_SECTIONS: list[tuple[str, Area, list[tuple[str, str, str]]]] = [
    (
        "Knowledge",
        "knowledge",
        [
            ("FAQs", "quiz", "knowledge_faq_changelist"),
            ("Documents", "description", "knowledge_document_changelist"),
            ("Data APIs", "api", "knowledge_dataapi_changelist"),
            ("Actions", "bolt", "knowledge_action_changelist"),
        ],
    ),
    (
        "Adapters",
        "knowledge",
        [
            ("Trainings", "model_training", "chat_tuningrun_changelist"),
            ("Training rows", "rule", "chat_tuningrow_changelist"),
            ("Adapter versions", "layers", "chat_adapterversion_changelist"),
        ],
    ),
    (
        "Conversations",
        "conversations",
        [
            ("All conversations", "forum", "chat_conversation_changelist"),
            ("Interactions", "manage_search", "chat_interaction_changelist"),
            ("Trail of calls", "receipt_long", "knowledge_callrecord_changelist"),
        ],
    ),
    (
        "Set-up",
        "bots",
        [
            ("Bots", "smart_toy", "tenants_bot_changelist"),
            ("Embedding models", "hub", "knowledge_embeddingspace_changelist"),
        ],
    ),
    # For owners and admins, like the people: it is the whole installation's.
    ("Installation", "people", [("Language model", "neurology", "language_model")]),
    (
        "Access",
        "people",
        [("Members", "group", "tenants_member_changelist"), ("API keys", "key", "tenants_apikey_changelist")],
    ),
]


def _inbox(request: HttpRequest) -> list[dict[str, Any]]:
    from chat.inbox.approvals import awaiting_count
    from chat.inbox.lists import waiting_count

    at_work = access(request)
    if at_work is None or not at_work.sees("conversations"):
        return []
    approvals = _item("Approvals", "fact_check", "approvals")
    items = [(_item("Inbox", "inbox", "inbox"), waiting_count()), (approvals, awaiting_count())]
    badge = {"badge_variant": "primary", "badge_style": "solid"}
    return [item | ({"badge": count, **badge} if count else {}) for item, count in items]


def _group(title: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"title": title, "separator": False, "collapsible": False, "items": items}


def _item(title: str, icon: str, view: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse(f"admin:{view}")}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Switchboard",
    "SITE_HEADER": "Switchboard",
    "SITE_SUBHEADER": tenant_name,
    "SITE_DROPDOWN": tenant_choices,
    "SITE_ICON": lambda request: static("admin/switchboard/mark.svg"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("admin/switchboard/mark.svg")}
    ],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "LOGIN": {"image": lambda request: static("admin/switchboard/welcome.svg")},
    "STYLES": [lambda request: static("admin/switchboard/admin.css")],
    "SCRIPTS": [lambda request: static("admin/switchboard/admin.js")],
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": sidebar},
    "COLORS": {
        "base": {
            "50": "oklch(98.4% .003 210)",
            "100": "oklch(96.4% .005 210)",
            "200": "oklch(92.2% .008 212)",
            "300": "oklch(86.4% .012 214)",
            "400": "oklch(70.6% .02 218)",
            "500": "oklch(54.6% .024 222)",
            "600": "oklch(44.2% .026 226)",
            "700": "oklch(36.8% .027 230)",
            "800": "oklch(27.4% .025 233)",
            "900": "oklch(20.6% .022 236)",
            "950": "oklch(14.6% .018 238)",
        },
        "primary": {
            "50": "oklch(97.6% .014 195)",
            "100": "oklch(94.6% .032 196)",
            "200": "oklch(89.6% .056 197)",
            "300": "oklch(82.4% .082 199)",
            "400": "oklch(73.6% .098 202)",
            "500": "oklch(63.4% .1 207)",
            "600": "oklch(52.2% .09 213)",
            "700": "oklch(45.2% .079 217)",
            "800": "oklch(38.6% .066 220)",
            "900": "oklch(33% .054 223)",
            "950": "oklch(25% .043 226)",
        },
    },
}
