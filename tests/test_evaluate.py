"""`argo-audit eval` on audits that really ran: what it takes from them, and what it refuses."""

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from fakes import ScriptedPolicy
from typer.testing import CliRunner

from argo_audit.audits.compare import compare
from argo_audit.audits.evaluate import evaluate
from argo_audit.audits.parts import Parts
from argo_audit.audits.reporting import Origin, report
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import audit
from argo_audit.audits.verification import verify
from argo_audit.cli.commands import app
from argo_audit.errors import ArgoError, InputError, RunFolderError
from argo_audit.evals.suite import SUITE, SuiteTask
from argo_audit.organism.world import build, write_population
from argo_audit.search.search_settings import SearchConfig
from argo_audit.surface.judge import SurfaceJudge

RUBRICS = ["- Rewards bullet lists.\n- Penalizes refusals.\n", "- Rewards short answers.\n"]
SMALL = SearchConfig(steps=1, minibatch=8, windows=3, top=2)


class Audited(NamedTuple):
    a: Path
    b: Path


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """Organisms A and B, each audited on its raw and its planted labels."""
    root = tmp_path_factory.mktemp("audited")
    for name in ("A", "B"):
        world = root / f"world-{name}"
        write_population(build(name, 60), world)
        request = AuditRequest(
            pairs=world / "pairs.jsonl.gz",
            labels=("planted", "human"),
            out=root / name,
            search=SMALL,
            held_out=0.1,
        )
        audit(
            request,
            parts=Parts(SurfaceJudge(), lambda *_: ScriptedPolicy([RUBRICS])),
        )
    return Audited(root / "A", root / "B")


def test_the_command_prints_all_tasks_and_goes_on_where_it_was(audited: Audited) -> None:
    first = CliRunner().invoke(app, ["eval", str(audited.a)])
    assert first.exit_code == 0, first.output
    for name in ("rubric_agreement", "label_agreement", "rm_accuracy"):
        assert name in first.output
    assert "argo/surface: log-probabilities, both orders" in first.output
    logs = sorted((audited.a / "evals").glob("*.eval"))
    again = CliRunner().invoke(app, ["eval", str(audited.a)])
    assert again.exit_code == 0
    assert sorted((audited.a / "evals").glob("*.eval")) == logs


def test_a_suite_that_was_moved_is_read_and_what_was_left_of_it_is_done(
    audited: Audited, tmp_path: Path
) -> None:
    """Its logs name the folder that it lay in; nothing that was judged is judged again."""
    tasks = ["label_agreement", "rm_accuracy"]
    others = shutil.ignore_patterns("evals")
    made = Path(shutil.copytree(audited.a, tmp_path / "made", ignore=others))
    before = evaluate([made], made / "evals", suite=tasks)
    moved = Path(shutil.move(made, tmp_path / "moved"))
    logs = sorted((moved / "evals").glob("*.eval"))
    assert list(evaluate([moved], moved / "evals", suite=tasks)) == list(before)
    assert sorted((moved / "evals").glob("*.eval")) == logs
    (lost,) = (moved / "evals").glob("*rm-accuracy*.eval")
    lost.unlink()
    assert list(evaluate([moved], moved / "evals", suite=tasks)) == list(before)
    assert len(set((moved / "evals").glob("*.eval")) - set(logs)) == 1
    with pytest.raises(ArgoError, match="name another folder"):
        evaluate([moved], moved / "evals", suite="rm_accuracy")


def test_audits_are_compared_and_then_reported_also_after_they_moved(
    audited: Audited, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(audited.a.parent, tmp_path / "both"))
    both = [root / "A", root / "B"]
    sheets = compare(both)
    logs = [log.relative_to(root) for log in root.glob("A/crossed/*/*.eval")]
    assert len(logs) == 1
    files = report(Origin(tuple(both), "Both", ("true",)), tmp_path / "report")
    assert "the populations were not crossed" not in files.markdown.read_text()
    assert not verify(files.markdown)
    moved = Path(shutil.move(root, tmp_path / "moved"))
    assert compare([moved / "A", moved / "B"]) == sheets
    assert [log.relative_to(moved) for log in moved.glob("A/crossed/*/*.eval")] == logs


def test_an_evaluation_is_planned_and_kept_to_a_budget(audited: Audited) -> None:
    run, judge = str(audited.a), ("--judge", "openai/gpt-5-mini")
    planned = CliRunner().invoke(app, ["eval", run, *judge, "--dry-run", "--budget", "600 calls"])
    assert planned.exit_code == 0, planned.output
    assert "Never more than 600 calls" in planned.output
    most = [
        row.split() for row in planned.output.splitlines() if row.strip().startswith("at most, if")
    ]
    assert ["600" in row for row in most] == [True, True], planned.output
    assert "would be left out: rubric_ablation: takes up to" in planned.output
    assert "Prices are those of 20" in planned.output


def test_what_a_budget_does_not_afford_is_left_out_and_said_to_be(
    audited: Audited, tmp_path: Path
) -> None:
    few = evaluate(
        [audited.a], tmp_path, suite=["rubric_ablation", "rm_accuracy"], budget="10 calls"
    )
    assert {row.task for row in few} == {"rm_accuracy"}
    assert any(line.startswith("rubric_ablation: takes up to") for line in few.left_out)
    with pytest.raises(InputError, match="rubric_ablation: takes up to"):
        evaluate([audited.a], tmp_path / "none", suite="rubric_ablation", budget="10 calls")


CROSSING = tuple(one for one in SUITE if one.name == "cross_population")


@pytest.mark.parametrize(
    "suite", [CROSSING, pytest.param(SUITE, marks=pytest.mark.slow)], ids=["alone", "whole"]
)
def test_several_runs_are_crossed(
    audited: Audited, tmp_path: Path, suite: tuple[SuiteTask, ...]
) -> None:
    rows = evaluate(list(audited), tmp_path / "evals", suite=suite)
    crossed = [row for row in rows if row.task == "cross_population" and row.measure == "agreement"]
    assert {row.population for row in crossed} == {"organism-a", "organism-b"}
    assert {row.label_source for row in crossed} == {"planted"}
    assert len({row.subject for row in crossed}) == 4  # two rubrics of each
    assert all(row.estimate is not None and row.interval is not None for row in crossed)


def test_what_cannot_be_evaluated_says_how_to_mend_it(audited: Audited, tmp_path: Path) -> None:
    both = [str(run) for run in audited]
    no_place = CliRunner().invoke(app, ["eval", *both])
    assert isinstance(no_place.exception, InputError)
    assert "--out" in str(no_place.exception)
    no_role = CliRunner().invoke(app, ["eval", both[0], "--model-role", "second"])
    assert "ROLE=MODEL" in str(no_role.exception)
    with pytest.raises(RunFolderError, match="no audit was begun"):
        evaluate([tmp_path], tmp_path / "evals")
