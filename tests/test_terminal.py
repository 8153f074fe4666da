"""Whatever names and texts hold, no control byte reaches the terminal."""

import io
import logging
import re
from pathlib import Path

import pytest
from found_audit import ESCAPE, small_audit
from rich.progress import Progress, TextColumn
from rich.table import Table
from typer.testing import CliRunner

from argo_audit.audits.run import Event
from argo_audit.cli.commands import app
from argo_audit.cli.tables import show
from argo_audit.cli.terminal import SafeConsole, say, show_warnings
from argo_audit.cli.watch import Display
from argo_audit.errors import ArgoError
from argo_audit.files import RUN_FILE
from argo_audit.report.sheets import Sheet
from argo_audit.store import RubricStore

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
STYLES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")  # what rich itself writes; no title, no bell
HOSTILE = f"{ESCAPE}\u202e\x9b31m\r\x08"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_audit(tmp_path_factory.mktemp("hostile"), ESCAPE)


def refs(store: Path) -> list[str]:
    return [f"{s.reward_model}@{s.version}" for s in RubricStore(store).list()]


@pytest.fixture(scope="module")
def commands(hostile: Path, tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    out, store = str(hostile), str(hostile / "rubric_store")
    new = tmp_path_factory.mktemp(f"new{ESCAPE}")
    first, *_ = refs(Path(store))
    (pairs,) = hostile.parent.glob("pairs*")
    (text,) = list(Path(store).rglob("*.md"))[:1]
    run = ["audit", "--pairs", str(pairs), "--labels", "human", "--out"]
    return [
        ["store", "list", store],
        ["store", "show", first, "--store", store],
        ["store", "show", f"{ESCAPE}@1", "--store", store],
        ["store", "verify", store],
        ["store", "verify", str(new)],
        ["read", str(text)],
        ["read", str(new / "absent.md")],
        ["drift", store, "--pairs", str(hostile / "held-out.jsonl.gz")],
        ["drift", store, "--markdown", "--pairs", str(hostile / "held-out.jsonl.gz")],
        ["drift", store, "--family", ESCAPE],
        ["compare", first, first, "--store", store, "--pairs", str(hostile / "held-out.jsonl.gz")],
        ["compare", out, out],
        ["diff", first, f"{ESCAPE}@2", "--store", store],
        ["export", out, "--out", str(new / "e.json")],
        ["report", out, "--out", str(new / "again"), "--title", ESCAPE],
        ["verify", str(new / "again")],
        ["verify", str(new)],
        ["gate", "init", out, "--out", str(new / "gates.toml")],
        ["resume", out],
        ["resume", str(new)],
        [*run, str(new / "dry"), "--dry-run"],
        [*run, out],
        [*run, str(new / "a"), "--judge", f"{ESCAPE}/x"],
        [*run, str(new / "a"), "--labels", f"rm:{ESCAPE}"],
        [*run, str(new / "a"), "--labels", f"soft:{ESCAPE}"],
        [*run, str(new / "a"), "--format", ESCAPE],
        ["audit", "--pairs", str(new / "no"), "--labels", "human", "--out", str(new / "a")],
    ]


def test_no_command_prints_a_control_character(
    commands: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    for words in commands:
        ended = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
        if isinstance(ended.exception, ArgoError):
            say(str(ended.exception))  # as main() does
        elif ended.exception is not None and not isinstance(ended.exception, SystemExit):
            raise ended.exception
        printed = ended.output + "".join(capsys.readouterr())
        assert printed, words
        assert not CONTROL.search(printed), (words, CONTROL.search(printed))


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_shows_names_as_they_are(terminal: bool) -> None:
    drawn = io.StringIO()
    console = SafeConsole(file=drawn, force_terminal=terminal, width=200)
    with Display(console) as display:
        watch = display.lane(f"pairs{HOSTILE}", ("search",))
        for done in range(3):
            watch(Event(f"search on {HOSTILE} labels", done, 2, 0.5))
    plain = STYLES.sub("", drawn.getvalue())
    assert "⟨U+001B⟩" in plain
    assert not CONTROL.search(plain.replace("\r", ""))


def test_a_safe_console_lets_only_its_own_styles_act() -> None:
    drawn = io.StringIO()
    console = SafeConsole(file=drawn, force_terminal=True, width=120)
    table = Table(HOSTILE, title=HOSTILE.replace("[bold]", ""), caption="c\x07")
    table.add_row(HOSTILE.replace("[bold]", ""))
    console.print(table)
    console.print(HOSTILE, markup=False, style="red")
    with Progress(TextColumn("{task.description}", markup=False), console=console) as progress:
        progress.add_task(HOSTILE)
    plain = STYLES.sub("", drawn.getvalue())
    assert "\x1b]" not in drawn.getvalue()
    assert not CONTROL.search(plain.replace("\r", ""))
    assert "\x1b[31m" in drawn.getvalue()  # the style that was asked for, and only that


def test_sheets_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    for markdown in (False, True):
        show([Sheet(HOSTILE, (HOSTILE,), [(HOSTILE,)], HOSTILE), Sheet(HOSTILE, (), [], HOSTILE)],
             markdown=markdown)  # fmt: skip
    assert not CONTROL.search(capsys.readouterr().out)


def test_what_is_logged_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("argo_audit")
    handlers, propagate = list(logger.handlers), logger.propagate
    try:
        show_warnings()
        show_warnings()
        logging.getLogger("argo_audit.judges").warning("cut %s", HOSTILE)
        said = capsys.readouterr().err.rstrip("\n")
        assert said.startswith("cut ⟨U+001B⟩")
        assert said.count("cut") == 1
        assert not CONTROL.search(said)
    finally:
        logger.handlers, logger.propagate = handlers, propagate


def test_an_error_is_printed_without_what_acts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from argo_audit.cli.commands import main

    folder = tmp_path / f"x{ESCAPE}"
    folder.mkdir()
    (folder / RUN_FILE).write_text("{")
    monkeypatch.setattr("sys.argv", ["argo-audit", "verify", str(folder)])
    with pytest.raises(SystemExit):
        main()
    assert not CONTROL.search(capsys.readouterr().err)
