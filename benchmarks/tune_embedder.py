"""Tunes the bundled embedding model on what customers of the practice businesses really type, and writes what changed.

    SECRET_KEY=x PYTHONPATH=platform:. python benchmarks/tune_embedder.py [--further] [--epochs N]

Contrastive learning with the negatives of the batch: van den Oord et al., "Representation learning with contrastive
predictive coding" (2018). A batch holds questions to a few businesses, so that the wrong answers are near ones, and
questions that these businesses cannot answer, which every answer learns to be far from. Texts are compared by their
vectors and token by token (knowledge/embedding/late_interaction.py).
Half an hour for an epoch on two cores without bfloat16.
"""

import argparse
import json
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import django
import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from torch.nn import functional

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "switchboard.settings")
django.setup()

from benchmarks.practice_businesses import for_tuning  # noqa: E402
from knowledge.embedding import tuning  # noqa: E402
from knowledge.embedding.source import locate  # noqa: E402

SEED = 0
RATE, WARM_UP = 3e-5, 0.12
BLOCK, BLOCKS, ABSENT = 12, 4, 5
# Of the cosines of whole texts, and of the mean cosines of their tokens, which lie closer together.
TEMPERATURE, TEMPERATURE_OF_TOKENS = 0.05, 0.03
LONGEST, BATCH = 160, 24
RANK = 64
# Of an FAQ's phrasings so many are asked as customers' questions are; all are answers.
PHRASINGS_ASKED = 4
ANSWER_SHARE, SECTION_SHARE = 0.45, 0.7


@dataclass(frozen=True)
class Example:
    """A question and the texts that answer it: `likely` is drawn with `share`, else one of `others`."""

    question: str
    answered_by: tuple[str, ...]
    likely: str
    share: float
    others: tuple[str, ...]


@dataclass(frozen=True)
class Lesson:
    """What one business teaches."""

    examples: tuple[Example, ...]
    absent: tuple[str, ...]


def main() -> None:
    """Reads, tunes, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--further", action="store_true", help="begin with the tuning that is there")
    parser.add_argument("--epochs", type=float, default=2.0)
    options = parser.parse_args()
    torch.manual_seed(SEED)
    lessons = [read(path) for path in for_tuning()]
    model = SentenceTransformer(str(locate().folder), device="cpu", local_files_only=True)
    before = {name: tensor.clone() for name, tensor in model[0].auto_model.state_dict().items()}
    if options.further:
        tuning.apply(model)
    tune(model, lessons, options.epochs)
    found = changes(before, model[0].auto_model.state_dict())
    save_file({**found, tuning.CENTRE: centre(model, lessons)}, tuning.WEIGHTS)


def read(path: Path) -> Lesson:
    """A practice business as a lesson: every FAQ and every section with the questions that it answers."""
    name, stored = path.stem, json.loads(path.read_text(encoding="utf-8"))
    examples = []
    for faq in stored["faqs"]:
        asked = (*faq["asked"], *faq["phrasings"][:PHRASINGS_ASKED])
        texts = (faq["question"], *faq["phrasings"], *faq["asked"])
        answer = f"{faq['question']} {faq['answer']}"
        for question in asked:
            others = tuple(text for text in texts if text != question)
            examples.append(Example(question, (name, faq["question"]), answer, ANSWER_SHARE, others))
    for document in stored["documents"]:
        for section in document["sections"]:
            text = f"{document['title']}\n{section['heading']}\n{section['text']}"
            for asked in section["asked"]:
                place = (name, document["title"], section["heading"])
                examples.append(Example(asked["q"], place, text, SECTION_SHARE, (asked["quote"],)))
    return Lesson(tuple(examples), tuple(stored["absent"]))


def tune(model: SentenceTransformer, lessons: Sequence[Lesson], epochs: float) -> None:
    """Full fine-tuning of the layers; the word embeddings stay as they are. Without dropout, which on a CPU takes twice
    as long as all the rest."""
    rng = random.Random(SEED)
    model.eval()
    model[0].auto_model.requires_grad_(False)
    layers = [parameter.requires_grad_(True) for parameter in model[0].auto_model.encoder.parameters()]
    steps = int(epochs * sum(len(lesson.examples) for lesson in lessons) / (BLOCK * BLOCKS))
    optimizer = torch.optim.AdamW(layers, lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=RATE, total_steps=steps, pct_start=WARM_UP)
    batches = _batches(lessons, rng)
    for step in range(steps):
        loss = _loss(model, *next(batches), rng)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(layers, 1.0)
        optimizer.step()
        schedule.step()
        if step % 20 == 0:
            print(f"{step} of {steps}: loss {loss.item():.3f}", flush=True)


def _batches(lessons: Sequence[Lesson], rng: random.Random) -> Iterator[tuple[list[Example], list[str]]]:
    """Examples of BLOCKS businesses, and questions that these cannot answer."""
    while True:
        blocks = []
        for lesson in lessons:
            examples = rng.sample(lesson.examples, len(lesson.examples))
            blocks += [(lesson, examples[at : at + BLOCK]) for at in range(0, len(examples) - BLOCK + 1, BLOCK)]
        rng.shuffle(blocks)
        for at in range(0, len(blocks) - BLOCKS + 1, BLOCKS):
            chosen = blocks[at : at + BLOCKS]
            absent = [text for lesson, _ in chosen for text in rng.sample(lesson.absent, ABSENT)]
            yield [example for _, examples in chosen for example in examples], absent


def _loss(model: SentenceTransformer, batch: list[Example], absent: list[str], rng: random.Random) -> torch.Tensor:
    texts = [each.likely if rng.random() < each.share else rng.choice(each.others) for each in batch]
    asked, asked_tokens = _encode(model, [each.question for each in batch] + absent)
    answers, answer_tokens = _encode(model, texts)
    alike = torch.tensor([
        [one.answered_by == other.answered_by and one is not other for other in batch] for one in batch
    ])  # fmt: skip
    late = _late_interaction(asked_tokens, answer_tokens)
    whole = _contrast(asked @ answers.T / TEMPERATURE, alike)
    return (whole + _contrast(late / TEMPERATURE_OF_TOKENS, alike)) / 2


def _contrast(likeness: torch.Tensor, alike: torch.Tensor) -> torch.Tensor:
    """Each question is to be likest to its answer, and each answer to its question.

    `likeness` is (questions, answers): the first questions are those that the answers are to, the rest have none;
    `alike` marks other questions that an answer would do for.
    """
    answered = likeness.shape[1]
    of_batch = likeness[:answered].masked_fill(alike, -1e4)
    right = torch.arange(answered)
    to_answers = functional.cross_entropy(of_batch, right)
    to_questions = functional.cross_entropy(torch.cat([of_batch.T, likeness[answered:].T], dim=1), right)
    return (to_answers + to_questions) / 2


def centre(model: SentenceTransformer, lessons: Sequence[Lesson]) -> torch.Tensor:
    """(dimension,), the mean of all tokens, each of length 1, of some questions and what answers them."""
    some = [lesson.examples[number] for lesson in lessons for number in range(0, len(lesson.examples), 16)]
    with torch.no_grad():
        _, tokens = _encode(model, [text for each in some for text in (each.question, each.likely)])
    return functional.normalize(torch.cat(tokens), dim=-1).mean(0)


def _late_interaction(questions: list[torch.Tensor], texts: list[torch.Tensor]) -> torch.Tensor:
    """(questions, texts): what late_interaction.likeness says, so that it can be learnt from."""
    asked = torch.nn.utils.rnn.pad_sequence([functional.normalize(each, dim=-1) for each in questions], True)
    counts = torch.tensor([len(each) for each in questions])
    there = torch.arange(asked.shape[1])[None] < counts[:, None]
    best = [(asked @ functional.normalize(text, dim=-1).T).amax(-1).masked_fill(~there, 0.0) for text in texts]
    return torch.stack([each.sum(1) / counts for each in best], dim=1)


def _encode(model: SentenceTransformer, texts: list[str]) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """One vector for each text, of length 1, and the states of its tokens. Texts of like length go together."""
    vectors: list[torch.Tensor] = [torch.empty(0)] * len(texts)
    tokens: list[torch.Tensor] = [torch.empty(0)] * len(texts)
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    for at in range(0, len(order), BATCH):
        numbers = order[at : at + BATCH]
        read = model.tokenizer(
            [texts[number] for number in numbers],
            padding=True,
            truncation=True,
            max_length=LONGEST,
            return_tensors="pt",
        )
        states = model[0].auto_model(**read).last_hidden_state
        for number, own, mask in zip(numbers, states, read["attention_mask"], strict=True):
            own = own[: int(mask.sum())]
            vectors[number] = functional.normalize(own.mean(0), dim=-1)
            tokens[number] = own[1:-1]
    return torch.stack(vectors), tokens


def changes(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Matrices as the best difference of rank RANK (Eckart and Young, 1936); everything else whole."""
    found = {}
    for name, tensor in after.items():
        difference = tensor - before[name]
        if not difference.any():
            continue
        if tensor.dim() < 2:
            found[name] = tensor.contiguous()
            continue
        left, strength, right = torch.linalg.svd(difference, full_matrices=False)
        root = strength[:RANK].sqrt()
        found[name + tuning.UP] = (left[:, :RANK] * root).half().contiguous()
        found[name + tuning.DOWN] = (root[:, None] * right[:RANK]).half().contiguous()
    return found


if __name__ == "__main__":
    main()
