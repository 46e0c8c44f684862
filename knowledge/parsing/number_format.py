"""Numbers of a spreadsheet as its readers see them: 0.031 under the format 0.0% is 3.1%, and 46085 may be a date."""

from __future__ import annotations

import datetime
import re

BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 14: "yyyy-mm-dd", 15: "d-mmm-yy",
    16: "d-mmm", 17: "mmm-yy", 18: "h:mm", 19: "h:mm:ss", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy-mm-dd h:mm",
    37: "#,##0", 38: "#,##0", 39: "#,##0.00", 40: "#,##0.00", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss",
}  # fmt: skip
# A literal in quotes or after a backslash, a currency in brackets, or another bracket (a colour, a condition).
LITERAL = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)[^\]]*\]|(\[[^\]]*\])|_.|\*.')
DATE_LETTERS = re.compile(r"[ymdhs]", re.IGNORECASE)
DIGITS = re.compile(r"[#0?][#0?,.]*")
SIGNIFICANT = 15
EPOCH, EPOCH_1904 = datetime.datetime(1899, 12, 30), datetime.datetime(1904, 1, 1)
LAST_DAY = 2_958_465


def shown(number: float, code: str, since_1904: bool = False) -> str:
    """The number under a format code; as plain as possible where the code says nothing or cannot be followed."""
    section = _section(number, code)
    bare = LITERAL.sub("", section)
    if DATE_LETTERS.search(bare) and not DIGITS.search(re.sub(r"s\.0+", "s", bare)):
        return _moment(number, bare, since_1904) or plain(number)
    pattern = DIGITS.search(bare)
    if not pattern or "E+" in bare or "/" in bare:
        return plain(number)
    percent = "%" in bare
    text = _digits(abs(number) * 100 if percent else abs(number), pattern.group())
    before, after = _around(section)
    negative = number < 0 and any(letter in "123456789" for letter in text)
    return f"{'-' if negative else ''}{before}{text}{'%' if percent else ''}{after}".strip()


def plain(number: float) -> str:
    """Without the noise of binary fractions: 0.1 + 0.2 is 0.3."""
    if number == int(number) and abs(number) < 10**SIGNIFICANT:
        return str(int(number))
    return f"{number:.{SIGNIFICANT}g}"


def _section(number: float, code: str) -> str:
    """Of `positive;negative;zero;text` the part for this number."""
    sections = re.split(r';(?=(?:[^"]*"[^"]*")*[^"]*$)', code)
    if number == 0 and len(sections) > 2:
        return sections[2]
    # The part for negative numbers says the same of them, with brackets or colours for the sign.
    return sections[0]


def _digits(number: float, pattern: str) -> str:
    whole, _, fraction = pattern.partition(".")
    least, most = fraction.count("0"), len(re.findall(r"[0#?]", fraction))
    text = f"{number:{',' if ',' in whole.rstrip(',') else ''}.{min(most, SIGNIFICANT)}f}"
    if most > least:
        kept = text.rstrip("0")
        text = kept + "0" * max(0, least - len(kept.partition(".")[2]))
    return text.rstrip(".").zfill(whole.count("0") if "," not in whole else 0)


def _around(section: str) -> tuple[str, str]:
    """What is written before and after the digits: a currency, a unit."""
    marked = LITERAL.sub(lambda found: f"\x02{found.group(1) or found.group(2) or found.group(3) or ''}\x03", section)
    digits = DIGITS.search(re.sub("\x02[^\x03]*\x03", lambda found: " " * len(found.group()), marked))
    if not digits:
        return "", ""
    return _literal(marked[: digits.start()]), _literal(marked[digits.end() :])


def _literal(part: str) -> str:
    return "".join(quoted or sign for quoted, sign in re.findall("\x02([^\x03]*)\x03|([£$€¥ ])", part))


def _moment(number: float, letters: str, since_1904: bool) -> str:
    if not 0 <= number <= LAST_DAY:
        return ""
    exact = (EPOCH_1904 if since_1904 else EPOCH) + datetime.timedelta(days=number)
    moment = (exact + datetime.timedelta(milliseconds=500)).replace(microsecond=0)
    time = f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"
    if not re.search(r"[yd]", letters, re.IGNORECASE):
        return f"{moment:%B %Y}" if not re.search(r"[hs]", letters, re.IGNORECASE) else time
    if not re.search("d", letters, re.IGNORECASE):
        return f"{moment:%B %Y}"
    day = f"{moment.day} {moment:%B %Y}"
    return f"{day}, {time}" if re.search("[hs]", letters, re.IGNORECASE) else day
