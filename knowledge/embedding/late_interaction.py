"""Late interaction: each token of a question is compared with the one of a text that is likest to it.

Khattab and Zaharia, "ColBERT: Efficient and Effective Passage Search via Contextualized Late Interaction over BERT"
(SIGIR 2020). One vector for a whole passage blurs the one sentence that answers; its tokens do not. They fall out of
the same run of the model, and two bits are enough for each of their numbers: on the practice businesses the right page
came first as often as with 32, and with fewer numbers instead (64 of a byte each) seven points less often.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# (n, WIDTH), a row of length 1 for each token.
TokenVectors = NDArray[np.float32]
WIDTH = 384
NO_TOKENS: TokenVectors = np.zeros((0, WIDTH), np.float32)
# Four levels, in standard deviations of a token's numbers, and the bound between the inner and the outer ones: Max,
# "Quantizing for minimum distortion" (1960). POWER is what is left of a token's length on average.
INNER, OUTER, BOUND, POWER = 0.4528, 1.510, 0.9816, 0.8825
# In tokens: what is found close together says more than what is found all over a passage.
WINDOW, STEP = 24, 8


def token_vectors(states: NDArray[np.float32], centre: NDArray[np.float32]) -> TokenVectors:
    """Those of a text. `states` (n, WIDTH) are the model's last ones, with those of the special tokens at either end;
    `centre` (WIDTH) is what tokens have in common."""
    centred = _evened(states[1:-1]) - centre
    return _evened(centred)


def pack(tokens: TokenVectors) -> bytes:
    """A quarter of a byte for each number."""
    bound = BOUND * tokens.std(axis=1, keepdims=True)
    codes = (tokens > -bound).astype(np.uint8) + (tokens > 0) + (tokens > bound)
    fours = codes.reshape(len(tokens), WIDTH // 4, 4)
    return (fours[..., 0] | fours[..., 1] << 2 | fours[..., 2] << 4 | fours[..., 3] << 6).tobytes()


def unpack(packed: bytes) -> TokenVectors:
    """The token vectors, as nearly as they were kept; their lengths are about 1."""
    return np.take(_LEVELS, np.frombuffer(packed, np.dtype("<u2")), axis=0).reshape(-1, WIDTH)


def unpack_all(packed: Sequence[bytes]) -> tuple[TokenVectors, list[int]]:
    """The token vectors of several texts, one after another, and how many each text has."""
    return unpack(b"".join(packed)), [len(each) * 4 // WIDTH for each in packed]


_OF_CODES = np.array([-OUTER, -INNER, INNER, OUTER], np.float32) / np.float32((WIDTH * POWER) ** 0.5)
# For each pair of bytes the eight numbers that it stands for.
_LEVELS = _OF_CODES[np.arange(1 << 16)[:, None] >> np.arange(0, 16, 2) & 3]


def likeness(question: TokenVectors, texts: TokenVectors, lengths: Sequence[int]) -> NDArray[np.float32]:
    """For each text the mean over the question's tokens of their best cosine in it, about -1 to 1; NaN for a text
    without token vectors, and for all where the question has none. For `texts` and `lengths` see `best_cosines`."""
    if not len(question):
        return np.full(len(lengths), np.nan, np.float32)
    found: NDArray[np.float32] = best_cosines(question, texts, lengths).mean(axis=1)
    return found


def best_cosines(question: TokenVectors, texts: TokenVectors, lengths: Sequence[int]) -> NDArray[np.float32]:
    """(texts, the question's tokens): the best cosine of each token in each text; NaN in a text without token vectors.

    `texts` are those of all texts, one after another; `lengths` says how many each has.
    """
    found = np.full((len(lengths), len(question)), np.nan, np.float32)
    told = np.flatnonzero(lengths)
    if len(told) and len(question):
        starts = np.cumsum([0, *lengths])[told]
        found[told] = np.maximum.reduceat(question @ texts.T, starts, axis=1).T
    return found


def best_in_windows(question: TokenVectors, text: TokenVectors) -> NDArray[np.float32]:
    """(windows, the question's tokens): the best cosine of each token in pieces of a text of about a sentence each,
    which overlap."""
    steps = np.maximum.reduceat(question @ text.T, np.arange(0, len(text), STEP), axis=1).T
    count = max(len(steps) - WINDOW // STEP + 1, 1)
    found: NDArray[np.float32] = np.max(
        [steps[at : at + count] for at in range(min(WINDOW // STEP, len(steps)))], axis=0
    )
    return found


def _evened(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    evened: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return evened
