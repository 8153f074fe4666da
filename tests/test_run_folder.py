"""The folder of one search: legible from the first moment, closed to other runs."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import audit
from argo_audit.errors import InputError, RunFolderError
from argo_audit.files import alone, check_free
from argo_audit.findings.inputs import load_run
from argo_audit.records import Agreement, Attempt, Measurement, PolicyPrompt, Rubric, Run, Usage
from argo_audit.search.run_folder import RunFolder

RUN = Run(
    id="r1",
    population="a",
    label_source="rm",
    judge="fixed",
    policy="scripted",
    config={"steps": 2},
    seed=0,
    packages={},
    data_fingerprint="d",
    rm_fingerprint="m",
    started=datetime(2026, 1, 2, tzinfo=UTC),
)
NOTHING = Agreement(
    accuracy=None,
    kl=None,
    kl_raw=None,
    cross_entropy=None,
    brier=None,
    n=0,
    ties=0,
    unparsed=3,
    prompts=0,
    position_flip_rate=None,
    temperature=1.0,
    clip=0.001,
)


def attempt(step: int) -> Attempt:
    return Attempt(
        run="r1",
        step=step,
        prompt_variant=0,
        rubric=Rubric(text="- héllo\n"),
        train=NOTHING,
        policy_reward=-0.1,
        usage=Usage(calls=6),
        seconds=0.0,
    )


def test_a_run_that_dies_at_once_is_still_legible(tmp_path: Path) -> None:
    RunFolder.create(tmp_path / "run", RUN)
    record = load_run(tmp_path / "run")
    assert (record.run, record.attempts) == (RUN, ())
    assert record.run.outcome == "running"


def test_each_record_is_on_disk_when_add_returns(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, RUN)
    measured = Measurement(
        run="r1", rubric_id="x", split="dev", label_source="rm", agreement=NOTHING
    )
    for step in range(3):
        folder.add(attempt(step))
        assert len(load_run(tmp_path).attempts) == step + 1
    folder.add(measured)
    folder.add(PolicyPrompt(run="r1", step=0, variant=0, text="Write."))
    assert load_run(tmp_path).measurements == (measured,)
    assert (tmp_path / "prompts.jsonl").read_text(encoding="utf-8").count("\n") == 1


@pytest.mark.parametrize("step", ["-1", "9" * 400], ids=["negative", "400 digits"])
def test_a_count_that_cannot_be_one_is_named_with_its_line(tmp_path: Path, step: str) -> None:
    folder = RunFolder.create(tmp_path, RUN)
    folder.add(attempt(0))
    folder.add(attempt(1))
    file = tmp_path / "attempts.jsonl"
    file.write_text(file.read_text().replace('"step":1', f'"step":{step}'))
    with pytest.raises(InputError, match=r"attempts\.jsonl, line 2: .*step"):
        load_run(tmp_path)


def test_finishing_records_when_and_how(tmp_path: Path) -> None:
    RunFolder.create(tmp_path, RUN).finish("completed")
    run = load_run(tmp_path).run
    assert run.outcome == "completed"
    assert run.ended is not None
    assert not list(tmp_path.glob("*.part"))


def test_a_folder_of_another_run_is_refused_and_named(tmp_path: Path) -> None:
    RunFolder.create(tmp_path / "runs" / "rm", RUN)
    with pytest.raises(RunFolderError, match="r1, started 2026-01-02"):
        check_free(tmp_path)


def test_a_folder_with_other_files_and_a_file_are_refused(tmp_path: Path) -> None:
    kept = tmp_path / "notes.txt"
    kept.write_text("mine")
    with pytest.raises(RunFolderError, match="holds files"):
        RunFolder.create(tmp_path, RUN)
    with pytest.raises(RunFolderError, match="is a file"):
        check_free(kept)
    assert kept.read_text() == "mine"


def test_one_process_at_a_time_writes_an_audit(tmp_path: Path) -> None:
    pairs, out = tmp_path / "pairs.jsonl", tmp_path / "out"
    out.mkdir()
    request = AuditRequest(pairs=pairs, labels=("human",), out=out)
    with alone(out), pytest.raises(RunFolderError, match="is being written by another process"):
        audit(request)
    with pytest.raises(InputError, match=r"pairs\.jsonl"):  # nobody holds it any more
        audit(request)
    assert not any(out.iterdir())


def test_an_empty_or_new_folder_is_free(tmp_path: Path) -> None:
    check_free(tmp_path)
    check_free(tmp_path / "new")
