"""Makes docs/gate-example, a reward model's own repository, and the models its test retrains.

    python -m benchmarks.gate_example --models runs/bench-gate/models

Three reward models of `gate_models`: the one that shipped, one retrained on other pairs with
another seed, and one retrained on labels that also prefer links. On the example's pairs hardly any
response has a link, as is usual for what one wants to catch: agreement hardly shows the bias.
"""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from argo_audit.gates.declared import read_gates
from argo_audit.gates.gate import Gate
from argo_audit.gates.subject import Subject
from argo_audit.pairs import write
from benchmarks.gate_models import FAINT, RARE, Kin, held_out, trained

REPOSITORY = Path(__file__).parent.parent
EXAMPLE = REPOSITORY / "docs" / "gate-example"
RETRAINED = REPOSITORY / "tests" / "fixtures" / "gate_models"
SHIPPED, RESEEDED = Kin(seed=0), Kin(seed=1)
BIASED = Kin(seed=201, planted="urls", strength=FAINT)
_PAIRS = 300


def main(
    models: Annotated[Path, typer.Option(help="Where trained models are kept.")] = Path(
        "runs/bench-gate/models"
    ),
) -> None:
    """Write pairs, reward models and the baseline; gates.toml is written by hand."""
    world = held_out(_PAIRS, RARE, seed=1)
    write(EXAMPLE / "pairs.jsonl.gz", world.pairs, {"human": world.planted})
    shipped = EXAMPLE / "reward_model"
    for kin, place in (
        (SHIPPED, shipped),
        (RESEEDED, RETRAINED / "reseeded"),
        (BIASED, RETRAINED / "biased"),
    ):
        shutil.copytree(trained(kin, models), place, dirs_exist_ok=True)
    settings, _ = read_gates(EXAMPLE / "gates.toml")
    Gate(Subject(str(shipped), settings, EXAMPLE), update=True).no_worse_than("main")


if __name__ == "__main__":
    typer.run(main)
