"""Short-lived tokens that tell the widget's bot which customer is signed in to the bank's site."""

import os
import time
import uuid

import jwt

from .accounts import Customer

ISSUER = "https://meridian.example"
AUDIENCE = "meridian"
LIFETIME_SECONDS = 600
DEMO_SECRET = "meridian-identity-demo-secret-32-bytes!"


def token_for(customer: Customer) -> str:
    now = int(time.time())
    claims = {
        "sub": customer.id,
        "name": customer.name,
        "email": customer.email,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
        "jti": uuid.uuid4().hex,
    }
    return jwt.encode(claims, os.environ.get("MERIDIAN_IDENTITY_SECRET", DEMO_SECRET), algorithm="HS256")
