"""The ASGI application: static files straight from their folders, all else by Django."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "switchboard.settings")
django_application = get_asgi_application()

from switchboard.static_files import with_static_files  # noqa: E402  (needs the settings)

application = with_static_files(django_application)
