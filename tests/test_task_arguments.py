"""Arguments of `inspect eval -T` arrive as what was typed, or are refused with how to type them."""

from collections.abc import Sequence
from typing import Any

import pytest
from inspect_ai._util.config import parse_cli_args

from argo_audit.errors import ArgoError, InputError
from argo_audit.evals.task_arguments import typed
from argo_audit.evals.tasks.rubric_agreement import rubric_agreement


@typed
def task(
    name: str | None = "default",
    several: str | Sequence[str] | None = None,
    count: int = 0,
    share: float | None = None,
    flag: bool = True,
    table: dict[str, Any] | None = None,
) -> dict[str, object]:
    given = {"name": name, "several": several, "count": count}
    return given | {"share": share, "flag": flag, "table": table}


@pytest.mark.parametrize(
    ("typed_in", "argument", "arrives"),
    [
        ("name=20241105", "name", "20241105"),
        ("name=organism-a@3", "name", "organism-a@3"),
        ("name=a,b", "name", "a,b"),
        ('name="a,b"', "name", "a,b"),
        ("name='off'", "name", "off"),
        ("several=a,b", "several", ["a", "b"]),
        ("several=1", "several", "1"),
        ("several=[a, 2]", "several", ["a", "2"]),
        ("count=7", "count", 7),
        ('count="7"', "count", 7),
        ("share=0.5", "share", 0.5),
        ("share=1", "share", 1.0),
        ("flag=no", "flag", False),
        ("table={a: 1}", "table", {"a": 1}),
    ],
)
def test_what_is_typed_arrives(typed_in: str, argument: str, arrives: object) -> None:
    assert task(**parse_cli_args([typed_in]))[argument] == arrives


@pytest.mark.parametrize(
    "typed_in",
    [
        "name=off", "name=7.0", "name=1.5e+3", "name=2024-11-05", "name={a: 1}", "several=[on]",
        "count=7.5", "count=yes", "count=many", "share=no", "flag=1", 'flag="no"', "table=a",
        "table=[a]",
    ],
)  # fmt: skip
def test_what_is_lost_is_refused_with_how_to_write_it(typed_in: str) -> None:
    name = typed_in.partition("=")[0]
    with pytest.raises(InputError, match=f"-T {name}: it arrived as") as caught:
        task(**parse_cli_args([typed_in]))
    assert f"-T {name}=" in caught.value.remedy


@pytest.mark.parametrize("typed_in", ["rubric=20241105", "rubric=off", "baseline=1", "pairs=7.5"])
def test_a_task_fails_in_a_sentence(typed_in: str) -> None:
    with pytest.raises(ArgoError) as caught:
        rubric_agreement(**parse_cli_args([typed_in]))
    assert "(no rubric)" not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {"name": "https://u:SECRET@host/pairs.jsonl"},
        {"several": ["served:m@http://h/x?key=SECRET"]},
        {"table": {"url": "https://u:SECRET@host"}},
    ],
)
def test_an_address_with_a_credential_is_no_argument_for_a_log_to_keep(
    given: dict[str, Any],
) -> None:
    with pytest.raises(InputError, match=r"on record in the log\n.*\*\*\*.*ARGO_URLS") as caught:
        task(**given)
    assert "SECRET" not in str(caught.value)
    assert task(name="https://u:***@host/x")["name"] == "https://u:***@host/x"
