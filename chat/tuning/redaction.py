"""Takes personal data out of what customers have said: numbers, addresses and names, each replaced by its kind.

By rules, and rather too much than too little: a word with a capital within a sentence is a name unless the business
itself uses it.
"""

import re
from collections.abc import Collection

_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_LINK = re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)
_IP = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b|\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}\b", re.IGNORECASE)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,3})?\b")
_DATE = re.compile(r"\b(?:\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2})?)?|\d{1,2}[/.]\d{1,2}[/.](?:19|20)?\d{2})\b")
# Seven digits and more with whatever people put between them: telephones, cards, accounts, insurance numbers.
_NUMBER = re.compile(r"(?<![\w.])(?:\+|\()?\d(?:[\s().\-/]{0,2}\d){6,}(?:\s?(?:x|ext\.?)\s?\d+)?(?!\w)", re.IGNORECASE)
# Postcodes, and what a customer calls a number of theirs; amounts have a sign or a comma.
_SHORT_NUMBER = re.compile(r"(?<![\w£$€.,-])\d{5,6}(?![\w,%-]|\.\d)")
_CODE = re.compile(r"\b(?=[A-Z0-9-]*\d)(?=[A-Z0-9-]*[A-Z])[A-Z0-9][A-Z0-9-]{5,}\b")
_POSTCODE = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}\b")
_STREETS = (
    r"street|st|road|rd|avenue|ave|lane|ln|drive|dr|court|ct|place|pl|square|sq|way|close|crescent|terrace|boulevard|"
    r"blvd|gardens|grove|hill|row|parade|rue|via|calle|strasse|straße|gasse|weg|platz|straat|laan|ulica|útja|utca"
)
_HOUSE = r"\d{1,5}[a-z]?"
_STREET = re.compile(
    rf"\b{_HOUSE}(?:[ ,]+{_HOUSE})?[ ,]+(?:[\w'.-]+[ ]){{0,4}}?\w*(?:{_STREETS})\b\.?(?:[ ]{_HOUSE})?", re.IGNORECASE
)
_STREET_FIRST = re.compile(r"\b[^\W\d_][\w'-]*(?:[ ][^\W\d_][\w'-]*){0,3}[ ]\d{1,4}[a-z]?\b(?=[ ]*(?:[,\n.]|$))")
_NUMBER_FIRST = re.compile(r"\b\d{1,4}[ ]+(?:\d{1,4}[ ]+)?[^\W\d_][\w'.-]*(?:[ ][^\W\d_][\w'.-]*){0,3}[ ]\d{1,4}\b")
_ROOM = re.compile(r"\b(?:apt|apartment|suite|flat|unit|room)\b\.?[ ]*\d+\w?", re.IGNORECASE)
_LABELLED = re.compile(r"\b(?:zip|postcode|post code|plz)\b:?[ ]*\d{4,6}", re.IGNORECASE)
# Said of themselves: whatever the case, the words after it are a name.
_SAYS_NAME = re.compile(
    r"(?P<says>\b(?:my (?:\w+ ){0,2}name(?:'s| is)|name is|i am called|call me|people call me|signed|regards,?|"
    r"sincerely,?|mr\.?|mrs\.?|ms\.?|miss|dr\.?|prof\.?|name\?)\s+)"
    r"(?P<name>[^\W\d_][\w'-]*(?:[ ][^\W\d_a-z][\w'-]*){0,2})",
    re.IGNORECASE,
)
_CAPITALISED = re.compile(r"[^\W\d_][\w'’-]*")
_PLACES: tuple[tuple[re.Pattern[str], str], ...] = (
    (_EMAIL, "[email]"), (_LINK, "[link]"), (_IBAN, "[number]"), (_IP, "[number]"), (_DATE, "[date]"),
    (_STREET, "[address]"), (_NUMBER_FIRST, "[address]"), (_ROOM, "[address]"), (_LABELLED, "[address]"),
    (_POSTCODE, "[address]"), (_NUMBER, "[number]"), (_SHORT_NUMBER, "[number]"), (_CODE, "[number]"),
)  # fmt: skip
# Words that have a capital and are no names: days, months, and what everybody speaks of.
_COMMON = frozenset(
    re.findall(
        r"\S+",
        """I I'm I've I'd I'll OK Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April
        May June July August September October November December English Christmas Easter Internet Wi-Fi PDF ID TV UK US
        EU USA PIN ATM FAQ SMS PayPal Google Apple Android iPhone Windows""",
    )
)
# With these a sentence begins without being about anybody.
_BEGINNINGS = frozenset(
    re.findall(
        r"\S+",
        """a about after all also although am an and another any are as at because been before best but by can can't
        cancel card could customer dear did do does doesn't don't each either every everything excuse few
        first follow for from good had has have haven't he hello help her here here's hi his how however i
        if in is it it's its just kind last let like many more morning most my neither never new next no
        nobody not nothing now of off on once one only open or our out over perhaps please quick really
        return sad she should since so some somebody someone something sometimes sorry still such tell
        than thank thanks that that's the their then there there's these they this those though three to
        today too two under unfortunately until up was we well were what what's when where which while who
        whole whose why will with won't would wow yes yesterday yet you you're your""",
    )
)


def redacted(text: str, known_words: Collection[str] = (), persons: Collection[str] = ()) -> str:
    """The text without personal data. `known_words` are those of the business' own texts, `persons` names to hide."""
    for name in persons:
        for part in [name, *name.split()]:
            if len(part) > 1:
                text = re.sub(rf"\b{re.escape(part)}\b", "[name]", text, flags=re.IGNORECASE)
    text = _SAYS_NAME.sub(lambda match: f"{match['says']}[name]", text)
    for pattern, kind in _PLACES:
        text = pattern.sub(kind, text)
    text = _without_names(text, frozenset(word.casefold() for word in known_words))
    text = _STREET_FIRST.sub(_address, text)
    return re.sub(r"\[(\w+)\](?:[\s,.;-]*\[\1\])+", r"[\1]", text)


def _address(match: re.Match[str]) -> str:
    return "[address]" if match[0][:1].isupper() or "[name]" in match[0] else match[0]


def _without_names(text: str, known: Collection[str]) -> str:
    """Capitals within a sentence, and at its beginning where the word is no word of the business' texts either."""

    def replace(match: re.Match[str]) -> str:
        word = match[0]
        bare = re.sub(r"['’]s$", "", word)
        inside_mark = text[match.start() - 1 : match.start()] == "["
        if inside_mark or not word[0].isupper() or bare in _COMMON or bare.casefold() in known:
            return word
        shouted = text.isupper()
        begins = re.search(r"(?:^|[.!?:\n]\s*[\"“‘'(]?)\Z", text[: match.start()].rstrip(" ")) is not None
        if shouted or (begins and bare.casefold() in _BEGINNINGS):
            return word
        return "[name]" + word[len(bare) :]

    return _CAPITALISED.sub(replace, text)
