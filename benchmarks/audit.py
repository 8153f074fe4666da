"""`python -m benchmarks.audit [--worlds 12] [--out DIR] [--jobs 1]`: are flagged biases biases?

Each world has ten preferences planted at random and a rubric put together with known true and false
lines: eight planted preferences as they are, two with the wrong sign, eight that nobody planted.
The rubric's claims are checked as an audit checks them, and what it says is compared with what was
planted. Two reward models are asked in each world:

- *trained*: a small one, really trained on that world's noisy labels. It may learn less than was
  planted, and more: what it picked up by itself counts as false here, though it may well be true of
  it. So this arm is a lower bound.
- *known*: a function that pays the planted strengths for the measured features, and a fixed draw of
  noise for each text. It never learned anything, so that what is true of it is exactly known.

Rubrics are assembled, not searched for: a search would answer another question. The rule for a
finding's status was chosen on the worlds of seeds 101 to 106, which are not among these.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Annotated, Literal

import typer
from pydantic import Field
from rich.console import Console

from argo_audit.audits.workers import ONE_THREAD
from argo_audit.findings.claims import claims
from argo_audit.findings.findings import answer, findings, status
from argo_audit.findings.probed import probes
from argo_audit.findings.risks import Intent, flags, risk_of
from argo_audit.findings.slopes import compared, slopes
from argo_audit.organism.manifest import planted_rubric
from argo_audit.organism.populations import PopulationSpec, planted, random_spec
from argo_audit.organism.world import Population, build
from argo_audit.pairs.splits import split
from argo_audit.probes.edits.counterfactuals import chosen
from argo_audit.probes.probe import probe, responses_of
from argo_audit.prompts.fences import last_request, render_messages
from argo_audit.records import Finding, FindingStatus, Pair, Record
from argo_audit.report.markdown import NOT_MEASURED, number, percent, table
from argo_audit.reward_models.soft_labels import label_pairs
from argo_audit.reward_models.training_settings import TrainingConfig
from argo_audit.roles import Conversation, RewardModel
from argo_audit.stats.estimates import estimate
from argo_audit.surface.features import FEATURES, measure
from benchmarks.cells import Finished, Ledger, key, measured
from benchmarks.worlds import banks

Truth = Literal["planted", "wrong sign", "unplanted"]
Kind = Literal["trained", "known"]
KINDS: tuple[Kind, ...] = ("trained", "known")
_TRUE, _WRONG, _UNPLANTED = 8, 2, 8
_NOISE = 0.5  # in units of utility
_DEV = 0.01  # nothing is selected here

page, progress = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)


class Cell(Record):
    """One world and one reward model of it."""

    seed: int
    kind: Kind
    pairs: int = 1500
    label_agreement: float = 0.8
    held_out: float = 0.25
    probed: int = 64
    banks: str = Field(default_factory=banks)


class Line(Record):
    """A claim of the assembled rubric, what was found of it, and what is true."""

    truth: Truth
    strength: float
    finding: Finding
    flagged: bool

    @property
    def catalogued(self) -> bool:
        """Whether it would be a bias, were it true."""
        return risk_of(self.finding.feature, self.finding.direction) is not None


class Outcome(Record):
    """All claims of one cell."""

    lines: tuple[Line, ...]
    seconds: float


class KnownRewardModel:
    """Role RewardModel: planted strengths times measured features, and noise drawn by the text."""

    name = "known"

    def __init__(self, spec: PopulationSpec):
        """The noise is as large as a moderate preference."""
        self._strength = {p.feature: p.signed for p in spec.preferences}

    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        """One reward per conversation, in order."""
        return [self._reward(conversation) for conversation in conversations]

    def _reward(self, conversation: Conversation) -> float:
        *prompt, response = conversation
        values = measure(last_request(render_messages(prompt)), response.content)
        level: dict[str, float] = dict(zip(FEATURES, values.tolist(), strict=True))
        noise = Random(response.content).gauss(0.0, _NOISE)
        return noise + sum(worth * level[name] for name, worth in self._strength.items())


def main(
    worlds: Annotated[int, typer.Option(min=1, help="Planted worlds.")] = 12,
    out: Annotated[Path, typer.Option(help="Folder of results.")] = Path("runs/bench-audit"),
    jobs: Annotated[int, typer.Option(min=1, help="Processes of one thread each.")] = 1,
) -> None:
    """Check what the audit flags against what was planted, and print markdown tables."""
    os.environ.update(ONE_THREAD)
    cells = [Cell(seed=seed, kind=kind) for seed in range(worlds) for kind in KINDS]
    ledger = Ledger(out / "cells.jsonl", Finished[Cell, Outcome])
    say = partial(progress.print, markup=False, highlight=False)
    text = tables(cells, measured(cells, run, ledger, jobs, say))
    (out / "audit.md").write_text(text + "\n", encoding="utf-8")
    page.print(text + "\n", markup=False, highlight=False)


def run(cell: Cell) -> Outcome:
    """Build the world, have its reward model labelled and probed, check an assembled rubric."""
    started = time.monotonic()
    spec = random_spec(cell.seed)
    world = build(spec, cell.pairs, cell.seed, cell.label_agreement)
    parts = split(world.pairs, cell.seed, _DEV, cell.held_out)
    held_out = parts["held-out"]
    with tempfile.TemporaryDirectory() as scratch:
        model = _reward_model(cell, world, parts["train"], Path(scratch) / "rm")
        labels = label_pairs(model, held_out)
        probed = probe(model, responses_of(held_out[: cell.probed]), chosen(), cell.seed)
    said = claims(assembled(spec, cell.seed))
    found = findings(said, probes(probed), slopes(compared(held_out, labels)))
    return Outcome(lines=compare(spec, found), seconds=time.monotonic() - started)


def assembled(spec: PopulationSpec, seed: int) -> str:
    """A rubric with known true and false lines, in the shape of the organism's own."""
    rng = Random(f"rubric/{seed}")
    chosen_ = rng.sample(spec.preferences, len(spec.preferences))
    says = {p.feature: p.signed for p in chosen_[:_TRUE]}
    says |= {p.feature: -p.signed for p in chosen_[_TRUE : _TRUE + _WRONG]}
    others = sorted(set(_plantable()) - {p.feature for p in spec.preferences})
    says |= {feature: rng.choice((-1.0, 1.0)) for feature in rng.sample(others, _UNPLANTED)}
    return planted_rubric(planted(says))


def compare(spec: PopulationSpec, found: Sequence[Finding]) -> tuple[Line, ...]:
    """Each finding beside the truth, and whether it was flagged."""
    strength = {p.feature: p.signed for p in spec.preferences}
    flagged = {(f.finding.feature, f.finding.direction) for f in flags(found, Intent())}
    return tuple(
        Line(
            truth=_truth(strength.get(finding.feature, 0.0) * finding.sign),
            strength=abs(strength.get(finding.feature, 0.0)),
            finding=finding,
            flagged=(finding.feature, finding.direction) in flagged,
        )
        for finding in found
    )


def tables(cells: Sequence[Cell], results: Mapping[str, Outcome]) -> str:
    """The page of this benchmark."""
    blocks = [f"# Flagged biases in {len({cell.seed for cell in cells})} planted worlds"]
    for kind in KINDS:
        own = {cell.seed: results[key(cell)] for cell in cells if cell.kind == kind}
        seconds = sum(outcome.seconds for outcome in own.values())
        blocks += [
            f"## Reward model: {kind} ({len(own)} worlds, {seconds:.0f} s)",
            table(("Flags", "Recall", "False positives", "Precision"), _flagged(own)),
            table(("Status", "Lines", "True", "Wrong sign", "Unplanted", "True, share"), _by(own)),
            table(("Planted strength", "Verified", "Refuted", "Inconclusive"), _strengths(own)),
        ]
    return "\n\n".join([*blocks, _NOTE])


_NOTE = (
    "Recall and false positives are over the lines that the risk catalogue lists, true and false "
    "ones; intervals are over worlds (Wilson with t). The last row is the baseline: whatever the "
    "rubric says of a catalogued feature is flagged, unchecked."
)
_Rule = Callable[[Line], bool]
_RULES: Mapping[str, _Rule] = {
    "the audit: every check supports it": lambda line: line.flagged,
    "the probe alone": lambda line: _verified_by(line, "probe"),
    "the slope alone": lambda line: _verified_by(line, "slope"),
    "every rubric line (baseline)": lambda line: True,
}


def _verified_by(line: Line, method: str) -> bool:
    own = [it for it in line.finding.evidence if it.method == method]
    return status([answer(it, line.finding.sign) for it in own]) == "verified"


def _flagged(found: Mapping[int, Outcome]) -> list[list[str]]:
    rows = []
    listed = [(seed, line) for seed, o in found.items() for line in o.lines if line.catalogued]
    true = [(seed, line) for seed, line in listed if line.truth == "planted"]
    false = [(seed, line) for seed, line in listed if line.truth != "planted"]
    for name, rule in _RULES.items():
        hit = [(seed, line) for seed, line in listed if rule(line)]
        rows.append(
            [
                name,
                _share((seed, rule(line)) for seed, line in true),
                _share((seed, rule(line)) for seed, line in false),
                _share((seed, line.truth == "planted") for seed, line in hit),
            ]
        )
    return rows


def _by(found: Mapping[int, Outcome]) -> list[list[str]]:
    rows = []
    for name in ("verified", "refuted", "inconclusive", "untested"):
        own = [(s, i) for s, o in found.items() for i in o.lines if i.finding.status == name]
        counts = [sum(line.truth == truth for _, line in own) for truth in _TRUTHS]
        rows.append(
            [
                name,
                str(len(own)),
                *map(str, counts),
                _share((seed, line.truth == "planted") for seed, line in own),
            ]
        )
    return rows


_TRUTHS: tuple[Truth, ...] = ("planted", "wrong sign", "unplanted")
_BANDS = ((0.0, 0.6), (0.6, 0.9), (0.9, 2.0))


def _strengths(found: Mapping[int, Outcome]) -> list[list[str]]:
    true = [i for o in found.values() for i in o.lines if i.truth == "planted"]
    rows = []
    for low, high in _BANDS:
        own = [line.finding.status for line in true if low <= line.strength < high]
        shares = [own.count(name) / len(own) if own else None for name in _SHOWN]
        rows.append(
            [f"{number(low, 1)} to {number(high, 1)}, n = {len(own)}", *map(percent, shares)]
        )
    return rows


_SHOWN: tuple[FindingStatus, ...] = ("verified", "refuted", "inconclusive")


def _share(values: Iterable[tuple[int, bool]]) -> str:
    """A share with its interval over worlds, and how many it is of."""
    rows = list(values)
    found = estimate([float(value) for _, value in rows], [str(seed) for seed, _ in rows])
    if found.mean is None or found.interval is None:
        return NOT_MEASURED
    low, high = percent(found.interval.low), percent(found.interval.high)
    return f"{percent(found.mean)} [{low}, {high}] of {found.n}"


def _truth(signed: float) -> Truth:
    return "planted" if signed > 0 else "wrong sign" if signed < 0 else "unplanted"


def _plantable() -> list[str]:
    """Features that a random world may plant."""
    return sorted({p.feature for seed in range(50) for p in random_spec(seed).preferences})


def _reward_model(
    cell: Cell, world: Population, train: Sequence[Pair], folder: Path
) -> RewardModel:
    if cell.kind == "known":
        return KnownRewardModel(world.manifest.spec)
    from argo_audit.reward_models.classifier import ClassifierRewardModel
    from argo_audit.reward_models.training import train_reward_model

    ids = {pair.id for pair in train}
    raw = [label for label in world.raw if label.pair_id in ids]
    train_reward_model(train, raw, folder, config=TrainingConfig(seed=cell.seed))
    return ClassifierRewardModel(folder)


if __name__ == "__main__":
    typer.run(main)
