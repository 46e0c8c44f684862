"""Makes the tiny Llama: a tokenizer from the texts, then some minutes of training on two processor cores."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.tiny_llama import conversations
from tests.tiny_llama.conversations import Faq, Message

VOCABULARY, HIDDEN, LAYERS, HEADS, INNER, LONGEST = 2048, 192, 4, 6, 512, 4096
EPOCHS, TOKENS_IN_BATCH, RATE, SEED = 16, 1280, 3e-3, 11
TEMPLATE = (Path(__file__).parent / "chat_template.jinja").read_text(encoding="utf-8")
END, PADDING = "<|end|>", "<|padding|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>", "<|tool|>")
NOT_LEARNED = -100


def make(folder: Path) -> None:
    """Train on all conversations and write a folder that transformers and vLLM load."""
    import torch

    torch.manual_seed(SEED)
    faqs = conversations.read()
    tokenizer = _tokenizer(conversations.texts(faqs))
    model = _model(tokenizer)
    _train(model, tokenizer, faqs)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _tokenizer(texts: list[str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    # Digit by digit, so that an amount is copied and never taken for a word.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PADDING, END, *ROLES],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PADDING,
        chat_template=TEMPLATE,
        model_max_length=LONGEST,
        clean_up_tokenization_spaces=False,
    )


def _model(tokenizer: Any) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=HIDDEN,
            intermediate_size=INNER,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            num_key_value_heads=HEADS,
            max_position_embeddings=LONGEST,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            attn_implementation="sdpa",
        )
    )


def _train(model: Any, tokenizer: Any, faqs: Sequence[Faq]) -> None:
    import torch

    batches = list(_batches(tokenizer, faqs))
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.05, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=len(batches), pct_start=0.05)
    model.train()
    for tokens, labels in batches:
        model(input_ids=tokens, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    model.eval()


def _batches(tokenizer: Any, faqs: Sequence[Faq]) -> Iterator[tuple[Any, Any]]:
    """Token IDs and labels, (rows, tokens) each: conversations of like length together."""
    import torch

    chance = random.Random(SEED)
    for _ in range(EPOCHS):
        rows = sorted(
            (_encode(tokenizer, each) for each in conversations.epoch(faqs, chance)), key=lambda row: len(row[0])
        )
        batches: list[list[tuple[list[int], list[int]]]] = [[]]
        for row in rows:
            if batches[-1] and (len(batches[-1]) + 1) * len(row[0]) > TOKENS_IN_BATCH:
                batches.append([])
            batches[-1].append(row)
        chance.shuffle(batches)
        for batch in batches:
            longest = max(len(tokens) for tokens, _ in batch)
            yield (
                torch.tensor([tokens + [tokenizer.pad_token_id] * (longest - len(tokens)) for tokens, _ in batch]),
                torch.tensor([labels + [NOT_LEARNED] * (longest - len(labels)) for _, labels in batch]),
            )


def _encode(tokenizer: Any, messages: list[Message]) -> tuple[list[int], list[int]]:
    """The token IDs that the chat template gives, and labels: what is asked is learned like what is said."""
    tokens: list[int] = []
    labels: list[int] = []
    for message in messages:
        more = tokenizer.encode(f"<|{message.role}|>{message.text}{END}", add_special_tokens=False)
        tokens += more
        labels += [NOT_LEARNED] * len(more) if message.role == "system" else more
    return tokens, labels
