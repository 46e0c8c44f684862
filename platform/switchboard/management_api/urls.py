"""The addresses of the management API and of its description."""

from typing import Any

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from switchboard.management_api.bots import BotViewSet
from switchboard.management_api.calls import CallViewSet
from switchboard.management_api.conversations import ConversationViewSet
from switchboard.management_api.data_apis import ActionViewSet, DataApiViewSet
from switchboard.management_api.documents import DocumentViewSet
from switchboard.management_api.embedding import EmbeddingView, SpaceView
from switchboard.management_api.faqs import FaqViewSet
from switchboard.management_api.interactions import InteractionViewSet
from switchboard.management_api.search import SearchView

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("bots", BotViewSet, basename="bot")
router.register("faqs", FaqViewSet, basename="faq")
router.register("documents", DocumentViewSet, basename="document")
router.register("data-apis", DataApiViewSet, basename="data-api")
router.register("actions", ActionViewSet, basename="action")
router.register("calls", CallViewSet, basename="call")
router.register("conversations", ConversationViewSet, basename="conversation")
router.register("interactions", InteractionViewSet, basename="interaction")

open_to_all: dict[str, Any] = {"authentication_classes": [], "permission_classes": []}
management_urls = [
    path("api/v1/", include(router.urls)),
    path("api/v1/bots/<str:key>/embedding", EmbeddingView.as_view(), name="embedding"),
    path("api/v1/bots/<str:key>/embedding/<str:space>", SpaceView.as_view(), name="embedding-space"),
    path("api/v1/search", SearchView.as_view(), name="search"),
    path("api/schema", SpectacularAPIView.as_view(**open_to_all), name="api-schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="api-schema", **open_to_all), name="api-docs"),
]

# Public without an Authorization header, so the customer side decides where it goes; see `shared`.
bot_detail = BotViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"})
