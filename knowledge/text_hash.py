"""The key of a text's vector."""

import hashlib


def text_hash(text: str) -> str:
    """SHA-256 of the text, hexadecimal; the database's text_hash() computes the same."""
    return hashlib.sha256(text.encode()).hexdigest()
