"""Puts Switchboard's admin site in the place of Django's."""

from django.contrib.admin.apps import AdminConfig


class SwitchboardAdminConfig(AdminConfig):
    default_site = "switchboard.admin_site.SwitchboardSite"
