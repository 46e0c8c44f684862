"""Secrets at rest: a text field encrypted with Fernet (AES-128-CBC and HMAC-SHA256), keys rotated by MultiFernet."""

import base64
import hashlib
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


def encrypt(plain: str) -> str:
    return _cipher().encrypt(plain.encode()).decode() if plain else ""


def decrypt(stored: str) -> str:
    """The plain text. Raises ImproperlyConfigured when none of FIELD_ENCRYPTION_KEYS fits."""
    if not stored:
        return ""
    try:
        return _cipher().decrypt(stored.encode()).decode()
    except InvalidToken as problem:
        raise ImproperlyConfigured("A stored secret fits none of FIELD_ENCRYPTION_KEYS.") from problem


def is_current(stored: str) -> bool:
    """Whether it is encrypted with the newest key, as whatever is encrypted now."""
    try:
        _ciphers()[0].decrypt(stored.encode())
    except InvalidToken:
        return False
    return True


@lru_cache
def _cipher() -> MultiFernet:
    return MultiFernet(_ciphers())


def _ciphers() -> list[Fernet]:
    """One for each key, the newest first."""
    keys = settings.FIELD_ENCRYPTION_KEYS or [_key_from(settings.SECRET_KEY)]
    try:
        return [Fernet(key) for key in keys]
    except ValueError as problem:
        raise ImproperlyConfigured("FIELD_ENCRYPTION_KEYS must be url-safe base64 of 32 bytes each.") from problem


def _key_from(secret: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(b"switchboard fields:" + secret.encode()).digest()).decode()


class EncryptedTextField(models.TextField):
    """Plain text in Python, ciphertext in the database."""

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return encrypt(value) if value is not None else None

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return decrypt(value) if value is not None else None
