"""One search on one world, and everything the tables need to know of it.

    outcome = run_trial(trial, folder)
    outcome.held_out["planted"], outcome.points[-1].judge_calls

Three arms share the search, the judge, the minibatch and the number of rubrics a step, hence the
judge calls: `argo` trains the writer, `feedback` asks the untrained writer with feedback on
earlier attempts, `best-of-n` draws from the untrained writer's explore prompt alone.

Progress is followed in two ways, each after every step: the best rubric so far by its gain on its
own minibatch, and the best so far on dev, for which the step's best by gain is measured on dev
(those judge calls are counted). Seconds are wall clock and, beside it, CPU time of the process,
which other work on the machine does not lengthen.
"""

import asyncio
import math
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

from argo_audit.findings.curves import TOP, gain, top, windows
from argo_audit.findings.evolution import collapse
from argo_audit.policies.policy_names import EMBEDDED, policy_model
from argo_audit.policies.policy_settings import PolicySettings
from argo_audit.records import (
    Attempt,
    Measurement,
    PolicyPrompt,
    Record,
    Split,
    Step,
    Weighing,
)
from argo_audit.roles import Policy
from argo_audit.rubrics.outline import outline
from argo_audit.search.argo import argo
from argo_audit.search.journal import Journal
from argo_audit.search.search_settings import SearchConfig
from argo_audit.search.selection import SearchData, Winner
from argo_audit.stats.agreement import measure, selection_key
from argo_audit.surface.judge import SurfaceJudge
from benchmarks.worlds import SOURCES, World, WorldSpec, Yardsticks, load, yardsticks

Arm = Literal["argo", "feedback", "best-of-n"]
WORLDS = "worlds"


class Trial(Record):
    """A search and its world; `source` is the labels trained on and selected by."""

    world: WorldSpec
    source: str
    arm: Arm
    search: SearchConfig
    policy: PolicySettings
    writer: str  # fingerprint of the rubric writer's files


class Point(Record):
    """Where a search stood after a step.

    `judge_calls` are those of policy rewards, `dev_calls` of choosing on dev, both since the
    start. `by_train` and `by_dev` are held-out agreement with the labels trained on.
    """

    judge_calls: int
    dev_calls: int
    wall: float
    cpu: float
    by_train: float | None
    by_dev: float | None


class Collapses(Record):
    """Of so many `attempts`: texts that are empty, without criteria, repeating; distinct ones."""

    attempts: int
    empty: int
    without_criteria: int
    repeating: int
    distinct: int


class Outcome(Record):
    """What came out of a trial.

    `rubric` is the best on dev and `held_out` its agreement by label source. `dev_top` and
    `held_out_top` are means over the top 50 of each window of steps, on the labels trained on.
    """

    yardsticks: Yardsticks
    rubric: str
    step: int | None
    dev: float | None
    held_out: dict[str, float | None]
    dev_top: tuple[float | None, ...]
    held_out_top: tuple[float | None, ...]
    points: tuple[Point, ...]
    collapses: Collapses


class _Tick(NamedTuple):
    wall: float
    cpu: float


class _Notes:
    """The search's Memory, kept in memory."""

    run = "benchmark"

    def __init__(self) -> None:
        self.journal = Journal()
        self.ticks = [_now()]

    def add(self, *records: PolicyPrompt | Attempt | Step | Measurement | Weighing) -> None:
        self.journal.take(records)

    def go_on(self) -> bool:
        return True

    def progress(self, step: int, best: Attempt | None) -> None:
        self.ticks.append(_now())

    def accuracies(self, part: Split, source: str) -> dict[str, float]:
        """Agreement by rubric id, where it was measured."""
        wanted = (part, source)
        found = (m for m in self.journal.measurements if (m.split, m.label_source) == wanted)
        return {
            m.rubric_id: m.agreement.accuracy for m in found if m.agreement.accuracy is not None
        }


def run_trial(trial: Trial, folder: Path) -> Outcome:
    """Search, then measure; the world comes from `folder`, which keeps it."""
    world = load(trial.world, folder / WORLDS)
    notes, judge = _Notes(), SurfaceJudge()
    data = SearchData(world.splits, world.labels, trial.source)
    with TemporaryDirectory() as scratch:
        winners = argo(_policy(trial, Path(scratch)), judge, data, trial.search, notes)
    best = winners[-1] if winners else None
    return Outcome(
        yardsticks=yardsticks(world),
        rubric=best.rubric.text if best else "",
        step=best.step if best else None,
        dev=best.dev.accuracy if best else None,
        held_out={source: _held_out(notes, best, source) for source in SOURCES},
        dev_top=_top_means(notes, trial, "dev"),
        held_out_top=_top_means(notes, trial, "held-out"),
        points=asyncio.run(_points(notes, world, trial, judge)),
        collapses=_collapses(notes.journal.attempts),
    )


def _now() -> _Tick:
    return _Tick(time.monotonic(), time.process_time())


def _policy(trial: Trial, folder: Path) -> Policy:
    model = policy_model(EMBEDDED)
    if trial.arm == "argo":
        from argo_audit.policies.grpo import GRPOPolicy

        return GRPOPolicy(model, len(trial.search.feedback.variants), folder, trial.policy)
    from benchmarks.untrained import UntrainedWriter

    return UntrainedWriter(model, trial.policy)


def _held_out(notes: _Notes, best: Winner | None, source: str) -> float | None:
    return notes.accuracies("held-out", source).get(best.rubric.id) if best else None


def _top_means(notes: _Notes, trial: Trial, part: Split) -> tuple[float | None, ...]:
    known = notes.accuracies(part, trial.source)
    means: list[float | None] = []
    for steps in windows(notes.journal.attempts, trial.search.windows):
        found = [known[i] for i in top(notes.journal.attempts, steps) if i in known][:TOP]
        means.append(sum(found) / len(found) if found else None)
    return tuple(means)


def _collapses(attempts: Sequence[Attempt]) -> Collapses:
    found, total = collapse(attempts), len(attempts)
    if found is None:
        return Collapses(attempts=0, empty=0, without_criteria=0, repeating=0, distinct=0)
    return Collapses(
        attempts=total,
        empty=round(found.empty * total),
        without_criteria=round(found.without_criteria * total),
        repeating=round(found.repeating * total),
        distinct=round(found.distinct * total),
    )


async def _points(
    notes: _Notes, world: World, trial: Trial, judge: SurfaceJudge
) -> tuple[Point, ...]:
    """One point per step; what is best so far is carried from step to step."""
    follower = _Follower(world, trial, judge)
    start = notes.ticks[0]
    points, calls = [], 0
    for step, tick in enumerate(notes.ticks[1:]):
        tried = [attempt for attempt in notes.journal.attempts if attempt.step == step]
        calls += sum(attempt.usage.calls for attempt in tried)
        await follower.after(tried)
        points.append(
            Point(
                judge_calls=calls,
                dev_calls=2 * len(world.splits["dev"]) * (step + 1),
                wall=tick.wall - start.wall,
                cpu=tick.cpu - start.cpu,
                by_train=follower.by_train,
                by_dev=follower.by_dev,
            )
        )
    return tuple(points)


class _Follower:
    """The best attempt so far by gain on train, and on dev, with held-out agreement."""

    def __init__(self, world: World, trial: Trial, judge: SurfaceJudge):
        self._world, self._trial, self._judge = world, trial, judge
        self._gain, self._dev = -math.inf, (-math.inf, -math.inf)
        self.by_train: float | None = None
        self.by_dev: float | None = None

    async def after(self, tried: Sequence[Attempt]) -> None:
        """Take in one step's attempts."""
        with_criteria = [a for a in tried if len(outline(a.rubric.text))]
        if not with_criteria:
            return
        best = max(with_criteria, key=gain)
        dev = await self._on_dev(best)
        if gain(best) <= self._gain and dev <= self._dev:
            return
        held_out = await self._held_out(best)
        if gain(best) > self._gain:
            self._gain, self.by_train = gain(best), held_out
        if dev > self._dev:
            self._dev, self.by_dev = dev, held_out

    async def _on_dev(self, attempt: Attempt) -> tuple[float, float]:
        pairs = self._world.splits["dev"]
        labels = [self._world.labels[self._trial.source][pair.id] for pair in pairs]
        judged = await self._judge.judge(attempt.rubric, pairs)
        return selection_key(measure(labels, judged, temperature=attempt.train.temperature))

    async def _held_out(self, attempt: Attempt) -> float | None:
        judged = await self._judge.judge(attempt.rubric, self._world.splits["held-out"])
        return self._world.accuracy(judged, self._trial.source)
