"""A model of this machine as it is asked here, by transformers: a folder, or a name in the local model cache."""

import asyncio
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from chat.llm import LlmError
from chat.toolformer.language_model import Token, located

LONGEST_CALL = 80
ALTERNATIVES = 20


class LocalModel:
    """Loaded when it is first asked. Not for several event loops at once."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def read(self, before: str, text: str) -> list[Token]:
        return await asyncio.to_thread(self._read, before, text)

    async def write(self, prompt: str, times: int, ends: Sequence[str]) -> list[str]:
        return await asyncio.to_thread(self._write, prompt, times, ends)

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        try:
            from transformers import AutoModelForCausalLM, AutoTokenizer

            tokenizer = AutoTokenizer.from_pretrained(self._name)
            return tokenizer, AutoModelForCausalLM.from_pretrained(self._name).eval()
        except (ImportError, OSError, ValueError) as problem:
            raise LlmError(f"{self._name} cannot be loaded: {problem}") from problem

    def _read(self, before: str, text: str) -> list[Token]:
        import torch

        tokenizer, model = self._loaded
        ids = tokenizer(before + text, return_tensors="pt").input_ids
        with torch.inference_mode():
            logs = model(ids).logits[0].log_softmax(-1)
        places = located([tokenizer.decode([token]) for token in ids[0].tolist()], before, text)
        found = []
        for number, place in enumerate(places):
            if place is None or number == 0:
                continue
            likeliest = logs[number - 1].topk(min(ALTERNATIVES, logs.shape[-1]))
            others = {
                tokenizer.decode([token]): value
                for token, value in zip(likeliest.indices.tolist(), likeliest.values.tolist(), strict=True)
            }
            found.append(Token(place, float(logs[number - 1, ids[0, number]]), others))
        return found

    def _write(self, prompt: str, times: int, ends: Sequence[str]) -> list[str]:
        import torch

        tokenizer, model = self._loaded
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        with torch.inference_mode():
            written = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                do_sample=True,
                num_return_sequences=times,
                max_new_tokens=LONGEST_CALL,
                pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id or 0,
            )
        texts = tokenizer.batch_decode(written[:, ids.shape[1] :], skip_special_tokens=True)
        return [_until(text, ends) for text in texts]


def _until(text: str, ends: Sequence[str]) -> str:
    return text[: min((place for end in ends if (place := text.find(end)) >= 0), default=len(text))]
