"""Reads an e-mail: its subject and text, and what is attached to it, each attachment under its own name."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime

from knowledge.parsing import clean, reader
from knowledge.parsing.blocks import Block, Meta, ParsedDocument
from knowledge.parsing.errors import Limits, ParseError

MAX_PARTS = 200
MESSAGE = "message/rfc822"


def read(data: bytes, limits: Limits) -> ParsedDocument:
    message = BytesParser(policy=policy.default).parsebytes(data)
    assert isinstance(message, EmailMessage)
    return _read(message, limits)


def _read(message: EmailMessage, limits: Limits) -> ParsedDocument:
    subject = clean.line(_header(message, "subject"))
    own = ParsedDocument(subject, (Block("heading", subject, level=1),) if subject else ())
    attached: list[ParsedDocument] = []
    for number, part in enumerate(_parts(message)):
        if number >= MAX_PARTS:
            own = _noted(own, f"Only the first {MAX_PARTS} parts of this e-mail were read.")
            break
        if _is_text(part):
            own = dataclasses.replace(own, blocks=(*own.blocks, *_body(part, limits)))
        else:
            attached.append(_attachment(part, limits))
    blocks = own.blocks + tuple(block for document in attached for block in document.blocks)
    notes = own.notes + tuple(note for document in attached for note in document.notes)
    return ParsedDocument(subject, blocks, meta=Meta(date=_date(message)), notes=notes)


def _parts(message: EmailMessage) -> Iterator[EmailMessage]:
    """What the reader of the mail sees, in order: of alternatives the best one, and no picture set into the text."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        if part.get_content_type() == "multipart/alternative":
            choices = [choice for choice in part.iter_parts() if isinstance(choice, EmailMessage)]
            rich = [choice for choice in choices if choice.get_content_type() != "text/plain"]
            waiting += (rich or choices)[-1:]
        elif part.is_multipart() and not _is_mail(part):
            waiting += reversed([inner for inner in part.iter_parts() if isinstance(inner, EmailMessage)])
        elif not (part.get_content_maintype() == "image" and part.get("content-id")):
            yield part


def _is_text(part: EmailMessage) -> bool:
    return part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment" and not _name(part)


def _body(part: EmailMessage, limits: Limits) -> tuple[Block, ...]:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes) or not data.strip():
        return ()
    kind = "mail.html" if part.get_content_subtype() == "html" else "mail.txt"
    try:
        text = data.decode(part.get_content_charset() or "utf-8")
    except (LookupError, UnicodeError):
        return reader.read(data, kind, limits).blocks
    return reader.read(text.encode(), kind, limits).blocks


def _attachment(part: EmailMessage, limits: Limits) -> ParsedDocument:
    """The blocks of an attachment under a heading with its name, or a note that says why there are none."""
    inner = (
        next((each for each in part.iter_parts() if isinstance(each, EmailMessage)), None) if _is_mail(part) else None
    )
    name = _name(part) or (clean.line(_header(inner, "subject")) if inner else "") or "without a name"
    try:
        document = _read(inner, _deeper(limits)) if inner else _file(part, name, _deeper(limits))
    except ParseError as problem:
        return ParsedDocument("", (), notes=(f"The attachment “{name}” was not read: {problem}",))
    heading = Block("heading", document.title or name, level=1)
    repeats = document.blocks[:1] == (heading,)
    notes = tuple(f"Attachment “{name}”: {note}" for note in document.notes)
    return ParsedDocument(heading.text, document.blocks if repeats else (heading, *document.blocks), notes=notes)


def _is_mail(part: EmailMessage) -> bool:
    return part.get_content_type() == MESSAGE


def _deeper(limits: Limits) -> Limits:
    if limits.max_nested < 1:
        raise ParseError("too_large", "It is an attachment of an attachment of an attachment. Upload it by itself.")
    return dataclasses.replace(limits, max_nested=limits.max_nested - 1)


def _file(part: EmailMessage, name: str, limits: Limits) -> ParsedDocument:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        raise ParseError("empty")
    return reader.read(data, name, limits)


def _name(part: EmailMessage) -> str:
    try:
        return clean.line(part.get_filename() or "")[:200]
    except (ValueError, LookupError, IndexError, AttributeError):  # names that the standard library trips over
        return ""


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name) or "")
    except (ValueError, LookupError, IndexError, AttributeError):
        return ""


def _date(message: EmailMessage) -> datetime.date | None:
    try:
        return parsedate_to_datetime(_header(message, "date")).date()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _noted(document: ParsedDocument, note: str) -> ParsedDocument:
    return dataclasses.replace(document, notes=(*document.notes, note))
