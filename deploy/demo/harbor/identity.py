"""Short-lived tokens that tell the widget's bot which customer is signed in to the shop's site."""

import os
import time
import uuid

import jwt

from .orders import Customer

ISSUER = "https://harbor.example"
AUDIENCE = "harbor-shop"
LIFETIME_SECONDS = 600
DEMO_SECRET = "harbor-identity-demo-secret-32-bytes!!"


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
    return jwt.encode(claims, os.environ.get("HARBOR_IDENTITY_SECRET", DEMO_SECRET), algorithm="HS256")
