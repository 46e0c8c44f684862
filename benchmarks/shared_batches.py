"""Do questions asked at once gain from sharing a batch? PYTHONPATH=. python -m benchmarks.shared_batches

The int8 model in ONNX Runtime, one thread for each run, and PyTorch: each question alone against padded batches shared
by whoever asks meanwhile. The time of a core that a question takes is printed too: it says most on a busy machine.
"""

import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from onnxruntime import InferenceSession, SessionOptions
from onnxruntime.quantization import QuantType, quantize_dynamic
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

from knowledge.embedding import ModelChoice, load_embedder
from knowledge.embedding.shared_batches import SharedBatches
from knowledge.embedding.source import locate
from knowledge.embedding.torch_embedder import TorchEmbedder

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
QUESTIONS = [
    f"{how} {what}?"
    for how in ("How do I change", "What happens to", "Can I get a copy of", "I have lost", "Who pays for")
    for what in ("my card", "the address on my account", "a parcel that never came", "the yearly statement")
]
CALLERS, SECONDS, ROUNDS = (8, 32), 3.0, 3


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        alone = load_embedder(ModelChoice(), Path(folder), "cpu")
        padded = _padded_batches(Path(folder))
        in_pytorch = TorchEmbedder(locate(""))
        ways: dict[str, Embed] = {
            "int8, each alone": lambda texts: np.concatenate([alone.embed_passages([text]) for text in texts]),
            "int8, batches of up to 8": SharedBatches(padded, 8),
            "int8, batches of up to 32": SharedBatches(padded, 32),
            "PyTorch, each alone": in_pytorch.embed_passages,
            "PyTorch, batches of up to 32": SharedBatches(in_pytorch.embed_passages, 32),
        }
        for callers in CALLERS:
            for _ in range(ROUNDS):
                for name, embed in ways.items():
                    print(f"{callers:3d} callers, {name:30s} {_measured(embed, callers)}", flush=True)


def _measured(embed: Embed, callers: int) -> str:
    ends, busy = time.monotonic() + SECONDS, time.process_time()
    waits: list[float] = []

    def ask(first: int) -> None:
        number = first
        while (asked := time.monotonic()) < ends:
            embed([QUESTIONS[number % len(QUESTIONS)]])
            waits.append(time.monotonic() - asked)
            number += 1

    threads = [threading.Thread(target=ask, args=(7 * number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    core_ms = 1000 * (time.process_time() - busy) / len(waits)
    p50, p95 = 1000 * np.percentile(waits, [50, 95])
    return f"{len(waits) / SECONDS:6.1f}/s  p50 {p50:6.1f} ms  p95 {p95:6.1f} ms  core {core_ms:5.2f} ms"


class _Masked(torch.nn.Module):
    def __init__(self, transformer: torch.nn.Module) -> None:
        super().__init__()
        self.transformer = transformer

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        states: torch.Tensor = self.transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return states


def _padded_batches(folder: Path) -> Embed:
    """The bundled model, exported with an attention mask, as int8: many texts in one run."""
    model = SentenceTransformer(str(locate("").folder), device="cpu").eval()
    transformer = model[0].auto_model
    transformer.set_attn_implementation("eager")
    ids, free = torch.randint(5, 2000, (3, 11)), torch.export.Dim.DYNAMIC
    names = ["input_ids", "attention_mask"]
    torch.onnx.export(
        _Masked(transformer).eval(), (ids, torch.ones_like(ids)), str(folder / "full.onnx"), input_names=names,
        dynamic_shapes=({0: free, 1: free}, {0: free, 1: free}), dynamo=True, external_data=False,
    )  # fmt: skip
    quantize_dynamic(
        folder / "full.onnx", folder / "q.onnx", op_types_to_quantize=["MatMul"], per_channel=True,
        weight_type=QuantType.QInt8,
    )  # fmt: skip
    options = SessionOptions()
    options.intra_op_num_threads, options.enable_cpu_mem_arena = 1, False
    session = InferenceSession(str(folder / "q.onnx"), options)
    tokenizer: Tokenizer = model.tokenizer.backend_tokenizer
    tokenizer.enable_padding()

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        encoded = tokenizer.encode_batch(list(texts))
        ids, mask = (np.array([getattr(each, name) for each in encoded], np.int64) for name in ("ids", names[1]))
        states = session.run(None, {names[0]: ids, names[1]: mask})[0]
        pooled = (states * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
        unit: NDArray[np.float32] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return unit

    return embed


if __name__ == "__main__":
    main()
