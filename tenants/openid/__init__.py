"""Signing customers in at their business's own OpenID provider (OpenID Connect Core 1.0)."""
