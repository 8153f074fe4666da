"""A report holds as long as its sources give every line of it, and not a number longer."""

import gzip
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from fakes import ScriptedPolicy
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from argo_audit.audits.parts import Parts
from argo_audit.audits.reporting import Origin, report
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import audit
from argo_audit.audits.verification import said_less
from argo_audit.cli.commands import app
from argo_audit.organism.world import build, write_population
from argo_audit.report.check import unsourced
from argo_audit.report.verify import unbacked
from argo_audit.search.search_settings import SearchConfig
from argo_audit.surface.judge import SurfaceJudge

RUBRICS = (
    "- Rewards bullet lists and code blocks.\n- Rewards warm, confident language.\n",
    "- Rewards short answers.\n- Penalizes emoji.\n",
)
INTENT = "- Rewards a direct answer.\n- Penalizes flattery.\n"


class Published(NamedTuple):
    """A folder with an audit, and the report on it inside."""

    root: Path

    @property
    def report(self) -> Path:
        return self.root / "audit" / "report" / "audit.md"

    def verify(self) -> tuple[int, str]:
        """Its intent lies outside the audit, which was moved: that is asked for again."""
        allowed = ["--allow", str(self.root / "intent.md")]
        result = CliRunner().invoke(app, ["verify", str(self.report), *allowed])
        return result.exit_code, result.output


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made")
    world, out = root / "world", root / "audit"
    write_population(build("A", 150, seed=0), world)
    request = AuditRequest(
        pairs=world / "pairs.jsonl.gz",
        labels=("planted", "human"),
        out=out,
        search=SearchConfig(steps=2, minibatch=32),
        answer_key=world,
    )
    audit(request, lambda _: None, Parts(SurfaceJudge(), lambda *_: ScriptedPolicy([RUBRICS])))
    (root / "intent.md").write_text(INTENT)
    report(Origin((out,), "Audited", ("true",), root / "intent.md"), out / "report")
    return root


@pytest.fixture
def published(made: Path, tmp_path: Path) -> Published:
    """Moved as a whole: a report names its sources from where it lies."""
    return Published(Path(shutil.copytree(made, tmp_path / "moved")))


def test_a_report_holds_wherever_it_is_taken_with_its_sources(published: Published) -> None:
    assert published.verify() == (
        0,
        f"{published.report}: holds; every line is what its sources give\n",
    )


def rewrite(root: Path, pattern: str, by: str) -> None:
    path = Published(root).report
    text, count = re.subn(pattern, by, path.read_text(encoding="utf-8"), count=1)
    assert count == 1
    path.write_text(text, encoding="utf-8")


def test_what_was_written_over_is_named_words_as_well_as_numbers(published: Published) -> None:
    root = published.root
    rewrite(root, r"held_out: 0\.\d+", "held_out: 0.999")
    rewrite(root, r"\*\*Population organism-a[^*]*\*\*", "**Population organism-a: safe.**")
    rewrite(root, r"\n## Biases", "All 12 passed.\n\n## Biases")
    rewrite(root, r"(?m)^- A rubric predicts.*\n", "")
    page = published.report.with_name("audit.html")
    page.write_text(page.read_text(encoding="utf-8").replace("Audited", "Approved"))
    code, output = published.verify()
    assert code == 2
    assert "0.999 where its sources give 0." in output
    assert "says “**Population organism-a" in output
    assert "nothing backs “All 12 passed.”" in output
    assert "is missing “- A rubric predicts" in output
    assert "audit.html: not made from this report" in output


def other_rubric(root: Path) -> None:
    for path in (root / "audit" / "rubric_store").rglob("0001-*.md"):
        path.write_text(path.read_text(encoding="utf-8") + "\n- Rewards emoji.\n", encoding="utf-8")


def other_intent(root: Path) -> None:
    (root / "intent.md").write_text(INTENT + "- Penalizes emoji.\n")


def no_log(root: Path) -> None:
    next((root / "audit" / "logs").glob("*.eval")).unlink()


def no_attempts(root: Path) -> None:
    (root / "audit" / "runs" / "human" / "attempts.jsonl").unlink()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (other_rubric, "rubric"),
        (other_intent, "intent.md"),
        (no_log, "nothing backs"),
        (no_attempts, "attempts.jsonl"),
    ],
)
def test_a_source_that_changed_or_is_gone_is_named(
    published: Published, change: Callable[[Path], None], told: str
) -> None:
    change(published.root)
    code, output = published.verify()
    assert code == 2
    assert told in output


def changed_labels(root: Path) -> None:
    path = next((root / "audit" / "labels").glob("*.gz"))
    labels = gzip.decompress(path.read_bytes()).replace(b'"p_a":1.0', b'"p_a":0.0')
    path.write_bytes(gzip.compress(labels))


def gone(name: str) -> Callable[[Path], None]:
    return lambda root: next((root / "audit").glob(name)).unlink()


def longer(name: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = next((root / "audit").glob(name))
        path.write_bytes(path.read_bytes() + b"\n")

    return change


def added(name: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (root / "audit" / name).write_text("{}")

    return change


def a_link(root: Path) -> None:
    (root / "audit" / "labels" / "more").symlink_to(root / "audit" / "logs")


CHANGES: tuple[tuple[Callable[[Path], None], str], ...] = (
    (changed_labels, "gz: changed"),
    (longer("runs/human/prompts.jsonl"), "prompts.jsonl: changed"),
    (gone("runs/human/steps.jsonl"), "steps.jsonl: missing"),
    (longer("audit.json"), "audit.json: changed"),
    (longer("rubric_store/*/0001-*.md"), "md: changed"),
    (longer("logs/*.eval"), "eval: changed"),
    (gone("report/audit.html"), "audit.html: missing"),
    (gone("report/figures/*.svg"), "svg: missing"),
    (added("runs/human/more.jsonl"), "more.jsonl: new"),
    (added("report/more.html"), "more.html: new"),
    (a_link, "more: new"),
)
OTHERS: tuple[tuple[Callable[[Path], None], str], ...] = (
    (gone("labels/*"), "gz: missing"),
    (gone("runs/human/prompts.jsonl"), "prompts.jsonl: missing"),
    (longer("runs/human/steps.jsonl"), "steps.jsonl: changed"),
    (gone("audit.json"), "audit.json: missing"),
    (gone("rubric_store/*/0001-*.md"), "md: missing"),
)
ALONE: tuple[tuple[Callable[[Path], None], str], ...] = (
    (gone("facts.json"), "facts.json: missing"),
    (gone("report/manifest.json"), "no manifest that can be read"),
    (added("report/manifest.json"), "no manifest that can be read"),
)


@pytest.mark.parametrize(
    "changes",
    [
        CHANGES,
        OTHERS,
        *((change,) for change in ALONE),
        *(pytest.param((change,), marks=pytest.mark.slow) for change in (*CHANGES, *OTHERS)),
    ],
)
def test_each_file_that_is_not_what_it_was_is_named(
    published: Published, changes: Sequence[tuple[Callable[[Path], None], str]]
) -> None:
    for change, _ in changes:
        change(published.root)
    code, output = published.verify()
    assert code == 2
    assert [told for _, told in changes if told not in output] == [], output


def test_what_is_written_beside_an_audit_later_is_not_of_its_report(published: Published) -> None:
    audit = published.root / "audit"
    (audit / "evals").mkdir()
    (audit / "evals" / "suite.json").write_text("{}")
    report(Origin((audit,), "Again"), audit / "again")
    assert published.verify()[0] == 0


def test_a_report_of_before_manifests_is_checked_as_then_and_says_so(published: Published) -> None:
    old = published.root / "old"
    report(Origin((published.root / "audit",), "Old", manifest=False), old)
    longer("audit.json")(published.root)
    (old / "audit.html").unlink()
    result = CliRunner().invoke(app, ["verify", str(old)])
    assert (result.exit_code, "made without a manifest" in result.output) == (0, True)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(words, check=True)
    return path


needs_keygen = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen")


@needs_keygen
def test_a_signature_holds_for_its_key_and_its_manifest_alone(
    published: Published, key: Path, tmp_path: Path
) -> None:
    folder, run = published.report.parent, CliRunner().invoke
    public, other = key.with_name("key.pub"), tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    allow = ["--allow", str(published.root)]
    verify = ["verify", str(folder), *allow, "--key", str(public)]
    assert "not signed" in run(app, verify).output
    assert run(app, ["sign", str(folder), *allow, "--key", str(key)]).exit_code == 0
    assert run(app, verify).exit_code == 0
    wrong = run(app, [*verify[:-1], f"{other}.pub"])
    assert (wrong.exit_code, "not by this key" in wrong.output) == (2, True)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"alone": true', '"alone": false'))
    assert "not by this key" in run(app, verify).output


@needs_keygen
def test_what_does_not_hold_is_not_signed(published: Published, key: Path) -> None:
    added("report/more.html")(published.root)
    words = ["sign", str(published.report), "--key", str(key), "--allow", str(published.root)]
    result = CliRunner().invoke(app, words)
    assert "more.html: new" in str(result.exception)


def test_without_the_tool_the_error_says_what_to_install(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    key = tmp_path / "key.pub"
    key.write_text("ssh-ed25519 AAAA\n")
    published.report.with_name("manifest.json.sig").write_text("")
    result = CliRunner().invoke(app, ["verify", str(published.report), "--key", str(key)])
    assert "install OpenSSH" in str(result.exception)


def test_what_is_no_report_is_refused_with_what_to_name(tmp_path: Path) -> None:
    (tmp_path / "audit.md").write_text("# A report?\n")
    result = CliRunner().invoke(app, ["verify", str(tmp_path)])
    assert result.exit_code == 1
    assert "no report to verify" in str(result.exception)


def test_every_part_with_numbers_links_to_a_file_that_they_come_from(published: Published) -> None:
    assert unsourced(published.report) == []
    part = r"(?s)(### Did the search collapse\?).*?(\n## )"
    rewrite(published.root, part, r"\1\n\n| n |\n| --- |\n| 3 |\n\2")
    assert unsourced(published.report) == ["Did the search collapse?"]


LINES = st.lists(st.text("ab 12.%|", max_size=8), max_size=8).map("\n".join)


@given(LINES, LINES)
def test_only_the_same_text_is_backed(ours: str, theirs: str) -> None:
    assert (unbacked(ours, theirs) == []) == (ours == theirs)


@given(st.lists(st.integers(0, 999), min_size=1, max_size=5), st.data())
def test_a_changed_number_is_named_with_the_true_one(
    numbers: list[int], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(numbers) - 1))
    changed = [*numbers]
    changed[place] += data.draw(st.integers(1, 99))
    written, true = (f"| n | {' | '.join(map(str, row))} |" for row in (changed, numbers))
    (problem,) = unbacked(f"# A\n{written}\n", f"# A\n{true}\n")
    assert f"line 2: {changed[place]} where its sources give {numbers[place]}, in" in problem


def test_a_line_that_a_stranger_repeats_for_pages_is_held_to_the_one_in_its_place() -> None:
    pages = "[user]\n" * 10_000
    begun = time.process_time()
    first, last = unbacked(f"a\n{pages}1\n", f"b\n{pages}2\n")
    assert time.process_time() - begun < 1
    assert first.startswith("line 1: ")
    assert last.startswith("line 10002: 1 where its sources give 2")
    (missing,) = unbacked(pages, f"{pages}c")
    assert "“c”" in missing


def test_a_report_that_says_less_of_its_findings_is_an_earlier_one() -> None:
    lines = ["line 40: after it is missing “status: verified”"]
    earlier = "---\nfindings:\n- {claim: rewards tables}\n---\n\n# Audit\n"
    assert "argo-audit report" in said_less(earlier, lines)[0]
    assert not said_less(earlier, [])
    assert not said_less(earlier.replace("tables}", "tables, criterion: Tables}"), lines)
