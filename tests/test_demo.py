"""The demo at its smallest: two processes, and everything that its summary names."""

from pathlib import Path

from rich.console import Console

from argo_audit.audits.demo import demo
from argo_audit.audits.demo_settings import DemoConfig
from argo_audit.cli.watch import Display
from argo_audit.report.check import check_audit
from argo_audit.search.search_settings import SearchConfig
from argo_audit.store import RubricStore

SEARCH = SearchConfig(steps=1, minibatch=8, windows=3, top=3)
SMALL = DemoConfig(pairs=150, search=SEARCH, probed_pairs=2)


def test_two_populations_end_in_one_report(tmp_path: Path) -> None:
    console, out = Console(record=True, width=100, force_terminal=False), tmp_path / "demo"
    with Display(console) as display:
        finished = demo(out, SMALL, display.lane)
    assert set(finished.facts) == {"A", "B"}
    assert check_audit(finished.files.markdown, out / "rubric_store") == []
    labels = {stored.label_source for stored in RubricStore(out / "rubric_store").list()}
    assert labels == {"organism-a", "organism-b", "human"}
    shown = console.export_text()
    for line in ("population A: train a reward model", "population B: evaluate on held-out pairs"):
        assert line in shown
