"""The command line as a process: how it ends, and what one that was killed leaves behind."""

import signal
from pathlib import Path

import pytest
from fakes import ScriptedPolicy
from host import Host
from typer.testing import CliRunner

from argo_audit.audits.parts import Parts
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import audit
from argo_audit.cli.commands import app
from argo_audit.errors import RunFolderError
from argo_audit.findings.inputs import load_run
from argo_audit.organism.world import build, write_population
from argo_audit.pairs.pair_file import write
from argo_audit.search.search_settings import SearchConfig
from argo_audit.surface.judge import SurfaceJudge

RUBRICS = ("- Rewards bullet lists.\n", "- Rewards short answers.\n- Penalizes emoji.\n", "")
MAIN = """
import os, signal, sys, threading, time
from argo_audit.cli import main

def ends_with(*words):
    sys.argv[1:] = words
    try:
        main()
    except SystemExit as ended:
        print(ended.code)

def interrupt_once_there_is(path):
    while not os.path.exists(path):
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)

bad, pairs, out = sys.argv[1:]
ends_with("read", bad)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
ends_with("organism", "build", "--pairs", "1000000", "--out", f"{out}/organism")
threading.Thread(target=interrupt_once_there_is, args=[f"{out}/audit/audit.json"]).start()
ends_with("audit", "--pairs", pairs, "--labels", "human", "--out", f"{out}/audit")
"""


def test_main_says_what_was_wrong_and_that_it_was_interrupted(host: Host, tmp_path: Path) -> None:
    population, pairs = build("A", 90, seed=0), tmp_path / "pairs.jsonl"
    write(pairs, population.pairs, {"human": population.raw})
    ended = host.run(MAIN, tmp_path / "a[red]\x07.md", pairs, tmp_path / "my out")
    progress = [line for line in ended.stdout.splitlines() if not line.isdigit()]
    assert ended.stdout.splitlines() == ["1", "130", *progress, "130"]
    assert progress[0] == "pairs.jsonl: read and label pairs"
    problem, remedy, interrupted, *_, begun = ended.stderr.splitlines()
    assert problem.startswith(f"error: {tmp_path}/a[red]⟨U+0007⟩.md: ")
    assert remedy.startswith("  Remedy: ")
    assert interrupted == "interrupted"
    assert begun == f"interrupted; to go on: argo-audit resume '{tmp_path / 'my out' / 'audit'}'"
    assert not (tmp_path / "my out" / "organism").exists()


KILLED = """
import os, signal, sys
from fakes import Stopped
from argo_audit.audits.parts import Parts
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import audit
from argo_audit.surface.judge import SurfaceJudge

request = AuditRequest.model_validate_json(sys.argv[1])
rubrics, kill = sys.argv[2:], lambda: os.kill(os.getpid(), signal.SIGKILL)
audit(request, parts=Parts(SurfaceJudge(), lambda *_: Stopped([rubrics], 2, kill)))
"""


def test_a_killed_run_is_legible(host: Host, tmp_path: Path) -> None:
    write_population(build("A", 150, seed=0), tmp_path / "A")
    request = AuditRequest(
        pairs=tmp_path / "A" / "pairs.jsonl.gz",
        labels=("human",),
        out=tmp_path / "out",
        search=SearchConfig(steps=3, minibatch=24, windows=3, top=2),
    )
    ended = host.run(KILLED, request.model_dump_json(), *RUBRICS)
    assert ended.code == -signal.SIGKILL, ended.stderr
    record = load_run(request.out / "runs" / "human")
    assert (record.run.outcome, record.run.ended) == ("running", None)
    assert len(record.attempts) == 2 * len(RUBRICS)

    left = {path: path.read_bytes() for path in request.out.rglob("*") if path.is_file()}
    asked = ["audit", "--pairs", str(request.pairs), "--labels", "human", "--out", str(request.out)]
    told = CliRunner().invoke(app, asked)
    assert "search.steps: 3, now 40" in str(told.exception)
    assert {path: path.read_bytes() for path in request.out.rglob("*") if path.is_file()} == left
    with pytest.raises(RunFolderError, match="argo-audit resume"):
        audit(request, parts=Parts(SurfaceJudge(), lambda *_: ScriptedPolicy([RUBRICS])))
