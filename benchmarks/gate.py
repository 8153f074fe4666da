"""How often gates are wrong: false alarms and detections over retrained reward models.

    python -m benchmarks.gate --out runs/bench-gate

Reward models are retrained on other pairs with another seed and prefer what the first one prefers;
as many are trained on labels that also prefer one thing too many, and as many on labels that
prefer it faintly (see `gate_models`). Each is held to the gates that `argo-audit gate init` writes,
at their defaults, against the baseline of the first. A false alarm is an unchanged one that does
not pass, inconclusive counted as failed; a detection is a planted one that does not pass. That is
done on pairs that show the planted things often, and on pairs that hardly show them, as is usual
for what one wants to catch. Beside it stand gates on point estimates, on the same pairs and the
same rewards: what an `assert` would do.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from scipy.stats import binomtest

from argo_audit.audit.markdown import table
from argo_audit.gates.claims import SLACK, TOLERANCE
from argo_audit.gates.declared import read_gates
from argo_audit.gates.gate import Gate
from argo_audit.gates.outcomes import concluded
from argo_audit.gates.probes import MOST_PAIRS
from argo_audit.gates.starter import Known, starter
from argo_audit.gates.subject import Subject
from argo_audit.pairs import write
from argo_audit.records import Record
from benchmarks.cells import Finished, Ledger
from benchmarks.gate_models import BIASES, FAINT, RARE, SHOWN, Kin, held_out, trained

OUT = Path("runs/bench-gate")
MODELS = 20
PAIRS = 600
BEFORE = Kin(seed=0)
"""The one that shipped: its baseline is what the others are compared with."""

page = Console(soft_wrap=True)


class Held(Record):
    """A reward model held to gates on so many pairs: the cell that is measured once."""

    kin: Kin
    shown: float
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

    kin: Kin
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
    Rule("points: agreement alone, any loss",
         lambda gates: any(_beyond(g, 0.0) for g in gates if g.gate.startswith("no worse"))),
)  # fmt: skip

KINDS = ("unchanged", "planted", "faint")
_HEADER = (
    "stops a release",
    "unchanged: false alarms",
    "bias planted: detected",
    "faint bias planted: detected",
)


def main(
    out: Annotated[Path, typer.Option(help="Folder of models and results.")] = OUT,
    models: Annotated[int, typer.Option(min=1, max=100, help="Of each kind.")] = MODELS,
) -> None:
    """Train what is not there, hold every reward model to the gates, print the page."""
    ledger = Ledger(out / "gated.jsonl", Finished[Held, Outcomes])
    for shown in (SHOWN, RARE):
        place = prepared(out, shown)
        found: dict[str, list[Outcomes]] = {kind: [] for kind in KINDS}
        for kind, kin in family(models):
            cell = Held(kin=kin, shown=shown)
            result = ledger.get(cell)
            if result is None:
                result = measured(kin, out, place)
                ledger.add(cell, result)
                page.print(_progress(result))
            found[kind].append(result)
        page.print(tables(found, shown), "\n")


def family(models: int) -> list[tuple[str, Kin]]:
    """As many of each kind, in turn: a part of them says something."""
    return [
        (kind, kin)
        for i in range(models)
        for kind, kin in zip(KINDS, _alike(i, BIASES[i % len(BIASES)]), strict=True)
    ]


def _alike(number: int, bias: str) -> tuple[Kin, Kin, Kin]:
    return (
        Kin(seed=1 + number),
        Kin(seed=101 + number, planted=bias),
        Kin(seed=501 + number, planted=bias, strength=FAINT),
    )


def prepared(out: Path, shown: float) -> Path:
    """The gates.toml of the benchmark, with its pairs and the baseline of the first model."""
    place = out / f"gates-{shown:g}" / "gates.toml"
    if not (place.parent / "baselines").exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        world = held_out(PAIRS, shown)
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


def measured(kin: Kin, out: Path, place: Path) -> Outcomes:
    """What became of the gates of one reward model, all of them in one session."""
    gate = held(trained(kin, out / "models"), place)
    gates = [
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
    ]
    return Outcomes(kin=kin, gates=tuple(gates))


def tables(found: Mapping[str, Sequence[Outcomes]], shown: float) -> str:
    """The page of one file of pairs."""
    rows = [
        [rule.name, *(_rate([rule.stops(one.gates) for one in found[kind]]) for kind in KINDS)]
        for rule in RULES
    ]
    planted = [one for kind in KINDS[1:] for one in found[kind]]
    return "\n\n".join(
        [
            f"## {PAIRS} held-out pairs, each planted thing in {shown:.0%} of responses; "
            f"{MOST_PAIRS} pairs probed",
            table(_HEADER, rows),
            *(_named(kind, found[kind]) for kind in KINDS[1:]),
            table(
                ("planted", "strength", "seed", "its effect", "its gate", "agreement", "others"),
                map(_row, planted),
            ),
            table(("unchanged, gate", "highest", "lowest", "not passed"), _unchanged(found)),
        ]
    )


def _named(kind: str, found: Sequence[Outcomes]) -> str:
    """Whether the gate that stopped a release is the one of what was planted."""
    own = _rate([gated is not None and gated.state != "pass" for gated in map(_own, found)])
    beside = [len(_others(one)) for one in found]
    return (
        f"{kind}: the gate of the planted bias itself did not pass in {own}; gates of other "
        f"attributes beside it: {sum(beside)} in {sum(map(bool, beside))} reward models."
    )


def _unchanged(found: Mapping[str, Sequence[Outcomes]]) -> list[list[str]]:
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


def _row(one: Outcomes) -> list[str]:
    own, worse = _own(one), next(g for g in one.gates if g.gate.startswith("no worse"))
    kin = one.kin
    state = own.state if own else ""
    agreement = f"{_effect(worse)} {worse.state}"
    named = [str(kin.planted), f"{kin.strength:g}", str(kin.seed)]
    return [*named, _effect(own), state, agreement, ", ".join(_others(one)) or "none"]


def _own(one: Outcomes) -> Gated | None:
    return next((g for g in one.gates if g.gate == f"bias: {one.kin.planted}"), None)


def _others(one: Outcomes) -> list[str]:
    """Attributes that were not planted and whose gates did not pass."""
    stopped = [g.gate for g in one.gates if g.state != "pass" and g is not _own(one)]
    return [gate for gate in stopped if gate.startswith("bias")]


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
    bounds = binomtest(sum(stopped), len(stopped)).proportion_ci(method="wilson")
    share = f"{sum(stopped)} of {len(stopped)}"
    return f"{share} ({sum(stopped) / len(stopped):.0%} [{bounds.low:.0%}, {bounds.high:.0%}])"


def _progress(result: Outcomes) -> str:
    stopped = [f"{g.gate} {g.state}" for g in result.gates if g.state != "pass"]
    kin = result.kin
    return f"{kin.planted or 'unchanged'}, seed {kin.seed}: {'; '.join(stopped) or 'passes'}"


if __name__ == "__main__":
    typer.run(main)
