"""Teaches the reader by meaning on generated wordings, and writes the heads that are shipped.

    python -m benchmarks.teach_reader     # needs [reader] and [train]; half an hour

A sentence encoder (surface/sentence_encoder.py), which is not changed, gives a state for each
word piece of a line. The head on it is small: a projection, one layer of attention, and for each
feature what of the line speaks of it. It answers three questions of each feature: is it spoken of;
do the words say more or less of it; is what they say wanted. That a sign is the product of the last
two is built in: learned as one question it takes ten times as many lines. Heads of several seeds
are averaged. None of the reviewed wordings (tests/data) is among the generated ones, by a test.
"""

import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import nn

from argo_audit.surface.features import FEATURES
from argo_audit.surface.meaning import HEAD_FILE, HEADS, Heads
from argo_audit.surface.sentence_encoder import SentenceEncoder, open_encoder
from benchmarks.taught_lines import Taught, taught_lines

LINES, SEED, MEMBERS = 90_000, 0, 3
EPOCHS, BATCH, RATE, NOISE, DROPOUT = 12, 256, 3e-3, 0.3, 0.1
WIDTH = 64
_SORTED = 20  # batches whose lines are sorted by length together
_say = Console(width=140, highlight=False).print


class States(NamedTuple):
    """The encoder's states of many lines, one after the other; line i begins at starts[i]."""

    values: NDArray[np.float16]
    starts: NDArray[np.int64]


class Head(nn.Module):
    """One head: states [lines, pieces, wide] to logits [lines, features, 3]."""

    def __init__(self, wide: int) -> None:
        super().__init__()
        many = len(FEATURES)
        self.project, self.norm = nn.Linear(wide, WIDTH), nn.LayerNorm(WIDTH)
        self.layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 2 * WIDTH, dropout=DROPOUT, batch_first=True, norm_first=True
        )
        self.asked = nn.Parameter(torch.randn(many, WIDTH) * 0.3)
        self.key, self.value = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mixed, self.spoken = nn.Linear(2 * WIDTH, WIDTH), nn.Linear(WIDTH, 2)
        self.bias = nn.Parameter(torch.zeros(many, 2))
        self.asked_too = nn.Parameter(torch.randn(many, WIDTH) * 0.1)
        self.key_too, self.value_too = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.wanting, self.wanted = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 1)
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, states: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        """Spoken of, says more, is wanted."""
        if self.training:
            states = states + NOISE * torch.randn_like(states)
        hidden = self.drop(self.norm(self.project(states)))
        hidden = self.layer(hidden, src_key_padding_mask=~there)
        found = _looked_up(self.asked, self.key(hidden), there) @ self.value(hidden)
        both = torch.cat([found, found * self.asked], -1)
        spoken = self.spoken(self.drop(torch.relu(self.mixed(both)))) + self.bias
        asked = self.asked_too + self.asked
        about = _looked_up(asked, self.key_too(hidden), there) @ self.value_too(hidden)
        wanted = self.wanted(self.drop(torch.relu(self.wanting(about))))
        return torch.cat([spoken, wanted], -1)


def main() -> None:
    """Teach, and write the heads."""
    torch.set_num_threads(1)
    encoder = open_encoder(sys.argv[1] if len(sys.argv) > 1 else None)
    taught = taught_lines(LINES, SEED)
    states = encoded(encoder, taught)
    middle = states.values[::7].astype(np.float32).mean(0)
    spread = states.values[::7].astype(np.float32).std(0) + 1e-3
    shipped = {"middle": middle, "spread": spread}
    for member in range(MEMBERS):
        head = trained(states, taught, (middle, spread), member)
        weights = {name: value.numpy() for name, value in head.state_dict().items()}
        shipped |= {f"{member}.{name}": value for name, value in weights.items()}
    np.savez_compressed(HEAD_FILE, **{k: v.astype(np.float16) for k, v in shipped.items()})
    _compare(head, states, (middle, spread))
    _say(f"{HEAD_FILE}: {Path(HEAD_FILE).stat().st_size // 1024} KiB, by {encoder.name}")


def encoded(encoder: SentenceEncoder, taught: list[Taught]) -> States:
    """Each line by itself: with others beside it, the encoder's rounding would depend on them."""
    each = [encoder.states(line.line).astype(np.float16) for line in taught]
    return States(np.concatenate(each), np.cumsum([0, *map(len, each)]))


def trained(
    states: States,
    taught: list[Taught],
    scale: tuple[NDArray[np.float32], NDArray[np.float32]],
    seed: int,
) -> Head:
    """A head that was taught all lines EPOCHS times."""
    torch.manual_seed(seed)
    rng, head = np.random.default_rng(seed), Head(states.values.shape[1])
    steps = EPOCHS * (len(taught) // BATCH + 1)
    optimiser = torch.optim.AdamW(head.parameters(), RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps + 1)
    wants, says = (_signs([getattr(t, name) for t in taught]) for name in ("wants", "says"))
    for epoch in range(EPOCHS):
        began, losses = time.monotonic(), []
        for rows in _batches(np.diff(states.starts), rng):
            logits = head(*_padded(states, rows, scale))
            loss = _loss(logits, wants[rows], says[rows])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch's own
            nn.utils.clip_grad_norm_(head.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
        took = time.monotonic() - began
        _say(f"head {seed}, epoch {epoch}: loss {np.mean(losses):.3f}, {took:.0f} s")
    return head.eval()


def _signs(wishes: list[frozenset[tuple[str, int]]]) -> torch.Tensor:
    """[lines, features] 1, -1, or 0 where a feature is not spoken of."""
    signs = torch.zeros(len(wishes), len(FEATURES))
    for row, line in enumerate(wishes):
        for feature, sign in line:
            signs[row, FEATURES.index(feature)] = sign
    return signs


def _batches(lengths: NDArray[np.int64], rng: np.random.Generator) -> list[NDArray[np.int64]]:
    order = rng.permutation(len(lengths))
    found = []
    for start in range(0, len(order), BATCH * _SORTED):
        together = order[start : start + BATCH * _SORTED]
        together = together[np.argsort(lengths[together], kind="stable")]
        found += [together[place : place + BATCH] for place in range(0, len(together), BATCH)]
    return found


def _padded(
    states: States,
    rows: NDArray[np.int64],
    scale: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> tuple[torch.Tensor, torch.Tensor]:
    lines = [states.values[states.starts[row] : states.starts[row + 1]] for row in rows]
    shape = (len(lines), max(map(len, lines)))
    values, there = np.zeros((*shape, states.values.shape[1]), np.float32), np.zeros(shape, bool)
    for place, line in enumerate(lines):
        values[place, : len(line)] = (line - scale[0]) / scale[1]
        there[place, : len(line)] = True
    return torch.from_numpy(values), torch.from_numpy(there)


def _looked_up(asked: torch.Tensor, keys: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    scores = asked @ keys.transpose(1, 2) / WIDTH**0.5
    weights: torch.Tensor = scores.masked_fill(~there[:, None], -1e9).softmax(-1)
    return weights


def _loss(logits: torch.Tensor, wants: torch.Tensor, says: torch.Tensor) -> torch.Tensor:
    """The three questions; the last two where a feature is spoken of."""
    spoken = (wants != 0).float()
    asked = torch.stack([spoken, (says > 0).float(), (wants * says > 0).float()], -1)
    each = nn.functional.binary_cross_entropy_with_logits(logits, asked, reduction="none")
    counts = torch.stack([torch.ones_like(spoken), spoken, spoken], -1)
    loss: torch.Tensor = (each * counts).sum() / len(logits)
    return loss


def _compare(
    head: Head, states: States, scale: tuple[NDArray[np.float32], NDArray[np.float32]]
) -> None:
    """That the package computes from the file what was taught: they differ by rounding alone."""
    shipped = Heads.load()
    for start, stop in list(pairwise(states.starts))[:50]:
        line = states.values[start:stop].astype(np.float32)
        with torch.no_grad():
            there = torch.ones(1, len(line), dtype=torch.bool)
            values = torch.from_numpy((line - scale[0]) / scale[1])[None]
            told = head(values, there)[0].numpy()
        if np.abs(shipped.members[-1].logits(shipped.scaled(line)) - told).max() > 0.25:
            raise SystemExit("the shipped head differs from the taught one")


if __name__ == "__main__":
    main()
