"""The provider as an ASGI application, with its database up to date and its customers in it."""

import os

from django.core.asgi import get_asgi_application
from django.core.management import call_command

os.environ["DJANGO_SETTINGS_MODULE"] = "deploy.demo.meridian.sign_in.settings"
app = get_asgi_application()


def _prepare() -> None:
    from deploy.demo.meridian.sign_in.people import fill_in

    call_command("migrate", verbosity=0, interactive=False)
    fill_in()


_prepare()
