"""An audit whose store and logs lie on S3, what opens them later, and what is said beforehand."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from fakes import ScriptedPolicy
from markdown_it import MarkdownIt
from object_store import OPEN, Server, forget_clients
from typer.testing import CliRunner, Result

from argo_audit.audits.audit_facts import read_facts
from argo_audit.audits.parts import Parts
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import audit
from argo_audit.cli.commands import app
from argo_audit.errors import InputError
from argo_audit.evals.logs import read_evaluations
from argo_audit.evals.subject import load_subject
from argo_audit.organism.world import build, write_population
from argo_audit.report.check import check_audit
from argo_audit.search.search_settings import SearchConfig
from argo_audit.store import HELD_OUT
from argo_audit.surface.judge import SurfaceJudge

RUBRICS = ("- Rewards bullet lists and code blocks.\n- Penalizes refusals.\n", "Be good.")
SCALING = Path(__file__).parent.parent / "docs" / "scaling.md"


def scripted() -> Parts:
    return Parts(SurfaceJudge(), lambda *_: ScriptedPolicy([RUBRICS]))


class World(NamedTuple):
    s3: Server
    bucket: str
    request: AuditRequest


@pytest.fixture
def world(s3: Server, tmp_path: Path) -> World:
    write_population(build("A", 60, seed=0), tmp_path / "A")
    bucket = s3.bucket()
    request = AuditRequest(
        pairs=tmp_path / "A" / "pairs.jsonl.gz",
        labels=("planted",),
        out=tmp_path / "out",
        store=f"{bucket}/store",
        logs=f"{bucket}/logs/first",
        search=SearchConfig(steps=1, minibatch=8, windows=3, top=1),
    )
    return World(s3, bucket, request)


def argo(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def documented_actions() -> list[str]:
    """What docs/scaling.md says a user must be allowed."""
    tokens = MarkdownIt().parse(SCALING.read_text(encoding="utf-8"))
    (policy,) = [json.loads(token.content) for token in tokens if token.info == "json"]
    return [action for statement in policy["Statement"] for action in statement["Action"]]


def test_an_audit_keeps_its_store_and_logs_on_s3(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a user who may do what the documentation asks for, and no more."""
    out = world.request.out
    with world.s3.user(*documented_actions()) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        facts = audit(world.request, parts=scripted())
        shutil.move(out, tmp_path / "moved")  # the bucket stays where it is
        refused = argo("report", tmp_path / "moved", "--out", tmp_path / "audit")
        assert f"--allow {world.request.store}" in str(refused.exception)  # it might be another's
        allowed = ("--allow", world.bucket)
        written = argo("report", tmp_path / "moved", "--out", tmp_path / "audit", *allowed)
    assert written.exit_code == 0, written.exception
    assert (facts.store_root, facts.log_root) == (world.request.store, world.request.logs)
    assert facts == read_facts(tmp_path / "moved", [world.bucket])
    assert not (tmp_path / "moved" / "logs").exists()
    assert not (tmp_path / "moved" / "rubric_store").exists()
    log, rubric = world.s3.keys(world.bucket)
    assert re.fullmatch(r"logs/first/.+rubric-agreement.+\.eval", log)
    assert re.fullmatch(r"store/planted/0001-[0-9a-f]{12}\.md", rubric)

    report = tmp_path / "audit" / "audit.md"
    assert f"{world.bucket}/{log}" in report.read_text(encoding="utf-8").replace("\\", "")
    assert check_audit(report, *(tmp_path / "audit" / "stores").iterdir()) == []
    verified = argo("verify", report, *allowed)
    assert verified.exit_code == 0, verified.output

    key = f"store/planted/{HELD_OUT}"
    world.s3.put(world.bucket, key, (tmp_path / "moved" / HELD_OUT).read_bytes())
    subject = load_subject("planted", store=facts.store_root)
    assert subject.facts.pairs_file == f"{world.bucket}/{key}"
    assert len(subject.pairs) == facts.splits["held-out"]
    by_url = load_subject(f"{world.bucket}/{rubric}", pairs=f"{world.bucket}/{key}")
    assert by_url.facts.rubric_id == subject.facts.rubric_id
    assert argo("store", "verify", facts.store_root).exit_code == 0


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        act()
    assert "\n  Remedy: " in str(caught.value)
    return str(caught.value)


def test_logs_that_could_not_be_written_are_refused_before_anything_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(**changes: object) -> str:
        request = world.request.model_copy(update={"store": None} | changes)
        return refusal(lambda: audit(request, parts=scripted()))

    assert "bucket does not exist" in asked(logs="s3://no-such-bucket/logs")
    assert "no driver: Protocol not known: nowhere" in asked(logs="nowhere://logs")
    assert "is a file" in asked(logs=str(world.request.pairs))
    world.s3.put(world.bucket, "logs/first/some.eval", b"")
    assert "holds files" in asked()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    forget_clients()
    assert "Could not connect" in asked()
    for name in OPEN:
        monkeypatch.delenv(name)
    forget_clients()
    assert "Unable to locate credentials" in asked()
    assert not world.request.out.exists()
    assert world.s3.keys(world.bucket) == ["logs/first/some.eval"]


def test_what_cannot_be_read_from_s3_is_said_without_a_traceback(
    s3: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = s3.bucket()
    s3.put(bucket, "logs/2026-01-01_rubric-agreement_x.eval", b"not a log")
    assert "not a readable log" in refusal(lambda: read_evaluations(f"{bucket}/logs"))
    assert "no such folder" in refusal(lambda: read_evaluations(f"{bucket}/absent"))
    absent = f"{bucket}/absent.jsonl"
    assert "no such file" in refusal(lambda: load_subject("", pairs=absent))
    assert "the rubric cannot be read" in refusal(
        lambda: load_subject(f"{bucket}/absent.md", pairs=absent)
    )
    for name in OPEN:
        monkeypatch.delenv(name)
    forget_clients()
    for act in (
        lambda: load_subject("", pairs=absent),
        lambda: read_evaluations(f"{bucket}/logs"),
    ):
        message = refusal(act)
        assert "Unable to locate credentials" in message
        assert "Remedy: give credentials in the environment" in message
