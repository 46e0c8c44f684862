"""Learns which tokens of a question matter: see chat/router/salience.py. A part of fit_answerability.py.

The model is that of chat/router/answerability.py. What a token tells and how much it must be found are linear in its
vector, the one under a softmax, the other under a logistic function, and learnt together with the weights of the
evidence by stochastic gradients. These weights are then fitted once more, exactly, by fit_answerability.py.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from chat.router.salience import LEAST_RARE

SEED = 0
EPOCHS, BATCH, RATE = 20, 512, 0.02
PENALTY, PENALTY_OF_TOKENS = 5e-4, 2.5e-4
TOKENS, CANDIDATES, WIDTH = 40, 8, 384
# The best phrasing or window, and anywhere.
PLACES = 2
KINDS, ENDS = ("entry", "passage"), 2
# The last of the evidence are the ones that come from here.
OF_SALIENCE = 3
# Where the search begins: little must be found.
NEEDED, OF_RARITY = -3.0, 0.5
# About the mean and the deviation of how like a candidate is.
USUAL, DEVIATION = 0.55, 0.12


def fit(examples: Sequence[Any]) -> dict[str, Any]:
    """What chat/router/salience.json holds. `examples` are those of fit_answerability.py, with token vectors."""
    torch.manual_seed(SEED)
    table = _Table(examples)
    model = _Model(table)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    steps = EPOCHS * (len(examples) // BATCH)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=steps)
    for numbers in _batches(len(examples)):
        loss = model.loss(table, numbers)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return {
        "importance": {"weights": _rounded(model.told), "of_rarity": round(model.of_rarity.item(), 4)},
        "needs": {"weights": _rounded(model.needed), "offset": round(model.needed_offset.item(), 4)},
    }


def _rounded(values: torch.Tensor) -> list[float]:
    return [round(value, 4) for value in values.tolist()]


def _batches(count: int) -> Iterator[NDArray[np.int64]]:
    rng = np.random.default_rng(SEED)
    for _ in range(EPOCHS):
        order = rng.permutation(count)
        for at in range(0, count - BATCH + 1, BATCH):
            yield order[at : at + BATCH]


class _Table:
    """All examples, padded: (examples, CANDIDATES, ...). `kind` is -1 where there is no candidate, `best` NaN where
    there is no token, or none that counts."""

    def __init__(self, examples: Sequence[Any]) -> None:
        shape = len(examples), CANDIDATES
        width = max(len(seen.evidence) for example in examples for seen in example.seen) - OF_SALIENCE
        self.examples = examples
        self.evidence = torch.zeros(*shape, width)
        self.best = torch.full((*shape, PLACES, TOKENS), torch.nan, dtype=torch.float16)
        self.kind = torch.full(shape, -1)
        self.many, self.surprise = torch.zeros(len(examples)), torch.zeros(shape)
        self.right = torch.tensor([each.right if each.right >= 0 else CANDIDATES for each in examples])
        weights = torch.tensor([each.weight for each in examples], dtype=torch.float32)
        self.weight = weights / weights.mean()
        for number, example in enumerate(examples):
            self.many[number] = example.seen[0].variety
            for place, (seen, best) in enumerate(zip(example.seen, example.best, strict=True)):
                evidence = seen.evidence[:-OF_SALIENCE]
                self.evidence[number, place, : len(evidence)] = torch.from_numpy(evidence)
                self.best[number, place, :, : best[:, :TOKENS].shape[1]] = torch.from_numpy(best[:, :TOKENS])
                self.kind[number, place] = KINDS.index(seen.kind)
                self.surprise[number, place] = seen.surprise

    def tokens(self, numbers: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """(examples, TOKENS, WIDTH), and the rarity of each (examples, TOKENS)."""
        found, rarity = torch.zeros(len(numbers), TOKENS, WIDTH), torch.zeros(len(numbers), TOKENS)
        for row, number in enumerate(numbers):
            own = self.examples[number].tokens[:TOKENS]
            found[row, : len(own)] = torch.from_numpy(own.astype(np.float32))
            rarity[row, : len(own)] = torch.from_numpy(self.examples[number].rarity[:TOKENS])
        return found, rarity


class _Model(torch.nn.Module):
    """Utilities as in answerability.py, with how like a candidate is to what matters, and what is missing."""

    def __init__(self, table: _Table) -> None:
        super().__init__()
        width = table.evidence.shape[-1]
        self.centre, self.spread = torch.zeros(len(KINDS), width), torch.ones(len(KINDS), width)
        for number in range(len(KINDS)):
            own = table.evidence[table.kind == number]
            if len(own):
                self.centre[number], self.spread[number] = own.mean(0), own.std(0) + 1e-6
        self.weights = torch.nn.Parameter(torch.zeros(ENDS, len(KINDS), width))
        self.offsets = torch.nn.Parameter(torch.full((ENDS, len(KINDS)), -2.0))
        self.surprise = torch.nn.Parameter(torch.zeros(ENDS))
        self.like = torch.nn.Parameter(torch.zeros(ENDS, len(KINDS), PLACES))
        self.missing = torch.nn.Parameter(torch.zeros(ENDS, len(KINDS)))
        self.told, self.needed = (torch.nn.Parameter(torch.zeros(WIDTH)) for _ in range(2))
        self.of_rarity = torch.nn.Parameter(torch.tensor(OF_RARITY))
        self.needed_offset = torch.nn.Parameter(torch.tensor(NEEDED))

    def loss(self, table: _Table, numbers: NDArray[np.int64]) -> torch.Tensor:
        tokens, rarity = table.tokens(numbers.tolist())
        kind, best = table.kind[numbers].clamp(0), table.best[numbers].float()
        counts, best = ~best.isnan(), best.nan_to_num()
        evidence = (table.evidence[numbers] - self.centre[kind]) / self.spread[kind]
        utilities = (self.weights[:, kind] * evidence).sum(-1) + self.offsets[:, kind]
        utilities = utilities + table.surprise[numbers] * self.surprise[:, None, None]
        logs = tokens @ self.told + self.of_rarity * torch.log(rarity + LEAST_RARE)
        importance = logs[:, None, None].expand_as(best).masked_fill(~counts, -1e9).softmax(-1)
        like = ((best * importance).sum(-1) - USUAL) / DEVIATION
        utilities = utilities + (self.like[:, kind] * like).sum(-1)
        needs = torch.sigmoid(tokens @ self.needed + self.needed_offset)[:, None] * counts[:, :, -1]
        missing = (needs * (1 - best[:, :, -1])).sum(-1)
        utilities = utilities - 3 * torch.nn.functional.softplus(self.missing)[:, kind] * missing
        many = table.many[numbers][:, None]
        mixed = (1 - many) * utilities[0] + many * utilities[1]
        mixed = mixed.masked_fill(table.kind[numbers] < 0, -1e9)
        found = torch.log_softmax(torch.cat([mixed, torch.zeros(len(numbers), 1)], dim=1), dim=1)
        chosen = found.gather(1, table.right[numbers][:, None])[:, 0]
        penalty = PENALTY * (self.weights**2).sum()
        penalty = penalty + PENALTY_OF_TOKENS * ((self.told**2).sum() + (self.needed**2).sum())
        return -(table.weight[numbers] * chosen).mean() + penalty
