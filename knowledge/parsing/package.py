"""An office file as a zip of XML parts: checked before anything is unpacked, then read part by part."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator

from lxml import etree

from knowledge.parsing.errors import Limits, ParseError

MAX_MEMBERS = 5000
CHUNK = 1024 * 1024
UNREADABLE = (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError, ValueError, zlib.error)
DEFINITIONS = (b"<!DOCTYPE", b"<!ENTITY")
RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"


class Package:
    """The parts of an office file by name. No part may bring definitions (entities) of its own or reach outside."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._archive = zipfile.ZipFile(io.BytesIO(data))
        members = self._archive.infolist()
        _refuse_bomb(members, limits)
        self.names = frozenset(member.filename for member in members)

    def read(self, name: str) -> bytes:
        return self._archive.read(name)

    def open(self, name: str) -> io.BufferedIOBase:
        return self._archive.open(name)  # type: ignore[return-value]  # it reads as one, and lxml needs no more

    def xml(self, name: str) -> etree._Element:
        return etree.fromstring(self.read(name), etree.XMLParser(resolve_entities=False, no_network=True))

    def walk(self, name: str, tags: tuple[str, ...]) -> Iterator[etree._Element]:
        """The elements of these tags as they end, without ever holding the whole part."""
        with self.open(name) as part:
            for _, element in etree.iterparse(part, tag=tags, resolve_entities=False, no_network=True):
                yield element
                element.clear(keep_tail=False)
                while element.getprevious() is not None and element.getparent() is not None:
                    del element.getparent()[0]

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        """What a part refers to, by id: the last word of the relation's type, and the part's name."""
        folder, _, file = part.rpartition("/")
        listed = f"{folder}/_rels/{file}.rels".lstrip("/")
        if listed not in self.names:
            return {}
        found = {}
        for relation in self.xml(listed).iter(RELATION):
            target = relation.get("Target") or ""
            name = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            if relation.get("TargetMode") != "External" and name in self.names:
                found[relation.get("Id") or ""] = ((relation.get("Type") or "").rpartition("/")[2], name)
        return found

    def main_part(self) -> str:
        return next((name for kind, name in self.relations("").values() if kind == "officeDocument"), "")

    def title(self) -> str:
        """The title among the file's properties; a damaged part of properties is no reason to refuse the file."""
        core = next((name for kind, name in self.relations("").values() if kind == "core-properties"), "")
        try:
            return (self.xml(core).findtext("{http://purl.org/dc/elements/1.1/}title") or "").strip() if core else ""
        except (etree.XMLSyntaxError, *UNREADABLE):
            return ""

    def refuse_definitions(self) -> None:
        """Office programs write no document type and no entity: where there is one, somebody means harm."""
        for name in self.names:
            if name.lower().endswith((".xml", ".rels")) and self._defines(name):
                raise ParseError(
                    "broken", "This file holds definitions that office programs never write, so it was not opened. "
                    "Open it, save it again and upload the new copy.",
                )  # fmt: skip

    def _defines(self, name: str) -> bool:
        kept = b""
        with self.open(name) as part:
            while block := part.read(CHUNK):
                kept = kept[-len(DEFINITIONS[0]) :] + block.replace(b"\x00", b"")
                if any(sign in kept for sign in DEFINITIONS):
                    return True
        return False


def _refuse_bomb(members: list[zipfile.ZipInfo], limits: Limits) -> None:
    # Python reads no more of a member than its directory entry says, so a false size there cannot get past this.
    if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > limits.max_unpacked_bytes:
        raise ParseError("too_large", "This file unpacks to far more than it may. Save a smaller copy and upload that.")
    if any(member.flag_bits & 1 for member in members):
        raise ParseError("encrypted")
