"""Bots in the web admin; members and API keys are beside it."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminColorInputWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminURLInputWidget,
    UnfoldBooleanSwitchWidget,
)

from tenants import admin_people as admin_people  # registers the members and API keys
from tenants import bots, playbook
from tenants.admin_base import ScopedAdmin, lines_of
from tenants.admin_fields import LinesField, NewSecretField, VerbForm
from tenants.models import Bot
from tenants.roles import access

DEFAULT_COLOR = "#0b5fff"


class BotForm(VerbForm):
    suggestions = LinesField(
        item_max_length=500, help_text="Questions offered at the start of a conversation, one per line."
    )
    languages = LinesField(rows=2, item_max_length=35, help_text="Language codes such as en, one per line.")
    allowed_origins = LinesField(
        rows=3,
        item_max_length=500,
        label="Allowed websites",
        help_text="Websites that may carry the widget, one per line, for example https://www.example.com. Empty: any.",
    )
    color = forms.CharField(required=False, widget=UnfoldAdminColorInputWidget, help_text="The widget's main colour.")
    logo = forms.URLField(
        required=False, assume_scheme="https", widget=UnfoldAdminURLInputWidget, help_text="The address of an image."
    )
    new_secret = NewSecretField(
        label="New identity secret",
        min_length=bots.LEAST_SECRET,
        help_text="At least 32 characters. Stored encrypted and never shown again. Empty: the one that is set stays.",
    )
    forget_secret = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        label="Forget the identity secret",
        help_text="Tokens signed with it are refused from then on.",
    )
    new_client_secret = NewSecretField(
        label="New client secret", help_text="Stored encrypted and never shown again. Empty: the one that is set stays."
    )

    class Meta:
        model = Bot
        fields = (
            "key",
            "name",
            "description",
            "fronted_by",
            "playbook_goals",
            "playbook_next_questions",
            "playbook_objections",
            "greeting",
            "suggestions",
            "languages",
            "allowed_origins",
            "identity_issuer",
            "identity_jwks_url",
            "identity_required",
            "openid_issuer",
            "openid_client_id",
            "openid_scope",
        )
        labels = {
            "fronted_by": "Behind the widget of",
            "identity_issuer": "Issuer of tokens",
            "identity_jwks_url": "Address of your keys",
        }
        help_texts = {
            "identity_issuer": "If set, the issuer (iss) that a token must carry.",
            "identity_jwks_url": "Instead of a secret: where your server publishes its keys (JWKS).",
            "openid_issuer": "For example https://login.example.com. Everything else is found from there.",
        }
        widgets = {
            "description": UnfoldAdminTextareaWidget(attrs={"rows": 3}),
            "playbook_goals": UnfoldAdminTextareaWidget(attrs={"rows": 3, "maxlength": playbook.LONGEST_GOALS}),
            "playbook_next_questions": UnfoldAdminTextareaWidget(
                attrs={"rows": 3, "maxlength": playbook.LONGEST_NEXT_QUESTIONS}
            ),
            "playbook_objections": UnfoldAdminTextareaWidget(
                attrs={"rows": 5, "maxlength": playbook.LONGEST_OBJECTIONS}
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        theme = self.instance.theme if isinstance(self.instance.theme, dict) else {}
        self.fields["color"].initial = theme.get("color", DEFAULT_COLOR)
        self.fields["logo"].initial = theme.get("logo", "")

    def clean_allowed_origins(self) -> list[str]:
        origins: list[str] = self.cleaned_data["allowed_origins"]
        for origin in origins:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/"):
                raise ValidationError(f"“{origin}” is not a website's address: write https:// and its name only.")
        return [origin.rstrip("/") for origin in origins]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        chosen = {name: cleaned.get(name) or "" for name in ("color", "logo")}
        theme = {**self.instance.theme, **chosen}
        self.instance.theme = {name: value for name, value in theme.items() if value}
        if cleaned.get("forget_secret"):
            self.instance.identity_secret = ""
        elif cleaned.get("new_secret"):
            self.instance.identity_secret = cleaned["new_secret"]
        if not cleaned.get("openid_issuer"):
            self.instance.openid_client_secret = ""
        elif cleaned.get("new_client_secret"):
            self.instance.openid_client_secret = cleaned["new_client_secret"]
        return cleaned


@admin.register(Bot)
class BotAdmin(ScopedAdmin):
    area = "bots"
    form = BotForm
    form_only = {
        "color": "",
        "logo": "",
        "new_secret": "",
        "forget_secret": "",
        "new_client_secret": "",
        "suggestions": "suggestions_shown",
        "languages": "languages_shown",
        "allowed_origins": "origins_shown",
    }
    refusal_fields = {"identity_secret": "new_secret", "openid_client_secret": "new_client_secret", "theme": "color"}
    fixed_after_creation = ("key",)
    list_display = ("name_and_key", "behind", "signing_in", "created_at")
    search_fields = ("name", "key")
    search_help_text = "Search by name or key"
    ordering = ("name",)
    readonly_fields = (
        "secret_state", "client_secret_state", "callback", "suggestions_shown", "languages_shown", "origins_shown",
    )  # fmt: skip
    empty_icon = "smart_toy"
    empty_text = "A bot answers for one line of your business. Teach it, and put its widget on your website."
    change_form_outer_before_template = "admin/tenants/bot/embed.html"
    fieldsets = (
        (None, {"fields": ("name", "key", "description", "fronted_by")}),
        ("In the widget", {"fields": ("greeting", "suggestions", "languages", ("color", "logo"))}),
        (
            "Playbook",
            {
                "fields": ("playbook_goals", "playbook_next_questions", "playbook_objections"),
                "description": "How the bot leads its conversations, where a language model speaks. It is guidance and "
                "no source: amounts, dates, links and promises are said only where an FAQ, a document or live data "
                "holds them.",
            },
        ),
        ("Where it may run", {"fields": ("allowed_origins",)}),
        ("Signed-in customers", {"fields": ("identity_required",)}),
        (
            "Signed in already: a token from your website",
            {
                "fields": ("secret_state", "new_secret", "forget_secret", "identity_jwks_url", "identity_issuer"),
                "description": "Your server signs a token (JWT) that tells the bot who a customer is: with the secret "
                "(HS256), or with a key that it publishes (RS256, ES256).",
            },
        ),
        (
            "Signing in from the chat: your OpenID provider",
            {
                "fields": (
                    "openid_issuer",
                    "openid_client_id",
                    "client_secret_state",
                    "new_client_secret",
                    "openid_scope",
                    "callback",
                ),
                "description": "Customers sign in at your own provider, in a window beside the chat.",
            },
        ),
    )

    suggestions_shown = lines_of("suggestions", "Suggestions")
    languages_shown = lines_of("languages", "Languages")
    origins_shown = lines_of("allowed_origins", "Allowed websites")

    @display(description="Bot", header=True, ordering="name")
    def name_and_key(self, bot: Bot) -> list[str]:
        return [bot.name, bot.key]

    @display(description="Behind", ordering="fronted_by__name", empty_value="Has its own widget")
    def behind(self, bot: Bot) -> str | None:
        return bot.fronted_by.name if bot.fronted_by else None

    @display(description="Identity secret", label={"Set": "success", "Not set": "secondary"})
    def secret_state(self, bot: Bot) -> str:
        return "Set" if bot.identity_secret else "Not set"

    @display(description="Client secret", label={"Set": "success", "Not set": "secondary"})
    def client_secret_state(self, bot: Bot) -> str:
        return "Set" if bot.openid_client_secret else "Not set"

    @display(description="Redirect URI", empty_value="Shown once the bot is saved")
    def callback(self, bot: Bot) -> str | None:
        """What the provider must be told: where it may send customers back to."""
        return settings.PUBLIC_URL + reverse("sign_in_callback", args=[bot.key]) if bot.key else None

    @display(description="Customers sign in")
    def signing_in(self, bot: Bot) -> str:
        ways = {"identity": "by a token", "openid": "from the chat"}
        shown = " or ".join(ways[method] for method in bot.sign_in_methods) or "not at all"
        return f"{shown}, always" if bot.identity_required else shown

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("fronted_by")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A bot takes every conversation and all it knows with it: not by a click."""
        return False

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        return super().changeform_view(
            request, object_id, form_url, {**(extra_context or {}), "public_url": settings.PUBLIC_URL}
        )

    def save_model(self, request: HttpRequest, obj: Bot, form: Any, change: bool) -> None:
        at_work = access(request)
        if not change and at_work is not None:
            obj.tenant_id = at_work.membership.tenant_id
        bots.save_bot(obj)
