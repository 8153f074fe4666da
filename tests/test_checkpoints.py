"""Which checkpoints count: whole ones, and of those the newest that is not ahead of the record."""

from pathlib import Path

import pytest

from argo_audit.policies.checkpoints import Checkpoint, newest, remove_checkpoints, seal


def checkpoint(folder: Path, step: int) -> Path:
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    (path / "model.bin").write_bytes(b"0" * 10)
    (path / "sub").mkdir()
    (path / "sub" / "random.bin").write_bytes(b"1")
    seal(path, step)
    return path


@pytest.mark.parametrize(("done", "step"), [(9, 4), (4, 4), (3, 2), (2, 2)])
def test_the_newest_that_is_not_ahead_of_the_record_counts(
    tmp_path: Path, done: int, step: int
) -> None:
    paths = {n: checkpoint(tmp_path, n) for n in (2, 4)}
    assert newest(tmp_path, done) == Checkpoint(step, paths[step])


def test_there_may_be_none(tmp_path: Path) -> None:
    checkpoint(tmp_path, 2)
    assert newest(tmp_path, 1) is None
    assert newest(tmp_path / "absent", 1) is None


@pytest.mark.parametrize("file", ["model.bin", "sub/random.bin", "whole.json"])
def test_one_that_lacks_a_file_or_its_seal_is_passed_over(tmp_path: Path, file: str) -> None:
    paths = [checkpoint(tmp_path, n) for n in (1, 2)]
    (paths[1] / file).unlink()
    assert newest(tmp_path, 5) == Checkpoint(1, paths[0])


@pytest.mark.parametrize("file", ["model.bin", "whole.json"])
def test_one_with_a_file_cut_short_is_passed_over(tmp_path: Path, file: str) -> None:
    path = checkpoint(tmp_path, 1) / file
    path.write_bytes(path.read_bytes()[:-1])
    assert newest(tmp_path, 5) is None


def test_the_trained_policy_is_sealed_without_the_checkpoints_beside_it(tmp_path: Path) -> None:
    checkpoint(tmp_path, 3)
    (tmp_path / "model.bin").write_bytes(b"0")
    seal(tmp_path, 6)
    remove_checkpoints(tmp_path)
    assert newest(tmp_path, 6) == Checkpoint(6, tmp_path)


def test_all_but_one_are_removed(tmp_path: Path) -> None:
    kept, _ = (checkpoint(tmp_path, n) for n in (1, 2))
    remove_checkpoints(tmp_path, keep=kept)
    assert list(tmp_path.iterdir()) == [kept]


def test_what_a_killed_process_left_of_a_seal_goes_with_the_next(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("weights", encoding="utf-8")
    (tmp_path / ".0123abcd.part").write_text("{", encoding="utf-8")
    seal(tmp_path, step=3)
    assert {path.name for path in tmp_path.iterdir()} == {"model", "whole.json"}
    assert newest(tmp_path, done=3) == Checkpoint(3, tmp_path)
