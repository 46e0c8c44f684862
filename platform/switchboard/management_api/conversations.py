"""/api/v1/conversations: what was said, and a person taking over."""

from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from chat import handoff
from chat.models import Conversation, Message
from switchboard.management_api.fields import BotField, Strict, as_uuid
from switchboard.management_api.scoped import ByBot, ScopedViewSet, key_of, name_of_key
from tenants.models import Customer, Member
from tenants.roles import CHANGES

STATES = {
    "waiting": Q(resolved_at=None, owner=Conversation.Owner.BOT, waiting_since__isnull=False),
    "person": Q(resolved_at=None, owner=Conversation.Owner.PERSON),
    "bot": Q(resolved_at=None, owner=Conversation.Owner.BOT, waiting_since=None),
    "resolved": Q(resolved_at__isnull=False),
}


class CustomerSerializer(serializers.ModelSerializer):
    class Meta:
        model = Customer
        fields = ["id", "issuer", "subject", "name", "email", "locale"]


class AssigneeSerializer(serializers.ModelSerializer):
    name = serializers.CharField(source="user.name")
    email = serializers.CharField(source="user.email")

    class Meta:
        model = Member
        fields = ["id", "name", "email"]


class MessageSerializer(serializers.ModelSerializer):
    class Meta:
        model = Message
        fields = [
            "id", "seq", "role", "author", "text", "choice", "answer", "helpful", "feedback_comment", "created_at",
        ]  # fmt: skip


class ConversationSerializer(serializers.ModelSerializer):
    bot = BotField(source="group", read_only=True)
    state = serializers.SerializerMethodField(
        help_text="Who speaks: `bot`, `waiting` (for a person, the bot meanwhile), `person`; or it is `resolved`."
    )
    customer = CustomerSerializer(allow_null=True, read_only=True, help_text="Null for somebody anonymous.")
    assignee = AssigneeSerializer(allow_null=True, read_only=True, help_text="The member who has taken it.")

    class Meta:
        model = Conversation
        fields = [
            "id", "bot", "state", "customer", "assignee", "waiting_since", "resolved_at", "page_url", "created_at",
            "updated_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_state(self, conversation: Conversation) -> str:
        return conversation.state


class FullConversationSerializer(ConversationSerializer):
    messages = serializers.SerializerMethodField()

    class Meta(ConversationSerializer.Meta):
        fields = [*ConversationSerializer.Meta.fields, "messages"]

    @extend_schema_field(MessageSerializer(many=True))
    def get_messages(self, conversation: Conversation) -> Any:
        said = Message.objects.filter(conversation_group_id=conversation.group_id, conversation=conversation)
        return MessageSerializer(said.order_by("seq", "created_at"), many=True).data


@extend_schema_field(str)
class MemberField(serializers.Field):
    """A member of the tenant, by ID or e-mail address."""

    default_error_messages = {
        "unknown": "You have no member “{wanted}”.",
        "role": "The role of {wanted} does not include conversations.",
    }

    def to_internal_value(self, value: Any) -> Member:
        wanted = str(value)[:254]
        number = as_uuid(wanted)
        by = Q(id=number) if number else Q(user__email__iexact=wanted.replace("\0", ""))
        member = Member.objects.select_related("user").filter(by).first()
        if member is None:
            self.fail("unknown", wanted=wanted)
        if "conversations" not in CHANGES[member.role]:
            self.fail("role", wanted=wanted)
        return member


class Acting(Strict):
    member = MemberField(
        required=False, help_text="Who acts: a member's ID or e-mail address. Without it, the API key itself acts."
    )


class Reply(Acting):
    text = serializers.CharField(max_length=4000)


class ConversationFilter(ByBot):
    state = serializers.ChoiceField(list(STATES), required=False, help_text="Only those in this state.")


@extend_schema(tags=["Conversations"])
@extend_schema_view(
    list=extend_schema(
        summary="List conversations",
        parameters=[ConversationFilter],
        description="The latest first; with `state=waiting`, whoever has waited longest comes first.",
    ),
    retrieve=extend_schema(summary="One conversation with its messages", responses=FullConversationSerializer),
)
class ConversationViewSet(ListModelMixin, RetrieveModelMixin, ScopedViewSet):
    """Conversations of customers. While a person has one, the bot is silent."""

    noun = "conversation"
    filters = ConversationFilter
    serializer_class = ConversationSerializer

    def get_queryset(self) -> QuerySet[Conversation]:
        return Conversation.objects.select_related("group", "customer", "assignee__user").order_by("-updated_at", "id")

    def get_serializer_class(self) -> type[serializers.BaseSerializer]:
        return FullConversationSerializer if self.action == "retrieve" else ConversationSerializer

    def narrow(self, rows: QuerySet, wanted: dict[str, Any]) -> QuerySet:
        rows = super().narrow(rows, wanted)
        state = wanted.get("state")
        if state == "waiting":
            rows = rows.order_by("waiting_since", "id")
        return rows.filter(STATES[state]) if state else rows

    @extend_schema(summary="Take a conversation over", request=Acting, responses=ConversationSerializer)
    @action(detail=True, methods=["post"], serializer_class=Acting)
    def take(self, request: Request, pk: str) -> Response:
        conversation, given = self._given(Acting)
        handoff.take(conversation.group_id, conversation.id, given.get("member"), author=self._author(given))
        return self._as_it_is_now()

    @extend_schema(
        summary="Say something as a person",
        request=Reply,
        responses={201: MessageSerializer},
        examples=[OpenApiExample("A reply", {"text": "Hello, this is Sam. I found your parcel."}, request_only=True)],
    )
    @action(detail=True, methods=["post"], serializer_class=Reply)
    def reply(self, request: Request, pk: str) -> Response:
        conversation, given = self._given(Reply)
        member, author = given.get("member"), self._author(given)
        message = handoff.reply(conversation.group_id, conversation.id, member, given["text"], author=author)
        return Response(MessageSerializer(message).data, 201)

    @extend_schema(summary="Give a conversation back to the bot", request=Acting, responses=ConversationSerializer)
    @action(detail=True, methods=["post"], serializer_class=Acting)
    def release(self, request: Request, pk: str) -> Response:
        return self._let_go(handoff.release)

    @extend_schema(summary="Mark a conversation as resolved", request=Acting, responses=ConversationSerializer)
    @action(detail=True, methods=["post"], serializer_class=Acting)
    def resolve(self, request: Request, pk: str) -> Response:
        return self._let_go(handoff.resolve)

    def _let_go(self, verb: Callable[..., Any]) -> Response:
        conversation, given = self._given(Acting)
        verb(conversation.group_id, conversation.id, given.get("member"))
        return self._as_it_is_now()

    def _as_it_is_now(self) -> Response:
        return Response(ConversationSerializer(self.get_object()).data)

    def _given(self, form: type[Strict]) -> tuple[Conversation, dict[str, Any]]:
        conversation = self.get_object()
        given = form(data=self.request.data)
        given.is_valid(raise_exception=True)
        return conversation, given.validated_data

    def _author(self, given: dict[str, Any]) -> str:
        return str(given["member"]) if "member" in given else name_of_key(key_of(self.request))
