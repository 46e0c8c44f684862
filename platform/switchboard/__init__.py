"""The Django project: settings, URLs, the ASGI and Celery applications, the admin site, embedded services."""
