"""One command after another on a finished audit: where it was made, moved, and from elsewhere.

`make bench-journeys` walks all ordered pairs; here are those that came to grief once.
"""

import shutil
from contextlib import chdir
from pathlib import Path

import pytest
from found_audit import small_audit

from benchmarks.journeys import walk

PAIRS = [("resume", "verify"), ("compare", "report"), ("gate init", "diff")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("journeys")
    with chdir(folder):
        small_audit(folder)
    return folder


@pytest.mark.parametrize("journey", ["moved", "from another folder"])
def test_a_command_after_another_ends_well_or_with_its_remedy(made: Path, journey: str) -> None:
    pairs = PAIRS if journey == "moved" else [("export", "verify"), ("report", "drift")]
    ends = [(what, ended) for _, what, ended in walk(made, journey, pairs)]
    assert not [(what, ended) for what, ended in ends if not ended.is_good]
    assert {what for what, ended in ends if ended.code} <= {"gate init, diff: diff"}


def test_an_audit_that_was_moved_unfinished_is_pointed_to_its_pairs_again(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argo_audit.audits.begun import read_request
    from argo_audit.audits.from_elsewhere import Again
    from argo_audit.audits.run import resume
    from argo_audit.errors import InputError

    monkeypatch.chdir(tmp_path)
    out = Path(shutil.copytree(made / "out", tmp_path / "mine"))
    (out / "facts.json").unlink()
    with pytest.raises(InputError, match=r"--allow .*pairs.jsonl.*--pairs FILE, --rm MODEL"):
        resume(out)
    for name in ("pairs.jsonl", "rm.jsonl"):
        shutil.copy(made / name, tmp_path)
    again = Again("pairs.jsonl", ("scores:rm.jsonl",))
    request = read_request(out, again=again)
    assert request.labels == ("scores:rm.jsonl",)
    assert request.as_begun.labels == (f"scores:{made}/rm.jsonl",)
    assert resume(out, again=again).stored
