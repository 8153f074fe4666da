"""The report as a whole: what reviewers read in the diff, and what must hold in every audit."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from audit_world import World, build_world
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation

from argo_audit.errors import ArgoError, InputError, StoreError
from argo_audit.findings.inputs import AuditInputs, load_run
from argo_audit.report.check import check_audit
from argo_audit.report.markdown import front_matter
from argo_audit.report.spec import AuditFiles, write_audit


class GoldenMarkdown(SingleFileSnapshotExtension):
    """One file per report, to be read as it is: tests/golden/test_audit_spec/*.md."""

    _write_mode = WriteMode.TEXT
    file_extension = "md"

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        tests = Path(test_location.filepath)
        return str(tests.parent / "golden" / tests.stem)


class GoldenPage(GoldenMarkdown):
    file_extension = "html"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def audit(world: World) -> AuditFiles:
    return write_audit(world.inputs, world.store_root.parent / "audit", world.store_root)


class Page(HTMLParser):
    """What a browser would be asked to do: tags, attributes, and the text it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page(audit: AuditFiles) -> Page:
    read = Page()
    read.feed(audit.html.read_text(encoding="utf-8"))
    return read


def test_report(audit: AuditFiles, snapshot: SnapshotAssertion) -> None:
    text = audit.markdown.read_text(encoding="utf-8")
    assert text == snapshot(extension_class=GoldenMarkdown)


def test_page(audit: AuditFiles, snapshot: SnapshotAssertion) -> None:
    html = audit.html.read_text(encoding="utf-8")
    assert re.sub(r"<svg .*?</svg>", "<svg></svg>", html, flags=re.S) == snapshot(
        extension_class=GoldenPage
    )


def test_the_audit_holds(audit: AuditFiles, world: World) -> None:
    assert check_audit(audit.markdown, world.store_root) == []


def test_front_matter_has_the_key_figures(audit: AuditFiles) -> None:
    fields, _ = front_matter(audit.markdown.read_text(encoding="utf-8"))
    first = fields["key_figures"][0]
    assert (first["run"], first["held_out"], first["pairs"]) == ("a-rm-a", 0.775, 400)
    assert fields["runs"][0]["rubric"] == first["rubric"]


def test_a_hostile_rubric_is_shown_and_never_run(audit: AuditFiles, page: Page) -> None:
    assert "<script>alert('x')</script>" in page.text
    assert audit.html.read_text(encoding="utf-8").count("<script") == 1
    assert page.tags.isdisjoint({"img", "iframe", "object", "embed", "form", "b"})
    assert not [name for name, _ in page.attributes if name.startswith("on")]


def test_the_page_asks_nothing_of_the_network(page: Page) -> None:
    names = ("href", "src", "xlink:href", "action")
    addresses = [value for name, value in page.attributes if name in names]
    assert addresses
    assert not [a for a in addresses if re.match(r"[a-z][a-z0-9+.-]*:|//", a, re.I)]
    assert "url(http" not in page.text


def test_ids_are_unique_and_every_anchor_has_one(page: Page) -> None:
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    anchors = {v[1:] for name, v in page.attributes if name.endswith("href") and v.startswith("#")}
    assert anchors <= set(ids)


def test_figures_can_be_read_in_light_and_dark_and_aloud(audit: AuditFiles) -> None:
    assert {path.name for path in audit.figures} == {f"figure-{n}.svg" for n in (2, 5, 6)}
    for path in audit.figures:
        svg = path.read_text(encoding="utf-8")
        assert "<desc" in svg
        assert "prefers-color-scheme" in svg
        assert "currentColor" in svg
        assert "<text" in svg
        assert "<metadata" not in svg


def tamperings() -> Iterator[tuple[str, str, str]]:
    """What is done to a sound audit, and what the check then says."""
    yield "## Summary\n", "## Summary\n\n<b>new</b>\n", "raw HTML: '<b>'"
    yield "| rm-a, selected |", "| rm-a, selected | more |", "rows of [3, 4] cells"
    yield "](#summary)", "](#sumary)", "no heading for the link #sumary"
    yield "](figures/figure-2.svg)", "](figures/figure-9.svg)", "no file for the link figures/"
    yield "“Concrete deliverables", "“Discreet deliverables", "not on line"
    yield "```rubric\n## ", "```rubric\n### Not ", "not on line"
    yield "](../store/", "](../runs/../store/../runs/", "no file for the link"
    yield "title:", "- title:", "front matter"


@pytest.mark.parametrize(("old", "new", "problem"), list(tamperings()))
def test_the_check_finds_what_does_not_hold(
    audit: AuditFiles, world: World, old: str, new: str, problem: str
) -> None:
    text = audit.markdown.read_text(encoding="utf-8")
    assert old in text
    forged = audit.markdown.with_name("forged.md")
    forged.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert problem in "\n".join(check_audit(forged, world.store_root))


def test_a_quote_from_outside_the_store_is_found(audit: AuditFiles, tmp_path: Path) -> None:
    assert "a quote from outside the store" in check_audit(audit.markdown, tmp_path)[0]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file under a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_an_audit_is_replaced_by_a_sound_one_only(tmp_path: Path) -> None:
    world = build_world(tmp_path, steps=3, group=1)
    run, folder = world.inputs.runs[0], tmp_path / "audit"
    inputs = replace(world.inputs, runs=(run,))
    write_audit(inputs, folder, world.store_root)
    first = contents(folder)
    forged = replace(run, attempts=run.attempts[1:])  # every quote is off by one line
    with pytest.raises(ArgoError, match="the audit does not hold"):
        write_audit(replace(inputs, runs=(forged,)), folder, world.store_root)
    assert contents(folder) == first
    write_audit(inputs, folder, world.store_root)
    assert contents(folder) == first
    assert {path.name for path in tmp_path.iterdir()} == {"audit", "runs", "store"}


def test_what_was_not_measured_is_said_and_never_zero(tmp_path: Path) -> None:
    world = build_world(tmp_path, steps=2, group=1)
    folder = world.inputs.runs[0].folder
    (folder / "measurements.jsonl").unlink()
    (folder / "attempts.jsonl").unlink()
    bare = AuditInputs("Bare", (load_run(folder),))
    files = write_audit(bare, tmp_path / "audit", world.store_root)
    text = files.markdown.read_text(encoding="utf-8")
    assert files.figures == ()
    for said in (
        "No rubric was selected, so what is rewarded is not known.",
        "Nothing was tried: not measured.",
        "No rubric was selected: nothing to compare.",
        "Not measured: no population was trained on a reward model's and on raw labels.",
        "Nothing is known to be planted in these labels: not measured.",
        "The command that made this audit was not recorded.",
    ):
        assert said in text
    assert "0.0%" not in text
    assert "None" not in text


def test_an_audit_of_nothing_is_still_one(tmp_path: Path) -> None:
    files = write_audit(AuditInputs("Nothing", ()), tmp_path / "audit", tmp_path)
    assert "No run was given: not measured." in files.markdown.read_text(encoding="utf-8")


def test_two_runs_of_one_kind_are_refused(world: World, tmp_path: Path) -> None:
    run = world.inputs.runs[0]
    with pytest.raises(InputError, match="a second run of population 'A' on labels 'rm-a'"):
        write_audit(replace(world.inputs, runs=(run, run)), tmp_path / "audit", world.store_root)
    assert list(tmp_path.iterdir()) == []


def test_a_store_without_the_rubric_is_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Remedy: point at the store the run wrote to"):
        write_audit(world.inputs, tmp_path / "audit", tmp_path)
