"""`python -m benchmarks.search_figure FILE`: what each search has after so many calls, drawn.

On both populations under the clean judge, as `benchmarks.search` runs them: the mean over seeds of
the held-out agreement of what a search would give, from the first call count at which all seeds
have something; the dashed line is the planted rubric under the same judge.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Annotated

import numpy as np
import typer

from benchmarks.line_judges import CLEAN
from benchmarks.plan import POPULATIONS
from benchmarks.search import MOST, SEARCHES, Run, key_of, searched
from benchmarks.search_worlds import organism

COLOURS = ("#2f81c7", "#d9730d", "#2a9d6f", "#9a6dd7", "#c2528b", "#7d8590")
Raced = Mapping[str, Sequence[Run]]


def curve(runs: Sequence[Run], calls: Sequence[int]) -> tuple[list[int], list[float]]:
    """Call counts at which every run has a rubric, and the runs' mean agreement there."""
    found = [(at, [run.at(at) for run in runs]) for at in calls]
    known = [(at, [a for a in all_ if a is not None]) for at, all_ in found]
    whole = [(at, mean(values)) for at, values in known if len(values) == len(runs)]
    return [at for at, _ in whole], [value for _, value in whole]


def draw(raced: Mapping[str, Raced], keys: Mapping[str, float], file: Path) -> None:
    """A panel a population, a line a search."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.8), layout="constrained")
    axes = figure.subplots(1, len(raced), sharey=True, squeeze=False)[0]
    grid = [int(at) for at in np.geomspace(100, MOST, 60)]
    for axis, (population, searches) in zip(axes, raced.items(), strict=True):
        for (name, runs), colour in zip(searches.items(), COLOURS, strict=False):
            axis.plot(*curve(runs, grid), color=colour, label=name)
        axis.axhline(keys[population], color="black", linestyle="--", linewidth=1)
        axis.set(title=f"population {population}", xscale="log", xlabel="judge calls")
        axis.grid(alpha=0.2)
    axes[0].set_ylabel("held-out agreement")
    axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)


def main(
    file: Path,
    seeds: Annotated[int, typer.Option(min=1, help="Of worlds and searches.")] = 5,
    first: Annotated[int, typer.Option(min=0, help="The first of the seeds.")] = 0,
    worlds: Annotated[Path, typer.Option(help="Where worlds are kept.")] = Path("build/worlds"),
    searches: Annotated[list[str] | None, typer.Option("--search", help="Those to run.")] = None,
) -> None:
    """Race the searches and write the figure."""
    raced: dict[str, dict[str, list[Run]]] = {}
    keys: dict[str, list[float]] = {}
    for population in POPULATIONS:
        for seed in range(first, first + seeds):
            world = organism(population, seed, CLEAN, worlds)
            keys.setdefault(population, []).append(key_of(world))
            for name in searches or SEARCHES:
                runs = raced.setdefault(population, {}).setdefault(name, [])
                runs.append(searched(name, world))
    draw(raced, {name: mean(found) for name, found in keys.items()}, file)


if __name__ == "__main__":
    typer.run(main)
