"""The demo at its smallest: two processes, and everything that its summary names."""

from collections.abc import Callable
from pathlib import Path

import pytest
from demonstrated import show
from host import Host

from argo_audit.audits.audit_facts import read_facts
from argo_audit.report.check import check_audit
from argo_audit.store import RubricStore

pytestmark = pytest.mark.usefixtures("train")

TESTS = Path(__file__).parent


def forked(host: Host, out: Path) -> str:
    """Two forks of a process that has imported everything."""
    ended = host.run(TESTS / "demonstrated.py", out)
    assert ended.code == 0, ended.stderr
    return ended.stdout


def started(_: Host, out: Path) -> str:
    """Two processes started as `argo-audit demo` starts them."""
    finished, shown = show(out)
    assert {name: read_facts(out / name) for name in "AB"} == finished.facts
    return shown


@pytest.mark.parametrize("start", [forked, pytest.param(started, marks=pytest.mark.slow)])
def test_two_populations_end_in_one_report(
    host: Host, tmp_path: Path, start: Callable[[Host, Path], str]
) -> None:
    out = tmp_path / "demo"
    shown = start(host, out)
    assert {read_facts(out / name).population for name in "AB"} == {"organism-a", "organism-b"}
    assert check_audit(out / "audit" / "audit.md", out / "rubric_store") == []
    assert "### Both searches beside each other" in (out / "audit" / "audit.md").read_text()
    labels = {stored.label_source for stored in RubricStore(out / "rubric_store").list()}
    assert labels == {"organism-a", "organism-b", "human"}
    for line in ("population A: train a reward model", "population B: evaluate on held-out pairs"):
        assert line in shown
