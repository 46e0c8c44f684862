"""Models of a few kilobytes, made on the spot, with random weights: one that embeds, and one that writes."""

import shutil
from pathlib import Path

from knowledge.embedding.source import locate


def make(folder: Path, dimension: int = 48) -> Path:
    """A BERT of one layer with the bundled model's tokenizer, and prompts for queries and passages."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer
    from transformers import BertConfig, BertModel

    bundled = locate("").folder
    parts = folder.with_name(f"{folder.name}-parts")
    parts.mkdir()
    for path in bundled.iterdir():
        if path.is_file() and path.name.startswith(("tokenizer", "vocab", "special_tokens")):
            shutil.copy(path, parts)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=30522, hidden_size=dimension, num_hidden_layers=1, num_attention_heads=4, intermediate_size=64
    )
    BertModel(config).save_pretrained(parts)
    prompts = {"query": "query: ", "document": "passage: "}
    SentenceTransformer(
        modules=[Transformer(str(parts), max_seq_length=128), Pooling(dimension)], prompts=prompts, device="cpu"
    ).save(str(folder))
    shutil.rmtree(parts)
    return folder


def make_causal(folder: Path) -> Path:
    """A Llama of one layer that knows bytes."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=len(letters), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder
