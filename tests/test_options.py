"""Options, TOML keys and help are those of a record; nothing of them stands twice."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import Field
from pydantic.fields import FieldInfo
from rich.text import Text
from typer.testing import CliRunner, Result

from argo_audit.audits.compare_settings import CompareOptions
from argo_audit.audits.demo_settings import DemoConfig
from argo_audit.audits.request import AuditRequest
from argo_audit.cli.commands import app
from argo_audit.cli.options import takes
from argo_audit.errors import InputError
from argo_audit.pairs.formats.registry import FORMATS
from argo_audit.records import Settings
from argo_audit.reward_models.training_settings import TrainingConfig
from benchmarks.option_page import PAGE, commands, drawn, told

RECORDS = (AuditRequest, CompareOptions, DemoConfig, TrainingConfig)


class Depth(Settings):
    """A nested record."""

    level: int = Field(default=3, ge=1)
    """How deep."""
    sharp: bool = True
    """Whether sharp."""
    kinds: tuple[str, ...] = ("a",)
    """Which kinds."""


class Wanted(Settings):
    """A record as commands take it."""

    name: str
    """What it is
    called."""
    share: float = Field(default=0.5, gt=0, lt=1)
    """What share."""
    ports: tuple[str, ...] = ()
    """Which ports."""
    quiet: bool = False
    """Whether quiet."""
    depth: Depth = Depth(level=5)
    """How deep."""


def command(made: list[Wanted], **options: Any) -> typer.Typer:
    """A command line that keeps the records that it was called with."""
    cli = typer.Typer()

    @takes(Wanted, tables={"deep": "depth"}, **options)
    def run(wanted: Wanted, loud: bool = False) -> None:
        """Run."""
        made.append(wanted)

    cli.command()(run)
    return cli


def given(*words: object, **options: Any) -> Wanted:
    made: list[Wanted] = []
    result = CliRunner().invoke(command(made, **options), [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return made[0]


def refused(*words: object) -> Result:
    result = CliRunner().invoke(command([]), [str(word) for word in words])
    assert result.exit_code != 0
    return result


def test_defaults_are_those_of_the_record_and_none_counts_as_set() -> None:
    wanted = given("--name", "x")
    assert wanted == Wanted(name="x")
    assert wanted.depth == Depth(level=5)
    assert wanted.model_fields_set == {"name", "depth"}
    assert wanted.depth.model_fields_set == {"level"}
    assert given("--name", "x", whole=True).model_fields_set == set(Wanted.model_fields)


def test_every_key_is_an_option() -> None:
    words = ("--name", "x", "--share", 0.25, "--ports", "a", "--ports", "b", "--quiet")
    deep = ("--deep.level", 7, "--deep.no-sharp", "--deep.kinds", "c", "--deep.kinds", "d")
    depth = Depth(level=7, sharp=False, kinds=("c", "d"))
    assert given(*words, *deep) == Wanted(
        name="x", share=0.25, ports=("a", "b"), quiet=True, depth=depth
    )


def test_the_command_line_goes_before_the_file_and_the_file_before_defaults(tmp_path: Path) -> None:
    file = tmp_path / "wanted.toml"
    file.write_text("[deep]\nlevel = 9\nsharp = false\n[other]\nlevel = 0\n")
    words = ("--name", "x", "--config", file)
    assert given(*words, others=("other",)).depth == Depth(level=9, sharp=False)
    assert given(*words, "--deep.sharp", "--deep.level", 2, others=("other",)).depth == Depth(
        level=2
    )
    error = refused(*words).exception
    assert isinstance(error, InputError)
    assert str(error).startswith(f"{file}: other: there is no such table")


def test_a_value_that_the_record_refuses_is_a_wrong_command_line() -> None:
    result = refused("--name", "x", "--share", 1.5)
    assert result.exit_code == 2
    assert "--share: must be less than 1, not 1.5" in Text.from_ansi(result.output).plain
    assert refused().exit_code == 2


def test_help_is_the_docstring_with_default_and_range() -> None:
    words = {"COLUMNS": "120"}
    shown = CliRunner().invoke(command([]), ["--help"], env=words).output
    plain = " ".join(Text.from_ansi(shown).plain.replace("│", " ").split())
    assert "What it is called. [required]" in plain
    assert "What share. [0<x<1] [default: 0.5]" in plain
    assert "How deep" not in plain
    named = CliRunner().invoke(command([], names={"deep.level": ("--level",)}), ["--help"])
    assert "[default: 5]" in Text.from_ansi(named.output).plain


# The page


def test_the_page_is_drawn_from_the_commands() -> None:
    assert PAGE.read_text(encoding="utf-8") == drawn(), "python -m benchmarks.option_page"


def fields(record: type[Settings], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in record.model_fields.items():
        nested = field.annotation
        if isinstance(nested, type) and issubclass(nested, Settings):
            yield from fields(nested, f"{prefix}{name}.")
        yield f"{prefix}{name}", field


@pytest.mark.parametrize("record", RECORDS)
def test_every_field_of_a_record_is_documented_under_itself(record: type[Settings]) -> None:
    undocumented = [name for name, field in fields(record) if not field.description]
    assert undocumented == []


@pytest.mark.parametrize(("name", "function"), [pytest.param(*c, id=c[0]) for c in commands()])
def test_everything_a_command_takes_says_what_it_is(
    name: str, function: Callable[..., Any]
) -> None:
    assert [one.name for one in told(function) if not one.help] == []
    assert f"## argo-audit {name}\n" in PAGE.read_text(encoding="utf-8")


def test_the_formats_in_the_help_are_those_that_there_are() -> None:
    said = AuditRequest.model_fields["format"].description or ""
    listed = said.partition(": ")[2].partition(".")[0].split()
    assert [name.strip(",") for name in listed] == [known.name for known in FORMATS]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["report", "x", "--out", ""], "no name of a file or folder"),
        (["report", "x", "--out", "s3://bucket/out"], "a URL, where a place on this machine"),
    ],
)
def test_a_folder_that_is_no_name_is_refused_before_anything_is_read(
    words: list[str], told: str
) -> None:
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, InputError)
    assert told in str(result.exception)


def test_a_folder_of_the_user_is_meant_after_an_equals_sign_too() -> None:
    request = AuditRequest(pairs="~/p.jsonl", labels=("human",), out=Path("o"), store="~/s")
    home = Path.home()
    assert (str(request.pairs), request.store) == (str(home / "p.jsonl"), str(home / "s"))
