"""What was done is not lost, doubled or half-true: kills, a full disk, and what is left behind."""

import asyncio
import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from fakes import FixedJudge, ScriptedPolicy
from host import Host

from argo_audit.audits.parts import Parts
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import audit, resume
from argo_audit.errors import DiskFullError, InputError, in_plain_words
from argo_audit.files import append, check_free, remove_parts, staged, write_whole
from argo_audit.judges.unread import KeepsUnread
from argo_audit.organism.world import build, write_population
from argo_audit.records import Judgment, Message, Pair, Rubric
from argo_audit.roles import NextPrompts, PolicyReward
from argo_audit.search.search_settings import SearchConfig
from argo_audit.store import RubricStore
from argo_audit.surface.judge import SurfaceJudge

REPOSITORY = Path(__file__).parents[1]
SLOW = pytest.mark.slow
RUBRICS = ("- Rewards bullet lists.\n", "- Rewards short answers.\n- Penalizes emoji.\n")


def run(host: Host, monkeypatch: pytest.MonkeyPatch, name: str, *words: object) -> str:
    """A benchmark of this repository; what it printed last."""
    for variable, value in (("HF_HUB_OFFLINE", "1"), ("INSPECT_DISPLAY", "none")):
        monkeypatch.setenv(variable, value)
    ended = host.run(REPOSITORY / "benchmarks" / name, *words)
    assert ended.code == 0, (ended.stdout + ended.stderr)[-5000:]
    return ended.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("job", "kills"), [("winners", 11), ("gate", 6), pytest.param("publish", 11, marks=SLOW)]
)
def test_killed_at_each_kind_of_operation_it_ends_as_without(
    job: str, kills: int, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = run(host, monkeypatch, "kills.py", job, "--distinct")
    assert ended == f"bars met: {kills} of {kills}"


@pytest.mark.parametrize(
    ("inputs", "size"), [(18, ["--small"]), pytest.param(180, [], marks=SLOW, id="full")]
)
def test_damaged_files_are_answered(
    inputs: int, size: list[str], host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each reader once, and ten times."""
    ended = run(host, monkeypatch, "fuzz.py", "--inputs", inputs, *size)
    assert ended == f"bars met: {inputs} of {inputs}"


class FullDisk(ScriptedPolicy):
    """A policy whose checkpoint finds no room."""

    def train(self, next_prompts: NextPrompts, policy_reward: PolicyReward, steps: int) -> None:
        super().train(next_prompts, policy_reward, 1)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_an_audit_on_a_full_disk_says_how_to_go_on_and_does(tmp_path: Path) -> None:
    write_population(build("A", 60, seed=0), tmp_path / "world")
    request = AuditRequest(
        pairs=tmp_path / "world" / "pairs.jsonl.gz",
        labels=("planted",),
        out=tmp_path / "out",
        search=SearchConfig(steps=2, minibatch=8),
    )
    with pytest.raises(DiskFullError, match=f"argo-audit resume {tmp_path / 'out'}"):
        audit(request, parts=Parts(SurfaceJudge(), lambda *_: FullDisk([RUBRICS])))
    (tmp_path / "out" / "labels" / ".torn.part").write_text("half")
    os.utime(tmp_path / "out" / "labels" / ".torn.part", (0, 0))
    facts = resume(request.out, parts=Parts(SurfaceJudge(), lambda *_: ScriptedPolicy([RUBRICS])))
    assert facts.stored
    assert not list((tmp_path / "out").rglob("*.part"))


def test_a_full_disk_is_told_wherever_it_shows(tmp_path: Path) -> None:
    with pytest.raises(DiskFullError, match="free space"), in_plain_words():
        Path("/dev/full").write_text("x")
    with pytest.raises(DiskFullError), in_plain_words():
        raise ExceptionGroup("calls", [RuntimeError("write failed: No space left on device")])


def test_what_is_no_file_is_told_too(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe: "), in_plain_words():
        append(tmp_path / "pipe", "x")


def test_what_is_being_written_is_left_alone_and_what_died_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".dead.part").write_text("half")
    with staged(tmp_path / "new") as folder:
        (folder / "file").write_text("x")
        remove_parts(tmp_path.glob(".*"))
        assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    assert not list(tmp_path.iterdir())


def test_a_file_is_free_of_what_died_before(tmp_path: Path) -> None:
    (tmp_path / ".new-abc.part").mkdir()
    (tmp_path / ".new-abc.part" / "file").write_text("half")
    check_free(tmp_path)
    with staged(tmp_path / "new"):
        assert not (tmp_path / ".new-abc.part").exists()


def judgment(pair: Pair, rubric: Rubric) -> Judgment:
    return Judgment(
        pair_id=pair.id, rubric_id=rubric.id, p_a=None, p_a_first=None, p_a_second=None, unread=2
    )


class Unreadable(FixedJudge):
    """A judge that is never read."""

    def __init__(self) -> None:
        super().__init__(lambda rubric, pair: None)

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        return [judgment(pair, rubric) for pair in pairs]


def test_what_is_asked_again_after_a_kill_is_kept_once(tmp_path: Path) -> None:
    pairs = [
        Pair(id=i, prompt=(Message(role="user", content="?"),), response_a="a", response_b="b")
        for i in "pqr"
    ]
    path, rubric = tmp_path / "unread.jsonl", Rubric(text="- x")
    asyncio.run(KeepsUnread(Unreadable(), path).judge(rubric, pairs[:2]))
    path.write_bytes(path.read_bytes()[:-9])
    asyncio.run(KeepsUnread(Unreadable(), path).judge(rubric, pairs))
    kept = [Judgment.model_validate_json(line) for line in path.read_text().splitlines()]
    assert [one.pair_id for one in kept] == ["p", "q", "r"]


def test_replies_that_are_none_are_refused(tmp_path: Path) -> None:
    write_whole(tmp_path / "unread.jsonl", "{}\n")
    with pytest.raises(InputError, match="not unread replies"):
        KeepsUnread(Unreadable(), tmp_path / "unread.jsonl")


def test_the_store_names_what_a_kill_left(tmp_path: Path) -> None:
    pending = tmp_path / "rm" / ".pending"
    pending.mkdir(parents=True)
    (pending / "0001").write_text("half")
    (tmp_path / "rm" / ".x.part").write_text("half")
    claim, part = RubricStore(tmp_path).verify()
    assert "rm/.pending/0001 was not published to its end" in claim
    assert "rm/.x.part is being written" in part
