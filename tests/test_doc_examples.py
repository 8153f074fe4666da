"""The worked examples of CONTRIBUTING.md run as they stand, and say what their docstrings say."""

import doctest
import runpy
from dataclasses import dataclass, field
from pathlib import Path

import inspect_ai
import pytest

from argo_audit.evals.assembly import EVAL_SETTINGS
from argo_audit.pairs.pair_file import read
from argo_audit.records import Attempt, Measurement, PolicyPrompt, Split, Step
from argo_audit.search.journal import Journal
from argo_audit.search.search_settings import SearchConfig
from argo_audit.search.selection import SearchData
from argo_audit.surface.judge import SurfaceJudge

REPOSITORY = Path(__file__).parent.parent
EXAMPLES = REPOSITORY / "docs" / "examples"
PAIRS = REPOSITORY / "rubric_store" / "organism-b" / "held-out.jsonl.gz"


@dataclass
class Kept:
    """A Memory that keeps."""

    run: str = "r"
    journal: Journal = field(default_factory=Journal)

    def add(self, *records: PolicyPrompt | Attempt | Step | Measurement) -> None:
        self.journal.take(records)

    def progress(self, step: int, best: Attempt | None) -> None:
        """Nobody looks."""

    def go_on(self) -> bool:
        return True


@pytest.mark.parametrize("name", ["judge", "pair_format", "edit"])
def test_an_example_says_what_it_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    path = EXAMPLES / f"{name}.py"
    names = runpy.run_path(str(path))
    told = doctest.DocTestParser().get_doctest(names["__doc__"], names, name, str(path), 0)
    assert told.examples
    assert doctest.DocTestRunner().run(told).failed == 0


def test_the_example_of_a_search_finds_the_rubric_of_the_reward_model() -> None:
    file = read(PAIRS)
    thirds: dict[Split, int] = {"train": 0, "dev": 1, "held-out": 2}
    splits = {split: file.pairs[start::3] for split, start in thirds.items()}
    labels = {source: {one.pair_id: one for one in of} for source, of in file.labels.items()}
    data, memory = SearchData(splits, labels, "organism-b"), Kept()
    shelf = runpy.run_path(str(EXAMPLES / "search.py"))["shelf"]
    (winner,) = shelf(None, SurfaceJudge(), data, SearchConfig(), memory)
    assert winner.rubric.text.startswith("- Penalizes bulleted lists")
    assert winner.held_out.accuracy > 0.7
    assert len(memory.journal.attempts) == 3


def test_the_example_of_an_inspect_task_is_evaluated(tmp_path: Path) -> None:
    task = runpy.run_path(str(EXAMPLES / "inspect_task.py"))["length_only"](str(PAIRS))
    (log,) = inspect_ai.eval(
        task, model="none/none", log_dir=str(tmp_path), limit=10, **EVAL_SETTINGS
    )
    assert log.status == "success"
    assert log.results
    assert [score.scored_samples for score in log.results.scores] == [10, 10]


def test_contributing_names_every_example() -> None:
    paper = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert not [
        path for path in EXAMPLES.glob("*.py") if f"(docs/examples/{path.name})" not in paper
    ]
