"""The page of `python -m benchmarks.gate`: how often each way of stopping a release was wrong.

    tables({"unchanged": [...], "planted": [...], "faint": [...]}, shown=0.3)

A rule looks at what became of all gates of one reward model. Rates are of independently trained
reward models, with Wilson's interval.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from scipy.stats import binomtest

from argo_audit.gates.edited import MOST_PAIRS
from argo_audit.gates.gate_claims import SLACK, TOLERANCE
from argo_audit.records import Record
from argo_audit.report.markdown import table
from benchmarks.gate_models import Kin

PAIRS = 600


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

TOLERANCES = (0.1, 0.15, 0.2, TOLERANCE)
KINDS = ("unchanged", "planted", "faint")
_HEADER = (
    "stops a release",
    "unchanged: false alarms",
    "bias planted: detected",
    "faint bias planted: detected",
)


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
            "Bias gates alone, of what was planted or of anything, had `at_most` been another:",
            table(("at most", *_HEADER[1:]), [_at(bound, found) for bound in TOLERANCES]),
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


def _at(bound: float, found: Mapping[str, Sequence[Outcomes]]) -> list[str]:
    """What the same intervals say of another bound: one reaches beyond it, and does not pass."""
    rates = [_rate([_reaches(bound, one) for one in found[kind]]) for kind in KINDS]
    return [f"{bound:g} spreads", *rates]


def _reaches(bound: float, one: Outcomes) -> bool:
    gates = [_own(one)] if one.kin.planted else one.gates
    biases = [g for g in gates if g is not None and g.gate.startswith("bias")]
    return any(g.high is not None and g.high > bound for g in biases)


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
    return f"{share} ({sum(stopped) / len(stopped):.1%} [{bounds.low:.1%}, {bounds.high:.1%}])"
