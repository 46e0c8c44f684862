"""Words that say the same thing, brought into one form before texts are compared."""

import re

from knowledge import lexical

_PLAIN = (
    (r"[’‘]", "'"),
    (r"(?<=\d)p\b", " pence"),
    (r"(?<=\d)(kg|g|km|cm|mm|gb|mb)\b", r" \1"),
    (r"\bper cent\b", "percent"),
    (r"\bcan't\b", "cannot"),
    (r"\bwon't\b", "will not"),
    (r"n't\b", " not"),
    (r"'ll\b", " will"),
    (r"'re\b", " are"),
    (r"'ve\b", " have"),
    (r"\bkilo(?:gram)?s?\b", "kg"),
)
FREE = re.compile(
    r"\b(?:free of charge|for free|complimentary|free|at no (?:extra |additional )?(?:cost|charge)|costs? nothing"
    r"|without (?:an? |any |extra )*(?:\w+ )?(?:fee|charge|cost)s?"
    r"|no (?:extra |additional |\w+ )?(?:cost|charge|fee)s?)\b",
    re.IGNORECASE,
)
_BOUND = (
    (r"\bno(?:t)? more than\b", "at most"),
    (r"\bno(?:t)? less than\b", "at least"),
    (r"\bno(?:t)? later than\b", "by"),
    (r"\bas many as\b", "at most"),
    (r"\bno longer\b", "not"),
    (r"\bnot only\b", ""),
)
_NEGATION = re.compile(
    r"\b(?:not|no|never|cannot|nothing|none|nobody|neither|nor|unable|impossible|excluded|excludes|refuse[sd]?|"
    r"forbidden|prohibited)\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"^\W*(?:and |or |but )?(?:if|unless|when|as long as|provided|except|in case|until|while)\b", re.IGNORECASE
)
POINTS_BACK = re.compile(
    r"\b(?:it|its|them|they|their|this|that|these|those)\b|^\W*(?:is|are|was|were)\b", re.IGNORECASE
)
ONLY = re.compile(r"\b(?:only|apart from|except|other than|just for|solely)\b", re.IGNORECASE)
_PART = re.compile(r"[,;:]|\bbut\b|(?<=[.!?])\s+")
_INNER_CONDITION = re.compile(r"\b(?:if|unless|as long as|provided(?: that)?|except)\b.*$", re.IGNORECASE)

# Each group is one thing said in several ways; what a group says has to be said by the source too.
PROMISES = {
    "refund": r"refund|reimburs|money back|pay (?:you )?back|paid back|fare back|premium back|back in full",
    "guarantee": r"guarantee|promise|assure|ensure|warrant",
    "waive": r"waive|exception|overlook|goodwill",
    "replace": r"replac(?:e|ed|ing)\b",
    "compensate": r"compensat|make (?:it )?up (?:to|for)|voucher|credit (?:you|your)|gift",
    "approve": r"approv|will be accepted|will be granted",
    "discount": r"discount|reduc|cheaper|% off|rebate",
}
SYNONYMS = """
cost costs price prices pay pays paid charge charged charges fee fees
get gets receive received receives receives given give gives
arrive arrives expected expect due deliver delivers delivered delivery come comes bring
start starts begin begins open opens
end ends close closes shut shuts finish
buy order orders purchase
return returns back
cancel cancelled cancellation
change changes move moved reschedule amend
call ring phone telephone
ask contact write
show tell report
collect collected pick picked collection
need needs must required require requires has have necessary
allowed allow permit permitted may can possible
keep kept hold held stored
send sends submit submitted
mail e-mail email
child children kid kids
lead leads led head run runs
person people customer customers
home house address
miss missed late delay delayed delays
borrow borrowed lend lent loan loans
apply applies application applications
weigh weighing weight kg
arrange book booked booking reserve reservation reserved
first initial new
claim claims claimed
kept waits wait
"""
_EMPTY = """
yes no unfortunately sorry sure course certainly please there here also just then so well indeed however straight away
currently happy glad actually simply kindly possible able want wish would like let find take takes took make makes use
uses each every any per total many much several within upon via onto across without
"""
_SAYING_NOTHING = frozenset(_EMPTY.split())


_ALIKE: dict[str, str] = {}
for _group in SYNONYMS.strip().splitlines():
    _stems = [lexical.terms(word)[0] for word in _group.split() if lexical.terms(word)]
    for _stem in _stems:
        _ALIKE.setdefault(_stem, _stems[0])


# Of whatever has a price it can be said that it costs.
SAID_OF_ANYTHING = frozenset(_ALIKE[stem] for word in ("cost", "get", "give") for stem in lexical.terms(word))


def content(text: str) -> frozenset[str]:
    """What a text speaks of: its words without those that say nothing, each standing for all that mean the same."""
    words = (word for word in lexical.words(text) if word not in _SAYING_NOTHING and not word[0].isdigit())
    return frozenset(_ALIKE.get(stem, stem) for word in words for stem in lexical.terms(word))


def plain(text: str) -> str:
    """Apostrophes, contractions and units written in one way."""
    for pattern, form in _PLAIN:
        text = re.sub(pattern, form, text, flags=re.IGNORECASE)
    return text


def stances(text: str) -> list[tuple[str, bool]]:
    """The parts of a statement, each with what it points back to, and whether it denies; conditions deny nothing."""
    text = FREE.sub("gratis", plain(text))
    text = re.sub(r"^\W*(?:yes|no)\b\s*[,.:;–-]", "", text, flags=re.IGNORECASE)
    for pattern, form in _BOUND:
        text = re.sub(pattern, form, text, flags=re.IGNORECASE)
    parts = [part for part in _PART.split(text) if part.strip()]
    stated = [part for part in parts if not _CONDITION.match(part)] or parts
    found: list[tuple[str, bool]] = []
    for part in stated:
        denies = len(_NEGATION.findall(_INNER_CONDITION.sub("", part))) % 2 == 1
        before = found[-1][0] if found and POINTS_BACK.search(part) else ""
        found.append((f"{before} {part}", denies))
    return found


def promises(text: str) -> frozenset[str]:
    """The kinds of promises that a text makes."""
    text = plain(text)
    return frozenset(name for name, words in PROMISES.items() if re.search(rf"\b(?:{words})", text, re.IGNORECASE))
