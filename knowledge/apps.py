"""The Django application of this folder."""

from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    name = "knowledge"
