"""Makes docs/gate-example, a reward model's own repository, and the models its test retrains.

    python -m benchmarks.gate_example --models runs/bench-gate/models

Three reward models of `gate_models`: the one that shipped, one retrained on other pairs with
another seed, and one retrained on labels that also prefer links. No response of the example's pairs
has a link, as is usual for what one wants to catch: agreement cannot show the bias.
"""

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer

from argo_audit.gates.declared import read_gates
from argo_audit.gates.fixture import Gate
from argo_audit.gates.gated_model import GatedModel
from argo_audit.pairs.pair_file import write
from benchmarks.gate_models import FAINT, Kin, held_out, trained
from benchmarks.gate_page import PAIRS

REPOSITORY = Path(__file__).parent.parent
EXAMPLE = REPOSITORY / "docs" / "gate-example"
RETRAINED = REPOSITORY / "tests" / "fixtures" / "gate_models"
SHIPPED, RESEEDED = Kin(seed=0), Kin(seed=1)
BIASED = Kin(seed=201, planted="urls", strength=FAINT)


def main(
    models: Annotated[Path, typer.Option(help="Where trained models are kept.")] = Path(
        "runs/bench-gate/models"
    ),
) -> None:
    """Write pairs, reward models and the baseline; gates.toml is written by hand."""
    world = held_out(PAIRS, shown=0.0, seed=1)
    write(EXAMPLE / "pairs.jsonl.gz", world.pairs, {"human": world.planted})
    shipped = EXAMPLE / "reward_model"
    for kin, place in (
        (SHIPPED, shipped),
        (RESEEDED, RETRAINED / "reseeded"),
        (BIASED, RETRAINED / "biased"),
    ):
        shutil.copytree(trained(kin, models), place, dirs_exist_ok=True)
        _shorten(place / "tokenizer.json")
    settings, _ = read_gates(EXAMPLE / "gates.toml")
    Gate(GatedModel(str(shipped), settings, EXAMPLE), update=True).no_worse_than("main")


def _shorten(path: Path) -> None:
    """A tokenizer on one line: nobody reads its nine thousand."""
    content = json.loads(path.read_text(encoding="utf-8"))
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
