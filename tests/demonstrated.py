"""The demo at its smallest, and what it shows: two processes, and all that its summary names.

host.run(TESTS / "demonstrated.py", out)      # its workers are forks, so nothing is imported
"""

import multiprocessing
import sys
from pathlib import Path

from rich.console import Console

from argo_audit.audits.demo import Finished, demo, new_processes
from argo_audit.audits.demo_settings import DemoConfig
from argo_audit.cli.watch import Display
from argo_audit.search.search_settings import FeedbackConfig, LeadConfig, SearchConfig

SEARCH = SearchConfig(
    steps=1,
    minibatch=8,
    windows=3,
    top=3,
    warm_start=True,
    feedback=FeedbackConfig(variants=("improve",)),
    lead=LeadConfig(rounds=1, lines=8, first=16, pairs=16, least=4, race=8, heats=1, resamples=10),
)
SMALL = DemoConfig(pairs=150, search=SEARCH, probed_pairs=2)


def show(out: Path, start: str = "") -> tuple[Finished, str]:
    """Run it, its workers started as the demo does or as `start` says; returns what was shown."""
    context = multiprocessing.get_context(start) if start else new_processes()
    console = Console(record=True, width=100, force_terminal=False)
    with Display(console) as display:
        finished = demo(out, SMALL, display.lane, context)
    return finished, console.export_text()


if __name__ == "__main__":
    finished, shown = show(Path(sys.argv[1]), "fork")
    assert set(finished.facts) == {"A", "B"}
    sys.stdout.write(shown)
