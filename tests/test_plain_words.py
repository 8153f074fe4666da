"""Whatever is wrong with what a user gives: file, place and remedy are named, in words of ours."""

import errno
import json
import os
from pathlib import Path

import pytest
from rich.text import Text
from typer.testing import CliRunner

from argo_audit.cli.commands import app
from argo_audit.errors import ArgoError, InputError, in_plain_words
from argo_audit.evals.assembly import judge_settings
from argo_audit.evals.labelled_pairs import rm_use
from argo_audit.probes.edits.counterfactuals import chosen

NOT_OURS = ("[Errno", "Input should", "validation error", "Traceback", "Extra inputs", "pydantic")
AUDIT = "audit --labels human --out {out} --pairs {good}"


def pair(number: int = 0, **changes: object) -> dict[str, object]:
    prompt = [{"role": "user", "content": f"Question {number}"}]
    fields = {"id": f"p{number}", "prompt": prompt, "response_a": "Yes.", "response_b": "No."}
    return fields | {"labels": {"human": {"p_a": 1.0}}} | changes


def told(*words: str) -> str:
    """What the command line says of a command that cannot run."""
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code in (1, 2), result.output
    assert isinstance(result.exception, ArgoError | SystemExit), result.exception
    is_ours = isinstance(result.exception, ArgoError)
    said = str(result.exception) if is_ours else Text.from_ansi(result.output).plain
    assert not [words_of_others for words_of_others in NOT_OURS if words_of_others in said]
    return said


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files and folders by what is wrong with them, and one that is right."""
    root = tmp_path_factory.mktemp("places")
    lines: dict[str, list[dict[str, object]]] = {
        "good": [pair(number) for number in range(90)],
        "wrong_type": [pair(id=7)],
        "missing": [{name: value for name, value in pair().items() if name != "prompt"}],
        "out_of_range": [pair(labels={"human": {"p_a": 1.5}})],
        "extra": [pair(respons_a="x")],
    }
    found = {name: root / f"{name}.jsonl" for name in lines}
    for name, pairs in lines.items():
        found[name].write_text("".join(json.dumps(one) + "\n" for one in pairs))
    names = ("a_folder", "absent", "not_text", "toml", "out", "cut_off")
    found |= {name: root / name for name in names}
    found["a_folder"].mkdir()
    found["not_text"].write_bytes(b"\xff\xfe\x00")
    found["cut_off"].write_text('{"id": ')
    found["below_a_file"] = found["good"] / "below"
    found["too_long"] = root / ("x" * 300)
    found["nul"] = root / "a\0b"
    return found


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("{wrong_type}", "line 1: 'id': must be text"),
        ("{missing} --format native", "line 1: 'prompt': is missing"),
        ("{out_of_range}", "line 1: 'labels.human.p_a': must be at most 1"),
        ("{extra}", "line 1: 'respons_a': there is no such key; did you mean 'response_a'?"),
        ("{good} --format ntive", "there is no format 'ntive'; did you mean 'native'?"),
        ("{cut_off}", "line 1: not valid JSON"),
        ("{not_text}", "line 1: not UTF-8 text"),
        ("{a_folder}", "it is a folder, and a file is needed"),
        ("{absent}", "there is no such file"),
        ("{below_a_file}", "a part of its path is a file"),
        ("{too_long}", "file name too long"),
        ("{nul}", "NUL"),
    ],
)
def test_wrong_pairs_are_named_with_what_is_wrong_and_how_to_mend_it(
    command: str, expected: str, places: dict[str, Path]
) -> None:
    named, *more = [word.format(**places) for word in command.split()]
    said = told("audit", "--labels", "human", "--out", str(places["out"]), "--pairs", named, *more)
    assert expected in said
    assert named in said or "NUL" in said
    assert "\n  Remedy: " in said
    assert not places["out"].exists()


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (f"{AUDIT} --config {{absent}}", "absent: there is no such file"),
        (f"{AUDIT} --config {{a_folder}}", "it is a folder, and a file is needed"),
        (f"{AUDIT} --config {{not_text}}", "not UTF-8 text"),
        (f"{AUDIT} --config {{good}}", "(at line 1, column"),
        (f"{AUDIT} --config {{nul}}", "null byte"),
        (f"{AUDIT} --intent {{absent}}", "absent: not an intent (there is no such file"),
        (f"{AUDIT} --intent {{a_folder}}", "it is a folder"),
        (f"{AUDIT} --prices {{absent}}", "absent: not a file of prices (there is no such file"),
        (f"{AUDIT} --prices {{not_text}}", "not UTF-8"),
        (f"{AUDIT} --prices {{good}}", "not a file of prices"),
        (f"{AUDIT} --answer-key {{a_folder}}", "there is no such file"),
        (f"{AUDIT} --policy {{too_long}}", "file name too long"),
        (f"{AUDIT} --store {{below_a_file}}", "is a file"),
        (f"{AUDIT} --logs {{below_a_file}}", "is a file"),
        (f"{AUDIT} --labels hman", "no labels from the source 'hman'; did you mean 'human'?"),
        (
            f"{AUDIT} --labels sevred:x",
            "sevred:x: there is no kind 'sevred'; did you mean 'served'?",
        ),
        ("check-rm srved:x@y", "srved:x@y: there is no kind 'srved'; did you mean 'served'?"),
        (f"{AUDIT} --labels scores:{{absent}}", "there is no such file"),
        (f"{AUDIT} --labels scores:{{good}}", "good.jsonl, line 1: "),
        ("audit --labels human --pairs {good} --out {good}", "is a file"),
        ("audit --labels human --pairs {good} --out {too_long}", "file name too long"),
        ("audit --labels human --pairs {good} --out {nul}", "NUL"),
        ("resume {absent}", "there is no such file"),
        ("resume {good}", "a part of its path is a file"),
        ("report {absent} --out {out}", "facts.json: not a finished audit (there is no such file"),
        ("verify {absent}", "there is no such file"),
        ("verify {a_folder}", "audit.md: no report to verify (there is no such file"),
        ("verify {not_text}", "not UTF-8 text"),
        ("eval {absent}", "there is no such file"),
        ("export {a_folder} --out {out}", "there is no such file"),
        ("read {absent}.md", "there is no such file"),
        ("read {absent} --store {a_folder}", "it holds nothing"),
        ("store show x --store {good}", "a part of its path is a file"),
        ("store list {nul}", "NUL"),
        ("train-rm --out {out} --pairs {wrong_type}", "line 1: 'id': must be text"),
        ("gate init {absent} --out {out}", "there is no such file"),
        ("gate init {absent} --out {good}", "there is one already"),
        ("organism build --out {good}", "is a file"),
        ("demo --out {too_long}", "file name too long"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(
    command: str, expected: str, places: dict[str, Path]
) -> None:
    said = told(*(word.format(**places) for word in command.split(" ")))
    assert expected in " ".join(said.replace("│", " ").split())
    assert not places["out"].exists()


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("[search]\nsteps = 'x'", "search.steps: must be a whole number, not 'x'"),
        ("[search]\nsteps = 0", "search.steps: must be at least 1, not 0"),
        ("[search]\nfit_temprature = true", "did you mean 'fit_temperature'?"),
        ("[search.feedback]\nelit = 3", "search.feedback.elit: there is no such key"),
        ("[search.feedback]\nvariants = ['explor']", "did you mean 'explore'?"),
        ("[serch]\nsteps = 3", "serch: there is no such table; did you mean 'search'?"),
        ("[judge]\nestimator = 'vote'", "judge.estimator: must be one of"),
        ("[judge]\ncache = 'perhaps'", "judge.cache: must be true or false, not 'perhaps'"),
        ("[policy]\nclip = nan", "policy.clip: must be a finite number"),
        ("search = 3", "search: must be an object with named fields, not 3"),
        ("[search", "(at line 1"),
    ],
)
def test_a_wrong_key_is_named_with_the_one_that_was_meant(
    config: str, expected: str, places: dict[str, Path]
) -> None:
    places["toml"].write_text(f"{config}\n")
    said = told(*AUDIT.format(**places).split(), "--config", str(places["toml"]))
    assert said.startswith(f"{places['toml']}: ")
    assert expected in said
    assert ("did you mean" in said) != ("\n  Remedy: known are [search] steps, " in said)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("aduit", "Did you mean 'audit'"),
        (f"{AUDIT} --stepz 3", "--steps"),
        (f"{AUDIT} --serch.minibatch 3", "--search.minibatch"),
        (f"{AUDIT} --steps 0", "'--steps' / '--search.steps': must be at least 1, not '0'"),
        (f"{AUDIT} --steps three", "must be a whole number, not 'three'"),
        (f"{AUDIT} --policy.use-vllm onn", "'onn' is not one of 'off', 'colocate', 'server'"),
        (f"{AUDIT} --search.clip 0.7", "--search.clip: must be less than 0.5, not 0.7"),
        (f"{AUDIT} --rm-temperature 0", "--rm-temperature: must be more than 0, not '0'"),
        (f"{AUDIT} --search.feedback.variants improv", "did you mean 'improve'?"),
        ("train-rm --pairs {good} --out {out} --lora-rank 4", "needs a base"),
        ("train-rm --pairs {good} --out {out} --epochs=-1", "--epochs: must be more than 0"),
        ("demo --pairs 3", "'--pairs': must be at least 150, not '3'"),
        ("audit", "Missing option"),
    ],
)
def test_a_wrong_command_line_names_the_option(
    command: str, expected: str, places: dict[str, Path]
) -> None:
    result = CliRunner().invoke(app, command.format(**places).split(), env={"COLUMNS": "200"})
    assert result.exit_code == 2
    said = " ".join(Text.from_ansi(result.output).plain.replace("│", " ").split())
    assert expected in said
    assert not [words for words in NOT_OURS if words in said]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    locked = tmp_path / "locked.toml"
    locked.touch(mode=0o000)
    said = told("audit", "--labels", "human", "--pairs", "x", "--out", "y", "--config", str(locked))
    assert "this user may not open it" in said


def test_what_the_system_says_of_permission_has_our_words() -> None:
    error = PermissionError(errno.EACCES, "Permission denied", "/locked")
    with pytest.raises(InputError, match=r"^/locked: this user may not open it\n  Remedy: "):
        raise_in_plain_words(error)


def raise_in_plain_words(error: Exception) -> None:
    with in_plain_words():
        raise error


def test_an_error_that_no_user_can_mend_stays_as_it_is() -> None:
    for error in (OSError("no file is named"), ValueError("other")):
        with pytest.raises(type(error), match=str(error)):
            raise_in_plain_words(error)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"temprature": 2}, "temprature: there is no such key; did you mean 'temperature'?"),
        ({"settings": {"batchsize": 2}}, "settings.batchsize: there is no such key; did you mean"),
        ({"temperature": "hot"}, "temperature: must be a number, not 'hot'"),
    ],
)
def test_task_arguments_are_answered_like_options(given: dict[str, object], expected: str) -> None:
    with pytest.raises(InputError) as refused:
        rm_use(given)
    assert str(refused.value).startswith(f"-T rm_settings: {expected}")


def test_settings_of_a_judge_as_a_task_argument() -> None:
    with pytest.raises(InputError, match=r"-T judge: vots: there is no such key; did you mean"):
        judge_settings({"vots": 3})


def test_an_attribute_is_known_by_nearly_its_name() -> None:
    with pytest.raises(InputError, match=r"no such attribute: flatery; did you mean 'flattery'\?"):
        chosen(["flatery"])
