"""The Django application of the project itself: its commands and templates."""

from django.apps import AppConfig


class SwitchboardConfig(AppConfig):
    name = "switchboard"

    def ready(self) -> None:
        # Tasks are enqueued by name through the current Celery application, which must be ours.
        import switchboard.celery  # noqa: F401
