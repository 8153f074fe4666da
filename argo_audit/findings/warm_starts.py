"""What the two searches of a run with a warm start reached, each with what it took.

    for part in parts_of(record, {published.id}):
        part.search, part.calls, part.held_out

A run with `search.warm_start` begins as `lead` and goes on as `argo`, so one record holds both. Of
`lead` counts the rubric that it would have published, or another form of it that was published; of
`argo` the best on dev of those that RL wrote from there. What either took to be selected is among
its calls.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from argo_audit.findings.inputs import RunRecord
from argo_audit.records import Agreement, Attempt, Split, Usage
from argo_audit.search.search_settings import ARGO, LEAD, LeadConfig
from argo_audit.stats.agreement import selection_key


class SearchPart(NamedTuple):
    """Steps `first` to `last` of a run: judge calls, and its best rubric on dev, if any.

    Agreements are with the labels that the run was trained on.
    """

    search: str
    first: int
    last: int
    calls: int
    rubric_id: str | None
    dev: Agreement | None
    held_out: Agreement | None


def parts_of(record: RunRecord, published: Collection[str]) -> list[SearchPart]:
    """First `lead`, then `argo`; none of a run without a warm start, or without both.

    `published` are ids of rubrics.
    """
    rounds = _rounds(record)
    last = max((attempt.step for attempt in record.attempts), default=-1)
    if not 0 < rounds <= last:
        return []
    before = [a for a in record.attempts if a.step < rounds]
    after = [a for a in record.attempts if a.step >= rounds]
    winners = dict.fromkeys(one.rubric.id for one in _winners(before))
    others = dict.fromkeys(a.rubric.id for a in after if a.rubric.id not in winners)
    stands = dict.fromkeys(a.rubric.id for a in before if a.rubric.id in published)
    asked = record.asked_lines.calls + _judged(before) + _selected(record, winners)
    went_on = _judged(after) + sum(m.usage.calls for m in record.measurements)
    return [
        _part(record, LEAD, range(rounds), asked, stands or winners),
        _part(record, ARGO, range(rounds, last + 1), went_on - _selected(record, winners), others),
    ]


def _rounds(record: RunRecord) -> int:
    """How many rounds by line the run began with; 0 without a warm start."""
    search = record.run.config.get("search")
    if not isinstance(search, Mapping) or not search.get("warm_start"):
        return 0
    return int(search.get("lead", {}).get("rounds", LeadConfig().rounds))


def _winners(attempts: Sequence[Attempt]) -> Iterator[Attempt]:
    """The winner of each round's race, which is on record before those that it beat."""
    seen = set[int]()
    for attempt in attempts:
        if attempt.step not in seen:
            seen.add(attempt.step)
            yield attempt


def _judged(attempts: Sequence[Attempt]) -> int:
    return Usage.total(attempt.usage for attempt in attempts).calls


def _selected(record: RunRecord, rubrics: Mapping[str, None]) -> int:
    """Calls by which these rubrics were measured on dev and held-out."""
    return sum(m.usage.calls for m in record.measurements if m.rubric_id in rubrics)


def _part(
    record: RunRecord, search: str, steps: range, calls: int, rubrics: Mapping[str, None]
) -> SearchPart:
    dev, held_out = (_measured(record, split, rubrics) for split in ("dev", "held-out"))
    best = max(dev, key=lambda rubric: selection_key(dev[rubric]), default=None)
    own = (dev.get(best), held_out.get(best)) if best else (None, None)
    return SearchPart(search, steps[0], steps[-1], calls, best, *own)


def _measured(record: RunRecord, split: Split, rubrics: Mapping[str, None]) -> dict[str, Agreement]:
    """In the order in which they were measured, as selection takes the first of equals."""
    found: dict[str, Agreement] = {}
    for m in record.measurements:
        own = (m.split, m.label_source) == (split, record.run.label_source)
        if own and m.rubric_id in rubrics:
            found.setdefault(m.rubric_id, m.agreement)
    return found
