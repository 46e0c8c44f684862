"""From which likelihood on a bot answers: found out on its own phrasings, with no questions from outside its business.

A bot that was given very many phrasings shows by them how its customers ask: nearly all that is like them is to be
answered. With fewer, customers' words lie farther from the phrasings than these from each other; but a FAQ's phrasings,
judged as if the bot had not that FAQ, are just what it is asked in vain: the most of them it has to refuse. Where there
are documents as well, they may answer those: then the usual holds.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from uuid import UUID
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from chat.router.asked import read
from chat.router.candidates import gather, judged
from chat.router.learned import Learned
from knowledge.embedding import Embedder
from knowledge.embedding.late_interaction import unpack

# Without token vectors, or with one phrasing a FAQ.
ANSWERED_FROM = 0.5
# With several phrasings a FAQ (SEVERAL is a variety, see `Learned`): of the practice businesses, apart from the harder
# ones, nearly three of four questions that are asked in vain are refused from here on.
ANSWERED_FROM_OF_SEVERAL, SEVERAL = 0.33, 0.46
# With documents alone there are fewer candidates that might do: in the practice businesses six of seven questions
# asked in vain are refused from here on.
ANSWERED_FROM_PAGES = 0.4
# The bounds of what is found out, with token vectors and without; measured on halves of BANKING77 and on CLINC150.
LOWEST, HIGHEST = 0.04, 0.06
LOWEST_PLAIN, HIGHEST_PLAIN = 0.1, 0.12
MANY_PHRASINGS = 30
TRIED, TRIED_IN_VAIN = 100, 200
# So many of the bot's own phrasings may be refused, each judged as if the bot had not been given it. Of 100 that are
# tried, fewer would be a matter of chance.
REFUSED = 0.03
# So many are to be refused of those that are judged as if the bot had not been given their FAQ. They lie nearer to its
# other FAQs than what is really asked in vain, of which practice businesses that no fitting saw then refuse eight of
# ten. And so many FAQs it takes to find that out.
REFUSED_IN_VAIN = 0.6
# Few phrasings say little of what is asked in vain: no bot answers from less.
LOWEST_FOUND_IN_VAIN = 0.15
ENOUGH_FAQS = 6
# So far below and above its threshold a bot is not sure. On the demo businesses' first set of questions 14 of the 23
# that were put through wrongly lie between, and 27 of the other 127.
UNSURE = (0.25, 1.6)
KEPT_BOTS = 500

_kept: OrderedDict[tuple[UUID, str, int], float] = OrderedDict()
_lock = Lock()


def answered_from(learned: Learned, embedder: Embedder) -> float:
    """The bot's threshold, found out once for each version of its knowledge."""
    if not learned.entries:
        return ANSWERED_FROM_PAGES
    rule = _rule(learned)
    if rule is None:
        return _usual(learned)
    key = (learned.snapshot.group_id, learned.snapshot.space, learned.snapshot.version)
    with _lock:
        if key in _kept:
            return _kept[key]
    found = rule(learned, embedder)
    with _lock:
        _kept[key] = found
        while len(_kept) > KEPT_BOTS:
            _kept.popitem(last=False)
    return found


def _usual(learned: Learned) -> float:
    if not learned.snapshot.tokens:
        return ANSWERED_FROM
    return ANSWERED_FROM + (ANSWERED_FROM_OF_SEVERAL - ANSWERED_FROM) * min(learned.variety / SEVERAL, 1)


def _rule(learned: Learned) -> Callable[[Learned, Embedder], float] | None:
    if len(learned.texts.owners) >= MANY_PHRASINGS * learned.entries:
        return _from_what_is_like_its_phrasings
    if learned.entries >= ENOUGH_FAQS and not learned.snapshot.chunks:
        return _from_what_is_asked_in_vain
    return None


def is_sure(answered: float, threshold: float) -> bool:
    """Whether the likelihood that something answers is far enough from the bot's threshold."""
    below, above = (factor * threshold for factor in UNSURE)
    return not below < answered < above


def confidence(answered: float, threshold: float) -> float:
    """The likelihood that something answers, so that a half is where the bot begins to answer: means the same for every
    bot. The odds are divided by those of the threshold."""
    likely, unlikely = answered * (1 - threshold), (1 - answered) * threshold
    return likely / (likely + unlikely)


def _from_what_is_like_its_phrasings(learned: Learned, embedder: Embedder) -> float:
    likelihoods = [_likelihood(learned, embedder, row, [row]) for row in _tried(learned, TRIED)]
    bounds = (LOWEST, HIGHEST) if learned.snapshot.tokens else (LOWEST_PLAIN, HIGHEST_PLAIN)
    return float(np.clip(np.quantile(likelihoods, REFUSED), *bounds))


def _from_what_is_asked_in_vain(learned: Learned, embedder: Embedder) -> float:
    owners = learned.texts.owners
    likelihoods = [
        _likelihood(learned, embedder, row, np.flatnonzero(owners == owners[row]))
        for row in _tried(learned, TRIED_IN_VAIN)
    ]
    return float(np.clip(np.quantile(likelihoods, REFUSED_IN_VAIN), LOWEST_FOUND_IN_VAIN, ANSWERED_FROM))


def _tried(learned: Learned, most: int) -> list[int]:
    """Rows of texts drawn by their hashes: the same ones wherever a bot knows the same, nearly those after an edit."""
    texts = learned.texts.texts
    return sorted(range(len(texts)), key=lambda row: (crc32(texts[row].encode()), row))[:most]


def _likelihood(learned: Learned, embedder: Embedder, row: int, without: Sequence[int] | NDArray[np.int64]) -> float:
    """That something answers one of the bot's own texts, while some of them are overlooked."""
    texts = learned.texts
    text = texts.texts[row]
    asked = read(learned, text, unpack(learned.snapshot.tokens.get(text, b"")), embedder.token_words(text))
    found = judged(gather(learned, asked, texts.vectors[row], (), list(without)))
    return sum(each.probability for each in found)
