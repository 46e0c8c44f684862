"""Exports a sentence-transformers model to int8 ONNX and checks it against PyTorch. Runs in a process of its own."""

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from sentence_transformers import SentenceTransformer
from transformers import AttentionInterface

from . import tuning
from .onnx_embedder import CENTRE, GRAPH, TOKENIZER, OnnxEmbedder
from .source import BUNDLED_NAME, ModelSource
from .store import Manifest, write_manifest
from .torch_embedder import load_model, prompts_of, token_limit_of

LOWEST_COSINE = 0.98
UNMASKED = "unmasked"
# Architectures in which the mask says nothing but where padding is: no order, no windows.
WITHOUT_MASK = ("bert", "roberta", "xlm-roberta")
SUPPORTED_MODULES = (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
PROBES = [
    "How do I reset my password?",
    "cancel my order",
    "My card payment of £49.99 on 3 May was declined twice, but the money has left my account. What can I do?",
    "Refunds are paid back to the original card within five working days of the return reaching our warehouse.",
    "| Account | Monthly fee | Overdraft |\n| Classic | 0 | 500 |\n| Premier | 12 | 2,500 |",
    "Combien coûte la livraison en Suisse ?",
    "The annual interest rate is fixed for two, five or ten years; early repayment costs one percent a year. " * 8,
]


def export(source: ModelSource, target: Path) -> Manifest:
    """Writes graph, tokenizer and manifest into the existing folder `target`; says in the manifest if it failed."""
    model = load_model(source, "cpu")
    problem = _unsupported(model)
    if problem:
        manifest = Manifest(source.name, source.revision, rejected=problem)
    else:
        manifest = _export_supported(model, source, target)
    write_manifest(target, manifest)
    return manifest


def _unsupported(model: SentenceTransformer) -> str:
    if [type(module).__name__ for module in model] not in SUPPORTED_MODULES:
        return "it is built from other parts than a transformer with pooling."
    pooling = _pooling_of(model)
    if pooling["pooling_mode"] not in ("mean", "cls") or not pooling.get("include_prompt", True):
        return "its way of pooling is not mean or cls over all tokens."
    if getattr(model[0], "do_lower_case", False):
        return "it lowercases its input outside of its tokenizer."
    if not hasattr(model.tokenizer, "backend_tokenizer"):
        return "it has no fast tokenizer."
    return ""


def _pooling_of(model: SentenceTransformer) -> dict[str, Any]:
    module: Any = model[1]
    settings: dict[str, Any] = module.get_config_dict()
    return settings


def _export_supported(model: SentenceTransformer, source: ModelSource, target: Path) -> Manifest:
    query_prompt, passage_prompt = prompts_of(model)
    accepted = Manifest(
        model=source.name,
        revision=source.revision,
        dimension=int(model.get_embedding_dimension() or 0),
        token_limit=token_limit_of(model),
        pooling=_pooling_of(model)["pooling_mode"],
        query_prompt=query_prompt,
        passage_prompt=passage_prompt,
    )
    model.tokenizer.backend_tokenizer.save(str(target / TOKENIZER))
    if source.name == BUNDLED_NAME:
        np.save(target / CENTRE, tuning.centre())
    expected = model.encode(PROBES, prompt=passage_prompt, normalize_embeddings=True)
    full = target / "full.onnx"
    _write_graph(model, full)
    cosine = 0.0
    # Processors without VNNI may overflow on eight bits; there, seven are tried.
    for reduce_range in (False, True):
        _quantise(full, target / GRAPH, reduce_range)
        write_manifest(target, accepted)
        cosine = max(cosine, _lowest_cosine(OnnxEmbedder(target), expected))
        if cosine > LOWEST_COSINE:
            break
    full.unlink()
    if cosine > LOWEST_COSINE:
        return Manifest(**{**vars(accepted), "lowest_cosine": round(cosine, 4)})
    (target / GRAPH).unlink()
    reason = f"its export agrees too little with it (cosine {cosine:.3f}, wanted {LOWEST_COSINE})."
    return Manifest(source.name, source.revision, lowest_cosine=round(cosine, 4), rejected=reason)


class _HiddenStates(torch.nn.Module):
    """One text at a time, hence no padding and no attention mask: a smaller and faster graph."""

    def __init__(self, transformer: Any) -> None:
        super().__init__()
        self.transformer = transformer

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        states: torch.Tensor = self.transformer(input_ids=input_ids).last_hidden_state
        return states


def _unmasked_attention(
    module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: Any, scaling: float, **others: Any
) -> tuple[torch.Tensor, None]:
    """(texts, heads, tokens, width) each. Of one text every token sees every other one, so that no mask is added: a
    twentieth of the time."""
    weights = torch.softmax((query * scaling) @ key.transpose(2, 3), dim=-1)
    return (weights @ value).transpose(1, 2).contiguous(), None


def _write_graph(model: SentenceTransformer, path: Path) -> None:
    transformer: Any = model[0].auto_model
    AttentionInterface.register(UNMASKED, _unmasked_attention)
    transformer.set_attn_implementation(UNMASKED if transformer.config.model_type in WITHOUT_MASK else "eager")
    token_ids = torch.tensor([model.tokenizer(PROBES[0])["input_ids"]])
    torch.onnx.export(
        _HiddenStates(transformer).eval(),
        (token_ids,),
        str(path),
        input_names=["input_ids"],
        output_names=["last_hidden_state"],
        dynamic_shapes=({1: torch.export.Dim.DYNAMIC},),
        dynamo=True,
        external_data=False,
    )
    onnx.checker.check_model(str(path))


def _quantise(full: Path, target: Path, reduce_range: bool) -> None:
    quantize_dynamic(
        full,
        target,
        op_types_to_quantize=["MatMul"],
        per_channel=True,
        reduce_range=reduce_range,
        weight_type=QuantType.QInt8,
    )


def _lowest_cosine(embedder: OnnxEmbedder, expected: np.ndarray) -> float:
    return float((embedder.embed_passages(PROBES) * expected).sum(axis=1).min())


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    source = json.loads(sys.argv[1])
    export(ModelSource(**{**source, "folder": Path(source["folder"])}), Path(sys.argv[2]))
