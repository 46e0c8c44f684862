"""Django settings, all from the environment; without it, from the embedded services of a running bin/demo."""

import os
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from switchboard import embedding_settings, environment
from switchboard.admin_theme import UNFOLD as UNFOLD
from switchboard.environment import BASE_DIR, setting

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Small matrices in many threads: on a busy machine BLAS threads of its own cost a hundred times what they save.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

DATA_DIR = environment.DATA_DIR
DEBUG = environment.flag("DEBUG")
SECRET_KEY = setting("SECRET_KEY")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        f"SECRET_KEY is not set and nothing runs on {DATA_DIR}: start bin/demo, or set DATABASE_URL, REDIS_URL and "
        "SECRET_KEY."
    )
FIELD_ENCRYPTION_KEYS = environment.words("FIELD_ENCRYPTION_KEYS")
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS")
ALLOW_PRIVATE_ADDRESSES = environment.words("ALLOW_PRIVATE_ADDRESSES")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if environment.flag("BEHIND_PROXY") else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = environment.flag("SECURE_COOKIES")

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "switchboard.admin_config.SwitchboardAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "tenants",
    "knowledge",
    "chat",
    "worker",
    "switchboard",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "switchboard.urls"
ASGI_APPLICATION = "switchboard.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "platform" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def _database(url: str, pool: bool) -> dict[str, Any]:
    config: dict[str, Any] = dict(dj_database_url.parse(url)) if url else {"ENGINE": "django.db.backends.postgresql"}
    options = config.setdefault("OPTIONS", {})
    options["connect_timeout"] = 5
    if pool:
        # Streams borrow a connection for each short query; threads must not each keep one for themselves.
        # One that is kept has its plans made, which costs more than most statements do.
        options["pool"] = {"min_size": 0, "max_size": 24, "timeout": 10, "max_idle": 600}
    config["DISABLE_SERVER_SIDE_CURSORS"] = True
    return config


# `default` connects as the unprivileged role; `owner` owns the tables and is used by `migrate` alone.
DATABASES = {
    "default": _database(setting("DATABASE_URL"), pool=True),
    "owner": _database(setting("DATABASE_OWNER_URL") or setting("DATABASE_URL"), pool=False),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = setting("REDIS_URL")

AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_ADAPTER = "switchboard.accounts.ClosedSignup"
SOCIALACCOUNT_ADAPTER = "tenants.openid.flow.CustomersOnly"
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
LOGIN_REDIRECT_URL = "/admin/"
LOGIN_URL = "/admin/login/"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "switchboard.formats"
USE_TZ = True
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "platform" / "static"]
STATIC_ROOT = DATA_DIR / "static"
DATA_UPLOAD_MAX_MEMORY_SIZE = 25 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
X_FRAME_OPTIONS = "DENY"

LLM_BASE_URL = setting("LLM_BASE_URL")
LLM_MODEL = setting("LLM_MODEL")
LLM_API_KEY = setting("LLM_API_KEY")
# The model that answers; a small one that rewrites, checks and verifies where it is named.
LLM_SMALL_MODEL = setting("LLM_SMALL_MODEL")
# Whether a model chooses where the light router is not sure: "on": the small one, else the one that answers; "off":
# none; "auto": the small one, where it is named.
LLM_ROUTING = environment.one_of("LLM_ROUTING", "auto", "on", "off")
# How the model calls read actions: "inline", written in its text, or "tools", by the API's own tool calling.
LLM_ACTIONS = environment.one_of("LLM_ACTIONS", "inline", "tools")
# What the endpoint understands beyond the common API: "vllm", or "openai" for nothing more.
LLM_DIALECT = setting("LLM_DIALECT", "vllm")
LLM_AT_ONCE = int(setting("LLM_AT_ONCE", "32"))
LLM_TIMEOUT_S = float(setting("LLM_TIMEOUT_S", "15"))
LLM_REVISIONS = int(setting("LLM_REVISIONS", "1"))
# The folder of published adapters, which vLLM reads when one is first asked for; without it, LLM_MODEL answers for all.
LLM_ADAPTERS_DIR = setting("LLM_ADAPTERS_DIR")
# The largest rank of an adapter that the server takes, and where its base model's weights are, if not at LLM_MODEL.
LLM_MAX_LORA_RANK = int(setting("LLM_MAX_LORA_RANK", "16"))
LLM_BASE_MODEL_PATH = setting("LLM_BASE_MODEL_PATH") or LLM_MODEL
# Starts the training in place of this Python: `accelerate launch --num_processes 4`, for instance.
TUNING_LAUNCHER = setting("TUNING_LAUNCHER")
_embedding = embedding_settings.read()
EMBEDDING_MODELS, EMBEDDING_API_KEYS = _embedding.models, _embedding.api_keys
EMBEDDING_DEVICE = setting("EMBEDDING_DEVICE")
EMBEDDING_TIMEOUT_S = embedding_settings.number("EMBEDDING_TIMEOUT", 10, 0.1)
EMBEDDING_BATCH = int(embedding_settings.number("EMBEDDING_BATCH", 64, 1))
DOCUMENT_SECONDS = embedding_settings.number("DOCUMENT_SECONDS", 60, 1)
PUBLIC_URL = setting("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
DEMO = environment.flag("DEMO")

CELERY_BROKER_URL = REDIS_URL
# A training takes hours: nothing else waits behind it.
CELERY_TASK_ROUTES = {"worker.tune": {"queue": "tuning"}}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
# Saving must never wait for the broker: what cannot be enqueued at once is found by the sweeper.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 0.4,
    "socket_timeout": 10,
    "socket_keepalive": True,
    "visibility_timeout": 600,
    "max_retries": 0,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_DEFAULT_EXPIRES = 3600
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "worker.sweep", "schedule": 5.0, "options": {"expires": 10}},
    "move_spaces": {"task": "worker.move_spaces", "schedule": 10.0, "options": {"expires": 20}},
    "tend_large_bots": {"task": "worker.tend_large_bots", "schedule": 300.0, "options": {"expires": 300}},
    "collect_adapters": {"task": "worker.collect_adapters", "schedule": 86400.0, "options": {"expires": 3600}},
    "collect_vectors": {"task": "worker.collect_vectors", "schedule": 86400.0, "options": {"expires": 3600}},
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["switchboard.api_key.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "switchboard.errors.as_contract",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Switchboard API",
    "DESCRIPTION": "Manage bots, what they know, and their conversations.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": setting("LOG_LEVEL", "INFO")},
    "loggers": {
        "httpx": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
