"""Every URL of the platform."""

from django.contrib import admin
from django.urls import path

from chat.api import completions
from chat.api.conversations import configuration
from chat.api.urls import customer_urls
from switchboard import health, pages
from switchboard.management_api.shared import by_authorization
from switchboard.management_api.urls import bot_detail, management_urls

urlpatterns = [
    path("", pages.front_page),
    path("widget.js", pages.widget),
    path("widget-more.js", pages.widget_more),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("v1/chat/completions", completions.chat_completions),
    path("api/v1/bots/<str:pk>", by_authorization(configuration, bot_detail)),
    *customer_urls,
    *management_urls,
    path("admin/", admin.site.urls),
]
handler400 = "switchboard.errors.bad_request"
handler403 = "switchboard.errors.forbidden"
handler404 = "switchboard.errors.not_found"
handler500 = "switchboard.errors.server_error"
