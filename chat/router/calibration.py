"""From which likelihood on a bot answers: found out on its own phrasings, with no questions from outside its business.

A bot that was given very many phrasings shows by them how its customers ask: nearly all that is like them is to be
answered. With few, customers' words lie farther from the phrasings than these from each other: then the usual holds.
"""

from collections import OrderedDict
from threading import Lock
from uuid import UUID

import numpy as np

from chat.router import evidence
from chat.router.candidates import gather, judged
from chat.router.learned import Learned

ANSWERED_FROM = 0.5
# The bounds of what is found out; measured on halves of BANKING77 and on CLINC150.
LOWEST, HIGHEST = 0.12, 0.2
MANY_PHRASINGS = 30
TRIED = 100
# So many of the bot's own phrasings may be refused, each judged as if the bot had not been given it.
REFUSED = 0.02
# So far below and above its threshold a bot is not sure. On the demo businesses' first set of questions 35 of the 45
# that were put through wrongly lie between, and 41 of the other 141.
UNSURE = (0.4, 1.3)
KEPT_BOTS = 500

_kept: OrderedDict[tuple[UUID, str, int], float] = OrderedDict()
_lock = Lock()


def answered_from(learned: Learned) -> float:
    """The bot's threshold, found out once for each version of its knowledge."""
    texts = learned.texts.owners
    if len(texts) < MANY_PHRASINGS * max(learned.entries, 1):
        return ANSWERED_FROM
    key = (learned.snapshot.group_id, learned.snapshot.space, learned.snapshot.version)
    with _lock:
        if key in _kept:
            return _kept[key]
    found = _found(learned)
    with _lock:
        _kept[key] = found
        while len(_kept) > KEPT_BOTS:
            _kept.popitem(last=False)
    return found


def is_sure(learned: Learned, answered: float) -> bool:
    """Whether the likelihood that something answers is far enough from the bot's threshold."""
    below, above = (factor * answered_from(learned) for factor in UNSURE)
    return not below < answered < above


def _found(learned: Learned) -> float:
    texts = learned.texts
    likelihoods = []
    for row in np.linspace(0, len(texts.owners) - 1, TRIED).astype(int).tolist():
        asked = evidence.read(learned, texts.texts[row])
        candidates = judged(gather(learned, asked, texts.vectors[row], (), without=row))
        likelihoods.append(sum(each.probability for each in candidates))
    return float(np.clip(np.quantile(likelihoods, REFUSED), LOWEST, HIGHEST))
