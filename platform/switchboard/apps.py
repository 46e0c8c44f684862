"""The Django application of the project itself: its commands and templates."""

from django.apps import AppConfig


class SwitchboardConfig(AppConfig):
    name = "switchboard"
