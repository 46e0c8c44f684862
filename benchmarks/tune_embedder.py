"""Tunes the bundled embedding model on what customers of the practice businesses really type, and writes what changed.

    SECRET_KEY=x PYTHONPATH=platform:. python benchmarks/tune_embedder.py

Contrastive learning with the negatives of the batch: van den Oord et al., "Representation learning with contrastive
predictive coding" (2018). A batch holds questions to a few businesses, so that the wrong answers are near ones, and
questions that these businesses cannot answer, which every answer learns to be far from. Twenty minutes on one core.
"""

import argparse
import json
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import django
import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from torch.nn import functional

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "switchboard.settings")
django.setup()

from benchmarks.practice_businesses import FOLDER, KEPT_APART  # noqa: E402
from knowledge.embedding import tuning  # noqa: E402
from knowledge.embedding.source import locate  # noqa: E402

SEED = 0
EPOCHS, RATE, WARM_UP = 2.4, 5e-5, 0.15
BLOCK, BLOCKS, ABSENT = 12, 4, 5
TEMPERATURE = 0.05
LONGEST = 160
RANK = 64
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
    argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "").parse_args()
    torch.manual_seed(SEED)
    lessons = [read(path.stem) for path in sorted(FOLDER.glob("*.json")) if path.stem not in KEPT_APART]
    model = SentenceTransformer(str(locate().folder), device="cpu", local_files_only=True)
    before = {name: tensor.clone() for name, tensor in model[0].auto_model.state_dict().items()}
    tune(model, lessons)
    save_file(changes(before, model[0].auto_model.state_dict()), tuning.WEIGHTS)


def read(name: str) -> Lesson:
    """A practice business as a lesson: every FAQ and every section with the questions that it answers."""
    stored = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    examples = []
    for faq in stored["faqs"]:
        asked = (*faq["asked"], *faq["phrasings"])
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


def tune(model: SentenceTransformer, lessons: Sequence[Lesson]) -> None:
    """Full fine-tuning of the layers; the word embeddings stay as they are."""
    rng = random.Random(SEED)
    layers = model[0].auto_model.encoder.parameters()
    model[0].auto_model.requires_grad_(False)
    parameters = [parameter.requires_grad_(True) for parameter in layers]
    steps = int(EPOCHS * sum(len(lesson.examples) for lesson in lessons) / (BLOCK * BLOCKS))
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=RATE, total_steps=steps, pct_start=WARM_UP)
    model.train()
    batches = _batches(lessons, rng)
    for step in range(steps):
        loss = _loss(model, *next(batches), rng)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
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
    with torch.autocast("cpu", torch.bfloat16):
        asked = _vectors(model, [each.question for each in batch] + absent)
        answers = _vectors(model, texts)
    likeness = asked @ answers.T / TEMPERATURE
    alike = torch.tensor([
        [one.answered_by == other.answered_by and one is not other for other in batch] for one in batch
    ])  # fmt: skip
    of_batch = likeness[: len(batch)].masked_fill(alike, -1e4)
    right = torch.arange(len(batch))
    to_answers = functional.cross_entropy(of_batch, right)
    to_questions = functional.cross_entropy(torch.cat([of_batch.T, likeness[len(batch) :].T], dim=1), right)
    return (to_answers + to_questions) / 2


def _vectors(model: SentenceTransformer, texts: list[str]) -> torch.Tensor:
    tokens = model.tokenizer(texts, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
    states = model[0].auto_model(**tokens).last_hidden_state.float()
    mask = tokens["attention_mask"].unsqueeze(-1).float()
    return functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)


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
