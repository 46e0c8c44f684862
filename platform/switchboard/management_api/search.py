"""/api/v1/search: the passages that a question finds, with their scores."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from knowledge.search import search
from knowledge.snapshot import languages_of
from knowledge.spaces import answering
from switchboard.management_api.described import ContractSchema
from switchboard.management_api.fields import BotField, Strict
from switchboard.management_api.scoped import AlwaysJson, key_of
from tenants.models import Bot
from tenants.scope import within


class Asked(Strict):
    unknown = "There is no such parameter."
    bot = BotField(help_text="The bot's key. One that fronts others searches those.")
    q = serializers.CharField(max_length=4000, help_text="The question.")
    k = serializers.IntegerField(default=8, min_value=1, max_value=50, help_text="How many passages to return.")


class PassageSerializer(serializers.Serializer):
    chunk_id = serializers.UUIDField()
    document_id = serializers.UUIDField()
    external_id = serializers.CharField()
    title = serializers.CharField()
    url = serializers.CharField()
    page = serializers.IntegerField(allow_null=True)
    heading_path = serializers.ListField(child=serializers.CharField())
    text = serializers.CharField()
    score = serializers.FloatField(help_text="What they are ranked by: a mean of the three below, each with its share.")
    cosine = serializers.FloatField()
    lexical = serializers.FloatField(help_text="BM25, normalised by the question.")
    late = serializers.FloatField(
        allow_null=True, help_text="The likeness token by token; null where the embedding model has no token vectors."
    )


class FoundSerializer(serializers.Serializer):
    results = PassageSerializer(many=True)


class SearchView(APIView):
    content_negotiation_class = AlwaysJson
    schema = ContractSchema()

    @extend_schema(
        tags=["Search"],
        operation_id="search",
        summary="Search the documents",
        description="The best passages of a bot's documents for a question, best first: what answers are made from.",
        parameters=[Asked],
        responses=FoundSerializer,
    )
    def get(self, request: Request) -> Response:
        with within(key_of(request).scope):
            asked = Asked(data={name: value for name, value in request.query_params.items() if name != "format"})
            asked.is_valid(raise_exception=True)
            bot = asked.validated_data["bot"]
            groups = _searched(bot)
            space = answering([bot.id, *groups])
        question = asked.validated_data["q"]
        embedder = space.embedder()
        encoded = embedder.encode_queries([question])[0]
        with within(key_of(request).scope):
            spoken = languages_of(groups)
            passages = search(
                question, encoded.vector, groups, space.key, asked.validated_data["k"], spoken, encoded.tokens
            )
        return Response(FoundSerializer({"results": passages}).data)


def _searched(bot: Bot) -> list[UUID]:
    fronted = list(Bot.objects.filter(fronted_by=bot).order_by("key").values_list("id", flat=True))
    return fronted or [bot.id]
