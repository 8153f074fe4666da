"""Rubrics and populations compared on organisms, where every answer is known."""

import re
import shutil
from pathlib import Path

import pytest
from crossed_world import build_crossed
from typer.testing import CliRunner

from argo_audit.audits.compare import compare
from argo_audit.audits.compare_settings import CompareOptions
from argo_audit.cli.commands import app
from argo_audit.errors import InputError
from argo_audit.findings.crossing import Crossing, Side, read_crossing
from argo_audit.organism.world import Population
from argo_audit.report.sheets import Sheet, as_markdown
from argo_audit.store import HELD_OUT

A = Side(population="organism-a", rubric="rm-a@2", label_source="rm-a")
B = Side(population="organism-b", rubric="rm-b@2", label_source="rm-b")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("crossed")


@pytest.fixture(scope="module")
def worlds(root: Path) -> dict[str, Population]:
    return build_crossed(root / "store")


@pytest.fixture(scope="module")
def sheets(root: Path, worlds: dict[str, Population]) -> dict[str, Sheet]:
    options = CompareOptions(store=str(root / "store"), logs=root / "logs")
    return {sheet.title: sheet for sheet in compare(["rm-a", "rm-b"], options)}


@pytest.fixture(scope="module")
def crossing(root: Path, sheets: dict[str, Sheet], worlds: dict[str, Population]) -> Crossing:
    manifests = {world.name: world.manifest for world in worlds.values()}
    found = read_crossing(root / "logs", A, B, manifests)
    assert found is not None
    return found


def test_a_rubric_follows_its_reward_model_on_either_population(crossing: Crossing) -> None:
    found = {(c.rubric, c.population, c.label_source): c.agreement.mean for c in crossing.cells}
    assert len(found) == 8
    for population in ("organism-a", "organism-b"):
        assert (found["rm-a@2", population, "rm-a"] or 0) > 0.65
        assert (found["rm-b@2", population, "rm-b"] or 0) > 0.65
        assert (found["rm-a@2", population, "rm-b"] or 1) < 0.65


def test_the_split_of_agreement_says_that_preferences_differ(crossing: Crossing) -> None:
    """A's rubric loses on B because B prefers otherwise, not because of B's pairs."""
    of_a, of_b = (row.split for row in crossing.rubrics)
    assert of_a.preferred.interval.low > 0.1
    assert of_b.preferred.interval.high < -0.1
    assert abs(of_a.shown.estimate) < of_a.preferred.estimate


def test_what_is_measured_is_what_was_planted(crossing: Crossing) -> None:
    """These reward models prefer exactly that, so both splits are the same number."""
    assert len(crossing.features) == 31
    for row in crossing.features:
        assert row.planted is not None
        assert row.planted.shown == row.split.shown
        assert row.planted.preferred == row.split.preferred


def test_features_in_which_populations_were_planted_to_differ_come_first(
    crossing: Crossing, worlds: dict[str, Population]
) -> None:
    wishes = [
        {p.feature: p.signed for p in worlds[letter].manifest.spec.preferences} for letter in "AB"
    ]
    for row in crossing.features[:5]:
        differ = wishes[0].get(row.feature, 0) - wishes[1].get(row.feature, 0)
        assert differ * row.split.preferred.estimate > 0
    clear = [row for row in crossing.features if row.q_value <= 0.05]
    assert clear


def test_without_a_manifest_nothing_is_known_to_be_planted(root: Path, crossing: Crossing) -> None:
    found = read_crossing(root / "logs", A, B)
    assert found is not None
    assert {row.planted for row in found.features} == {None}
    assert [row.split for row in found.features] == [row.split for row in crossing.features]


def test_a_log_of_others_is_passed_over(root: Path, crossing: Crossing) -> None:
    other = A.model_copy(update={"rubric": "rm-a@1"})
    assert read_crossing(root / "logs", other, B) is None


def test_sheets_say_it_all(sheets: dict[str, Sheet]) -> None:
    assert list(sheets) == [
        "Line by line",
        "Agreement, crossed",
        "Agreement in organism-a minus in organism-b",
        "What is preferred, feature by feature",
    ]
    lines = sheets["Line by line"]
    assert {"turned", "only first", "only second"} <= {row[0] for row in lines.rows}
    features = sheets["What is preferred, feature by feature"]
    assert re.fullmatch(r"[+-]\d+\.\d \[[+-]\d+\.\d, [+-]\d+\.\d\]", features.rows[0][4])


def test_what_was_judged_once_is_read_again(root: Path, sheets: dict[str, Sheet]) -> None:
    logs = sorted((root / "logs").rglob("*.eval"))
    options = CompareOptions(store=str(root / "store"), logs=root / "logs")
    assert compare(["rm-a", "rm-b"], options) == list(sheets.values())
    assert sorted((root / "logs").rglob("*.eval")) == logs


def test_two_versions_are_held_to_the_same_pairs(root: Path, worlds: object) -> None:
    lines, agreement = compare(["rm-a@1", "rm-a@2"], CompareOptions(store=str(root / "store")))
    [turned] = [row for row in lines.rows if row[0] == "turned"]
    assert "bullet" in turned[1]
    by_measure = {(row[0], row[3]): row for row in agreement.rows}
    estimate, p_value, n = by_measure["rm-a@1", "agreement over rm-a@2"][4:]
    assert float(estimate.split()[0]) < 0
    assert 0 < float(p_value) <= 1
    assert n == "60"


def test_a_rubric_file_takes_the_pairs_of_the_other(
    root: Path, worlds: object, tmp_path: Path
) -> None:
    file = tmp_path / "mine.md"
    file.write_text("- Rewards bullet lists.\n")
    _, agreement = compare([str(file), "rm-a"], CompareOptions(store=str(root / "store")))
    assert {row[1] for row in agreement.rows} == {"organism-a"}
    assert str(file) in {row[0] for row in agreement.rows}


def test_two_files_are_compared_line_by_line_alone(tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("a.md", "b.md")]
    for name in names:
        Path(name).write_text("- Rewards bullet lists.\n")
    lines, agreement = compare(names, CompareOptions(store=str(tmp_path)))
    assert [row[0] for row in lines.rows] == ["shared"]
    assert "not measured" in agreement.note


def test_rubrics_without_pairs_are_held_to_those_that_are_named(
    root: Path, worlds: object, tmp_path: Path
) -> None:
    """Versions from an audit's own store to their own labels, files to all that there are."""
    kept = str(root / "store" / "rm-a" / HELD_OUT)
    bare = tmp_path / "store"
    shutil.copytree(root / "store", bare, ignore=shutil.ignore_patterns(HELD_OUT))
    words = ["diff", "rm-a@1", "rm-a@2", "--store", str(bare)]
    assert "Name them with --pairs" in " ".join(CliRunner().invoke(app, words).stdout.split())
    told = CliRunner().invoke(app, [*words, "--pairs", kept])
    assert told.exit_code == 0, told.output
    assert "Agreement on the same pairs" in told.stdout
    names = [str(tmp_path / name) for name in ("a.md", "b.md")]
    for name, text in zip(
        names, ("- Rewards bullet lists.\n", "- Penalises hedging.\n"), strict=True
    ):
        Path(name).write_text(text)
    _, agreement = compare(names, CompareOptions(store=str(bare), pairs=kept))
    assert {row[2] for row in agreement.rows} == {"rm-a", "rm-b"}


def test_one_is_not_enough(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name two or more"):
        compare(["rm-a"], CompareOptions(store=str(tmp_path)))


def test_markdown_shows_cells_and_runs_nothing() -> None:
    sheet = Sheet("A | <b>", ("x",), [("<script>alert(1)</script> | [a](javascript:b)",)], "*n*")
    text = as_markdown(sheet)
    assert "<" not in text.replace("&lt;", "")
    assert "\\[a\\](javascript:b)" in text
    assert text.count("\n|") == 3
    assert as_markdown(Sheet("None", ("x",), [])) == "## None\n\nNothing.\n"
