"""The served model as it is asked here: completions with log probabilities, of any OpenAI-compatible endpoint."""

from collections.abc import Sequence
from dataclasses import dataclass

from chat import llm
from chat.toolformer.language_model import Token, located

LONGEST_CALL = 80
# The most alternatives that vLLM tells of unless it is told to tell more.
ALTERNATIVES = 20


@dataclass(frozen=True)
class EndpointModel:
    name: str
    alternatives: int = ALTERNATIVES

    async def read(self, before: str, text: str) -> list[Token]:
        (choice,) = await llm.completions(
            model=self.name, prompt=before + text, echo=True, logprobs=self.alternatives, max_tokens=1, temperature=0.0
        )
        told = choice.logprobs
        if told is None or not told.tokens:
            raise llm.LlmError("The endpoint tells no log probabilities of the prompt.")
        places = located(told.tokens, before, text)
        others = told.top_logprobs or [None] * len(places)
        return [
            Token(place, logprob, dict(likely or {}))
            for place, logprob, likely in zip(places, told.token_logprobs, others, strict=False)
            if place is not None and logprob is not None
        ]

    async def write(self, prompt: str, times: int, ends: Sequence[str]) -> list[str]:
        choices = await llm.completions(
            model=self.name, prompt=prompt, n=times, stop=list(ends), max_tokens=LONGEST_CALL, temperature=1.0
        )
        return [choice.text for choice in choices]
