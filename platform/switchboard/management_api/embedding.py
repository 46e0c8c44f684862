"""/api/v1/bots/KEY/embedding: the model that a bot answers from, building another, and going back."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from knowledge import spaces
from knowledge.space_overview import overview
from switchboard.management_api.described import ContractSchema
from switchboard.management_api.fields import Strict, find_bot
from switchboard.management_api.scoped import AlwaysJson, key_of, read_body
from tenants.models import Bot
from tenants.scope import within


class Wanted(Strict):
    model = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=200,
        help_text="One of `models`; empty: the installation's model, whenever it changes.",
    )
    space = serializers.CharField(required=False, max_length=200, help_text="One of `spaces`, by its key: to go back.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if len(values) != 1:
            raise serializers.ValidationError({"model": "Give either a model or a space."})
        return values


class BuildingSerializer(serializers.Serializer):
    key = serializers.CharField(help_text="Empty until a worker has loaded the model.")
    model = serializers.CharField()
    done = serializers.IntegerField(help_text="Texts that have their new vectors.")
    total = serializers.IntegerField()
    error = serializers.CharField(help_text="Why it waits, if it does; it is tried again.")


class SpaceSerializer(serializers.Serializer):
    key = serializers.CharField()
    model = serializers.CharField()
    dimension = serializers.IntegerField()
    answering = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class OverviewSerializer(serializers.Serializer):
    model = serializers.CharField(help_text="What the bot answers from.")
    chosen = serializers.BooleanField(help_text="Whether it was chosen for this bot and stays so.")
    building = BuildingSerializer(allow_null=True)
    spaces = SpaceSerializer(many=True)
    models = serializers.ListField(child=serializers.CharField(), help_text="Models that the operator has set up.")


WHICH = OpenApiParameter("key", str, OpenApiParameter.PATH, description="The bot's key, or its ID.")
EXAMPLE = OpenApiExample("Another model", {"model": "multilingual"}, request_only=True)


class EmbeddingView(APIView):
    content_negotiation_class = AlwaysJson
    schema = ContractSchema()

    @extend_schema(
        tags=["Embedding"],
        operation_id="embedding_retrieve",
        summary="The embedding model of a bot",
        description="What it answers from, how far another space is, and which spaces are kept to go back to.",
        parameters=[WHICH],
        responses=OverviewSerializer,
    )
    def get(self, request: Request, key: str) -> Response:
        with within(key_of(request).scope):
            return _shown(_bot(key))

    @extend_schema(
        tags=["Embedding"],
        operation_id="embedding_change",
        summary="Answer from another embedding model",
        description="The new space is built in the background while the old one answers; the bot switches when it is "
        "complete. A space that is there already is switched to at once. A bot takes those that it fronts with it.",
        parameters=[WHICH],
        request=Wanted,
        responses=OverviewSerializer,
        examples=[EXAMPLE],
    )
    def post(self, request: Request, key: str) -> Response:
        read_body(request)
        with within(key_of(request).scope):
            bot = _bot(key)
            wanted = Wanted(data=request.data)
            wanted.is_valid(raise_exception=True)
            if "space" in wanted.validated_data:
                spaces.move_to_space(bot, wanted.validated_data["space"])
            else:
                spaces.move_to_model(bot, wanted.validated_data["model"])
            return _shown(bot)


class SpaceView(APIView):
    content_negotiation_class = AlwaysJson
    schema = ContractSchema()

    @extend_schema(
        tags=["Embedding"],
        operation_id="embedding_discard",
        summary="Forget a space",
        description="Deletes its vectors. Not the one that answers, and none that is being built.",
        parameters=[WHICH, OpenApiParameter("space", str, OpenApiParameter.PATH, description="The space's key.")],
        responses={204: None},
    )
    def delete(self, request: Request, key: str, space: str) -> Response:
        with within(key_of(request).scope):
            bot = _bot(key)
            if all(line.key != space for line in overview(bot).spaces):
                raise NotFound(f"This bot has no space “{space[:100]}”.")
            spaces.discard(bot, space)
        return Response(status=204)


def _bot(key: str) -> Bot:
    bot = find_bot(key)
    if bot is None:
        raise NotFound(f"You have no bot with the key “{key[:100]}”.")
    return bot


def _shown(bot: Bot) -> Response:
    return Response(OverviewSerializer(overview(bot)).data)
