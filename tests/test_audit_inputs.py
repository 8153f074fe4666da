from pathlib import Path

import pytest
from audit_world import build_world
from hypothesis import given, settings
from hypothesis import strategies as st

from argo_audit.errors import InputError
from argo_audit.findings.inputs import load_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    world = build_world(tmp_path_factory.mktemp("world"), steps=2, group=1)
    return world.inputs.runs[0].folder


def test_a_run_is_read_back(folder: Path) -> None:
    record = load_run(folder)
    assert (record.run.id, record.run.label_source) == ("a-rm-a", "rm-a")
    assert len(record.attempts) == 8
    assert record.measurements[0].run == record.run.id
    assert record.cut_off == 0


@settings(max_examples=25, deadline=None)
@given(kept=st.floats(0, 1))
def test_a_last_line_cut_off_by_an_interruption_is_counted(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, kept: float
) -> None:
    copy = tmp_path_factory.mktemp("cut")
    *whole, last = (folder / "attempts.jsonl").read_bytes().splitlines(keepends=True)
    part = last[: int(kept * len(last))]
    (copy / "run.json").write_bytes((folder / "run.json").read_bytes())
    (copy / "attempts.jsonl").write_bytes(b"".join(whole) + part)
    record = load_run(copy)
    is_whole = len(part) >= len(last) - 1
    assert len(record.attempts) == len(whole) + is_whole
    assert record.cut_off == (len(part) > 0 and not is_whole)
    assert record.measurements == ()


def test_a_bad_line_in_the_middle_is_named(folder: Path, tmp_path: Path) -> None:
    lines = (folder / "attempts.jsonl").read_text(encoding="utf-8").splitlines()
    lines[2] = '{"run": "a-rm-a", "step": "three"}'
    (tmp_path / "run.json").write_bytes((folder / "run.json").read_bytes())
    (tmp_path / "attempts.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"attempts\.jsonl, line 3: not a Attempt: step") as caught:
        load_run(tmp_path)
    assert caught.value.line == 3


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"run\.json: no run is recorded here"):
        load_run(tmp_path)
