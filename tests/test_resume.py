"""An audit that is killed again and again ends as one that was left alone."""

import json
import re
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from host import Host

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

pytestmark = pytest.mark.usefixtures("train")

TESTS = Path(__file__).parent


class Size(NamedTuple):
    """How many lives end in which phase, steps of a search, and how many lives are killed at least.

    A life ends "again" as it reads what it finds at the end.
    """

    lives: dict[str, int]
    steps: int
    killed: int


OFTEN = {"read": 2, "search on planted": 8, "search on human": 7, "evaluate": 4, "again": 3}
SELDOM = {"read": 1, "search on planted": 1, "search on human": 1, "evaluate": 1, "again": 1}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    world = tmp_path_factory.mktemp("organism") / "A"
    write_population(build("A", 150, seed=0), world)
    return world / "pairs.jsonl.gz"


def request(pairs: Path, out: Path, steps: int) -> AuditRequest:
    return AuditRequest(
        pairs=pairs,
        labels=("planted", "human"),
        out=out,
        search=SearchConfig(steps=steps, minibatch=24, windows=3, top=2),
        dev=0.1,
        held_out=0.1,
        policy_settings=PolicySettings(rubrics_per_prompt=2, max_rubric_tokens=64),
    )


def moments(lives: dict[str, int], seed: int) -> list[tuple[str, float]]:
    """Random moments of every phase, early phases first; see killed.py."""
    rng, found = Random(seed), list[tuple[str, float]]()
    for phase, count in lives.items():
        most = 0.2 if phase == "again" else 0.08
        found += [(phase.replace("again", "read"), rng.uniform(0, most)) for _ in range(count)]
    return found


def lived(
    host: Host, alone: AuditRequest, often: AuditRequest, moments: list[tuple[str, float]]
) -> int:
    """Carry out one audit in one life, the other in many; returns how many were killed."""
    audits = {"alone": alone.model_dump(mode="json"), "often": often.model_dump(mode="json")}
    told = json.dumps(audits | {"moments": moments})
    ended = host.run(TESTS / "killed.py", told)
    assert ended.code == 0, ended.stderr[-3000:]
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
    """By their rubrics: logs of one second are read in any order."""
    found = sorted(read_evaluations(out / "logs"), key=lambda one: one.rubric_ref)
    return [one.model_dump(exclude={"log", "created"}) for one in found]


@pytest.mark.parametrize(
    "size",
    [Size(SELDOM, 2, 3), pytest.param(Size(OFTEN, 5, 20), marks=pytest.mark.slow)],
    ids=["seldom", "often"],
)
def test_killed_at_random_moments_it_ends_as_if_it_had_not_been(
    host: Host, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: Size
) -> None:
    monkeypatch.chdir(tmp_path)
    alone, often = (request(pairs, tmp_path / name, size.steps) for name in ("alone", "often"))
    assert lived(host, alone, often, moments(size.lives, seed=1)) >= size.killed
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
