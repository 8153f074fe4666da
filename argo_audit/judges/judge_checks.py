"""Does a judge read? What it does with pairs whose truth is known, before it is believed.

    found = await check(AskedJudges(judge, lines, alone, again))
    found.obedience("whole").mean         # 1.0: it does what rubrics say; 0.5: it does not read

Each probe is judged under a rubric that rewards what one response has and under one that penalises
it. *Obedience* is the share of verdicts, over both and over both orders, that are what the rubric
asks for: a judge that reads has 1, one that tosses a coin has 0.5, and so has one that always says
"A", for each is asked both ways round. By line the same is asked of a line and of its opposite.

All shares have their n and a Wilson interval over pairs. What could not be read is left out of a
share and counted; a judge of whose verdicts more than half is missing has no obedience. "Cannot
tell" of a line is read: it prefers neither response, as a tie.

A judge is asked in the readings that are wanted, and the shares say which they were: one whose
replies about lines cannot be read may well do as whole rubrics say.

Below LEAST a judge is not to be searched with. It is the measured share that is held to it, not a
limit of its interval: with a hundred verdicts the lower limit would refuse judges of 0.87, and the
upper one would admit judges of 0.72. At the share itself both errors are equally likely.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field

from argo_audit.errors import JudgeError
from argo_audit.judges.judge_probes import ABSENT, Probe, judge_probes
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.judges.judged import judgments_of
from argo_audit.judges.patience import together
from argo_audit.records import Interval, Judgment, Record, Rubric, Usage
from argo_audit.roles import Judge, LineAnswers, LineJudge
from argo_audit.stats.intervals import interval

Reads = Literal["whole", "lines"]
READINGS: tuple[Reads, ...] = ("whole", "lines")

LEAST = 0.8
"""Obedience below which an audit is refused."""
PROBES = 24
"""Pairs that are asked about before an audit."""
RULED, LINED = 6, 4
"""Questions of a probe: two rubrics and one of them again, a line with others and alone; in both
orders."""

WITHOUT_WEIGHTS = ("argo/", "mockllm/", "none")
"""How the names of judges begin that compute: what they read is known, and they are not checked."""

FICTION = "an audit by a judge that does not read is fiction"
OBEYS: dict[Reads, str] = {"whole": "obedience, whole rubrics", "lines": "obedience, line by line"}
FLIPS = "turns round with the rubric"
NEGATED = "obedience, negated lines"
ABSENCE = "sees nothing where nothing is"
FIRST = "prefers the response shown first"
ITSELF = "agrees with itself when asked again"
TOGETHER = "answers alike, alone and with other lines"

_SHOWN = (OBEYS["whole"], FLIPS, OBEYS["lines"], NEGATED, ABSENCE, FIRST, ITSELF, TOGETHER)
_Keyed = tuple[list[str], list[float | None]]

_ALIKE = 0.15  # of P from 1/2 that is no preference
_ENOUGH = 0.5  # of the verdicts must be read


def calls_a_probe(
    settings: JudgeSettings, dearer: int = 1, readings: Sequence[Reads] = READINGS
) -> int:
    """What a probe takes: votes where they are asked for, or take the place of log-probabilities.

    `dearer` are the votes of a judge without log-probabilities; lines are answered in words then.
    """
    votes = 1 if settings.estimator == "log-probabilities" else settings.votes
    calls = {"whole": RULED * max(votes, dearer), "lines": LINED * votes}
    return sum(calls[one] for one in readings)


class JudgeShare(Record):
    """One thing that was measured of a judge, as a share of what it said."""

    name: str
    """What was measured."""
    mean: float | None
    """The share; None where too little could be read."""
    interval: Interval | None = None
    """Over pairs."""
    n: int = 0
    """Verdicts that were read."""
    unread: int = Field(default=0)
    """Verdicts that were not."""


class JudgeFound(Record):
    """What a check has found of one judge."""

    judge: str
    """Its name."""
    how: dict[str, str | int | float | bool | None] = Field(default_factory=dict)
    """Its settings."""
    pairs: int
    """Pairs whose truth is known."""
    shares: tuple[JudgeShare, ...]
    """All that was measured."""
    estimators: tuple[str, ...] = ()
    """How its probabilities were read; "log-probabilities" where it gives them."""
    usage: Usage = Usage()
    """What the check took."""
    relied_on: tuple[Reads, ...] = ()
    """How the audit it was checked for has it read."""

    def share(self, name: str) -> JudgeShare:
        """What was measured under that name."""
        found = (share for share in self.shares if share.name == name)
        return next(found, JudgeShare(name=name, mean=None))

    @property
    def covers(self) -> tuple[Reads, ...]:
        """The readings in which it was asked."""
        names = {share.name for share in self.shares}
        return tuple(reads for reads in READINGS if OBEYS[reads] in names)

    def completed(self, other: "JudgeFound") -> "JudgeFound":
        """This check, and what another one has measured of the same judge besides."""
        own = {share.name for share in self.shares}
        more = (share for share in other.shares if share.name not in own)
        return self.model_copy(
            update={
                "shares": (*self.shares, *more),
                "estimators": tuple(sorted({*self.estimators, *other.estimators})),
                "usage": self.usage + other.usage,
            }
        )

    def obedience(self, reads: Reads) -> JudgeShare:
        """How often it does what it is asked, with whole rubrics or line by line."""
        return self.share(OBEYS[reads])

    def obeys(self, readings: Iterable[Reads]) -> bool:
        """Whether it may be searched with, read in these ways."""
        return all((self.obedience(one).mean or 0.0) >= LEAST for one in readings)


class AskedJudges(NamedTuple):
    """One judge four times: with rubrics, with lines, with lines one by one, with another seed."""

    whole: Judge
    lines: LineJudge
    alone: LineJudge
    again: Judge


class _Said(NamedTuple):
    """What a judge said of a probe's pair in one order; P(A), None where it was not read."""

    probe: Probe
    order: int
    p_a: float | None


class _Measured(NamedTuple):
    """What was measured in one reading, and what it took."""

    values: dict[str, _Keyed]
    usage: Usage
    estimators: tuple[str, ...] = ()


async def check(
    asked: AskedJudges, probes: Sequence[Probe] = (), readings: Sequence[Reads] = READINGS
) -> JudgeFound:
    """All that is measured of a judge in these readings.

    Raises JudgeError where it cannot be asked at all.
    """
    probes = probes or judge_probes(PROBES)
    found = [await _MEASURES[one](asked, probes) for one in READINGS if one in readings]
    values: dict[str, _Keyed] = {}
    for measured in found:
        values = measured.values | values
    return JudgeFound(
        judge=asked.whole.name,
        pairs=len(probes),
        shares=tuple(_share(name, *values[name]) for name in _SHOWN if name in values),
        estimators=tuple(kind for measured in found for kind in measured.estimators),
        usage=Usage.total(measured.usage for measured in found),
    )


async def _by_rubrics(asked: AskedJudges, probes: Sequence[Probe]) -> _Measured:
    """Under a rubric of each line, under its opposite, and under the first again."""
    for_it, usage, estimators = await _ruled(asked.whole, probes, "Rewards")
    against, more, _ = await _ruled(asked.whole, probes, "Penalizes")
    again, third, _ = await _ruled(asked.again, probes, "Rewards")
    right = [_right(said, "it") for said in for_it] + [_right(said, "other") for said in against]
    values = {
        OBEYS["whole"]: _keyed([*for_it, *against], right),
        FLIPS: _keyed(for_it, _flips(for_it, against)),
        FIRST: _keyed([*for_it, *against], [_first(one) for one in (*for_it, *against)]),
        ITSELF: _keyed(for_it, _same(for_it, again)),
    }
    return _Measured(values, usage + more + third, estimators)


async def _by_lines(asked: AskedJudges, probes: Sequence[Probe]) -> _Measured:
    """About each line, its opposite, the line denied and an absent thing; and about it alone."""
    several = await together(*(_lined(asked.lines, probe) for probe in probes))
    alone = await together(
        *(asked.alone.line_answers([probe.line], [probe.pair]) for probe in probes)
    )
    own, opposite, negated, absent = (list(_column(probes, several, i)) for i in range(4))
    single = list(_column(probes, alone, 0))
    right = [_right(one, "it") for one in own] + [_right(one, "other") for one in opposite]
    values = {
        OBEYS["lines"]: _keyed([*own, *opposite], right),
        NEGATED: _keyed(negated, [_right(one, "other") for one in negated]),
        ABSENCE: _keyed(absent, [_nothing(one) for one in absent]),
        FIRST: _keyed([*own, *opposite], [_first(one) for one in (*own, *opposite)]),
        TOGETHER: _keyed(own, _same(own, single)),
    }
    return _Measured(values, Usage.total(one.asked for one in (*several, *alone)))


_MEASURES: dict[Reads, Callable[[AskedJudges, Sequence[Probe]], Awaitable[_Measured]]] = {
    "whole": _by_rubrics,
    "lines": _by_lines,
}


def disobedient(found: JudgeFound, readings: Sequence[Reads]) -> JudgeError:
    """The error of a judge that is not to be searched with: why, and what can be done."""
    worst = min((found.obedience(one) for one in readings), key=lambda one: one.mean or 0.0)
    return JudgeError(
        f"the judge {found.judge}: {told(worst)}, where at least {LEAST:g} is asked for (0.5 is a "
        f"coin): {FICTION}.\n"
        "  Remedy: name another judge, ask this one otherwise (`argo-audit check-judge` shows "
        "how it does), or go on with --accept-disobedient-judge (in Python "
        "accept_disobedient_judge=True), which the report will say"
    )


def told(share: JudgeShare) -> str:
    """A share with its interval and n, in words."""
    if share.mean is None or share.interval is None:
        return f"{share.name}: too little was read ({share.unread} verdicts were not)"
    low, high = share.interval.low, share.interval.high
    unread = f", {share.unread} unread" if share.unread else ""
    return f"{share.name} {share.mean:.2f} [{low:.2f}, {high:.2f}], n = {share.n}{unread}"


async def _ruled(
    judge: Judge, probes: Sequence[Probe], verb: str
) -> tuple[list[_Said], Usage, tuple[str, ...]]:
    """What the judge says of each probe under a rubric of its one line."""

    async def one(probe: Probe) -> Judgment:
        rubric = Rubric(text=f"- {verb} {probe.line}\n")
        return (await judgments_of(judge, rubric, [probe.pair]))[0]

    found = await together(*map(one, probes))
    both = zip(probes, found, strict=True)
    said = [_Said(at, n, p) for at, it in both for n, p in enumerate((it.p_a_first, it.p_a_second))]
    kinds = tuple(sorted({judgment.estimator for judgment in found if judgment.estimator}))
    return said, Usage.total(judgment.usage for judgment in found), kinds


async def _lined(judge: LineJudge, probe: Probe) -> LineAnswers:
    place = int(probe.pair.id.rpartition("-")[2])
    lines = [probe.line, probe.opposite, probe.absent, ABSENT[place % len(ABSENT)]]
    return await judge.line_answers(lines, [probe.pair])


def _column(probes: Sequence[Probe], answers: Sequence[LineAnswers], line: int) -> Iterator[_Said]:
    for probe, answered in zip(probes, answers, strict=True):
        for order in (0, 1):
            yield _Said(probe, order, _told(answered, line, order))


def _told(answered: LineAnswers, line: int, order: int) -> float | None:
    """P(A shows more); a half where it cannot be told, None where it was not read."""
    p = float(answered.p_a[0, line, order])
    if not np.isnan(p):
        return p
    is_unread = answered.unread is None or answered.unread[0, line, order]
    return None if is_unread else 0.5


def _right(said: _Said, wanted: Literal["it", "other"]) -> float | None:
    """1 where the response is preferred that is wanted, 0 where the other is; a tie is a half."""
    if said.p_a is None:
        return None
    p_it = said.p_a if said.probe.has_it == "A" else 1 - said.p_a
    return _side(p_it if wanted == "it" else 1 - p_it)


def _side(p: float) -> float:
    return 0.5 if p == 0.5 else float(p > 0.5)


def _first(said: _Said) -> float | None:
    if said.p_a is None:
        return None
    return _side(said.p_a if said.order == 0 else 1 - said.p_a)


def _nothing(said: _Said) -> float | None:
    """1 where no response is said to show more; "cannot tell" is right too."""
    return None if said.p_a is None else float(abs(said.p_a - 0.5) <= _ALIKE)


def _flips(one: Sequence[_Said], other: Sequence[_Said]) -> list[float | None]:
    return [None if same is None else 1 - same for same in _same(one, other)]


def _same(one: Sequence[_Said], other: Sequence[_Said]) -> list[float | None]:
    """1 where both prefer the same side."""
    sides = zip(one, other, strict=True)
    return [
        None if a.p_a is None or b.p_a is None else float(_side(a.p_a) == _side(b.p_a))
        for a, b in sides
    ]


def _keyed(said: Sequence[_Said], values: Sequence[float | None]) -> _Keyed:
    return [one.probe.pair.id for one in said], list(values)


def _share(name: str, keys: Sequence[str], values: Sequence[float | None]) -> JudgeShare:
    read = [(key, value) for key, value in zip(keys, values, strict=True) if value is not None]
    unread = len(values) - len(read)
    if not read or len(read) < _ENOUGH * len(values):
        return JudgeShare(name=name, mean=None, n=len(read), unread=unread)
    numbers = np.array([value for _, value in read], dtype=np.float64)
    found = interval(numbers, [key for key, _ in read])
    return JudgeShare(
        name=name, mean=float(numbers.mean()), interval=found, n=len(read), unread=unread
    )
