"""OpenAPI 3 documents: read, checked, and turned into the actions that a person picks."""

from knowledge.openapi.importing import import_actions
from knowledge.openapi.operations import Described, Operation, describe
from knowledge.openapi.reading import OpenApiError, fetch, read

__all__ = ["Described", "OpenApiError", "Operation", "describe", "fetch", "import_actions", "read"]
