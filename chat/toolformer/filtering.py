"""Whether a call with its result makes what follows likelier (section 2, "Filtering API Calls")."""

import math
from collections.abc import Sequence

from chat.toolformer.language_model import LanguageModel, Token

# w~(t) = max(0, 1 - 0.2 t): the call helps what comes right after it, or nothing.
FALLING = 0.2


async def gain(model: LanguageModel, question: str, text: str, place: int, written: str, result: str) -> float:
    """L- minus L+ in nats: the loss of the text from `place` on with neither call nor result, or with the call alone,
    whichever is smaller, minus that with both. The call stands before the text: the model has not yet learnt to read
    one within."""
    with_both = await _loss(model, f"[{written} → {result}]", question, text, place)
    with_call = await _loss(model, f"[{written}]", question, text, place)
    without = await _loss(model, "", question, text, place)
    return min(without, with_call) - with_both


async def _loss(model: LanguageModel, given: str, question: str, text: str, place: int) -> float:
    before = f"{given}\n\nQuestion: {question}\nAnswer: "
    return weighted_loss(await model.read(before, text), place)


def weighted_loss(tokens: Sequence[Token], place: int) -> float:
    """The weighted cross entropy of the tokens from `place` on; infinite where there are none."""
    following = [token for token in tokens if token.start >= place]
    weights = [max(0.0, 1 - FALLING * number) for number in range(len(following))]
    if not sum(weights):
        return math.inf
    return -sum(weight * token.logprob for weight, token in zip(weights, following, strict=True)) / sum(weights)
