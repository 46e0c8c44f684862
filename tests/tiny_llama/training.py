"""Makes the tiny Llama: a tokenizer from the texts, then some minutes of training on two processor cores."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.tiny_llama import conversations
from tests.tiny_llama.conversations import Faq

VOCABULARY, HIDDEN, LAYERS, HEADS, INNER, LONGEST = 2048, 192, 4, 6, 512, 4096
EPOCHS, TOKENS_IN_BATCH, RATE, SEED = 8, 1000, 2e-3, 11
# Three times what is usual: with so few dimensions attention is else the same to all words for most of the training.
FIRST_WEIGHTS = 0.06
# Which FAQ is asked shows in an answer's beginning: so many of a hundred answers end after so many tokens.
CUT_SHORT, BEGINNING = 70, 24
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
            initializer_range=FIRST_WEIGHTS,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            attn_implementation="sdpa",
        )
    )


@dataclass(frozen=True)
class _Row:
    """One conversation: `prompt` and `answer` are token IDs, `faq` is the number of the FAQ that was asked."""

    prompt: list[int]
    answer: list[int]
    faq: int

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


def _train(model: Any, tokenizer: Any, faqs: Sequence[Faq]) -> None:
    """Learn the answers, and before the last layer, where the question ends, which FAQ was asked. Without the second a
    model as small as this learns the answers by heart long before it heeds the question."""
    import torch

    chance = random.Random(SEED)
    batches = [batch for _ in range(EPOCHS) for batch in _epoch(tokenizer, faqs, chance)]
    which = torch.nn.Linear(HIDDEN, len(faqs))
    parameters = [*model.parameters(), *which.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0.05, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=len(batches), pct_start=0.05)
    model.train()
    for rows in batches:
        tokens, labels, ends, asked = _tensors(rows, tokenizer.pad_token_id)
        told = model(input_ids=tokens, labels=labels, output_hidden_states=True)
        understood = told.hidden_states[LAYERS - 1][torch.arange(len(rows)), ends]
        (told.loss + torch.nn.functional.cross_entropy(which(understood), asked)).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    model.eval()


def _epoch(tokenizer: Any, faqs: Sequence[Faq], chance: random.Random) -> list[list[_Row]]:
    """Each FAQ once, in batches of like length."""
    rows = sorted((_row(tokenizer, number, faq, chance) for number, faq in enumerate(faqs)), key=len)
    batches: list[list[_Row]] = [[]]
    for row in rows:
        if batches[-1] and (len(batches[-1]) + 1) * len(row) > TOKENS_IN_BATCH:
            batches.append([])
        batches[-1].append(row)
    chance.shuffle(batches)
    return batches


def _row(tokenizer: Any, number: int, faq: Faq, chance: random.Random) -> _Row:
    """The token IDs that the chat template gives."""
    *asked, answer = conversations.about(faq, chance)
    prompt = "".join(f"<|{message.role}|>{message.text}{END}" for message in asked) + "<|assistant|>"
    said = tokenizer.encode(answer.text + END, add_special_tokens=False)
    cut = chance.randrange(100) < CUT_SHORT
    return _Row(tokenizer.encode(prompt, add_special_tokens=False), said[:BEGINNING] if cut else said, number)


def _tensors(rows: list[_Row], padding: int) -> tuple[Any, Any, Any, Any]:
    """Token IDs and labels, (rows, tokens) each; where each prompt ends, and the FAQs' numbers, (rows,) each."""
    import torch

    longest = max(map(len, rows))
    tokens = [row.prompt + row.answer + [padding] * (longest - len(row)) for row in rows]
    labels = [[NOT_LEARNED] * len(row.prompt) + row.answer + [NOT_LEARNED] * (longest - len(row)) for row in rows]
    ends = [len(row.prompt) - 1 for row in rows]
    return torch.tensor(tokens), torch.tensor(labels), torch.tensor(ends), torch.tensor([row.faq for row in rows])
