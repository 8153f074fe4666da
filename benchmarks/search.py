"""`python -m benchmarks.search`: what each search finds, at equal calls, on worlds with answers.

Every search is run on both populations, under a clean judge and under judges with faults, over
seeds; then on a bank of 200 lines of which 12 are true, and on real sets. Its rubrics are measured
on held-out pairs as they come, which costs no calls. A call is one order of one pair under one
rubric, or under up to eight lines. "key" is the planted rubric under the same judge; "fit" is a
regression on all that the clean judge can see, over all train pairs. The last line says how many
bars are met.
"""

import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from scipy.special import expit

from argo_audit.organism.populations import PopulationName
from argo_audit.policies.policy_names import EMBEDDED, policy_model
from argo_audit.policies.policy_settings import settings_of
from argo_audit.records import Attempt, Measurement, PolicyPrompt, Step, Usage, Weighing
from argo_audit.report.markdown import table
from argo_audit.roles import NextPrompts, Policy, PolicyReward, Proposal
from argo_audit.search.argo import argo
from argo_audit.search.journal import Journal
from argo_audit.search.lead import lead
from argo_audit.search.line_fit import fitted
from argo_audit.search.optimisers import open_search
from argo_audit.search.proposing import lines_of
from argo_audit.search.search_settings import GepaConfig, LeadConfig, SearchConfig
from argo_audit.stats.agreement import agreeing
from argo_audit.stats.intervals import by_prompt, mean_interval
from argo_audit.surface.contrast import measured
from argo_audit.surface.judge import SurfaceJudge
from argo_audit.surface.reader import read_rubric
from benchmarks.line_judges import CLEAN, HARD, NOISY
from benchmarks.plan import POPULATIONS
from benchmarks.search_worlds import (
    BankWorld,
    RealSet,
    SearchWorld,
    accuracy,
    line_bank,
    organism,
    real_sets,
    spoken,
    targets,
)
from benchmarks.surface_counts import counted, fitted_on

Array = NDArray[np.float64]
AT = 5_000
MOST = 20_000
RIVALS = 10_000
"""Calls that searches which never get there within MOST are given."""

page = Console(soft_wrap=True)


class Point(NamedTuple):
    """The rubric that a search would give after so many calls, and its held-out agreement."""

    calls: int
    rubric: str
    held_out: float


class Run(NamedTuple):
    """A search on a world: its points in order, and the rubric that it published.

    `begun` is the held-out agreement of the rubric that a warm start left it with.
    """

    points: tuple[Point, ...]
    published: str
    held_out: float
    seconds: float
    begun: float | None = None

    def at(self, calls: int) -> float | None:
        """Held-out agreement of what it had after so many calls."""
        known = [point.held_out for point in self.points if point.calls <= calls]
        return known[-1] if known else None

    def calls_to(self, goal: float) -> float:
        """Calls after which it first reached the goal; infinite where it never did."""
        return min((p.calls for p in self.points if p.held_out >= goal), default=np.inf)


class _Notes:
    """A Memory that keeps all, and ends the search once its calls are spent."""

    run = "benchmark"

    def __init__(self, most: int):
        self.journal, self._most = Journal(), most

    def add(self, *records: PolicyPrompt | Attempt | Step | Measurement | Weighing) -> None:
        self.journal.take(records)

    def progress(self, step: int, best: Attempt | None) -> None:
        """Nobody is told."""

    def go_on(self) -> bool:
        used = self.journal.used()
        return sum(used[phase].calls for phase in used if phase.startswith("judge")) < self._most


class _Speechless:
    """A policy that has no words for some features: lines that speak of them are left out."""

    def __init__(self, policy: Policy, unspoken: frozenset[str]):
        self._policy, self._unspoken = policy, unspoken
        self.name = policy.name

    @property
    def used(self) -> Usage:
        return self._policy.used

    def resume(self, done: int) -> int:
        return self._policy.resume(done)

    def train(self, next_prompts: NextPrompts, policy_reward: PolicyReward, steps: int) -> None:
        def said(proposals: Sequence[Proposal]) -> list[float]:
            return policy_reward([p._replace(text=self._left(p.text)) for p in proposals])

        self._policy.train(next_prompts, said, steps)

    def _left(self, text: str) -> str:
        rows = text.splitlines()
        return "\n".join(row for row in rows if not self._unspoken & spoken(row).keys()) + "\n"


class _Bank:
    """A policy that writes a bank of lines, all of them each time."""

    name = "bank"

    def __init__(self, lines: Sequence[str]):
        self._text = "\n".join(f"- {line}" for line in lines)

    @property
    def used(self) -> Usage:
        return Usage()

    def resume(self, done: int) -> int:
        return done

    def train(self, next_prompts: NextPrompts, policy_reward: PolicyReward, steps: int) -> None:
        for _ in range(steps):
            if not next_prompts():
                return
            policy_reward([Proposal(0, self._text)])


def _writer(seed: int, **settings: int) -> Policy:
    from benchmarks.untrained import UntrainedWriter

    model = policy_model(EMBEDDED)
    return UntrainedWriter(model, settings_of(model).model_copy(update={"seed": seed} | settings))


def _trained(seed: int, folder: Path) -> Policy:
    from argo_audit.policies.grpo import GRPOPolicy

    model = policy_model(EMBEDDED)
    settings = settings_of(model).model_copy(update={"seed": seed})
    return GRPOPolicy(model, len(SearchConfig().feedback.variants), folder, settings)


def _policy(search: str, seed: int, folder: Path) -> Policy:
    """The embedded writer; `gepa` takes one rubric a step, and has one to spare."""
    if search.startswith("argo"):
        return _trained(seed, folder)
    return _writer(seed, rubrics_per_prompt=2) if search == "gepa" else _writer(seed)


_SMALL = {"steps": 60, "minibatch": 32, "windows": 3, "top": 2}
"""What a search by whole rubrics can afford within the calls of this benchmark."""


def searched(name: str, world: SearchWorld) -> Run:
    """One search on one world."""
    config = SearchConfig(seed=world.seed)
    small = config.model_copy(update=_SMALL)
    few = config.model_copy(update={"lead": LeadConfig(pairs=128)})
    with TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        most = RIVALS if name in ("best-of-n", "gepa") else MOST
        notes, started = _Notes(most), time.monotonic()
        policy = _policy(name, world.seed, Path(scratch))
        if world.unspoken:
            policy = _Speechless(policy, world.unspoken)
        if name == "argo, warm":
            warm = small.model_copy(update={"warm_start": True})
            winners = argo(policy, world.judge, world.data, warm, notes)
        else:
            evolved = config.model_copy(update={"steps": RIVALS}).with_one_variant()
            chosen = {"lead": config, "logistic": few, "gepa": evolved}.get(name, small)
            search = open_search(name)
            winners = tuple(search(policy, world.judge, world.data, chosen, notes))
    first, last = winners[0].rubric.text, winners[-1].rubric.text
    run = _run(world, notes.journal, last, time.monotonic() - started)
    if name != "argo, warm":
        return run
    return run._replace(begun=_held_out(world, first))


def _run(world: SearchWorld | BankWorld, journal: Journal, winner: str, seconds: float) -> Run:
    incumbents = _incumbents(journal)
    points = tuple(Point(calls, text, _held_out(world, text)) for calls, text in incumbents)
    return Run(points, winner, _held_out(world, winner), seconds)


def _held_out(world: SearchWorld | BankWorld, text: str) -> float:
    pairs, target = world.data.splits["held-out"], targets(world.data, "held-out")
    return accuracy(world.judge.without_counting(text, pairs), target)


def _incumbents(journal: Journal) -> Iterator[tuple[int, str]]:
    """What the search would have given, and the calls by then: its lines, then its best attempt."""
    calls, best = 0, None
    for step in range(max((s.step for s in journal.steps), default=-1) + 1):
        for weighing in (w for w in journal.weighings if w.step == step):
            calls += weighing.usage.calls
            if weighing.rubric:
                yield calls, weighing.rubric
        tried = [a for a in journal.attempts if a.step == step]
        calls += sum(attempt.usage.calls for attempt in tried)
        raced = any(w.step == step for w in journal.weighings)
        if raced and tried:
            best = tried[0]
        elif tried:
            best = max([*([best] if best else []), *tried], key=_worth)
        if best:
            yield calls, best.rubric.text


def _worth(attempt: Attempt) -> float:
    """What it was paid; of `gepa` what it scored on the validation pairs, and by no minibatch."""
    if not attempt.scores:
        return attempt.gain
    return mean(attempt.scores) if len(attempt.scores) > GepaConfig().minibatch else -1.0


class Recovered(NamedTuple):
    """Lines of a published rubric against what is true."""

    found: int
    learned: int
    right: int
    lines: int


def recovered(world: SearchWorld, rubric: str) -> Recovered:
    """Planted and learned features found; lines that are planted, or hold on all pairs."""
    reading = read_rubric(rubric)
    said: dict[int, dict[str, int]] = {}
    for criterion in reading.criteria:
        said.setdefault(criterion.line, {})[criterion.feature] = criterion.direction
    found, right = set[str](), 0
    for ways in said.values():
        planted = {f for f, way in ways.items() if world.planted.get(f, 0.0) * way > 0}
        found |= planted
        right += bool(planted) or any(_holds(world, f, way) for f, way in ways.items())
    lines = len(said) + len(reading.unread)
    return Recovered(len(found & world.learned), len(world.learned), right, lines)


def _holds(world: SearchWorld, feature: str, way: int) -> bool:
    low, high = world.effects.get(feature, (0.0, 0.0))
    return low > 0 if way > 0 else high < 0


def fit_of(world: SearchWorld) -> float:
    """Held-out agreement of a regression on all that the clean judge sees."""
    train, held = (measured(tuple(world.data.splits[part])) for part in ("train", "held-out"))
    x, other = train.first - train.second, held.first - held.second
    spread = np.sqrt((x**2).mean(axis=0)) + 1e-9
    weights = fitted(x / spread, targets(world.data, "train"))
    return accuracy(np.asarray(expit(other / spread @ weights)), targets(world.data, "held-out"))


def key_of(world: SearchWorld | BankWorld) -> float:
    """Held-out agreement of the answer key under the judge."""
    said = world.judge.without_counting(world.key, world.data.splits["held-out"])
    return accuracy(said, targets(world.data, "held-out"))


class Bar(NamedTuple):
    """What was asked, what was found, and whether that is enough."""

    name: str
    found: str
    met: bool


class _Table(NamedTuple):
    """Runs by (world, search), with the key and the fit of each seed."""

    runs: dict[tuple[str, str], list[Run]]
    keys: dict[str, list[float]]
    fits: dict[str, list[float]]
    truths: dict[tuple[str, str], list[Recovered]]


SEARCHES = ("lead", "logistic", "best-of-n", "gepa", "argo", "argo, warm")
ON_FAULTS = ("lead", "logistic", "best-of-n")


def race_all(seeds: range, folder: Path, searches: Sequence[str]) -> _Table:
    """Every search on every organism."""
    out = _Table({}, {}, {}, {})
    for seed, population in product(seeds, POPULATIONS):
        for world in _versions(population, seed, folder):
            out.keys.setdefault(world.name, []).append(key_of(world))
            out.fits.setdefault(world.name, []).append(fit_of(world))
            able = searches if world.name.endswith("clean") else ON_FAULTS
            for name in (one for one in searches if one in able):
                _add(out, world, name)
    return out


def _add(out: _Table, world: SearchWorld, name: str) -> None:
    run = searched(name, world)
    truth = recovered(world, run.published)
    out.runs.setdefault((world.name, name), []).append(run)
    out.truths.setdefault((world.name, name), []).append(truth)
    key, fit = out.keys[world.name][-1], out.fits[world.name][-1]
    calls = f"{_calls(run.calls_to(0.95 * key))}, {_calls(run.calls_to(0.97 * fit))} calls"
    shown = f"{run.at(AT) or 0:.3f}, {run.held_out:.3f} of {key:.3f}, {calls}, {truth}"
    sys.stderr.write(f"{world.name} {world.seed} {name}: {shown}, {run.seconds:.0f} s\n")


def _versions(population: PopulationName, seed: int, folder: Path) -> Iterator[SearchWorld]:
    for nature in (CLEAN, NOISY, HARD):
        yield organism(population, seed, nature, folder)
    yield organism(population, seed, CLEAN, folder, odd=True)


def organism_rows(found: _Table) -> list[list[str]]:
    """One row per world and search."""
    rows = []
    for (world, name), runs in found.runs.items():
        keys, fits = found.keys[world], found.fits[world]
        truth = found.truths[world, name]
        to_key = median(run.calls_to(0.95 * key) for run, key in zip(runs, keys, strict=True))
        to_fit = median(run.calls_to(0.97 * fit) for run, fit in zip(runs, fits, strict=True))
        rows.append(
            [
                world,
                name,
                str(len(runs)),
                f"{mean(keys):.3f}",
                f"{mean(fits):.3f}",
                _mean(run.at(AT) for run in runs),
                f"{mean(run.held_out for run in runs):.3f}",
                _calls(to_key),
                _calls(to_fit),
                f"{sum(t.found for t in truth)}/{sum(t.learned for t in truth)}",
                f"{sum(t.right for t in truth)}/{sum(t.lines for t in truth)}",
            ]
        )
    return rows


def _mean(values: Iterator[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{mean(known):.3f}" if known else "-"


def _calls(value: float) -> str:
    return "never" if np.isinf(value) else f"{value:,.0f}"


def organism_bars(found: _Table) -> Iterator[Bar]:
    """The bars on calls, recovery and rivals."""
    for world, label in (("A clean", "A"), ("B clean", "B")):
        runs, keys, fits = found.runs[world, "lead"], found.keys[world], found.fits[world]
        to_key = median(run.calls_to(0.95 * key) for run, key in zip(runs, keys, strict=True))
        to_fit = median(run.calls_to(0.97 * fit) for run, fit in zip(runs, fits, strict=True))
        yield Bar(f"{label}: calls to .95 of the key <= 1,500", _calls(to_key), to_key <= 1_500)
        yield Bar(f"{label}: calls to .97 of the fit <= 5,000", _calls(to_fit), to_fit <= 5_000)
        truth = found.truths[world, "lead"]
        recall = sum(t.found for t in truth) / sum(t.learned for t in truth)
        precise = sum(t.right for t in truth) / sum(t.lines for t in truth)
        yield Bar(f"{label}: learned lines found >= 80%", f"{recall:.0%}", recall >= 0.8)
        yield Bar(f"{label}: lines planted or true >= 90%", f"{precise:.0%}", precise >= 0.9)
        yield from _rivals(found, world, label)
        if (world, "argo, warm") in found.runs:
            yield from _warm(found, world, label)


def _rivals(found: _Table, world: str, label: str) -> Iterator[Bar]:
    own = mean(run.at(AT) or 0.0 for run in found.runs[world, "lead"])
    for rival in ("gepa", "best-of-n", "argo"):
        if (world, rival) in found.runs:
            other = mean(run.at(AT) or 0.5 for run in found.runs[world, rival])
            name = f"{label}: held-out at {AT:,} calls ahead of {rival}"
            yield Bar(name, f"{own:.3f} against {other:.3f}", own > other)


def _warm(found: _Table, world: str, label: str) -> Iterator[Bar]:
    warm, keys = found.runs[world, "argo, warm"], found.keys[world]
    calls = [run.calls_to(0.95 * key) for run, key in zip(warm, keys, strict=True)]
    name = f"{label}: argo with warm start, calls to .95 of the key <= 20,000 each"
    yield Bar(name, ", ".join(map(_calls, calls)), max(calls) <= MOST)
    own, other = (mean(r.held_out for r in found.runs[world, s]) for s in ("argo, warm", "lead"))
    name = f"{label}: argo with warm start not below lead's rubric"
    yield Bar(name, f"{own:.3f} against {other:.3f}", own >= other)
    kept = sum(run.held_out >= (run.begun or 0.0) for run in warm)
    name = f"{label}: no seed below the rubric of lead that RL went on from"
    yield Bar(name, f"{kept} of {len(warm)}", kept == len(warm))


def bank_rows(seeds: range) -> tuple[list[list[str]], Bar]:
    """The bank of 200 lines."""
    rows, enough = [], 0
    config = LeadConfig(rounds=1, lines=200, first=48, pairs=512, least=24)
    for seed in seeds:
        world = line_bank(seed)
        notes = _Notes(MOST)
        settings = SearchConfig(seed=seed, lead=config)
        winners = lead(_Bank(world.lines), world.judge, world.data, settings, notes)
        run, key = _run(world, notes.journal, winners[-1].rubric.text, 0.0), key_of(world)
        calls = run.calls_to(0.95 * key)
        enough += calls <= 10_000
        found = {line.text for line in lines_of(run.published)}
        rows.append(
            [
                str(seed),
                f"{key:.3f}",
                f"{run.held_out:.3f}",
                f"{run.held_out / key:.3f}",
                _calls(calls),
                f"{len(found & world.true)}/{len(world.true)}",
                f"{len(found & world.true)}/{len(found)}",
            ]
        )
    name = "200 lines, 12 true: .95 of the key within 10,000 calls in 4 of 5 seeds"
    return rows, Bar(name, f"{enough} of {len(seeds)}", enough >= 0.8 * len(seeds))


def real_rows(folder: Path, seeds: range) -> tuple[list[list[str]], list[Bar]]:
    """The real sets, with the surface judge as it is."""
    rows, bars = [], []
    for real in real_sets(folder):
        held, target = real.data.splits["held-out"], targets(real.data, "held-out")
        counts = fitted_on(counted(real.data.splits["train"]), targets(real.data, "train"))
        regression = accuracy(expit(counts(counted(held))), target)
        longer = np.sign([len(p.response_a) - len(p.response_b) for p in held]) / 4 + 0.5
        longest = accuracy(longer, target)
        best = max(longest, 1 - longest)
        found = [_on_real(real, seed) for seed in seeds]
        own = mean(accuracy(said, target) for said in found)
        rival = longer if longest >= 0.5 else 1 - longer
        below = _surely_below(found, rival, target, real)
        rows.append([real.name, str(len(held)), f"{own:.3f}", f"{best:.3f}", f"{regression:.3f}"])
        bars.append(
            Bar(
                f"{real.name}: not below the longer or shorter one",
                f"{own:.3f} against {best:.3f}",
                not below,
            )
        )
        name = f"{real.name}: at least .97 of the regression on counts"
        bars.append(Bar(name, f"{own / regression:.3f}", own >= 0.97 * regression))
    return rows, bars


def _on_real(real: RealSet, seed: int) -> Array:
    import asyncio

    notes, judge = _Notes(MOST), SurfaceJudge()
    winners = lead(_writer(seed), judge, real.data, SearchConfig(seed=seed), notes)
    said = asyncio.run(judge.judge(winners[-1].rubric, real.data.splits["held-out"]))
    return np.array([0.5 if one.p_a is None else one.p_a for one in said])


def _surely_below(found: Sequence[Array], other: Array, target: Array, real: RealSet) -> bool:
    """Whether the interval of the difference in agreement, mean over seeds, lies below 0."""
    sided = target != 0.5
    own = np.mean([agreeing(target, said) for said in found], axis=0)
    gain = (own - agreeing(target, other))[sided]
    keys = np.array([pair.prompt_key for pair in real.data.splits["held-out"]])[sided]
    return mean_interval(by_prompt(gain, keys)).high < 0


def main(
    seeds: Annotated[int, typer.Option(min=1, help="Of worlds and searches.")] = 5,
    first: Annotated[int, typer.Option(min=0, help="The first of the seeds.")] = 0,
    worlds: Annotated[Path, typer.Option(help="Where worlds are kept.")] = Path("build/worlds"),
    real: Annotated[Path, typer.Option(help="Folder of real sets.")] = Path("../shared/data"),
    searches: Annotated[list[str] | None, typer.Option("--search", help="Those to run.")] = None,
) -> None:
    """Print a table for each kind of world, then the bars."""
    chosen = searches or [s for s in SEARCHES if s != "gepa" or _has_gepa()]
    every = range(first, first + seeds)
    found = race_all(every, worlds, chosen)
    bars = list(organism_bars(found))
    head = ["world", "search", "seeds", "key", "fit", f"at {AT:,} calls", "published"]
    head += ["calls to .95 of key", "calls to .97 of fit", "learned found", "lines true"]
    page.print(table(head, organism_rows(found)))
    banks, bar = bank_rows(every)
    bars.append(bar)
    head = ["seed", "key", "published", "of key", "calls to .95", "true found", "lines true"]
    page.print("\n" + table(head, banks))
    rows, others = real_rows(real, every[:3])
    bars += others
    head = ["set", "n", "lead", "longer or shorter", "regression on counts"]
    page.print("\n" + table(head, rows))
    page.print(
        "\n"
        + table(
            ["bar", "found", "met"], [[b.name, b.found, "yes" if b.met else "no"] for b in bars]
        )
    )
    page.print(f"\nbars met: {sum(b.met for b in bars)} of {len(bars)}")


def _has_gepa() -> bool:
    from importlib.util import find_spec

    return find_spec("gepa") is not None


if __name__ == "__main__":
    typer.run(main)
