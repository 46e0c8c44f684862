"""Reads an uploaded file into headings, paragraphs, lists and tables, whatever its format."""

from knowledge.parsing.blocks import Block, Kind, Meta, ParsedDocument
from knowledge.parsing.errors import Limits, ParseError
from knowledge.parsing.isolated import parse_in_process
from knowledge.parsing.reader import parse

__all__ = ["Block", "Kind", "Limits", "Meta", "ParseError", "ParsedDocument", "parse", "parse_in_process"]
