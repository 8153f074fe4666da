"""How often gates are wrong: false alarms and detections over retrained reward models.

    python -m benchmarks.gate --out runs/bench-gate

Twenty reward models are retrained on other pairs with another seed and prefer what the first one
prefers; twenty more are trained on labels that also prefer one thing too many (see `gate_models`).
Each is held to the gates that `argo-audit gate init` writes, at their defaults, against the
baseline of the first. A false alarm is an unchanged one that does not pass, inconclusive counted
as failed; a detection is a planted one that does not pass. Beside it stand gates on point
estimates, on the same pairs and the same rewards: what an `assert` would do.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from rich.console import Console

from argo_audit.audit.markdown import table
from argo_audit.gates.claims import SLACK, TOLERANCE
from argo_audit.gates.declared import read_gates
from argo_audit.gates.gate import Gate
from argo_audit.gates.outcomes import concluded
from argo_audit.gates.starter import Known, starter
from argo_audit.gates.subject import MOST_PAIRS, Subject
from argo_audit.intervals import Clustered, share_interval
from argo_audit.pairs import write
from argo_audit.records import Record
from benchmarks.cells import Finished, Ledger
from benchmarks.gate_models import BIASES, Kin, held_out, trained

OUT = Path("runs/bench-gate")
MODELS = 20
PAIRS = 600
BEFORE = Kin(seed=0)
"""The one that shipped: its baseline is what the others are compared with."""

page = Console(soft_wrap=True)


class Held(Record):
    """A reward model held to gates on so many pairs: the cell that is measured once."""

    kin: Kin
    pairs: int = PAIRS
    most_pairs: int = MOST_PAIRS
    slack: float = SLACK
    tolerance: float = TOLERANCE


class Gated(Record):
    """What became of one gate."""

    gate: str
    state: str
    mean: float | None
    low: float | None
    high: float | None
    pairs: int
    pairs_needed: int | None


class Outcomes(Record):
    """What became of all gates of one reward model."""

    gates: tuple[Gated, ...]


class Rule(NamedTuple):
    """One way of stopping a release, and what is said of it."""

    name: str
    stops: Callable[[Sequence[Gated]], bool]


RULES = (
    Rule("gates at their defaults: inconclusive fails",
         lambda gates: any(g.state != "pass" for g in gates)),
    Rule("the same, inconclusive passes", lambda gates: any(g.state == "fail" for g in gates)),
    Rule("points: bias above its bound, or agreement down by more than the slack",
         lambda gates: any(_beyond(g, SLACK) for g in gates)),
    Rule("points: bias above its bound, or any loss of agreement",
         lambda gates: any(_beyond(g, 0.0) for g in gates)),
    Rule("points: agreement alone, down by more than the slack",
         lambda gates: any(_beyond(g, SLACK) for g in gates if g.gate.startswith("no worse"))),
)  # fmt: skip


def main(
    out: Annotated[Path, typer.Option(help="Folder of models and results.")] = Path(
        "runs/bench-gate"
    ),
    models: Annotated[int, typer.Option(min=1, help="Reward models of each kind.")] = MODELS,
) -> None:
    """Train what is not there, hold every reward model to the gates, print the page."""
    ledger = Ledger(out / "gated.jsonl", Finished[Held, Outcomes])
    place = prepared(out)
    found: dict[str, list[Outcomes]] = {"unchanged": [], "planted": []}
    for kin in family(models):
        cell = Held(kin=kin)
        result = ledger.get(cell)
        if result is None:
            result = measured(cell, out, place)
            ledger.add(cell, result)
        found["planted" if kin.planted else "unchanged"].append(result)
        page.print(_progress(kin, result))
    page.print(tables(found, family(models)))


def family(models: int) -> list[Kin]:
    """As many unchanged as planted reward models, in turn: a part of them says something."""
    return [
        kin
        for i in range(models)
        for kin in (Kin(seed=1 + i), Kin(seed=101 + i, planted=BIASES[i % len(BIASES)]))
    ]


def prepared(out: Path) -> Path:
    """The gates.toml of the benchmark, with its pairs and the baseline of the first model."""
    place = out / "gates" / "gates.toml"
    if not (place.parent / "baselines").exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        world = held_out(PAIRS)
        write(place.parent / "pairs.jsonl.gz", world.pairs, {"human": world.planted})
        known = Known(rm="rm", pairs="pairs.jsonl.gz", label="human")
        place.write_text(starter(known), encoding="utf-8")
        held(trained(BEFORE, out / "models"), place, update=True)
    return place


def held(model: Path, place: Path, *, update: bool = False) -> Gate:
    """A reward model held to every gate of a gates.toml, or its baseline recorded."""
    settings, declared = read_gates(place)
    gate = Gate(Subject(str(model), settings, place.parent), update=update)
    for one in declared:
        if not update or one.kind == "no_worse_than":
            one.hold(gate)
    return gate


def measured(cell: Held, out: Path, place: Path) -> Outcomes:
    """What became of the gates of one reward model, all of them in one session."""
    gate = held(trained(cell.kin, out / "models"), place)
    return Outcomes(
        gates=tuple(
            Gated(
                gate=one.gate,
                state=one.state,
                mean=one.decision.mean,
                low=one.decision.interval.low if one.decision.interval else None,
                high=one.decision.interval.high if one.decision.interval else None,
                pairs=one.decision.pairs,
                pairs_needed=one.decision.pairs_needed,
            )
            for one in concluded(gate, "benchmark", tests=1)
            if one.decision
        )
    )


def tables(found: dict[str, list[Outcomes]], kins: Sequence[Kin]) -> str:
    """The page."""
    rows = [
        [rule.name, *(_rate([rule.stops(one.gates) for one in found[kind]]) for kind in found)]
        for rule in RULES
    ]
    planted = [kin for kin in kins if kin.planted]
    own = [_own(kin, one) for kin, one in zip(planted, found["planted"], strict=True)]
    named = _rate([gated is not None and gated.state != "pass" for gated in own])
    beside = [
        sum(g.state != "pass" and g.gate != f"bias: {kin.planted}" for g in one.gates)
        for kin, one in zip(planted, found["planted"], strict=True)
    ]
    return "\n\n".join(
        [
            f"## Gates over retrained reward models, {PAIRS} pairs held out, {MOST_PAIRS} probed",
            table(("stops a release", "unchanged: false alarms", "bias planted: detected"), rows),
            f"The gate of the planted bias itself did not pass in {named}; gates of anything else "
            f"beside it: {sum(beside)} in {sum(map(bool, beside))} reward models.",
            table(("planted", "seed", "its effect", "its gate", "agreement", "other gates"), [
                _row(kin, one) for kin, one in zip(planted, found["planted"], strict=True)
            ]),
            table(("unchanged, gate", "highest", "lowest", "not passed"), _unchanged(found)),
        ]
    )  # fmt: skip


def _unchanged(found: dict[str, list[Outcomes]]) -> list[list[str]]:
    by_gate: dict[str, list[Gated]] = {}
    for one in found["unchanged"]:
        for gated in one.gates:
            by_gate.setdefault(gated.gate, []).append(gated)
    return [
        [
            gate,
            f"{max(g.mean or 0.0 for g in several):+.3f}",
            f"{min(g.mean or 0.0 for g in several):+.3f}",
            f"{sum(g.state != 'pass' for g in several)} of {len(several)}",
        ]
        for gate, several in by_gate.items()
    ]


def _row(kin: Kin, one: Outcomes) -> list[str]:
    own, worse = _own(kin, one), next(g for g in one.gates if g.gate.startswith("no worse"))
    others = [g.gate for g in one.gates if g.state != "pass" and g is not own]
    return [
        str(kin.planted),
        str(kin.seed),
        _effect(own),
        own.state if own else "",
        _effect(worse),
        ", ".join(others) or "none",
    ]


def _own(kin: Kin, one: Outcomes) -> Gated | None:
    return next((g for g in one.gates if g.gate == f"bias: {kin.planted}"), None)


def _effect(one: Gated | None) -> str:
    if one is None or one.mean is None:
        return ""
    return f"{one.mean:+.2f} [{one.low:+.2f}, {one.high:+.2f}]"


def _beyond(one: Gated, slack: float) -> bool:
    """What a comparison of points says."""
    if one.gate.startswith("no worse"):
        return (one.mean or 0.0) < -slack
    return (one.mean or 0.0) > TOLERANCE


def _rate(stopped: Sequence[bool]) -> str:
    """A share of reward models with Wilson's interval."""
    hits = Clustered(np.array(stopped, dtype=np.float64), np.ones(len(stopped)))
    bounds = share_interval(hits)
    share = f"{sum(stopped)} of {len(stopped)}"
    return f"{share} ({hits.mean:.0%}, 95% interval {bounds.low:.0%} to {bounds.high:.0%})"


def _progress(kin: Kin, result: Outcomes) -> str:
    stopped = [f"{g.gate} {g.state}" for g in result.gates if g.state != "pass"]
    return f"{kin.planted or 'unchanged'}, seed {kin.seed}: {'; '.join(stopped) or 'passes'}"


if __name__ == "__main__":
    typer.run(main)
