"""The customer side's addresses."""

from django.urls import path

from chat.api import conversations as views
from chat.api import sign_in
from chat.api.confirmations import confirmation

customer_urls = [
    path("api/v1/bots/<slug:key>/conversations", views.conversations),
    path("api/v1/conversations/<uuid:conversation_id>/messages", views.messages),
    path("api/v1/conversations/<uuid:conversation_id>/events", views.events),
    path("api/v1/conversations/<uuid:conversation_id>/identity", views.identity),
    path("api/v1/conversations/<uuid:conversation_id>/handoff", views.ask_for_person),
    path("api/v1/conversations/<uuid:conversation_id>/confirmations/<uuid:confirmation_id>", confirmation),
    path("api/v1/conversations/<uuid:conversation_id>/sign-in/<slug:method>", sign_in.start),
    path("api/v1/bots/<slug:key>/sign-in/callback", sign_in.callback, name="sign_in_callback"),
    path("api/v1/messages/<uuid:message_id>/feedback", views.feedback),
]
