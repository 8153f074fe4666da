"""Select on dev, report on held-out: which of a search's attempts are kept.

    selection = Selection(data, clip=0.001, steps=60)
    for attempt, dev, held_out in judged:                # verdicts on pairs that trained nothing
        measurements = selection.take(attempt, dev, held_out)
    selection.winners()[-1].held_out.accuracy            # of the best on dev

What "best" means is `agreement.selection_key`, here and in the audit. The best of a hundred rubrics
on a few hundred pairs is in part the luckiest. So where a search goes on from the rubric of another
(`settle`), that rubric stays unless one is better by CLEARLY standard errors over prompts, pair by
pair: going on may then end as it began, and seldom below it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from argo_audit.pairs.splits import clusters
from argo_audit.records import (
    Agreement,
    Attempt,
    Label,
    Measurement,
    Pair,
    Rubric,
    Split,
    Usage,
)
from argo_audit.search.panel import Verdicts
from argo_audit.stats.agreement import errors_apart, measure, selection_key

MEASURED_ON: tuple[Split, Split] = ("dev", "held-out")

CLEARLY = 1.5
"""Standard errors by which a rubric has to be better on dev than the one that a search went on
from; as many as one rubric of a race by line has to be better than another."""


@dataclass(frozen=True, slots=True)
class SearchData:
    """The pairs of each split and the labels of each source by pair id; `source` is trained on.

    `known` are rubrics of before, whose lines a search may try.
    """

    splits: Mapping[Split, Sequence[Pair]]
    labels: Mapping[str, Mapping[str, Label]]
    source: str
    known: tuple[str, ...] = ()

    def labels_for(self, pairs: Sequence[Pair], source: str) -> list[Label]:
        """The labels of `pairs` by `source`; pairs that it did not label are left out."""
        known = self.labels[source]
        return [known[pair.id] for pair in pairs if pair.id in known]


@dataclass(frozen=True, slots=True)
class Winner:
    """The best rubric on dev of some stretch of steps, with its agreement and 95% intervals.

    Dev selected it, so that its agreement there is flattered, interval and all; held-out did not.
    """

    rubric: Rubric
    step: int
    dev: Agreement
    held_out: Agreement


class _Judged(NamedTuple):
    """An attempt and what the judge said with it, by split."""

    attempt: Attempt
    said: Mapping[Split, Verdicts]


class _Best(NamedTuple):
    key: tuple[float, float]
    judged: _Judged


class Selection:
    """The best on dev so far: of the first third, two thirds and all of `steps`.

    Of a search whose first `warm` steps were those of another: of these, up to half of the others,
    and of all.
    """

    def __init__(self, data: SearchData, clip: float, steps: int, warm: int = 0):
        self._data, self._clip = data, clip
        self._ends = [third * steps / 3 for third in (1, 2, 3)]
        self._went_on = 0 < warm < steps
        if self._went_on:
            self._ends = [warm, (warm + steps) / 2, steps]
        self._open = self._ends
        self._best: dict[float, _Best] = {}
        self._settled: _Judged | None = None

    def take(self, attempt: Attempt, dev: Verdicts, held_out: Verdicts) -> list[Measurement]:
        """Measure one attempt against every label source, and remember it where it is the best."""
        judged = _Judged(attempt, {"dev": dev, "held-out": held_out})
        found = list(self._measurements(judged))
        for m in found:
            if (m.split, m.label_source) == ("dev", self._data.source):
                self._compare(judged, m.agreement)
        return found

    def settle(self) -> None:
        """From now on the best so far stays, unless another is clearly better on dev.

        What the first stretch has found is its winner, whatever comes.
        """
        best = self._best.get(self._ends[-1])
        if best:
            self._settled, self._open = best.judged, self._ends[1:]

    def winners(self) -> tuple[Winner, ...]:
        """The best of each stretch, the best of all last; one that wins twice comes once."""
        judged = [self._best[end].judged for end in self._ends if end in self._best]
        last = {one.attempt.rubric.id: place for place, one in enumerate(judged)}
        return tuple(self._winner(judged[place]) for place in sorted(last.values()))

    def _compare(self, judged: _Judged, dev: Agreement) -> None:
        """The first of equals stays."""
        if dev.accuracy is None or not self._may_win(judged):
            return
        key = selection_key(dev)
        for end in self._open:
            known = self._best.get(end)
            if judged.attempt.step < end and (known is None or key > known.key):
                self._best[end] = _Best(key, judged)

    def _may_win(self, judged: _Judged) -> bool:
        """Whether it is clearly better on dev than what the search went on from."""
        if self._settled is None:
            return True
        pairs = self._data.splits["dev"]
        labels = self._data.labels_for(pairs, self._data.source)
        both = judged.said["dev"], self._settled.said["dev"]
        return errors_apart(labels, *both, clusters(pairs)) >= CLEARLY

    def _measurements(self, judged: _Judged) -> Iterator[Measurement]:
        for split in MEASURED_ON:
            usage = judged.said[split].usage
            for source in self._data.labels:
                compared = self._went_on and source == self._data.source  # one part with the other
                yield Measurement(
                    run=judged.attempt.run,
                    rubric_id=judged.attempt.rubric.id,
                    split=split,
                    label_source=source,
                    agreement=self._agreement(judged, split, source, intervals=compared),
                    usage=usage,
                )
                usage = Usage()

    def _winner(self, judged: _Judged) -> Winner:
        dev, held_out = (
            self._agreement(judged, split, self._data.source, intervals=True)
            for split in MEASURED_ON
        )
        return Winner(judged.attempt.rubric, judged.attempt.step, dev, held_out)

    def _agreement(
        self, judged: _Judged, split: Split, source: str, *, intervals: bool = False
    ) -> Agreement:
        """With the labels that `source` has; intervals are over prompts."""
        pairs = self._data.splits[split]
        labels = self._data.labels_for(pairs, source)
        labelled = {label.pair_id for label in labels}
        return measure(
            labels,
            [j for j in judged.said[split] if j.pair_id in labelled],
            clusters=clusters(pairs) if intervals else None,
            temperature=judged.attempt.train.temperature,
            clip=self._clip,
        )
