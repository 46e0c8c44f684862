"""What the provider makes up at its first start, and keeps."""

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def secret(path: Path) -> str:
    return _kept(path, secrets.token_urlsafe(48))


def private_key(path: Path) -> str:
    """The key that signs ID tokens."""
    if path.exists():
        return path.read_text()
    key = rsa.generate_private_key(65537, 2048)
    return _kept(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def _kept(path: Path, new: str) -> str:
    """What the file holds; `new` where there is none."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(new)
    return path.read_text()
