"""The suite through eval-set: what it runs, tells, resumes and refuses; and the command."""

from pathlib import Path

import pytest
from fakes import Shown, fake_judge
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.model import Model

from argo_audit.cli.results_table import legend, results_table
from argo_audit.errors import ArgoError
from argo_audit.evals.results import ResultRow
from argo_audit.evals.suite import SUITE, AuditedRun, SuiteTask, rows, run_suite
from argo_audit.pairs import pair_file as pair_files
from argo_audit.records import Interval, Label, Message, Pair

CALLS: list[str] = []


def judge(name: str = "judge") -> Model:
    def answer(shown: Shown) -> float:
        CALLS.append(shown.prompt)
        return 0.9 if len(shown.a) < len(shown.b) else 0.1

    return fake_judge(answer, name=name)


@pytest.fixture
def audited(tmp_path: Path) -> AuditedRun:
    pairs = [
        Pair(
            id=f"p{i}",
            prompt=(Message(role="user", content=f"Question {i}"),),
            response_a="a" * (3 + 4 * (i % 2)),
            response_b="b" * 5,
            population="A",
        )
        for i in range(6)
    ]
    labels = {
        source: [
            Label(pair_id=p.id, p_a=float(i % n == 0), source=source) for i, p in enumerate(pairs)
        ]
        for source, n in (("rm", 2), ("human", 3))
    }
    pair_files.write(tmp_path / "held-out.jsonl.gz", pairs, labels)
    rubric = tmp_path / "short.md"
    rubric.write_text("- rewards short answers", encoding="utf-8")
    return AuditedRun(
        population="A",
        rubrics=(str(rubric),),
        pairs=str(tmp_path / "held-out.jsonl.gz"),
        label_sources=("human", "rm"),
    )


def test_all_tasks_run_tell_and_are_read_back_as_rows(audited: AuditedRun, tmp_path: Path) -> None:
    told: dict[str, list[tuple[int, int]]] = {}
    logs = run_suite(
        [audited],
        str(tmp_path / "logs"),
        judge(),
        told=lambda name, done, total: told.setdefault(name, []).append((done, total)),
    )
    assert {log.status for log in logs} == {"success"}
    # one run crosses with none, and no reward model is there to be probed
    tasks = {one.name for one in SUITE} - {"cross_population", "bias_probe"}
    assert {name: seen[-1] for name, seen in told.items()} == dict.fromkeys(tasks, (6, 6))
    assert all(seen == sorted(seen) for seen in told.values())
    found = rows(tmp_path / "logs")
    assert {row.task for row in found} == tasks
    wanted = ("rubric_agreement", "rm", "agreement")
    [agreement] = [
        r for r in found if (r.task, r.label_source, r.measure) == wanted and not r.slice
    ]
    assert (agreement.estimate, agreement.n) == (1.0, 6)


def test_a_suite_that_ran_is_not_run_again(audited: AuditedRun, tmp_path: Path) -> None:
    first = run_suite([audited], str(tmp_path / "logs"), judge(), suite=SUITE[:1])
    asked = len(CALLS)
    again = run_suite([audited], str(tmp_path / "logs"), judge(), suite=SUITE[:1])
    assert len(CALLS) == asked
    assert {log.eval.eval_id for log in again} == {log.eval.eval_id for log in first}


def test_a_folder_of_another_suite_is_refused(audited: AuditedRun, tmp_path: Path) -> None:
    run_suite([audited], str(tmp_path / "logs"), judge(), suite=SUITE[:1])
    with pytest.raises(ArgoError, match="name another folder"):
        run_suite([audited], str(tmp_path / "logs"), judge("another"), suite=SUITE[:1])


def test_a_task_joins_by_one_line(audited: AuditedRun, tmp_path: Path) -> None:
    @task
    def counted(pairs: str) -> Task:
        return Task(dataset=[Sample(id=pairs, input="Hello")])

    joined = SuiteTask(
        "counted",
        lambda runs: [counted(run.pairs) for run in runs],
        lambda log_dir: [A_ROW],
    )
    logs = run_suite([audited], str(tmp_path / "logs"), judge(), suite=[joined])
    assert [log.status for log in logs] == ["success"]
    assert rows(tmp_path / "logs", [joined]) == [A_ROW]
    assert len({one.name for one in SUITE}) == len(SUITE)


A_ROW = ResultRow(
    task="counted",
    population="A",
    subject="[red]rm",
    label_source="human",
    measure="agreement",
    estimate=0.75,
    interval=Interval(low=0.5, high=0.9, method="given"),
    n=12,
    unscored=3,
    p_value=0.04,
)


def test_the_table_shows_numbers_with_what_they_rest_on() -> None:
    unmeasured = A_ROW.model_copy(update={"estimate": None, "interval": None, "note": "no labels"})
    sliced = A_ROW.model_copy(update={"slice": "category=x"})
    again = A_ROW.model_copy(update={"measure": "line 3, criterion: Short: kl"})
    shown = results_table([A_ROW, sliced, again, unmeasured])
    cells = [[str(cell) for cell in column.cells] for column in shown.columns]
    about, numbers = ["counted", "A", "[red]rm", "human", "agreement"], "0.750 [0.500, 0.900]"
    assert [column[0] for column in cells] == [*about, numbers, "0.0400", "12 (-3)", ""]
    assert (cells[5][1], cells[8][1]) == ("not measured", "no labels")
    assert shown.row_count == 2
    assert results_table([A_ROW, sliced, again], details=True).row_count == 3


def test_how_numbers_came_about_is_said_once() -> None:
    told = A_ROW.model_copy(update={"method": "log-probabilities", "note": "3 of 12 pairs"})
    sliced, other = told.model_copy(update={"slice": "x"}), told.model_copy(update={"subject": ""})
    assert legend([told, sliced, other]) == ["counted: log-probabilities"]
    assert legend([told, sliced, other.model_copy(update={"method": "votes"})]) == [
        "counted of [red]rm: log-probabilities",
        "counted of (no rubric): votes",
    ]
