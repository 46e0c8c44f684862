"""Meridian's OpenID provider: a service of its own, as a bank's would be; made of django-allauth's provider."""
