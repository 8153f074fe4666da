"""`python -m benchmarks [organism] [budget] [labels] [--quick] [--seeds N] [--out DIR] [--jobs 2]`.

Finished cells are kept in `--out`, so that an interrupted benchmark goes on where it stopped;
tables are printed and written beside them, one markdown file per benchmark. Measure into a new
`--out` after changing code.
"""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console

from argo_audit.audits.workers import ONE_THREAD
from benchmarks import budget, labels, organism
from benchmarks.cells import Finished, Ledger, in_parallel, key, measured
from benchmarks.plan import QUICK, Plan
from benchmarks.trials import WORLDS, Outcome, Trial, run_trial
from benchmarks.worlds import path_of, prepare

page, progress = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)


class Benchmark(NamedTuple):
    """What is run, and what is said about it."""

    trials: Callable[[Plan], list[Trial]]
    tables: Callable[[Plan, Mapping[str, Outcome]], str]


BENCHMARKS = {
    "organism": Benchmark(organism.trials, organism.tables),
    "budget": Benchmark(budget.trials, budget.tables),
    "labels": Benchmark(labels.trials, labels.tables),
}


def main(
    names: Annotated[list[str] | None, typer.Argument(help=f"Of {', '.join(BENCHMARKS)}.")] = None,
    quick: Annotated[bool, typer.Option(help="One seed, a few steps: does it run at all?")] = False,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Seeds of every benchmark. Default: 5, labels 3.")
    ] = None,
    label_steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of the searches of `labels`. Default: 16.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of results.")] = Path("runs/bench"),
    jobs: Annotated[int, typer.Option(min=1, help="Processes of one thread each.")] = 2,
) -> None:
    """Measure ARGO on the organism and print markdown tables."""
    os.environ.update(ONE_THREAD)
    chosen = names or list(BENCHMARKS)
    if unknown := sorted(set(chosen) - set(BENCHMARKS)):
        raise typer.BadParameter(f"no benchmark {', '.join(unknown)}; there are {list(BENCHMARKS)}")
    plan = QUICK if quick else Plan()
    if seeds is not None:
        plan = plan.model_copy(update={"seeds": seeds, "label_seeds": seeds})
    if label_steps is not None:
        plan = plan.model_copy(update={"label_steps": label_steps})
    for name in chosen:
        text = _run(name, plan, out, jobs)
        (out / f"{name}.md").write_text(text + "\n", encoding="utf-8")
        page.print(text + "\n", markup=False, highlight=False)


def _run(name: str, plan: Plan, out: Path, jobs: int) -> str:
    """Make the worlds that are missing, then run the trials that are missing."""

    def say(line: str) -> None:
        progress.print(f"{name}: {line}", markup=False, highlight=False)

    benchmark = BENCHMARKS[name]
    ledger = Ledger(out / "trials.jsonl", Finished[Trial, Outcome])
    trials = benchmark.trials(plan)
    worlds = out / WORLDS
    wanted = {key(t.world): t.world for t in trials if ledger.get(t) is None}
    missing = [world for world in wanted.values() if not path_of(world, worlds).exists()]
    say(f"{len(missing)} worlds to be made, each with a reward model")
    for _ in in_parallel(missing, partial(prepare, folder=worlds), jobs, say):
        pass
    results = measured(trials, partial(run_trial, folder=out), ledger, jobs, say)
    return benchmark.tables(plan, results)


if __name__ == "__main__":
    typer.run(main)
