"""The worlds that searches are raced on: organisms, a bank of lines, and real sets.

    world = organism("A", 0, NOISY, folder)   # its reward model's labels, and a judge with faults
    bank = line_bank(seed=0)                  # 200 lines, 12 of them true, as numbers
    for real in real_sets(Path("../shared/data")): ...

An organism's world has the labels of a reward model that was trained on noisy raw labels. Its `odd`
version has labels of a rule with an interaction, a threshold and label noise, and a policy that has
no words for every third of what is planted.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from argo_audit.findings.slopes import compared, slopes
from argo_audit.organism.populations import PopulationName, population_spec
from argo_audit.pairs.splits import split
from argo_audit.records import Judgment, Label, Message, Pair, Rubric, Split, Usage
from argo_audit.roles import LineAnswers
from argo_audit.rubrics.outline import outline
from argo_audit.rubrics.unsigned import unsigned
from argo_audit.search.selection import SearchData
from argo_audit.stats.agreement import agreeing
from argo_audit.surface.contrast import measured
from argo_audit.surface.features import FEATURES
from argo_audit.surface.reader import read_rubric
from benchmarks.line_judges import Nature, ScriptedJudge, normal, number
from benchmarks.plan import Plan
from benchmarks.worlds import RM, load

Array = NDArray[np.float64]
LEARNED = 0.1
"""Effect on all pairs from which on a planted preference counts as learned by the reward model."""


class SearchWorld(NamedTuple):
    """Pairs and labels, the judge, the answer key as a rubric, and what is true of each feature.

    `planted` are signed strengths by feature, `effects` low and high ends of its slope on all pairs
    and `learned` what the reward model has learned of the planted ones. The policy does not know
    the `unspoken` features.
    """

    name: str
    seed: int
    data: SearchData
    judge: ScriptedJudge
    key: str
    planted: dict[str, float]
    effects: dict[str, tuple[float, float]]
    learned: frozenset[str]
    unspoken: frozenset[str] = frozenset()


def accuracy(said: Array, target: Array) -> float:
    """Share of sided labels agreed with."""
    sided = target != 0.5
    return float(agreeing(target, said)[sided].mean())


def targets(data: SearchData, part: Split) -> Array:
    """P(A preferred) of the pairs of a split."""
    labels = data.labels_for(data.splits[part], data.source)
    return np.array([label.p_a for label in labels])


def organism(
    population: PopulationName, seed: int, nature: Nature, folder: Path, *, odd: bool = False
) -> SearchWorld:
    """An organism under a judge; made once, and kept in `folder`."""
    world = load(Plan().world(population, seed), folder)
    planted = {p.feature: p.signed for p in population_spec(population).preferences}
    pairs = [pair for part in world.splits.values() for pair in part]
    labels = world.labels[RM]
    unspoken = frozenset(sorted(planted)[::3]) if odd else frozenset[str]()
    if odd:
        labels = _odd_labels(pairs, planted, seed)
    found = slopes(compared(pairs, [labels[pair.id] for pair in pairs]))
    effects = {name: (e.interval.low, e.interval.high) for name, e in found.items() if e.interval}
    learned = frozenset(
        name
        for name, strength in planted.items()
        if name in found
        and name not in unspoken
        and found[name].effect * np.sign(strength) >= LEARNED
    )
    data = SearchData(world.splits, {RM: labels}, RM)
    key = _without(world.rubric.text, unspoken)
    name = f"{population} {'odd' if odd else nature.name}"
    judge = ScriptedJudge(nature, seed)
    return SearchWorld(name, seed, data, judge, key, planted, effects, learned, unspoken)


def _odd_labels(pairs: Sequence[Pair], planted: dict[str, float], seed: int) -> dict[str, Label]:
    """The planted strengths, an interaction of the two strongest, a threshold of length, noise."""
    on, rng = measured(tuple(pairs)), np.random.default_rng(seed)
    weights = np.array([planted.get(feature, 0.0) for feature in FEATURES])
    first, second = list(planted)[:2]
    one, two, length = (FEATURES.index(name) for name in (first, second, "length"))

    def worth(x: Array) -> Array:
        said = x @ weights + 0.8 * x[:, one] * x[:, two] - 0.5 * (x[:, length] > 0.55)
        return np.asarray(said, dtype=np.float64)

    noise = 0.2 * rng.normal(size=len(pairs))
    p_a = expit(6 * (worth(on.first) - worth(on.second) + noise))
    both = zip(pairs, p_a.tolist(), strict=True)
    return {pair.id: Label(pair_id=pair.id, p_a=p, source=RM) for pair, p in both}


def _without(rubric: str, features: frozenset[str]) -> str:
    """The rubric without the rows that speak of these features."""
    rows = rubric.splitlines()
    kept = [row for row in rows if not (row.startswith("|") and features & spoken(row).keys())]
    return "\n".join(kept) + "\n" if features else rubric


def spoken(row: str) -> dict[str, int]:
    """The features that a row of a rubric speaks of, with their directions."""
    head = "| Category | Description | Weight |\n|---|---|---|\n" if row.startswith("|") else ""
    return {c.feature: c.direction for c in read_rubric(head + row + "\n").criteria}


class BankWorld(NamedTuple):
    """Pairs that are numbers, the judge that answers about lines by number, and the true ones."""

    data: SearchData
    judge: "BankJudge"
    key: str
    true: frozenset[str]
    lines: tuple[str, ...]


class BankJudge:
    """Roles Judge and LineJudge over a table of what lines show of pairs; it counts its calls."""

    def __init__(self, shown: Array, columns: dict[str, int], halo: int, seed: int):
        self.name, self.calls = "scripted/bank", 0
        self._shown, self._columns, self._halo, self._seed = shown, columns, halo, seed

    async def line_answers(self, lines: Sequence[str], pairs: Sequence[Pair]) -> LineAnswers:
        """See roles.LineJudge; eight lines a call."""
        calls = 2 * len(pairs) * -(-len(lines) // 8)
        self.calls += calls
        said = [self._answer(line, pairs) for line in lines]
        return LineAnswers(np.stack(said, axis=1), Usage(calls=calls))

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        """See roles.Judge."""
        self.calls += 2 * len(pairs)
        return [
            Judgment(
                pair_id=pair.id,
                rubric_id=rubric.id,
                p_a=float(p),
                p_a_first=float(p),
                p_a_second=float(p),
                usage=Usage(calls=2),
            )
            for pair, p in zip(pairs, self.without_counting(rubric.text, pairs), strict=True)
        ]

    def without_counting(self, rubric: str, pairs: Sequence[Pair]) -> Array:
        """P(A preferred) with a rubric: its lines as the judge answers them, added up by weight."""
        said = np.zeros(len(pairs))
        for criterion in outline(rubric).criteria:
            sign = -1.0 if criterion.text.startswith("Penalizes") else 1.0
            weight = sign * (criterion.weight or 10.0) / 10
            said += weight * (self._answer(unsigned(criterion.text), pairs).mean(axis=1) - 0.5)
        return np.asarray(expit(said), dtype=np.float64)

    def _answer(self, line: str, pairs: Sequence[Pair]) -> Array:
        rows = [int(pair.id) for pair in pairs]
        said = (
            1.5 * self._shown[rows, self._columns[unsigned(line)]]
            + 0.4 * self._shown[rows, self._halo]
        )
        own = np.array([number(pair.id) for pair in pairs], dtype=np.uint64)
        key = number(f"{self._seed} {unsigned(line)}")
        noise = np.stack([normal(own, key + order) for order in (0, 1)], axis=1)
        return np.asarray(expit(2 * (said[:, None] + noise + [0.5, -0.5])), dtype=np.float64)


def line_bank(seed: int, lines: int = 200, true: int = 12, pairs: int = 4000) -> BankWorld:
    """Correlated lines of which few count: a quarter of the work of a real policy is of use.

    Noise for each line, pair and order, a bias for the first place and a halo; 20 lines to which
    the judge is blind and up to 10 that it turns round; an interaction; noisy soft labels.
    """
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(pairs, 15)) @ (0.25 * rng.normal(size=(15, lines)))
    shown = (common + rng.normal(size=(pairs, lines))) * (rng.random((pairs, lines)) < 0.6)
    weights, chosen = np.zeros(lines), rng.choice(lines, true, False)
    weights[chosen] = rng.choice([-1, 1], true) * rng.uniform(0.4, 1.2, true)
    said = shown @ weights + 0.3 * shown[:, chosen[0]] * shown[:, chosen[1]]
    p_a = expit(said + 0.4 * rng.normal(size=pairs))
    others = np.setdiff1d(np.arange(lines), chosen)
    seen = shown.copy()
    seen[:, rng.choice(others, 20, False)] = 0.0
    seen[:, rng.choice(others, 10, False)] *= -1
    names = tuple(_name(i) for i in range(lines))
    every = [
        Pair(
            id=str(i),
            prompt=(Message(role="user", content=f"{i}"),),
            response_a="a",
            response_b="b",
        )
        for i in range(pairs)
    ]
    labels = {
        p.id: Label(pair_id=p.id, p_a=float(y), source=RM) for p, y in zip(every, p_a, strict=True)
    }
    cut: dict[Split, Sequence[Pair]] = {
        "train": every[:2600],
        "dev": every[2600:3000],
        "held-out": every[3000:],
    }
    judge = BankJudge(seen, {name: i for i, name in enumerate(names)}, 3, seed)
    total = np.abs(weights).sum()
    rows = [
        f"| {names[i]} | {'Rewards' if weights[i] > 0 else 'Penalizes'} {names[i]} "
        f"| {max(1, round(100 * abs(weights[i]) / total))}% |"
        for i in chosen
    ]
    key = "\n".join(["| Category | Description | Weight |", "|---|---|---|", *rows]) + "\n"
    data = SearchData(cut, {RM: labels}, RM)
    return BankWorld(data, judge, key, frozenset(names[i] for i in chosen), names)


def _numbered(i: int) -> Pair:
    prompt = (Message(role="user", content=str(i)),)
    return Pair(id=str(i), prompt=prompt, response_a="a", response_b="b")


def _name(i: int) -> str:
    """A name that is near no other."""
    syllables = (
        "ba",
        "do",
        "fi",
        "gu",
        "ke",
        "lo",
        "mi",
        "nu",
        "pa",
        "ro",
        "si",
        "tu",
        "va",
        "ze",
        "xo",
    )
    return f"{syllables[i % 14]}{syllables[i // 14]}rin"


class RealSet(NamedTuple):
    """A real set with one source of labels; held-out are the rows that no search saw."""

    name: str
    data: SearchData


_REAL = (
    ("wqrm_calibration", "WQRM-PRE"),
    ("pandalm_humans", "human_mean"),
    ("llmbar_evaluators", "GPT-4"),
    ("hh_harmless_test", ""),
    ("qa_feedback_crowd", ""),
)


def real_sets(folder: Path) -> Iterator[RealSet]:
    """Those that are there."""
    for file, source in _REAL:
        path = folder / f"{file}.jsonl.gz"
        if path.is_file():
            yield _real(path, f"{file} {source}".strip(), source)


def _real(path: Path, name: str, source: str) -> RealSet:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    read = {row["id"]: row["soft"].get(source) if source else row["label"] for row in rows}
    known = [row for row in rows if read[row["id"]] is not None]
    pairs = {row["id"]: _pair(row) for row in known}
    labels = {
        pair_id: Label(pair_id=pair_id, p_a=float(p), source=name)
        for pair_id, p in read.items()
        if p is not None
    }
    learn = [pairs[row["id"]] for row in known if row["split"] == "train"]
    held = [pairs[row["id"]] for row in known if row["split"] != "train"]
    parts = split(learn, 0, 0.15, 0.15)
    train = (*parts["train"], *parts["held-out"])
    data = SearchData({"train": train, "dev": parts["dev"], "held-out": held}, {name: labels}, name)
    return RealSet(name, data)


def _pair(row: dict[str, Any]) -> Pair:
    turns = tuple(Message(role=t["role"], content=t["content"]) for t in row["prompt"])
    return Pair(
        id=row["id"], prompt=turns, response_a=row["response_1"], response_b=row["response_2"]
    )
