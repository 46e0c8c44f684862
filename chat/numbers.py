"""Numbers as people write them: 250k, £250,000, two hundred thousand, 4.5%, 25 years."""

import re
from dataclasses import dataclass, replace
from decimal import Decimal

SMALL = {
    word: number
    for number, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}
TENS = {
    word: number * 10
    for number, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
SCALES = {
    "hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000,
    "k": 1_000, "grand": 1_000, "m": 1_000_000, "mn": 1_000_000, "bn": 1_000_000_000,
}  # fmt: skip
UNITS = {
    "money": "£|\\$|€|pounds?|quid|euros?|dollars?|gbp|eur|usd",
    "percent": "%|percent|per cent|pct|pc",
    "years": "years?|yrs?|y",
    "months": "months?|mths?",
    "days": "days?",
    "hours": "hours?|hrs?",
    "minutes": "minutes?|mins?",
    "nights": "nights?",
    "weeks": "weeks?|wks?",
    "weight": "kilos?|kilograms?|kgs?",
}
MAX_DIGITS = 15
MAX_WORDS = 12

_UNIT = "|".join(f"(?P<{name}>{words})" for name, words in UNITS.items())
_TAIL = rf"(?:[\s-]?(?:{_UNIT})(?![^\W_]))?"
_NO_NUMBER = re.compile(
    r"(?<![^\W_])(?!(?:gbp|eur|usd)\d)[^\W\d_]+[-._]?\d[\w-]*(?:\.\d+)*|\d+(?:[/:]\d+)+|\d{4}-\d\d?-\d\d?(?!\d)",
    re.IGNORECASE,
)
_DIGITS = re.compile(
    r"(?P<symbol>(?:[£$€]|(?:gbp|eur|usd))\s?)?"
    r"(?P<digits>\d{1,3}(?:[ \u00a0'’]\d{3})+(?![^\W_])(?:[.,]\d+)?|\d+(?:[.,]\d+)*)"
    r"(?P<scales>(?:[\s-]?(?:hundred|thousand|million|billion|grand|bn|mn|k|m)(?![^\W_])){0,2})" + _TAIL,
    re.IGNORECASE,
)
_WORD = "|".join([*SMALL, *TENS, "hundred", "thousand", "million", "billion", "point"])
_WORDS = re.compile(
    rf"(?<![^\W_])(?P<words>(?:(?:(?:half|(?:a\s+)?quarter)\s+(?:of\s+)?)?an?\s+(?=hundred|thousand|million|billion))?"
    rf"(?:{_WORD})"
    rf"(?:(?:\s+and\s+|\s+|-)(?:{_WORD})(?![^\W_]))*(?P<half>\s+and\s+a\s+half)?)(?![^\W_])" + _TAIL,
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Mention:
    """A number in a text. It has two readings where it could mean either (250.000)."""

    readings: tuple[Decimal, ...]
    unit: str
    start: int
    end: int
    factor: Decimal = Decimal(1)


def mentions(text: str) -> list[Mention]:
    """The numbers of a text in order; digits that belong to a code, a date or a time are none."""
    plain = _NO_NUMBER.sub(lambda found: "_" * len(found.group()), text)
    found = [mention for match in _DIGITS.finditer(plain) if (mention := _from_digits(plain, match))]
    taken = [range(mention.start, mention.end) for mention in found]
    for match in _WORDS.finditer(plain):
        mention = _from_words(match)
        if mention and not any(match.start() in span for span in taken):
            found.append(mention)
    found.sort(key=lambda mention: mention.start)
    return [_like_next(plain, mention, after) for mention, after in zip(found, [*found[1:], None], strict=False)]


def _like_next(text: str, mention: Mention, after: Mention | None) -> Mention:
    """In "200 or 300k" and "200-300k" the first number is as large as the second."""
    if (
        after is None
        or mention.factor != 1
        or not re.fullmatch(r"\s*(?:or|to|-|–)\s*", text[mention.end : after.start])
    ):
        return mention
    readings = tuple(reading * after.factor for reading in mention.readings)
    return replace(mention, readings=readings, unit=mention.unit or after.unit)


def _from_digits(text: str, match: re.Match[str]) -> Mention | None:
    start, end = match.span()
    if text[start - 1 : start].isalnum() or text[end : end + 1].isalnum() or "_" in text[end : end + 1]:
        return None
    factor = Decimal(1)
    for scale in re.findall(r"[a-z]+", match["scales"].lower()):
        factor *= SCALES[scale]
    sign = -1 if re.search(r"(?:^|\s)[-−]$", text[:start]) else 1
    readings = tuple(sign * value * factor for value in _readings(match["digits"]))
    unit = "money" if match["symbol"] else _unit(match)
    return Mention(readings, unit, start, end, factor) if readings else None


def _readings(digits: str) -> tuple[Decimal, ...]:
    plain = re.sub(r"[ \u00a0'’]", "", digits)
    if sum(map(str.isdigit, plain)) > MAX_DIGITS:
        return ()
    if "," in plain and "." in plain:
        decimal = max(plain.rfind(","), plain.rfind("."))
        whole = re.sub(r"[.,]", "", plain[:decimal])
        return (Decimal(f"{whole}.{plain[decimal + 1 :]}"),)
    if re.fullmatch(r"\d{1,3}(,\d{3})+|\d{1,2}(,\d{2})+,\d{3}", plain):
        return (Decimal(plain.replace(",", "")),)
    if re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", plain):
        return (Decimal(plain), Decimal(plain.replace(".", "")))
    if re.fullmatch(r"\d{1,3}(\.\d{3}){2,}", plain):
        return (Decimal(plain.replace(".", "")),)
    if re.fullmatch(r"\d+([.,]\d+)?", plain):
        return (Decimal(plain.replace(",", ".")),)
    return ()


def _from_words(match: re.Match[str]) -> Mention | None:
    unit = _unit(match)
    words = re.findall(r"[a-z]+", match["words"].lower())
    if words in (["one"], ["point"]) and not unit:
        return None
    value = _worth(words)
    return None if value is None else Mention((value,), unit, *match.span())


def _worth(words: list[str]) -> Decimal | None:
    if len(words) > MAX_WORDS:
        return None
    if words[-3:] == ["and", "a", "half"]:
        whole = _worth(words[:-3])
        return None if whole is None else whole + Decimal("0.5")
    if "point" in words:
        place = words.index("point")
        digits = [SMALL.get(word, 10) for word in words[place + 1 :]]
        whole = _worth(words[:place]) if place else Decimal(0)
        if whole is None or not digits or max(digits) > 9:
            return None
        return whole + Decimal("0." + "".join(map(str, digits)))
    factor = Decimal("0.25") if "quarter" in words else Decimal("0.5") if words[0] == "half" else Decimal(1)
    total, current = Decimal(0), Decimal(0)
    for word in words:
        if word in ("half", "quarter", "of", "a", "an", "and"):
            continue
        if word in SMALL or word in TENS:
            if current % 10 or (word in TENS and current % 100):
                return None
            current += SMALL.get(word, TENS.get(word, 0))
        elif word == "hundred":
            current = (current or Decimal(1)) * 100
        else:
            total += (current or Decimal(1)) * SCALES[word]
            current = Decimal(0)
    return (total + current) * factor


def _unit(match: re.Match[str]) -> str:
    return next((name for name in UNITS if match[name]), "")
