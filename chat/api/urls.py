"""The customer side's addresses."""

from django.urls import path

from chat.api import conversations as views

customer_urls = [
    path("api/v1/bots/<slug:key>/conversations", views.conversations),
    path("api/v1/conversations/<uuid:conversation_id>/messages", views.messages),
    path("api/v1/conversations/<uuid:conversation_id>/events", views.events),
    path("api/v1/conversations/<uuid:conversation_id>/identity", views.identity),
    path("api/v1/conversations/<uuid:conversation_id>/handoff", views.ask_for_person),
    path("api/v1/conversations/<uuid:conversation_id>/confirmations/<uuid:confirmation_id>", views.confirmation),
    path("api/v1/conversations/<uuid:conversation_id>/sign-in/<slug:method>", views.sign_in_method),
    path("api/v1/messages/<uuid:message_id>/feedback", views.feedback),
]
