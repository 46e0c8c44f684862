"""What the tiny Llama knows of words before it is trained: which mean the like, and which are rare.

A Llama of this size that begins with nothing learns answers by heart long before it tells one question from another,
and an adapter on it learns no more. So a part of each token's embedding is its vector by the embedding model that comes
with the project, longer the rarer the token is, and some heads of the first layer only average these: wherever the
model stands, it has the meaning of all that was said before, large enough to be told from what all prompts share.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from knowledge.embedding.source import locate
from knowledge.embedding.torch_embedder import TorchEmbedder
from tests.tiny_llama.conversations import Faq

# Rarity is ln(conversations / those with the token): below the first it counts nothing, beyond the second no more.
COMMON, RARE = 2.0, 7.0
# How long the meaning of a token of middle rarity is, and what the heads make of the average, each to the other part.
LENGTH, GAIN = 2.0, 300.0


def give(model: Any, tokenizer: Any, faqs: Sequence[Faq], size: int, shared: Sequence[str]) -> list[tuple[Any, Any]]:
    """Write the meanings into the last `size` dimensions of the embeddings and of the first layer's values; `size` is a
    multiple of a head's. `shared` is text that every prompt holds: its tokens mean nothing.

    Returns what must stay as it is while the model is trained: views of its weights, and their values.
    """
    import torch

    embeddings, attention = model.model.embed_tokens.weight.data, model.model.layers[0].self_attn
    own = embeddings.shape[1] - size
    length = float(embeddings[:, :own].norm(dim=1).mean())
    query, key, value = (getattr(attention, f"{name}_proj").weight.data[:size] for name in "qkv")
    output = attention.o_proj.weight.data[:, :size]
    meanings = _meanings(tokenizer, faqs, size, shared) * (length * LENGTH)
    embeddings[:, own:] = torch.tensor(meanings, dtype=embeddings.dtype)
    for weights in (query, key, value, output):
        weights.zero_()
    value[:, own:] = torch.eye(size)
    output[own:] = torch.eye(size) * (GAIN * length / math.sqrt(embeddings.shape[1]))
    return [(view, view.clone()) for view in (embeddings[:, own:], query, key, value, output)]


def _meanings(tokenizer: Any, faqs: Sequence[Faq], size: int, shared: Sequence[str]) -> np.ndarray:
    """(tokens, size): the embedding model's main directions, evened out by half, of the length that rarity gives."""
    embedder = TorchEmbedder(locate())
    words = [tokenizer.decode([token]).strip() or "." for token in range(len(tokenizer))]
    vectors = embedder.embed_queries(words)
    vectors = vectors - vectors.mean(axis=0)
    _, strengths, directions = np.linalg.svd(vectors, full_matrices=False)
    projected = vectors @ directions[:size].T / np.sqrt(strengths[:size])
    projected /= np.linalg.norm(projected, axis=1, keepdims=True).clip(1e-6)
    return projected * _rarity(tokenizer, faqs, shared)[:, None]


def _rarity(tokenizer: Any, faqs: Sequence[Faq], shared: Sequence[str]) -> np.ndarray:
    """(tokens,), one for what is of middle rarity."""
    asked = [f"In {faq.company}, {phrasing}" for faq in faqs for phrasing in faq.phrasings]
    within = Counter(token for tokens in tokenizer(asked)["input_ids"] for token in set(tokens))
    rarity = np.array([math.log((len(asked) + 1) / (within[token] + 1)) for token in range(len(tokenizer))])
    rarity[[token for tokens in tokenizer(list(shared))["input_ids"] for token in tokens]] = 0
    return np.clip(rarity - COMMON, 0, RARE - COMMON) / 4
