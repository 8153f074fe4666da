"""An audit that is killed again and again ends as one that was left alone."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from argo_audit.audits.audit_facts import read_facts
from argo_audit.audits.request import AuditRequest
from argo_audit.evals.logs import read_evaluations
from argo_audit.findings.inputs import load_run
from argo_audit.organism.world import build, write_population
from argo_audit.policies.policy_settings import PolicySettings
from argo_audit.records import Attempt
from argo_audit.search.journal import Journal, read_journal
from argo_audit.search.search_settings import SearchConfig
from argo_audit.store import RubricStore

TESTS = Path(__file__).parent


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    world = tmp_path_factory.mktemp("organism") / "A"
    write_population(build("A", 150, seed=0), world)
    return world / "pairs.jsonl.gz"


def request(pairs: Path, out: Path) -> AuditRequest:
    return AuditRequest(
        pairs=pairs,
        labels=("planted", "human"),
        out=out,
        search=SearchConfig(steps=5, minibatch=24, windows=3, top=2),
        dev=0.1,
        held_out=0.1,
        policy_settings=PolicySettings(rubrics_per_prompt=2, max_rubric_tokens=64),
    )


def moments(seed: int) -> list[tuple[str, float]]:
    """Random moments of every phase, early phases first; see killed.py."""
    rng = Random(seed)
    phases = ["read"] * 2 + ["search on planted"] * 8 + ["search on human"] * 7 + ["evaluate"] * 4
    lives = [(phase, rng.uniform(0, 0.08)) for phase in phases]
    return [*lives, *[("read", rng.uniform(0, 0.2)) for _ in range(3)]]


def lived(alone: AuditRequest, often: AuditRequest, moments: list[tuple[str, float]]) -> int:
    """Carry out one audit in one life, the other in many; returns how many were killed."""
    audits = {"alone": alone.model_dump(mode="json"), "often": often.model_dump(mode="json")}
    told = json.dumps(audits | {"moments": moments})
    one_thread = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    ended = subprocess.run(
        [sys.executable, TESTS / "killed.py", told],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | one_thread,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return int(re.findall(r"(\d+) killed", ended.stdout)[-1])


def timeless(attempts: list[Attempt]) -> list[Attempt]:
    return [attempt.model_copy(update={"seconds": 0.0}) for attempt in attempts]


def journal(out: Path, source: str) -> Journal:
    found, torn = read_journal(out / "runs" / source)
    assert torn == 0
    return found


def stored(out: Path) -> list[dict[str, Any]]:
    return [s.model_dump(exclude={"created"}) for s in RubricStore(out / "rubric_store").list()]


def evaluated(out: Path) -> list[dict[str, Any]]:
    return [e.model_dump(exclude={"log", "created"}) for e in read_evaluations(out / "logs")]


def test_killed_at_random_moments_it_ends_as_if_it_had_not_been(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    alone, often = request(pairs, tmp_path / "alone"), request(pairs, tmp_path / "often")
    assert lived(alone, often, moments(seed=1)) >= 20
    for source in ("planted", "human"):
        left, killed = journal(alone.out, source), journal(often.out, source)
        assert timeless(killed.attempts) == timeless(left.attempts)
        assert (killed.prompts, killed.steps) == (left.prompts, left.steps)
        assert killed.measurements == left.measurements
        run = load_run(often.out / "runs" / source).run
        assert run.outcome == "completed"
        assert run.resumed
        assert run.used == load_run(alone.out / "runs" / source).run.used
    assert stored(often.out) == stored(alone.out)
    assert evaluated(often.out) == evaluated(alone.out)
    assert read_facts(often.out) == read_facts(alone.out)
