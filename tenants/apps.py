"""The Django application of this folder."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"
