"""What lines of a rubric contribute, on the organism and with planted judges."""

import asyncio
from pathlib import Path

import inspect_ai
import pytest
from fakes import LineModel, Shown, fake_judge
from inspect_ai.model import Model

from argo_audit.errors import InputError
from argo_audit.evals.assembly import EVAL_SETTINGS
from argo_audit.evals.results import ResultRow
from argo_audit.evals.tasks.rubric_ablation import (
    LEVEL_WEIGHTS,
    ablations,
    results,
    rubric_ablation,
)
from argo_audit.judges.by_line import ByLine
from argo_audit.judges.inspect_judge import InspectJudge
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.judges.opening import measuring
from argo_audit.organism.world import Population, build
from argo_audit.pairs import pair_file as pair_files
from argo_audit.records import Pair, Rubric
from argo_audit.stats.agreement import measure
from argo_audit.stats.contributions import contributions, verdict
from argo_audit.stats.estimates import Estimate, estimate
from argo_audit.surface.judge import SurfaceJudge

HELPS, HARMS, SAYS_NOTHING = "Uses bullet point lists.", "Penalise a code block.", "Be creative."
RUBRIC = f"- {HELPS}\n- {HARMS}\n- {SAYS_NOTHING}\n- Gives concrete examples.\n"
SLACK = 0.05  # 120 prompts cannot show less


def judged(task_rubric: Path, pairs: Path, model: str | Model, slack: float) -> list[ResultRow]:
    task = rubric_ablation(str(task_rubric), str(pairs), slack=slack)
    logs = task_rubric.parent / "logs"
    with measuring():  # as a suite does: 1,800 verdicts one by one take 4 s
        inspect_ai.eval(task, model=model, log_dir=str(logs), **EVAL_SETTINGS)
    return results(logs)


@pytest.fixture(scope="module")
def population() -> Population:
    return build("A", pairs=800, seed=3)


@pytest.fixture(scope="module")
def found(population: Population, tmp_path_factory: pytest.TempPathFactory) -> list[ResultRow]:
    """One pair a prompt of the first 150 prompts."""
    folder = tmp_path_factory.mktemp("ablation")
    (folder / "rubric.md").write_text(RUBRIC, encoding="utf-8")
    labels = {"planted": population.planted[:150]}
    pair_files.write(folder / "pairs.jsonl", population.pairs[:150], labels)
    return judged(folder / "rubric.md", folder / "pairs.jsonl", "argo/surface", SLACK)


def row(rows: list[ResultRow], name: str, measured: str = "agreement") -> ResultRow:
    [one] = [r for r in rows if name in r.measure and r.measure.endswith(measured)]
    return one


def truth(population: Population, line: str) -> float:
    """The contribution over all 800 pairs, without Inspect or the task in between."""
    rest = "".join(text for text in RUBRIC.splitlines(keepends=True) if line not in text)

    def agreement(text: str) -> float:
        pairs: tuple[Pair, ...] = population.pairs
        judgments = asyncio.run(SurfaceJudge().judge(Rubric(text=text), pairs))
        accuracy = measure(population.planted, judgments).accuracy
        assert accuracy is not None
        return accuracy

    return agreement(RUBRIC) - agreement(rest)


@pytest.mark.parametrize("line", [HELPS, HARMS, SAYS_NOTHING])
def test_the_true_contribution_lies_in_the_interval(
    line: str, found: list[ResultRow], population: Population
) -> None:
    one = row(found, line)
    assert one.interval is not None
    assert one.interval.low <= truth(population, line) <= one.interval.high
    assert (one.n, one.label_source) == (150, "planted")


@pytest.mark.parametrize(
    ("line", "name"), [(HELPS, "helps"), (HARMS, "harmful"), (SAYS_NOTHING, "redundant")]
)
def test_planted_lines_are_named(line: str, name: str, found: list[ResultRow]) -> None:
    assert row(found, line).note.startswith(name)
    assert "q = " in row(found, line).note


def test_what_changes_no_judgment_says_so(found: list[ResultRow]) -> None:
    silent = row(found, SAYS_NOTHING)
    assert silent.estimate == 0
    assert "changes 0 of 150 pairs" in silent.note
    assert row(found, SAYS_NOTHING, "kl").estimate == 0


def test_a_helping_line_helps_the_kl_too(found: list[ResultRow]) -> None:
    helped, harmed = row(found, HELPS, "kl"), row(found, HARMS, "kl")
    assert helped.interval is not None
    assert harmed.interval is not None
    assert helped.interval.low > 0 > harmed.interval.high


def test_gates_biases_and_weights_are_taken_out_as_criteria_are() -> None:
    text = (
        "| Criterion | Weight |\n|---|---|\n| Short | 70% |\n| Warm | 30% |\n\n"
        "It may penalize:\n- hedging\n\n## Gates\n- Harm: overall <= 3\n"
    )
    ablated, kept = ablations(text)
    assert list(ablated) == [
        "line 3, criterion: Short",
        "line 4, criterion: Warm",
        "line 7, bias: hedging",
        "line 10, gate: Harm: overall <= 3",
        LEVEL_WEIGHTS,
    ]
    assert "| Short | 50% |\n| Warm | 50% |" in ablated[LEVEL_WEIGHTS]
    assert kept == {}


@pytest.mark.parametrize("text", ["Prefer short answers.", "- the only line", "```\n- code\n```"])
def test_a_rubric_that_nothing_can_be_taken_from_says_so(text: str, tmp_path: Path) -> None:
    def short(shown: Shown) -> float:
        return 0.9 if len(shown.a) < len(shown.b) else 0.1

    world = build("A", pairs=6, seed=0)
    (tmp_path / "rubric.md").write_text(text, encoding="utf-8")
    pair_files.write(tmp_path / "pairs.jsonl", world.pairs, {"planted": world.planted})
    [only] = judged(tmp_path / "rubric.md", tmp_path / "pairs.jsonl", fake_judge(short), SLACK)
    assert only.estimate is None
    assert only.interval is None
    assert only.note.startswith("not measured")


def test_there_must_be_a_rubric() -> None:
    with pytest.raises(InputError, match="take anything out"):
        rubric_ablation("")


def test_redundant_is_what_was_shown_to_be_small_and_not_what_was_not_found() -> None:
    keys = [str(i) for i in range(1000)]
    few = estimate([1.0, -1.0, 0.0, 0.0], keys[:4], test=True)
    many = estimate([0.0] * 1000, keys, test=True)
    assert (verdict(few), verdict(many)) == ("undecided", "redundant")
    assert verdict(Estimate(mean=None, interval=None, n=0, clusters=0)) == "not measured"


def test_ten_criteria_are_ten_chances_of_a_false_alarm() -> None:
    keys = [str(i) for i in range(60)]
    alone = estimate([1.0] * 12 + [-1.0] * 3 + [0.0] * 45, keys, test=True)
    nothing = [estimate([1.0] * 5 + [-1.0] * 5 + [0.0] * 50, keys, test=True)] * 9
    [single], crowd = contributions([alone]), contributions([alone, *nothing])
    assert single.q_value == single.estimate.p_value
    assert crowd[0].q_value == pytest.approx(10 * (alone.p_value or 0), rel=1e-6)
    assert crowd[0].q_value is not None
    assert crowd[0].q_value > 0.05 > (single.q_value or 0)


def test_an_ablation_by_line_asks_nothing_that_has_been_asked(
    population: Population, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part is a line whose answer is kept; without it, or with other weights, nothing is new."""
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("ARGO_ANSWERS", str(tmp_path / "answers.sqlite"))
    rubric, pairs, logs = tmp_path / "rubric.md", tmp_path / "pairs.jsonl", tmp_path / "logs"
    text = "| Criterion | Weight |\n|---|---|\n| Lists | 70% |\n| Code | 30% |\n\n- Lies <= 3\n"
    rubric.write_text(text, encoding="utf-8")
    pair_files.write(pairs, population.pairs[:3], {"planted": population.planted[:3]})
    model = LineModel(lambda line, a, b: "A" if len(a) > len(b) else "B", name="ablated")
    settings = JudgeSettings(reads="lines", cache=True)
    whole = InspectJudge(model.model, settings)
    audited = asyncio.run(ByLine(whole, whole).judge(Rubric(text=text), population.pairs[:3]))
    assert (len(model.lines), {judgment.estimator for judgment in audited}) == (6, {"lines"})
    task = rubric_ablation(str(rubric), str(pairs), judge=settings.model_dump())
    [log] = inspect_ai.eval(task, model=model.model, log_dir=str(logs), **EVAL_SETTINGS)
    assert log.status == "success"
    assert len(model.lines) == 6, "no new call"
    assert {row.label_source for row in results(logs)} == {"planted"}
