"""Fills chunks with whole sentences, items and rows, evenly, within the model's window."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal
from zlib import crc32

from knowledge.tokens import tokens, words

# In target lengths; and which share of the units may begin a stretch.
LONG_RUN, SHORTEST_STRETCH = 8, 3
ONE_IN = 16
Packed = tuple[str, int | None, Literal["text", "table"]]


@dataclass(frozen=True)
class Unit:
    """What is never divided: a sentence, a list item, a row. `lead` is said again where a chunk starts after it.

    What is `alone` shares its chunk with nothing.
    """

    text: str
    page: int | None
    starts_line: bool
    lead: str = ""
    kind: Literal["text", "table"] = "text"
    group: int = 0
    alone: bool = False

    @cached_property
    def words(self) -> int:
        return words(self.text)

    @cached_property
    def tokens(self) -> int:
        return tokens(self.text)


class Growing:
    """A chunk while it is filled: it says the lead-in sentence, or the table's header, where it starts after them."""

    def __init__(self, first: Unit) -> None:
        self.units = [first]
        self.words = first.words
        self.tokens = tokens(first.lead) + first.tokens

    def add(self, unit: Unit) -> None:
        self.units.append(unit)
        self.words += unit.words
        self.tokens += unit.tokens

    def draft(self) -> Packed:
        first = self.units[0]
        pieces = [f"{first.lead}\n{first.text}" if first.lead else first.text]
        pieces += [f"\n{unit.text}" if unit.starts_line else f" {unit.text}" for unit in self.units[1:]]
        return "".join(pieces), first.page, first.kind


def pack(units: list[Unit], target: int, room: int) -> list[Packed]:
    """Chunks of about even length; a table's rows never share one with prose."""
    packed: list[Packed] = []
    for run in _runs(units, target):
        left = sum(unit.words for unit in run)
        aim = _even(left, target)
        current = Growing(run[0])
        left -= run[0].words
        for unit in run[1:]:
            if not _fits(current, unit, aim, room, left):
                packed.append(current.draft())
                aim = _even(left, target)
                current = Growing(unit)
            else:
                current.add(unit)
            left -= unit.words
        packed.append(current.draft())
    return packed


def _even(left: int, target: int) -> float:
    return left / max(1, round(left / target)) if left > target * 1.4 else left


def _runs(units: list[Unit], target: int) -> list[list[Unit]]:
    runs: list[list[Unit]] = []
    for unit in units:
        last = runs[-1][-1] if runs else None
        if last and last.kind == unit.kind and last.group == unit.group and not unit.alone:
            runs[-1].append(unit)
        else:
            runs.append([unit])
    return [stretch for run in runs for stretch in _stretches(run, target)]


def _stretches(run: list[Unit], target: int) -> list[list[Unit]]:
    """A long run cut where its own words say so, so that an edit moves the cuts near it and no others."""
    if sum(unit.words for unit in run) < LONG_RUN * target:
        return [run]
    stretches = [[run[0]]]
    size = run[0].words
    for unit in run[1:]:
        last = stretches[-1][-1]
        belongs = last.text.endswith(":") or unit.lead == last.text
        if size >= SHORTEST_STRETCH * target and not belongs and crc32(unit.text.encode()) % ONE_IN == 0:
            stretches.append([])
            size = 0
        stretches[-1].append(unit)
        size += unit.words
    return stretches


def _fits(current: Growing, unit: Unit, aim: float, room: int, left: int) -> bool:
    last = current.units[-1]
    if current.tokens + unit.tokens > room:
        return False
    if unit.page != last.page and current.words >= aim / 2:
        return False
    if last.text.endswith(":") or unit.lead == last.text:
        return True
    # A paragraph's end is a good place to cut, unless only a scrap would be left over.
    if unit.starts_line and not unit.lead and current.words >= aim * 0.8 and left > aim * 0.5:
        return False
    return current.words + unit.words <= aim * 1.1 or current.words < aim - unit.words / 2


def split(text: str, room: int) -> list[str]:
    """A sentence too long for the model's window is cut at a clause, else at a word, else anywhere."""
    if tokens(text) <= room:
        return [text] if text.strip() else []
    for pattern in (r"(?<=[;:])\s+", r"(?<=,)\s+", r"\s+"):
        parts = re.split(pattern, text)
        if len(parts) > 1:
            return [piece for part in _filled(parts, room) for piece in split(part, room)]
    middle = len(text) // 2
    return split(text[:middle], room) + split(text[middle:], room)


def _filled(parts: list[str], room: int) -> list[str]:
    filled: list[list[str]] = []
    size = room + 1
    for part in parts:
        cost = tokens(part)
        if size + cost > room:
            filled.append([])
            size = 0
        filled[-1].append(part)
        size += cost
    return [" ".join(piece) for piece in filled]
