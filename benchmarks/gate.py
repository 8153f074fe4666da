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

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from argo_audit.gates.declared import read_gates
from argo_audit.gates.edited import MOST_PAIRS
from argo_audit.gates.fixture import Gate
from argo_audit.gates.gate_claims import SLACK, TOLERANCE
from argo_audit.gates.gated_model import GatedModel
from argo_audit.gates.outcomes import concluded
from argo_audit.gates.starter import Known, starter
from argo_audit.pairs.pair_file import write
from argo_audit.records import Record
from benchmarks.cells import Finished, Ledger
from benchmarks.gate_models import BIASES, FAINT, RARE, SHOWN, Kin, held_out, trained
from benchmarks.gate_page import KINDS, PAIRS, Gated, Outcomes, tables

OUT = Path("runs/bench-gate")
MODELS = 20
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
    gate = Gate(GatedModel(str(model), settings, place.parent), update=update)
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
        for one in concluded(gate, "benchmark")
        if one.decision
    ]
    return Outcomes(kin=kin, gates=tuple(gates))


def _progress(result: Outcomes) -> str:
    stopped = [f"{g.gate} {g.state}" for g in result.gates if g.state != "pass"]
    kin = result.kin
    return f"{kin.planted or 'unchanged'}, seed {kin.seed}: {'; '.join(stopped) or 'passes'}"


if __name__ == "__main__":
    typer.run(main)
