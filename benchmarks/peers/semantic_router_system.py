"""semantic-router: its indexed router over phrasings, calibrated on phrasings held back."""

from collections.abc import Sequence

from semantic_router import IndexedRouter, Route
from semantic_router.encoders import LocalEncoder

from benchmarks.peers.system import Setting

HELD_BACK = 5
LEAST_CONFIDENCE = 0.5


class SemanticRouter:
    def __init__(self, setting: Setting) -> None:
        self._encoder = LocalEncoder(name=setting.model)

    def learn(self, phrasings: Sequence[tuple[str, str]]) -> None:
        # Its documentation asks for calibration on questions that are not among the phrasings.
        learnt = [pair for row, pair in enumerate(phrasings) if row % HELD_BACK]
        held = [pair for row, pair in enumerate(phrasings) if row % HELD_BACK == 0]
        by_intent: dict[str, list[str]] = {}
        for text, intent in learnt:
            by_intent.setdefault(intent, []).append(text)
        routes = [Route(name=intent, utterances=texts) for intent, texts in by_intent.items()]
        self._router = IndexedRouter(self._encoder, routes, confidence_threshold=LEAST_CONFIDENCE)
        self._router.fit([text for text, _ in held], [intent for _, intent in held])

    def choose(self, question: str) -> str:
        return self._router(question).name or ""
