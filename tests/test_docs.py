"""The documents hold: commands parse, options and extras are there, links lead somewhere.

What is measured is held to its measurement in `test_doc_numbers`, what is code in
`test_doc_examples` and `test_gate_example`.
"""

import argparse
import ast
import re
import shlex
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from inspect import signature
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer
from markdown_it import MarkdownIt
from markdown_it.token import Token
from typer.testing import CliRunner

import argo_audit
from argo_audit.cli.commands import app

REPOSITORY = Path(__file__).parent.parent
PACKAGE = REPOSITORY / "argo_audit"
README, CONTRIBUTING = REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md"
SCALING = REPOSITORY / "docs" / "scaling.md"
PAPERS = [README, CONTRIBUTING, REPOSITORY / "CHANGELOG.md", REPOSITORY / "rubric_store" / "LOG.md"]
DOCUMENTS = [*PAPERS, *sorted((REPOSITORY / "docs").rglob("*.md"))]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MAP = re.compile(r"<!-- map -->.*<!-- /map -->", re.DOTALL)
ROW = re.compile(r"\| (?!audit )[^|]+ \|(?: [\d,]+ \|){9}")
SHELL = ("bash", "")


def tokens(document: Path) -> list[Token]:
    """Without the map of modules, which is no command."""
    text = MAP.sub("", document.read_text(encoding="utf-8"))
    return MarkdownIt().enable("table").parse(text)


def inside(document: Path) -> Iterator[Token]:
    """What stands within lines: links, images, words in code."""
    for token in tokens(document):
        yield from token.children or ()


def spoken(document: Path) -> list[str]:
    """What stands in sentences as code."""
    return [token.content for token in inside(document) if token.type == "code_inline"]


def fences(document: Path, *languages: str) -> list[str]:
    return [t.content for t in tokens(document) if t.type == "fence" and t.info in languages]


def lines(document: Path) -> Iterator[list[str]]:
    """The words of each line that a document shows for a shell."""
    for block in fences(document, *SHELL):
        for line in block.replace("\\\n", " ").splitlines():
            yield shlex.split(line, comments=True)


def after(document: Path, program: str) -> Iterator[list[str]]:
    """The words after a program's name, whether it runs by itself or by a launcher."""
    for words in lines(document):
        if program in words:
            yield words[words.index(program) + 1 :]


def command_of(words: Sequence[str]) -> tuple[Any, list[str]]:
    """The command that words begin with, and the rest of them."""
    command: Any = typer.main.get_command(app)
    rest = list(words)
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    return command, rest


def options(command: Any) -> set[str]:
    """All options of a command and of those below it."""
    below = getattr(command, "commands", {}).values()
    own = {name for one in command.params for name in one.opts if name.startswith("--")}
    return own.union({"--help"}, *map(options, below))


def in_each(found: Callable[[Path], Iterable[str | list[str]]]) -> list[Any]:
    return [
        pytest.param(one, id=f"{document.name}: {one if isinstance(one, str) else shlex.join(one)}")
        for document in DOCUMENTS
        for one in found(document)
    ]


@pytest.mark.parametrize("words", in_each(lambda document: after(document, "argo-audit")))
def test_a_command_of_the_documents_is_one_that_the_command_line_takes(words: list[str]) -> None:
    command, rest = command_of(words)
    assert not hasattr(command, "commands"), rest
    command.make_context(words[0], rest)  # raises a usage error for what it does not know


@pytest.mark.parametrize(
    "said", in_each(lambda d: [c for c in spoken(d) if c.startswith("argo-audit ")])
)
def test_a_command_in_a_sentence_is_there_and_has_these_options(said: str) -> None:
    command, rest = command_of(said.split()[1:])
    names = rest[0].split("|") if rest and hasattr(command, "commands") else []
    assert all(n in command.commands or n == "…" or n.startswith("--") for n in names), rest
    assert {word for word in rest if word.startswith("--")} <= options(command)


@pytest.mark.parametrize("said", in_each(lambda d: [c for c in spoken(d) if c.startswith("--")]))
def test_an_option_in_a_sentence_is_one_of_some_command(said: str) -> None:
    of_pytest = set(re.findall(r'"(--[a-z-]+)"', (PACKAGE / "gate.py").read_text(encoding="utf-8")))
    of_others = {  # of vLLM, accelerate and Inspect
        "--data-parallel-size", "--tensor-parallel-size", "--runner", "--num_processes",
        "--log-dir", "--data-parallel-*", "--model-cost-config", "--model", "--limit",
    }  # fmt: skip
    known = options(typer.main.get_command(app)) | of_pytest | of_others
    for one in said.split(", "):
        assert one.split()[0].partition("=")[0] in known


@pytest.mark.parametrize(
    "said",
    in_each(
        lambda d: [
            *(words[1] for words in lines(d) if words[:1] == ["make"]),
            *(said.split()[1] for said in spoken(d) if said.startswith("make ")),
        ]
    ),
)
def test_what_make_is_asked_for_is_in_the_makefile(said: str) -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert said in phony.split()


@pytest.mark.parametrize("words", in_each(lambda document: after(document, "inspect")))
def test_a_task_of_the_documents_is_there_and_takes_what_it_is_given(words: list[str]) -> None:
    if words[0] == "view":
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("-T", action="append", default=[])
    given = {one.partition("=")[0] for one in parser.parse_known_args(words)[0].T}
    name = words[1].removeprefix("argo_audit/")
    task = (PACKAGE / "evals" / "tasks" / f"{name}.py").read_text(encoding="utf-8")
    (made,) = (
        node
        for node in ast.parse(task).body
        if isinstance(node, ast.FunctionDef) and node.name == name
    )
    assert given <= {argument.arg for argument in (*made.args.args, *made.args.kwonlyargs)}


def test_what_is_installed_is_an_extra() -> None:
    """Every extra for users is in README, and what any text installs is one."""
    extras = PROJECT["optional-dependencies"].keys() - {"dev"}
    table = README.read_text(encoding="utf-8").partition("| extra | adds |")[2].partition("\n\n")[0]
    firsts = [row.split("|")[1] for row in table.splitlines() if row]
    assert {name for cell in firsts for name in re.findall("`(.*?)`", cell)} == extras
    for path in (*PACKAGE.rglob("*.py"), *DOCUMENTS, *(REPOSITORY / "docs").rglob("*.yml")):
        for found in re.findall(r"argo-audit\[([a-z,]+)\]", path.read_text(encoding="utf-8")):
            assert set(found.split(",")) <= extras, path


def test_the_python_of_the_readme_asks_for_what_there_is() -> None:
    """Gates are run by test_gate_example; of the front door, names and arguments are looked up."""
    for block in fences(README, "python"):
        tree = ast.parse(block)
        if "import argo_audit as aa" not in block:
            assert "(gate)" in block
        elif "audit" in dir(argo_audit):
            _look_up(tree)


def _look_up(tree: ast.Module) -> None:
    door = vars(argo_audit) | {name: getattr(argo_audit, name) for name in dir(argo_audit)}
    within = {"aa": door.keys(), "audit": dir(door["Audit"])}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert node.attr in within.get(node.value.id, (node.attr,))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "aa.audit":
            assert {given.arg for given in node.keywords} <= signature(
                door["audit"]
            ).parameters.keys()


@pytest.mark.parametrize("text", fences(SCALING, "toml"))
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
    for token in inside(document):
        href = str(token.attrs.get("href", token.attrs.get("src", "")))
        path, _, anchor = href.partition("#")
        if "://" in href:
            continue
        target = document.parent / path if path else document
        assert target.exists(), href
        assert not anchor or anchor in anchors(target), href


def anchors(document: Path) -> set[str]:
    """What a heading is linked by: small letters, dashes for spaces, no marks."""
    found = tokens(document)
    titles = [a.content for t, a in pairwise(found) if t.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_heavy_packages_are_imported_where_contributing_says() -> None:
    rows = re.compile(r"^\| ([a-z_, ]+) \| (.*`\w+/`.*|nowhere) \|$", re.MULTILINE)
    paper = CONTRIBUTING.read_text(encoding="utf-8")
    said = rows.findall(paper.partition("| package | imported in |")[2].partition("\n\n")[0])
    rooms = {
        name: set(re.findall(r"`(\w+)/`", where))
        for names, where in said
        for name in names.split(", ")
    }
    assert rooms.keys() >= {"torch", "transformers", "trl", "inspect_ai", "vllm"}
    found: dict[str, set[str]] = {name: set() for name in rooms}
    for path in PACKAGE.rglob("*.py"):
        for name in imported(path) & rooms.keys():
            found[name].add(path.relative_to(PACKAGE).parts[0])
    assert found == rooms


def imported(path: Path) -> set[str]:
    """The packages that a module imports, at any depth."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = [one.name for n in nodes if isinstance(n, ast.Import) for one in n.names]
    chosen = [n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)]
    return {name.partition(".")[0] for name in (*plain, *chosen)}


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


def test_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 200
