"""One command after another on a finished audit: where it was made, moved, and from elsewhere.

`make bench-journeys` walks all ordered pairs; here are those that came to grief once.
"""

import shutil
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from found_audit import small_audit

from benchmarks.journeys import READ_ONLY, Ended, walk

PAIRS = [("resume", "verify"), ("compare", "report"), ("gate init", "diff")]


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """In a folder that others may read, whatever pytest's own is like."""
    with TemporaryDirectory() as root:
        Path(root).chmod(0o755)
        folder = Path(root, "made")
        folder.mkdir()
        with chdir(folder):
            small_audit(Path())
        yield folder


@pytest.mark.parametrize("journey", ["moved", "from another folder"])
def test_a_command_after_another_ends_well_or_with_its_remedy(made: Path, journey: str) -> None:
    pairs = PAIRS if journey == "moved" else [("export", "verify"), ("report", "drift")]
    ends = [(what, ended) for _, what, ended in walk(made, journey, pairs)]
    assert not [(what, ended) for what, ended in ends if not ended.is_good]
    assert {what for what, ended in ends if ended.code} <= {"gate init, diff: diff"}


def test_a_folder_that_may_only_be_read_is_read(made: Path) -> None:
    """What needs to write says so at once, with a remedy; the rest is done."""
    ends = {what: ended for _, what, ended in walk(made, READ_ONLY, [("verify", "report")])}
    assert [what for what, ended in ends.items() if not ended.is_good] == []
    assert [what for what, ended in ends.items() if ended.code] == ["verify, report: report"]
    assert "this user may not open it" in ends["verify, report: report"].said


@pytest.mark.parametrize(("code", "said"), [(2, "no"), (3, "Remedy: a"), (1, "Traceback")])
def test_an_error_without_its_remedy_is_no_good_end(code: int, said: str) -> None:
    assert not Ended(code, said).is_good
    assert Ended(2, "no\n  Remedy: another").is_good


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
    assert request.as_begun.labels == ("scores:rm.jsonl",)
    assert resume(out, again=again).stored
