"""The Django application of this folder."""

from django.apps import AppConfig


class WorkerConfig(AppConfig):
    name = "worker"
