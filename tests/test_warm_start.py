"""RL that goes on from what was found by line: what stays, what is told of either search."""

from pathlib import Path

import pytest
from audit_world import bare_run
from fakes import ScriptedPolicy
from test_lead import PROPOSED, WARM, LineByLine, world
from test_search import Kept

from argo_audit.findings.inputs import AuditInputs, RunRecord
from argo_audit.findings.warm_starts import parts_of
from argo_audit.records import Attempt, Judgment, Label, Message, Pair, Rubric, Usage
from argo_audit.report.material import Material
from argo_audit.report.sections import searches
from argo_audit.search.argo import argo
from argo_audit.search.panel import Verdicts
from argo_audit.search.selection import CLEARLY, SearchData, Selection, Winner
from argo_audit.stats.agreement import errors_apart, measure

PAIRS = tuple(
    Pair(
        id=f"p{i}",
        prompt=(Message(role="user", content=f"Question {i}"),),
        response_a="a",
        response_b="b",
    )
    for i in range(60)
)
LABELS = {pair.id: Label(pair_id=pair.id, p_a=0.9, source="rm") for pair in PAIRS}
DATA = SearchData({"train": PAIRS, "dev": PAIRS, "held-out": PAIRS}, {"rm": LABELS}, "rm")
KEYS = {pair.id: pair.prompt_key for pair in PAIRS}


@pytest.fixture(scope="module")
def found() -> tuple[RunRecord, tuple[Winner, ...]]:
    memory = Kept()
    winners = argo(ScriptedPolicy(PROPOSED), LineByLine(), world(), WARM, memory)
    run = bare_run().model_copy(update={"config": {"search": WARM.model_dump(mode="json")}})
    journal = memory.journal
    asked = journal.asked_lines()
    attempts, measured = tuple(journal.attempts), tuple(journal.measurements)
    return RunRecord(run, attempts, measured, Path("r"), asked_lines=asked), winners


def said(right: int) -> Verdicts:
    """A judge that is right on the first so many pairs."""
    return verdicts([0.8 if i < right else 0.3 for i in range(len(PAIRS))])


def verdicts(values: list[float | None]) -> Verdicts:
    return Verdicts(
        [
            Judgment(pair_id=pair.id, rubric_id="r", p_a=p, p_a_first=p, p_a_second=p)
            for pair, p in zip(PAIRS, values, strict=True)
        ]
    )


def attempt(step: int, text: str) -> Attempt:
    train = measure(list(LABELS.values()), list(said(30)))
    return Attempt(
        run="r",
        step=step,
        prompt_variant=0,
        rubric=Rubric(text=text),
        train=train,
        policy_reward=-0.1,
        usage=Usage(),
        seconds=0.0,
    )


def chosen(*others: int) -> list[str]:
    """The winners of a search that went on from a rubric right on 40 pairs."""
    selection = Selection(DATA, 0.001, 6, warm=2)
    selection.take(attempt(0, "- begun"), said(36), said(36))
    selection.take(attempt(1, "- from here"), said(40), said(40))
    selection.settle()
    for step, right in enumerate(others, start=3):
        selection.take(attempt(step, f"- right on {right}"), said(right), said(right))
    return [winner.rubric.text for winner in selection.winners()]


def test_what_a_search_went_on_from_stays_unless_another_is_clearly_better_on_dev() -> None:
    assert chosen(41, 42) == ["- from here"]
    assert chosen(41, 50) == ["- from here", "- right on 50"]
    assert chosen(46, 52, 49) == ["- from here", "- right on 46", "- right on 52"]


def test_a_difference_is_told_in_its_standard_errors_over_prompts() -> None:
    labels = list(LABELS.values())
    apart = errors_apart(labels, said(42), said(40), KEYS)
    assert apart == pytest.approx((2 / 60) / (2 / 60 * 58 / 60 / 59) ** 0.5)
    assert apart < CLEARLY < errors_apart(labels, said(50), said(40), KEYS)
    assert errors_apart(labels, said(40), said(42), KEYS) == -apart
    assert errors_apart(labels, said(40), said(40), KEYS) == 0.0
    unread = verdicts([None] * len(PAIRS))
    assert errors_apart(labels, said(60), unread, KEYS) == float("inf")
    assert errors_apart(labels[:1], said(60), unread, KEYS) == 0.0


def test_either_search_is_told_with_its_own_calls(found: tuple[RunRecord, object]) -> None:
    record, _ = found
    first, second = parts_of(record, ())
    assert (first.search, first.first, first.last) == ("lead", 0, 1)
    assert (second.search, second.first, second.last) == ("argo", 2, 3)
    taken = [one.usage for one in record.attempts] + [one.usage for one in record.measurements]
    assert first.calls + second.calls == (Usage.total(taken) + record.asked_lines).calls
    assert first.calls > record.asked_lines.calls > 0
    for part in (first, second):
        assert part.held_out is not None
        assert part.held_out.accuracy_interval is not None


def test_the_first_winner_is_what_was_found_by_line_and_no_rubric_is_measured_twice(
    found: tuple[RunRecord, tuple[Winner, ...]],
) -> None:
    record, winners = found
    assert winners[0].rubric.id == parts_of(record, ())[0].rubric_id
    measured = [(m.rubric_id, m.split) for m in record.measurements]
    by_line = {a.rubric.id for a in record.attempts if a.step < 2}
    assert all(measured.count(one) == 1 for one in measured if one[0] in by_line)


def test_another_form_of_what_was_found_by_line_stands_for_it_once_it_is_published(
    found: tuple[RunRecord, object],
) -> None:
    record, _ = found
    first, second = parts_of(record, ())
    by_line = {a.rubric.id for a in record.attempts if a.step < 2} - {first.rubric_id}
    other = next(m.rubric_id for m in record.measurements if m.rubric_id in by_line)
    again, same = parts_of(record, {other})
    assert (again.rubric_id, again.calls, same) == (other, first.calls, second)


def test_a_report_sets_them_beside_each_other(found: tuple[RunRecord, object]) -> None:
    record, _ = found
    material = Material(AuditInputs("t", (record,)), Path("out"), ())
    heading, note, rows = searches.blocks(material)
    assert heading == "### Both searches beside each other"
    assert "1.5 standard errors" in note
    first, second = parts_of(record, ())
    assert f"| `lead` | 0\u00a0to\u00a01 | {first.calls:,} |" in rows
    assert f"| `argo` | 2\u00a0to\u00a03 | {second.calls:,} |" in rows


def test_a_run_of_one_search_has_no_such_table(found: tuple[RunRecord, object]) -> None:
    record, _ = found
    cold = RunRecord(bare_run(), record.attempts, record.measurements, record.folder)
    assert parts_of(cold, ()) == []
    assert searches.blocks(Material(AuditInputs("t", (cold,)), Path("out"), ())) == []
    begun = tuple(one for one in record.attempts if one.step < 2)
    assert parts_of(RunRecord(record.run, begun, (), record.folder), ()) == []
