"""The Django application of this folder."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"
