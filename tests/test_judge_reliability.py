"""How reliable planted judges are: flips, position bias and disagreement are found as planted."""

from pathlib import Path
from random import Random

import inspect_ai
import pytest
from fakes import Shown, fake_judge
from inspect_ai import Task
from inspect_ai.model import Model

from argo_audit.errors import InputError
from argo_audit.evals.assembly import EVAL_SETTINGS
from argo_audit.evals.results import ResultRow
from argo_audit.evals.tasks.judge_reliability import judge_reliability, results
from argo_audit.pairs import pair_file as pair_files
from argo_audit.records import Label, Message, Pair

PAIRS, FEW = 60, 12
RM = "org/rm"
RUBRIC = "# Rubric\n\n- Rewards short answers (60%)\n- Rewards warm answers (40%)\n"
REWORDED = "# Rubric\n\n- Brevity is good (60%)\n- Warmth is good (40%)\n"
VOTES = {"estimator": "votes", "votes": 1}
CLEAR = 0.8  # P of the better response in each vote


def world(tmp_path: Path, rubric: str = RUBRIC, several: int = PAIRS) -> tuple[str, str]:
    """Two pairs a prompt; A is short in half of them, and a known share has each mark."""
    rng, pairs = Random(0), []
    for i in range(several):
        marks = [f"({mark})" for mark in ("order", "other", "words") if rng.random() < 0.25]
        texts = [f"{'x' * n} {' '.join(marks)}" for n in ((5, 9) if rng.random() < 0.5 else (9, 5))]
        prompt = (Message(role="user", content=f"Question {i // 2}"),)
        pairs.append(Pair(id=f"p{i}", prompt=prompt, response_a=texts[0], response_b=texts[1]))
    labels = [
        Label(pair_id=pair.id, p_a=float(len(pair.response_a) < len(pair.response_b)), source=RM)
        for pair in pairs
    ]
    (tmp_path / "rubric.md").write_text(rubric, encoding="utf-8")
    pair_files.write(tmp_path / "pairs.jsonl", pairs, {RM: labels})
    return str(tmp_path / "rubric.md"), str(tmp_path / "pairs.jsonl")


def planted(shown: Shown) -> float:
    """Likes short; what marks a pair, it turns around when asked in another way.

    Standing first is worth 0.1, except in pairs of which the order of criteria decides.
    """
    p = CLEAR if len(shown.a) < len(shown.b) else 1 - CLEAR
    rubric = shown.rubric
    if "(order)" in shown.a and rubric.find("warm") < rubric.find("short"):
        return 1 - p
    if "(words)" in shown.a and "Brevity" in rubric:
        return 1 - p
    return p + 0.1


def other(shown: Shown) -> float:
    return 1 - planted(shown) if "(other)" in shown.a else planted(shown)


def share(mark: str, tmp_path: Path) -> float:
    pairs = pair_files.read(tmp_path / "pairs.jsonl").pairs
    return sum(mark in pair.response_a for pair in pairs) / len(pairs)


def run(
    tmp_path: Path, task: Task, judge: Model, **roles: Model | list[Model]
) -> dict[str, ResultRow]:
    """The rows by measure."""
    logs = tmp_path / "logs"
    inspect_ai.eval(task, model=judge, model_roles=roles, log_dir=str(logs), **EVAL_SETTINGS)
    return {row.measure: row for row in results(logs)}


def holds(row: ResultRow, truth: float) -> bool:
    assert row.interval is not None
    return row.interval.low <= truth <= row.interval.high


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reliability")


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, ResultRow]:
    def rewriter(shown: Shown) -> str:
        return REWORDED

    task = judge_reliability(*world(folder), runs=2)
    models = fake_judge(planted), fake_judge(other), fake_judge(rewriter, name="rewriter")
    return run(folder, task, models[0], other_judge=models[1], rewriter=models[2])


@pytest.mark.parametrize(
    ("measure", "mark"),
    [("criteria shuffled 1", "order"), ("paraphrased", "words"), ("other judge", "other")],
)
def test_planted_flips_are_found(
    measure: str, mark: str, found: dict[str, ResultRow], folder: Path
) -> None:
    truth, row = share(f"({mark})", folder), found[f"{measure}: flip"]
    assert (row.estimate, row.n, row.unscored) == (truth, PAIRS, 0)
    assert holds(row, 0.25)
    alpha = found[f"{measure}: alpha of P(A)"]
    assert alpha.estimate is not None
    assert 0.2 < alpha.estimate < 0.8


def test_turned_verdicts_cost_agreement(found: dict[str, ResultRow], folder: Path) -> None:
    row = found["other judge: agreement change"]
    assert row.label_source == RM
    assert row.estimate == pytest.approx(-share("(other)", folder))
    assert row.p_value is not None
    assert row.p_value < 0.001


def test_the_planted_position_bias_is_found_and_flips_nothing_here(
    found: dict[str, ResultRow],
) -> None:
    assert found["position bias"].estimate == pytest.approx(0.2)
    assert found["position flip"].estimate == 0


def test_a_judge_that_always_answers_the_same_agrees_with_itself(
    found: dict[str, ResultRow],
) -> None:
    assert found["runs: alpha of verdicts"].estimate == 1
    assert found["runs: flip"].estimate == 0
    assert holds(found["runs: flip"], 0.01)


def test_who_reworded_is_on_record(found: dict[str, ResultRow]) -> None:
    assert found["paraphrased: flip"].note == "reworded by mockllm/rewriter"


@pytest.mark.slow
def test_sampling_flips_as_often_as_it_must(tmp_path: Path) -> None:
    """One vote an order: a verdict is the mean of two draws at 0.8, so its law is known."""

    def clear(shown: Shown) -> float:
        return CLEAR if len(shown.a) < len(shown.b) else 1 - CLEAR

    task = judge_reliability(*world(tmp_path), runs=3, shuffles=0, judge=VOTES)
    found = run(tmp_path, task, fake_judge(clear, logprobs=False))
    flips = 2 * CLEAR**2 * (1 - CLEAR) ** 2
    within = CLEAR * (1 - CLEAR) / 2
    alpha = 1 - within / (within + (CLEAR - 0.5) ** 2)
    assert holds(found["runs: flip"], flips)
    assert holds(found["runs: alpha of verdicts"], alpha)
    assert holds(found["position flip"], 2 * CLEAR * (1 - CLEAR))
    assert holds(found["position bias"], 0.0)


def test_what_was_not_there_is_not_measured(tmp_path: Path) -> None:
    task = judge_reliability(*world(tmp_path, "Be brief.", FEW), runs=1)
    found = run(tmp_path, task, fake_judge(planted))
    missing = ["runs: flip", "criteria shuffled: flip", "other judge: flip"]
    rows = [found[measure] for measure in missing]
    assert all(row.estimate is None and row.interval is None and row.n == 0 for row in rows)
    assert [row.note.partition(":")[0] for row in rows] == ["not measured"] * 3
    assert found["paraphrased: flip"].note == "reworded by word table"


def test_a_rewriter_that_answers_something_else_measures_nothing(tmp_path: Path) -> None:
    def refuses(shown: Shown) -> str:
        return "I would rather not."

    task = judge_reliability(*world(tmp_path, RUBRIC, FEW), runs=1, shuffles=0)
    rewriter = fake_judge(refuses, name="rewriter")
    found = run(tmp_path, task, fake_judge(planted), rewriter=rewriter)
    row = found["paraphrased: flip"]
    assert row.estimate is None
    assert "other items" in row.note


def test_unreadable_pairs_are_counted(tmp_path: Path) -> None:
    def shy(shown: Shown) -> float | str:
        return "Both are nice." if "(other)" in shown.a else planted(shown)

    task = judge_reliability(*world(tmp_path, RUBRIC, FEW), runs=2)
    found = run(tmp_path, task, fake_judge(shy))
    unread = round(FEW * share("(other)", tmp_path))
    assert 0 < unread < FEW
    assert found["unparsed"].estimate == pytest.approx(unread / FEW)
    assert found["runs: alpha of verdicts"].unscored == unread
    assert found["criteria shuffled 1: flip"].unscored == unread


def test_too_few_runs_are_refused() -> None:
    with pytest.raises(InputError, match="runs"):
        judge_reliability(runs=0)
