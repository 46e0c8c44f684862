"""Makes the tiny Llama: a tokenizer from the texts, then some minutes of training on two processor cores."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.tiny_llama import conversations, meanings
from tests.tiny_llama.conversations import Faq

VOCABULARY, HIDDEN, LAYERS, HEADS, INNER, LONGEST = 3072, 256, 4, 8, 512, 4096
# So many of the dimensions hold the meanings of words, which are given and not learned.
MEANING = 160
EPOCHS, TOKENS_IN_BATCH, RATE, SEED = 20, 1500, 2e-3, 11
# Three times what is usual: with so few dimensions attention is else the same to all words for most of the training.
FIRST_WEIGHTS = 0.06
# Which FAQ is asked shows in an answer's beginning: so many of a hundred answers end after so many tokens, and the loss
# of the first token after the company's name is added once more with this weight.
CUT_SHORT, BEGINNING, FIRST_COUNTS = 70, 24, 0.5
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
    shared = [*ROLES, END, conversations.SYSTEM.format(company=""), conversations.PREFIX.format(company="")]
    given = meanings.give(model, tokenizer, faqs, MEANING, shared)
    _train(model, tokenizer, faqs, given)
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
            initializer_range=FIRST_WEIGHTS,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            attn_implementation="sdpa",
        )
    )


@dataclass(frozen=True)
class _Row:
    """One conversation: `prompt` and `answer` are token IDs, of the answer the first `prefix` name the company."""

    prompt: list[int]
    answer: list[int]
    prefix: int

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


def _train(model: Any, tokenizer: Any, faqs: Sequence[Faq], given: Sequence[tuple[Any, Any]]) -> None:
    """Learn the answers; the weights that were `given` stay as they are."""
    import torch

    chance = random.Random(SEED)
    batches = [batch for _ in range(EPOCHS) for batch in _epoch(tokenizer, faqs, chance)]
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0.05, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=len(batches), pct_start=0.05)
    model.train()
    for rows in batches:
        tokens, labels, firsts = _tensors(rows, tokenizer.pad_token_id)
        told = model(input_ids=tokens, labels=labels)
        numbers = torch.arange(len(rows))
        first = torch.nn.functional.cross_entropy(told.logits[numbers, firsts - 1], tokens[numbers, firsts])
        (told.loss + FIRST_COUNTS * first).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        for weights, value in given:
            weights.copy_(value)
    model.eval()


def _epoch(tokenizer: Any, faqs: Sequence[Faq], chance: random.Random) -> list[list[_Row]]:
    """Each FAQ once, in batches of like length."""
    rows = sorted((_row(tokenizer, faq, chance) for faq in faqs), key=len)
    batches: list[list[_Row]] = [[]]
    for row in rows:
        if batches[-1] and (len(batches[-1]) + 1) * len(row) > TOKENS_IN_BATCH:
            batches.append([])
        batches[-1].append(row)
    chance.shuffle(batches)
    return batches


def _row(tokenizer: Any, faq: Faq, chance: random.Random) -> _Row:
    """The token IDs that the chat template gives."""
    *asked, answer = conversations.about(faq, chance)
    prompt = "".join(f"<|{message.role}|>{message.text}{END}" for message in asked) + "<|assistant|>"
    prefix = conversations.PREFIX.format(company=faq.company)
    cut = BEGINNING if chance.randrange(100) < CUT_SHORT else None
    said, named = (tokenizer.encode(text, add_special_tokens=False) for text in (answer.text + END, prefix))
    return _Row(tokenizer.encode(prompt, add_special_tokens=False), said[:cut], len(named))


def _tensors(rows: list[_Row], padding: int) -> tuple[Any, Any, Any]:
    """Token IDs and labels, (rows, tokens) each; where each answer's own words begin, (rows,)."""
    import torch

    longest = max(map(len, rows))
    tokens = [row.prompt + row.answer + [padding] * (longest - len(row)) for row in rows]
    labels = [[NOT_LEARNED] * len(row.prompt) + row.answer + [NOT_LEARNED] * (longest - len(row)) for row in rows]
    firsts = [len(row.prompt) + row.prefix for row in rows]
    return torch.tensor(tokens), torch.tensor(labels), torch.tensor(firsts)
