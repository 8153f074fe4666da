"""Drift: what was turned between two versions is found, and nothing where nothing moved."""

import shutil
from pathlib import Path
from random import Random

import pytest
from crossed_world import build_crossed, labelled, turned_rubric
from typer.testing import CliRunner

from argo_audit.audits.moved import drift
from argo_audit.cli.commands import app
from argo_audit.errors import InputError
from argo_audit.findings.drift import (
    changes,
    families,
    family,
    label_moves,
    rubric_moves,
)
from argo_audit.organism.world import Population
from argo_audit.records import Label
from argo_audit.store import HELD_OUT, RubricStore
from argo_audit.surface.contrast import MeasuredPairs, measured


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drift") / "store"


@pytest.fixture(scope="module")
def worlds(root: Path) -> dict[str, Population]:
    return build_crossed(root, pairs=120)


@pytest.fixture(scope="module")
def on(worlds: dict[str, Population]) -> MeasuredPairs:
    return measured(worlds["A"].pairs)


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("org/rm@4f2a", "org/rm"),
        ("rm-v2", "rm"),
        ("rm_2026-03-01", "rm"),
        ("org/rm-1.2@main", "org/rm"),
        ("org/Model-8B", "org/Model-8B"),
        ("organism-a", "organism-a"),
        ("2026", "2026"),
    ],
)
def test_a_family_is_a_name_without_revision_version_or_date(name: str, of: str) -> None:
    assert family(name) == of


def test_a_turned_preference_is_what_moved(
    worlds: dict[str, Population], on: MeasuredPairs
) -> None:
    world = worlds["A"]
    moves = rubric_moves(turned_rubric(world), world.planted_rubric, on)
    first = moves[0]
    assert first.feature == world.manifest.spec.preferences[0].feature
    assert first.clear
    assert first.change.interval
    assert first.change.interval.low > 0
    assert first.change.mean == pytest.approx(first.after - first.before)
    assert first.before < first.after
    assert sum(move.clear for move in moves) < len(moves) / 2


def test_nothing_moves_between_a_rubric_and_itself(
    worlds: dict[str, Population], on: MeasuredPairs
) -> None:
    text = worlds["A"].planted_rubric
    moves = rubric_moves(text, text, on)
    assert len(moves) == 31
    assert not [move for move in moves if move.clear or move.change.mean]


def test_reward_models_that_prefer_otherwise_lean_otherwise(
    worlds: dict[str, Population], on: MeasuredPairs
) -> None:
    ours, theirs = (labelled(worlds["A"], worlds[letter]) for letter in "AB")
    found = {move.feature: move for move in label_moves(ours, theirs, on)}
    assert found["bullets"].clear
    assert found["bullets"].before > 0 > found["bullets"].after
    some = label_moves(ours[:30], theirs[10:], on)
    assert {move.change.n for move in some} == {20}
    assert label_moves(ours[:1], theirs, on) == []


def test_noise_moves_hardly_ever(on: MeasuredPairs) -> None:
    """False discoveries among features that all did not move: about one set in twenty."""

    def noise(rng: Random) -> list[Label]:
        return [Label(pair_id=p.id, p_a=rng.random(), source="n") for p in on.pairs]

    rngs = [Random(seed) for seed in range(60)]
    found = [any(m.clear for m in label_moves(noise(rng), noise(rng), on)) for rng in rngs]
    assert sum(found) / len(found) <= 0.15


def test_versions_stand_in_the_order_of_time_and_raw_labels_by_themselves(root: Path) -> None:
    stored = RubricStore(root).list()
    raw = stored[0].model_copy(update={"label_source": "human", "version": 9})
    renamed = stored[0].model_copy(update={"reward_model": "rm-a@later", "version": 3})
    found = families([renamed, *reversed(stored), raw])
    assert list(found) == ["rm-a", "rm-a (raw labels)", "rm-b"]
    assert [rubric.version for rubric in found["rm-a"]] == [1, 3, 2]
    assert [(a.version, b.version) for a, b in changes(found["rm-a"])] == [(1, 3), (3, 2), (1, 2)]
    assert changes(found["rm-a (raw labels)"]) == []


def test_a_store_is_told_family_by_family(root: Path, worlds: object) -> None:
    versions, lines, moved = drift(str(root), "rm-a")
    assert [row[0] for row in versions.rows] == ["rm-a@1", "rm-a@2"]
    assert versions.rows[1][5] == "65.0% [61.0, 69.0]"
    assert lines.rows[0][0] == "turned"
    assert moved.rows[0][0] == "bullets"
    assert "120 pairs of 40 prompts" in moved.note
    assert len(drift(str(root))) == 6


def test_without_pairs_lines_are_compared_and_no_more(root: Path, worlds: object) -> None:
    kept = root / "rm-b" / HELD_OUT
    content = kept.read_bytes()
    kept.unlink()
    try:
        *_, moved = drift(str(root), "rm-b")
    finally:
        kept.write_bytes(content)
    assert moved.rows == []
    assert moved.note.startswith("Not measured")
    assert "--pairs" in moved.note


def test_a_store_without_pairs_is_told_on_those_that_are_named(
    root: Path, worlds: object, tmp_path: Path
) -> None:
    """An audit's own store has rubrics alone; its held-out pairs lie in the audit's folder."""
    pairs, bare = tmp_path / "pairs.jsonl.gz", tmp_path / "store"
    shutil.copytree(root, bare, ignore=shutil.ignore_patterns(HELD_OUT))
    shutil.copy(root / "rm-a" / HELD_OUT, pairs)
    told = CliRunner().invoke(app, ["drift", str(bare), "--family", "rm-a", "--pairs", str(pairs)])
    assert told.exit_code == 0, told.output
    assert "120 pairs of 40 prompts" in " ".join(told.stdout.split())
    assert drift(str(bare), "rm-a", str(pairs)) == drift(str(root), "rm-a")
    with pytest.raises(InputError, match="nowhere"):
        drift(str(bare), "rm-a", str(tmp_path / "nowhere.jsonl"))


def test_the_commands_print_tables_or_markdown(root: Path, worlds: object) -> None:
    run = CliRunner().invoke
    told = run(app, ["drift", str(root), "--family", "rm-b"])
    assert told.exit_code == 0
    assert "rm-b@1 to rm-b@2" in told.stdout
    written = run(app, ["drift", str(root), "--family", "rm-b", "--markdown"])
    assert "## rm-b: versions\n\n| version | created |" in written.stdout
    apart = run(app, ["diff", "rm-a@1", "rm-b@2", "--store", str(root)])
    assert isinstance(apart.exception, InputError)
    assert "argo-audit compare takes any two" in str(apart.exception)


def test_a_family_that_is_not_there_is_an_error(root: Path, worlds: object) -> None:
    with pytest.raises(InputError, match="choose among those it holds: rm-a, rm-b"):
        drift(str(root), "gpt")
