"""Celery: thin tasks and the schedule."""
