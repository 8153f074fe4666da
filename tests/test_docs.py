"""The documents hold: commands parse, links lead somewhere, sizes are what the method says."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from markdown_it import MarkdownIt
from typer.testing import CliRunner

from argo_audit.cli.commands import app

REPOSITORY = Path(__file__).parent.parent
DOCUMENTS = sorted((REPOSITORY / "docs").glob("*.md"))
SCALING = REPOSITORY / "docs" / "scaling.md"
ROW = re.compile(r"\| (?!audit )[^|]+ \|(?: [\d,]+ \|){9}")


def fences(document: Path, language: str) -> Iterator[str]:
    for token in MarkdownIt().parse(document.read_text(encoding="utf-8")):
        if token.type == "fence" and token.info == language:
            yield token.content


def commands(document: Path) -> Iterator[list[str]]:
    """The words after `argo-audit` of every command that runs it, by itself or by a launcher."""
    for block in fences(document, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if "argo-audit" in words:
                yield words[words.index("argo-audit") + 1 :]


@pytest.mark.parametrize(
    "words", [pytest.param(w, id=shlex.join(w)[:80]) for d in DOCUMENTS for w in commands(d)]
)
def test_a_command_of_the_documents_is_one_that_the_command_line_takes(words: list[str]) -> None:
    command, rest = typer.main.get_command(app), words
    while known := getattr(command, "commands", None):
        assert rest[0] in known
        command, rest = known[rest[0]], rest[1:]
    command.make_context(rest[0], list(rest))  # raises a usage error for what it does not know


@pytest.mark.parametrize("text", [f for d in DOCUMENTS for f in fences(d, "toml")])
def test_a_config_of_the_documents_is_one_that_the_command_line_takes(
    text: str, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(text)
    words = ["audit", "--labels", "human", "--config", tmp_path / "config.toml"]
    words += ["--pairs", tmp_path / "absent", "--out", tmp_path / "out"]
    ended = CliRunner().invoke(app, [str(word) for word in words])
    assert "absent: there is no such file" in str(ended.exception)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_of_the_documents_lead_somewhere(document: Path) -> None:
    for token in MarkdownIt().parse(document.read_text(encoding="utf-8")):
        for child in token.children or ():
            href = str(child.attrs.get("href", ""))
            assert "://" in href or (document.parent / href).exists()


def test_the_sizes_are_what_the_method_says() -> None:
    """With a fifth of the pairs each for dev and held-out, and one label source."""
    rows = [row for row in SCALING.read_text(encoding="utf-8").splitlines() if ROW.fullmatch(row)]
    assert len(rows) == 4
    for row in rows:
        numbers = [int(cell.replace(",", "")) for cell in row.strip("| ").split(" | ")[1:]]
        pairs, steps, minibatch, rubrics, top, *sizes = numbers
        split = pairs // 5
        assert sizes == [
            steps * minibatch * rubrics * 2,
            min(top, steps * rubrics) * (split + split) * 2,
            2 * split * 2,
            steps * rubrics,
        ]
