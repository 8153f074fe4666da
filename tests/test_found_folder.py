"""A found folder, whoever made it: what it names outside, runs or reaches is asked for again."""

import json
import os
import resource
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from found_audit import small_audit
from typer.testing import CliRunner

from argo_audit.audits.found_folder import Named, check_named, enter, is_here, outside, remember
from argo_audit.cli.commands import app
from argo_audit.errors import InputError
from argo_audit.files import Folder
from argo_audit.report.check import check_audit

READING = ["report", "verify", "export", "compare", "eval", "gate"]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_audit(tmp_path_factory.mktemp("own"))


@pytest.fixture
def found(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an audit alone, on a machine that has never seen it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    shutil.copy(own.parent / "rm.jsonl", tmp_path)
    out = Path(shutil.copytree(own, tmp_path / "found", symlinks=True))
    rewrite(out / "audit.json", lambda begun: begun | {"folder": str(tmp_path)})
    rewrite(out / "audit.json", lambda begun: asked(begun, {"out": "found"}))
    return out


@pytest.fixture
def server() -> Iterator[tuple[str, socket.socket]]:
    """An address that nobody must ask."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/s", listening


def rewrite(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


def asked(begun: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    return begun | {"request": begun["request"] | dict(more)}


def words(command: str, out: Path) -> list[str]:
    """A command on a found folder; what it writes goes elsewhere."""
    to = out.parent / f"of-{command}"
    return {
        "report": ["report", str(out), "--out", str(to)],
        "verify": ["verify", str(out / "audit")],
        "export": ["export", str(out), "--out", f"{to}.json"],
        "compare": ["compare", str(out), str(out)],
        "eval": ["eval", str(out), "--out", str(to)],
        "gate": [
            "gate",
            "init",
            str(out),
            "--out",
            f"{to}.toml",
            "--rm",
            f"scores:{out.parent}/rm.jsonl",
        ],
        "resume": ["resume", str(out)],
    }[command]


def run(command: str, out: Path, *more: str) -> str:
    """What a command says, or the error that it ends in."""
    ended = CliRunner().invoke(app, [*words(command, out), *more])
    if ended.exception is None or isinstance(ended.exception, SystemExit):
        return ended.output
    if isinstance(ended.exception, InputError):
        return f"refused: {ended.exception}"
    raise ended.exception


@pytest.mark.parametrize("command", ["report", "verify", "export", "gate"])
def test_what_lies_in_the_folder_is_read_unasked(found: Path, command: str) -> None:
    assert not run(command, found).startswith("refused")


@pytest.mark.parametrize("root", ["/etc", "../elsewhere", "file:///etc", "memory://x", "SERVER"])
@pytest.mark.parametrize("field", ["store_root", "log_root"])
def test_a_store_or_logs_elsewhere_are_asked_for_again(
    found: Path, server: tuple[str, socket.socket], root: str, field: str
) -> None:
    url, listening = server
    place = root.replace("SERVER", url)
    rewrite(found / "facts.json", lambda facts: facts | {field: place})
    for command in READING:
        said = run(command, found)
        assert "facts.json: it names what lies outside" in said, command
        assert f"--allow {os.path.realpath(found / place) if '://' not in place else place}" in said
    with pytest.raises(BlockingIOError):
        listening.accept()


def test_what_is_allowed_is_read(found: Path) -> None:
    shutil.move(found / "rubric_store", found.parent / "elsewhere")
    rewrite(found / "facts.json", lambda facts: facts | {"store_root": "../elsewhere"})
    assert run("report", found).startswith("refused")
    assert "audit.md" in run("report", found, "--allow", "elsewhere")
    assert "audit.md" in run("report", found, "--allow", ".")  # what lies below is allowed too


def test_ones_own_audits_name_what_they_like(tmp_path: Path) -> None:
    folder, store = tmp_path / "mine", Named("/data/store", "its rubrics")
    remember(folder, [store])
    check_named(folder, "facts.json", [store], ())
    with pytest.raises(InputError, match="--allow /etc"):
        check_named(folder, "facts.json", [Named("/etc", "its rubrics")], ())
    with pytest.raises(InputError, match="--allow /data/store"):
        check_named(tmp_path / "sent", "facts.json", [store], ())


def test_without_a_place_to_remember_all_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "taken"))
    named = [Named("/data/store", "its rubrics")]
    remember(tmp_path, named)
    with pytest.raises(InputError):
        check_named(tmp_path, "facts.json", named, ())


@pytest.mark.parametrize(
    ("request_", "allow"),
    [
        ({"labels": ["rm:found/model"]}, ["rm:found/model"]),
        ({"labels": ["rm:org/model"]}, ["rm:org/model"]),
        ({"labels": ["served:m@http://evil:1"]}, ["served:m@http://evil:1"]),
        ({"labels": ["dpo:a|b"]}, ["dpo:a|b"]),
        ({"reward_model": {"trust_remote_code": True}}, ["trust_remote_code"]),
        ({"reward_model": {"tokenizer": "org/t"}}, ["org/t"]),
        ({"reward_model": {"api_key": "AWS_SECRET_ACCESS_KEY"}}, ["AWS_SECRET_ACCESS_KEY"]),
        ({"judge": "openai/gpt-5"}, ["openai/gpt-5"]),
        ({"judge_urls": ["http://evil:1"]}, ["http://evil:1"]),
        ({"policy": "sample:mockllm/model"}, ["sample:mockllm/model"]),
        ({"policy": "found/model"}, ["found/model"]),
        ({"rewriter": "openai/gpt-5"}, ["openai/gpt-5"]),
        ({"store": "s3://evil/store"}, ["s3://evil/store"]),
        ({"logs": "/var/log"}, ["/var/log"]),
        ({"pairs": "/etc/passwd"}, ["/etc/passwd"]),
        ({"pairs": "hf:evil/pairs"}, ["hf:evil/pairs"]),
        ({"pairs": "http://evil:1/p.jsonl"}, ["http://evil:1/p.jsonl"]),
        ({"prices": "/etc/hosts"}, ["/etc/hosts"]),
        ({"intent": "/etc/hosts"}, ["/etc/hosts"]),
        ({"answer_key": "/etc"}, ["/etc"]),
        (
            {"policy_settings": {"use_vllm": "server", "vllm_server_base_url": "http://evil:1"}},
            ["http://evil:1"],
        ),
    ],
    ids=lambda given: next(iter(given), "") if isinstance(given, dict) else "",
)
def test_an_audit_that_goes_on_asks_for_all_that_acts(
    found: Path, request_: dict[str, Any], allow: list[str]
) -> None:
    inside = {"pairs": "found/held-out.jsonl.gz", "labels": ["human"]}
    rewrite(found / "audit.json", lambda begun: asked(begun, inside | request_))
    rewrite(found / "runs" / "rm" / "run.json", lambda begun: begun | {"outcome": "killed"})
    said = run("resume", found)
    assert said.startswith("refused: ")
    assert f"--allow {allow[0]}" in said.replace("'", "")
    before = said.count("--allow")
    assert before == len(allow)


def test_what_is_done_is_resumed_unasked_though_another_user_began_it(found: Path) -> None:
    """Nothing that it names is needed; while a search is to be ended, all of it is."""
    rewrite(found / "audit.json", lambda begun: asked(begun, {"prices": "/etc/hosts"}))
    done = CliRunner().invoke(app, ["resume", str(found)])
    assert done.exit_code == 0, done.output + str(done.exception)
    rewrite(found / "runs" / "rm" / "run.json", lambda begun: begun | {"outcome": "killed"})
    with pytest.raises(InputError, match="--allow"):
        CliRunner().invoke(app, ["resume", str(found)], catch_exceptions=False)


@pytest.mark.parametrize(
    ("command", "folder", "option"), [("eval", "evals", "--out"), ("compare", "crossed", "--logs")]
)
def test_a_folder_that_cannot_be_written_to_is_named_with_the_option_for_another(
    found: Path, command: str, folder: str, option: str
) -> None:
    (found / folder).write_text("no folder")
    audits = [str(found)] * (2 if command == "compare" else 1)
    ended = CliRunner().invoke(app, [command, *audits, "--allow", str(found.parent / "rm.jsonl")])
    assert f"with {option} FOLDER" in str(ended.exception), ended.output


def test_evaluating_asks_for_what_it_uses(found: Path) -> None:
    more = {"labels": ["rm:org/model"], "judge": "openai/gpt-5", "pairs": "/etc/passwd"}
    rewrite(found / "audit.json", lambda begun: asked(begun, more))
    for command in ("eval", "compare"):
        said = run(command, found)
        assert "--allow rm:org/model --allow openai/gpt-5" in said
        assert "/etc/passwd" not in said
        assert "gpt-5" not in run(command, found, "--judge", "argo/surface")


def test_a_first_gates_file_names_no_strangers_model(found: Path) -> None:
    rewrite(found / "audit.json", lambda begun: asked(begun, {"labels": ["rm:org/model"]}))
    ended = CliRunner().invoke(app, words("gate", found)[:-2])
    assert "--allow rm:org/model" in str(ended.exception)


@pytest.mark.parametrize("folder", ["/proc/self/cwd", "/dev/fd/../cwd", "."])
def test_a_folder_is_where_it_is_and_not_what_looks_at_it(
    found: Path, folder: str, tmp_path: Path
) -> None:
    assert is_here(tmp_path)
    assert not is_here(Path(folder))


def test_a_report_reads_only_what_lies_with_it(
    found: Path, server: tuple[str, socket.socket]
) -> None:
    url, listening = server
    report = found / "audit" / "audit.md"
    whole = report.read_text()
    for made_from in ("audits: [/etc]", "audits: [../..]", f"audits: [..]\n  evals: ['{url}']",
                      "audits: [..]\n  intent: /etc/hosts"):  # fmt: skip
        head, _, body = whole.partition("made_from:")
        rest = body[body.index("\nruns:") :]
        report.write_text(f"{head}made_from:\n  {made_from}{rest}")
        said = run("verify", found)
        assert said.startswith(f"refused: {report}: it names what lies outside"), made_from
    with pytest.raises(BlockingIOError):
        listening.accept()


@pytest.mark.parametrize(
    "href", ["/etc/passwd#x", "%00", "a" * 5000, "../../../etc/passwd", "%ff", "/proc/self/mem"]
)
def test_a_link_of_a_strangers_report_is_not_followed(tmp_path: Path, href: str) -> None:
    page = tmp_path / "audit.md"
    page.write_text(f"---\ntitle: x\n---\n\n“q” ([line 1]({href}))\n")
    (said,) = check_audit(page, within=(tmp_path,))
    assert said.startswith("no file for the link")


@pytest.mark.parametrize(
    "place", ["facts.json", "runs/x", "logs/x.eval", "rubric_store/x", "audit/audit.md", "x.part"]
)
@pytest.mark.parametrize("command", [*READING, "resume"])
def test_no_link_leads_out_of_a_found_folder(found: Path, place: str, command: str) -> None:
    victim = found.parent / "victim"
    victim.write_text("precious")
    (found / place).unlink(missing_ok=True)
    (found / place).symlink_to(victim)
    said = run(command, found)
    assert f"{found / place}: a link out of " in said
    assert f"--allow {victim}" in said
    assert victim.read_text() == "precious"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("runs/rm/attempts.jsonl", "a line that is longer than 64 MiB"),
        ("runs/rm/steps.jsonl", "a line that is longer than 64 MiB"),
        ("rubric_store/rm/0001-a4c0cca8b344.md", "larger than 64 MiB"),
        ("facts.json", "larger than 64 MiB"),
        ("audit.json", "holes"),
    ],
)
def test_a_file_that_takes_no_room_is_not_read_into_memory(
    found: Path, place: str, said: str
) -> None:
    """Zeros that are not on disk: gigabytes of them travel in a kilobyte of tar."""
    (file,) = found.glob(str(Path(place).parent / f"{Path(place).name[:4]}*{Path(place).suffix}"))
    os.truncate(file, 64 << 30)
    begun = peak()
    assert said in run("report", found)
    assert peak() - begun < 400 << 10


def peak() -> int:
    """The most memory that this process has had, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_folders_in_folders_without_an_end_are_refused(found: Path) -> None:
    (found / "/".join("a" * 40)).mkdir(parents=True)
    assert "more than 32 deep" in run("report", found)


def test_a_link_that_stays_inside_is_followed(found: Path) -> None:
    (found / "logs").rename(found / "kept")
    (found / "logs").symlink_to("kept")
    enter(found)
    (found / "pipe").touch()
    (found / "pipe").unlink()
    os.mkfifo(found / "pipe")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        enter(found)


def test_a_store_reads_no_file_that_lies_elsewhere(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    (tmp_path / "secret").write_text("precious")
    (store / "a").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="a link out of the folder"):
        Folder(store).read("a")
    os.mkfifo(store / "pipe")
    with pytest.raises(OSError, match="is no file"):
        Folder(store).read("pipe")


def test_places_are_compared_by_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "up").symlink_to("..")
    places = [("in", "a"), ("../out/in", "b"), ("up/x", "c"), ("../x", "d"), (None, "e")]
    assert [n.is_what for n in outside(tmp_path / "out", places)] == ["c", "d"]
