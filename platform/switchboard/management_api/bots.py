"""/api/v1/bots: the tenant's bots."""

from typing import Any

from django.conf import settings
from django.db.models import Model, QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers

from switchboard.management_api.fields import BotField, JsonObject, Strict, StrictModel, find_bot
from switchboard.management_api.scoped import EditableViewSet, key_of
from tenants import bots, playbook
from tenants.models import Bot


def _texts(most: int, longest: int, help_text: str) -> serializers.ListField:
    child = serializers.CharField(max_length=longest)
    return serializers.ListField(child=child, required=False, max_length=most, help_text=help_text)


def _guidance(longest: int, help_text: str) -> serializers.CharField:
    return serializers.CharField(max_length=longest, required=False, allow_blank=True, help_text=help_text)


class BotSerializer(StrictModel):
    id = serializers.UUIDField(read_only=True, help_text="The group ID that everything of this bot carries.")
    key = serializers.CharField(
        max_length=63,
        help_text="The public name in the widget's `data-bot`: lower-case letters, digits, hyphens. It never changes.",
    )
    name = serializers.CharField(
        max_length=100, required=False, help_text="Shown to customers; made from the key if absent."
    )
    fronted_by = BotField(
        required=False, allow_null=True, help_text="The key of the bot whose widget puts questions through to this one."
    )
    fronts: Any = serializers.SlugRelatedField(
        slug_field="key", many=True, read_only=True, help_text="Keys of the bots that this one fronts."
    )
    description = serializers.CharField(
        max_length=2000, required=False, allow_blank=True, help_text="What this business line is about."
    )
    playbook_goals = _guidance(playbook.LONGEST_GOALS, "What the bot should lead to, a goal a line.")
    playbook_next_questions = _guidance(
        playbook.LONGEST_NEXT_QUESTIONS, "What it may ask after an answer, a question a line."
    )
    playbook_objections = _guidance(
        playbook.LONGEST_OBJECTIONS, "A line each: what a customer objects, a colon, and the reply."
    )
    suggestions = _texts(12, 200, "Questions offered at the start.")
    languages = _texts(50, 35, "Languages that customers may use, such as `en`.")
    allowed_origins = _texts(100, 300, "Websites that may carry the widget; empty means any.")
    theme = JsonObject(required=False, help_text='`{"color": "#0b5fff", "logo": "https://…"}`')
    identity_secret = serializers.CharField(
        max_length=500,
        write_only=True,
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        help_text="Signs the tokens (HS256) that say who a customer is; 32 characters or more. Never shown.",
    )
    has_identity_secret = serializers.SerializerMethodField()
    identity_jwks_url = serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        help_text="Where your server publishes its keys (JWKS) for tokens that it signs with RS256 or ES256.",
    )
    openid_issuer = serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        help_text="Your OpenID provider, where customers sign in from the chat; everything else is found from there.",
    )
    openid_client_secret = serializers.CharField(
        max_length=500,
        write_only=True,
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        help_text="The secret of `openid_client_id` at the provider. Never shown.",
    )
    has_openid_client_secret = serializers.SerializerMethodField()
    openid_redirect_uri = serializers.SerializerMethodField(help_text="What to register at the provider.")

    class Meta:
        model = Bot
        fields = [
            "id", "key", "name", "description", "playbook_goals", "playbook_next_questions", "playbook_objections",
            "greeting", "suggestions", "theme", "languages", "allowed_origins", "fronted_by", "fronts",
            "identity_secret", "has_identity_secret", "identity_issuer", "identity_jwks_url",
            "identity_required", "openid_issuer", "openid_client_id", "openid_client_secret",
            "has_openid_client_secret", "openid_scope", "openid_redirect_uri", "created_at",
        ]  # fmt: skip
        read_only_fields = ["created_at"]

    def get_has_identity_secret(self, bot: Bot) -> bool:
        return bool(bot.identity_secret)

    def get_has_openid_client_secret(self, bot: Bot) -> bool:
        return bool(bot.openid_client_secret)

    def get_openid_redirect_uri(self, bot: Bot) -> str:
        return settings.PUBLIC_URL + reverse("sign_in_callback", args=[bot.key])

    def validate_key(self, key: str) -> str:
        if self.instance is not None and key != self.instance.key:
            raise serializers.ValidationError("The key stays as it is: websites carry it.")
        return key

    def create(self, values: dict[str, Any]) -> Bot:
        return bots.create_bot(key_of(self.context["request"]).tenant_id, **values)

    def update(self, bot: Bot, values: dict[str, Any]) -> Bot:
        for name, value in values.items():
            setattr(bot, name, value)
        return bots.save_bot(bot)


class NoFilters(Strict):
    """Bots are listed whole."""


WHICH = OpenApiParameter("id", str, OpenApiParameter.PATH, description="The bot's key, or its ID.")
EXAMPLE = OpenApiExample(
    "A bot",
    {
        "key": "harbor-shop",
        "name": "Harbor",
        "greeting": "Hello! What can I do for you?",
        "suggestions": ["How long do I have to return something?"],
        "theme": {"color": "#16324a"},
    },
    request_only=True,
)


@extend_schema(tags=["Bots"])
@extend_schema_view(
    list=extend_schema(summary="List the bots"),
    create=extend_schema(summary="Make a bot", examples=[EXAMPLE]),
    retrieve=extend_schema(
        summary="One bot",
        parameters=[WHICH],
        description="Without an API key this address shows the bot's public configuration instead.",
    ),
    partial_update=extend_schema(summary="Change a bot", parameters=[WHICH]),
    destroy=extend_schema(
        summary="Delete a bot",
        parameters=[WHICH],
        description="Deletes everything it knows, and every conversation.",
    ),
)
class BotViewSet(EditableViewSet):
    """A bot is one chatbot for one business line; it owns its knowledge and its conversations."""

    noun = "bot"
    identified_by = "key"
    filters = NoFilters
    serializer_class = BotSerializer

    def get_queryset(self) -> QuerySet[Bot]:
        return Bot.objects.select_related("fronted_by").prefetch_related("fronts").order_by("key")

    def find(self, rows: QuerySet, wanted: str) -> Model | None:
        bot = find_bot(wanted)
        return super().find(rows, str(bot.id)) if bot else None
