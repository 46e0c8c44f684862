"""What of a document could not be read, in a sentence for the person who uploaded it."""

from __future__ import annotations

from collections.abc import Sequence

MOST_RANGES = 8


def pictures(numbers: Sequence[int], what: str = "page", advice: str = "") -> tuple[str, ...]:
    """`Pages 3–5 and 9 are pictures without text, so nothing on them can be answered.`"""
    if not numbers:
        return ()
    one = len(numbers) == 1
    verb = "is a picture" if one else "are pictures"
    said = f"{ranges(numbers, what)} {verb} without text, so nothing on {'it' if one else 'them'} can be answered."
    return (f"{said} {advice}".strip(),)


def ranges(numbers: Sequence[int], what: str = "page") -> str:
    """`Pages 3–5 and 9`; a long list is cut."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    said = [str(first) if first == last else f"{first}–{last}" for first, last in runs[:MOST_RANGES]]
    left = sum(last - first + 1 for first, last in runs[MOST_RANGES:])
    name = what.capitalize() if len(numbers) == 1 else f"{what.capitalize()}s"
    if left:
        return f"{name} {', '.join(said)} and {left:,} more"
    return f"{name} {', '.join(said[:-1])} and {said[-1]}" if len(said) > 1 else f"{name} {said[0]}"
