"""Has texts embedded by an OpenAI-compatible endpoint (`POST …/embeddings`)."""

import random
import time
from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from knowledge.tokens import tokens

from .catalogue import Endpoint
from .choice import ModelChoice
from .late_interaction import NO_TOKENS, TokenVectors
from .source import EndpointError, identity_of
from .space import Encoded, Space, normalised
from .text import readable

# A customer waits for a question's vector; a worker that embeds passages can wait longer.
ATTEMPTS_FOR_QUERIES, ATTEMPTS_FOR_PASSAGES = 2, 6
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 20.0
WORTH_ANOTHER_TRY = {408, 409, 425, 429, 500, 502, 503, 504}
USUAL_MAX_TOKENS = 500
QUOTED_CHARACTERS = 300
HINTS = {
    401: "Its API key is missing or wrong: set EMBEDDING_API_KEY, or api_key_env in the file EMBEDDING_MODELS.",
    403: "Its API key may not use this model.",
    404: "Check the address (it usually ends in /v1) and the model's name.",
    413: "Set EMBEDDING_BATCH lower.",
    429: "It is asked too often, or the account is used up.",
}


class EndpointEmbedder:
    """An `Embedder` whose model is served elsewhere: by vLLM, a cloud service, or anything else of this kind.

    Questions asked at once are sent each for itself: an endpoint takes requests side by side (and batches them if that
    helps it), so waiting to share one costs more than it saves: 56 questions a second alone against 31 shared, with 8
    callers and 0.1 s for a request.
    """

    def __init__(self, choice: ModelChoice, endpoint: Endpoint, dimension: int = 0) -> None:
        self._choice, self._endpoint, self._dimension = choice, endpoint, dimension
        headers = {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
        self._http = httpx.Client(timeout=endpoint.timeout_s, headers=headers)

    @property
    def space(self) -> Space:
        if not self._dimension:
            self._post(["How many numbers does a vector have?"], ATTEMPTS_FOR_QUERIES)
        return Space(*identity_of(self._choice), self._dimension)

    @property
    def max_tokens(self) -> int:
        return (self._choice.max_tokens or USUAL_MAX_TOKENS) - self.count_tokens(self._choice.passage_prompt or "")

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._embed(texts, self._choice.query_prompt, ATTEMPTS_FOR_QUERIES) if texts else self._nothing()

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._embed(texts, self._choice.passage_prompt, ATTEMPTS_FOR_PASSAGES) if texts else self._nothing()

    def encode_queries(self, texts: Sequence[str]) -> list[Encoded]:
        return [Encoded(vector, NO_TOKENS) for vector in self.embed_queries(texts)]

    def encode_passages(self, texts: Sequence[str]) -> list[Encoded]:
        return [Encoded(vector, NO_TOKENS) for vector in self.embed_passages(texts)]

    def token_vectors(self, query: str) -> TokenVectors:
        """Endpoints tell one vector for a text and no more."""
        return NO_TOKENS

    def token_words(self, query: str) -> list[str]:
        return []

    def count_tokens(self, text: str) -> int:
        """An estimate: the endpoint's own tokenizer is not known here."""
        return tokens(readable(text, whole=True))

    def _nothing(self) -> NDArray[np.float32]:
        return np.empty((0, self.space.dimension), np.float32)

    def _embed(self, texts: Sequence[str], prompt: str | None, attempts: int) -> NDArray[np.float32]:
        """Same texts are sent once; an empty one, which endpoints refuse, as a space."""
        prompted = [f"{prompt or ''}{self._shortened(readable(text))}" or " " for text in texts]
        distinct = list(dict.fromkeys(prompted))
        size = self._endpoint.batch
        batches = [distinct[start : start + size] for start in range(0, len(distinct), size)]
        vectors = np.concatenate([self._post(batch, attempts) for batch in batches])
        rows = {text: row for row, text in enumerate(distinct)}
        return vectors[[rows[text] for text in prompted]]

    def _shortened(self, text: str) -> str:
        """Cut to what the model reads, by the estimate of `count_tokens`: endpoints refuse what is longer."""
        most = self._choice.max_tokens or USUAL_MAX_TOKENS
        while (length := self.count_tokens(text)) > most:
            text = text[: min(len(text) - 1, int(len(text) * most / length) + 1)]
        return text

    def _post(self, texts: Sequence[str], attempts: int) -> NDArray[np.float32]:
        body: dict[str, Any] = {"model": self._choice.model, "input": list(texts), "encoding_format": "float"}
        if self._choice.dimensions:
            body["dimensions"] = self._choice.dimensions
        for attempt in range(1, attempts + 1):
            problem, pause_s = "", min(FIRST_PAUSE_S * 2**attempt, LONGEST_PAUSE_S) * random.uniform(0.5, 1)
            try:
                response = self._http.post(f"{self._choice.base_url}/embeddings", json=body)
            except httpx.TimeoutException:
                problem = f"did not answer within {self._endpoint.timeout_s:g} s (EMBEDDING_TIMEOUT)."
            except httpx.HTTPError as error:
                problem = f"could not be reached ({type(error).__name__})."
            else:
                if response.status_code == 200:
                    return self._vectors(response, len(texts))
                problem = self._refusal(response)
                if response.status_code not in WORTH_ANOTHER_TRY:
                    raise self._error(problem)
                pause_s = _asked_pause(response) or pause_s
            if attempt < attempts:
                time.sleep(pause_s)
        raise self._error(f"{problem} It was asked {attempts} times.")

    def _vectors(self, response: httpx.Response, count: int) -> NDArray[np.float32]:
        try:
            entries = sorted(response.json()["data"], key=lambda entry: entry["index"])
            numbers = [entry["index"] for entry in entries]
            vectors = np.array([entry["embedding"] for entry in entries], dtype=np.float32)
        except (ValueError, KeyError, TypeError) as error:
            raise self._error("answered something else than embeddings.") from error
        if numbers != list(range(count)):
            raise self._error(f"answered with {len(entries)} embeddings for {count} texts.")
        if vectors.ndim != 2 or not np.isfinite(vectors).all() or not vectors.any(axis=1).all():
            raise self._error("answered with vectors that are empty, zero or not finite.")
        self._dimension = self._dimension or vectors.shape[1]
        if vectors.shape[1] != self._dimension:
            raise self._error(f"answered with {vectors.shape[1]} dimensions instead of {self._dimension}.")
        return normalised(vectors)

    def _refusal(self, response: httpx.Response) -> str:
        said = " ".join(response.text[: 4 * QUOTED_CHARACTERS].split())
        if self._endpoint.api_key:
            said = said.replace(self._endpoint.api_key, "…")
        hint = HINTS.get(response.status_code, "")
        return f"answered {response.status_code}: {said[:QUOTED_CHARACTERS] or 'nothing'}. {hint}".strip()

    def _error(self, problem: str) -> EndpointError:
        return EndpointError(f"The embedding endpoint {self._choice.base_url} (model {self._choice.model}) {problem}")


def _asked_pause(response: httpx.Response) -> float:
    """The seconds that the endpoint asks to wait, within reason; 0 when it does not."""
    value = response.headers.get("Retry-After", "")
    return min(float(value), LONGEST_PAUSE_S) if value.isdigit() else 0.0
