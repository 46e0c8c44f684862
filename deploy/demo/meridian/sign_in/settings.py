"""Settings of the provider. It shares nothing with the platform: users, keys and database are its own."""

import os
from pathlib import Path

from deploy.demo.meridian.sign_in import keys

FOLDER = Path(os.environ.get("DATA_DIR") or ".data").resolve() / "meridian-sign-in"
FOLDER.mkdir(parents=True, exist_ok=True)

DEBUG = False
SECRET_KEY = keys.secret(FOLDER / "secret_key")
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "allauth",
    "allauth.account",
    "allauth.idp.oidc",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "pages"],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
ROOT_URLCONF = "deploy.demo.meridian.sign_in.urls"
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "db.sqlite3", "OPTIONS": {"timeout": 10}}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
LOGIN_URL = "/login"
SESSION_COOKIE_NAME = "meridian_sign_in"
SESSION_COOKIE_AGE = 3600
# Whoever opens this in a window of its own must still know that window when it comes back.
SECURE_CROSS_ORIGIN_OPENER_POLICY = "unsafe-none"

IDP_OIDC_PRIVATE_KEY = keys.private_key(FOLDER / "key.pem")
IDP_OIDC_ADAPTER = "deploy.demo.meridian.sign_in.people.Adapter"
IDP_OIDC_ACCESS_TOKEN_EXPIRES_IN = 600
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
