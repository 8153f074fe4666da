"""Progress on a terminal: one line per lane with phase, step, best agreement and time left.

    with Display() as display:
        audit(request, display.lane("organism-a", PHASES))

A lane is one audit; several may run at once, each in a process of its own, and send their events
through a queue. Each phase has a share of its lane, so that time left is of the whole lane.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from argo_audit.audits.run import Event, Watch

DEFAULT_SHARE = 10.0
SHARES: Mapping[str, float] = {
    "train": 30, "search": 35, "evaluate": 12, "probe": 12, "read": 3, "report": 4,
}  # fmt: skip
"""Seconds a phase takes on the embedded world, by its first word: only their ratios matter."""


class Display:
    """A rich progress display; on a pipe it prints one line per phase instead of redrawing."""

    def __init__(self, console: Console | None = None):
        self.console = console or Console()
        self._progress = Progress(
            TextColumn("{task.fields[lane]}", style="bold", markup=False),
            TextColumn("{task.description}", markup=False),
            TextColumn("{task.fields[step]}"),
            TextColumn("{task.fields[best]}"),
            BarColumn(bar_width=16),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
        )

    def __enter__(self) -> Self:
        """Start drawing."""
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing; what was drawn stays."""
        self._progress.stop()

    def lane(self, name: str, phases: tuple[str, ...]) -> Watch:
        """A line for one audit with the phases it will go through, by their first words."""
        total = sum(SHARES.get(phase, DEFAULT_SHARE) for phase in phases)
        task = self._progress.add_task("waiting", total=total, lane=name, step="", best="")
        return _Lane(self._progress, task, phases, interactive=self.console.is_terminal)


class _Lane:
    """Turns one audit's events into the state of its line."""

    def __init__(
        self, progress: Progress, task: TaskID, phases: tuple[str, ...], *, interactive: bool
    ):
        self._progress, self._task, self._ahead = progress, task, list(phases)
        self._interactive = interactive
        self._before, self._phase, self._share = 0.0, "", 0.0

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if event.phase != self._phase:
            self._enter(event.phase)
        self._progress.update(
            self._task,
            description=event.phase,
            completed=self._before + self._share * event.done / max(event.total, 1),
            step=f"{event.done}/{event.total}",
            best="" if event.best is None else f"best {event.best:.0%}",
        )

    def _enter(self, phase: str) -> None:
        self._before += self._share
        kind = phase.split()[0]
        if kind in self._ahead:
            self._ahead.remove(kind)
        self._phase, self._share = phase, SHARES.get(kind, DEFAULT_SHARE)
        if not self._interactive:
            lane = self._progress.tasks[self._task].fields["lane"]
            self._progress.console.print(Text(f"{lane}: {phase}"), soft_wrap=True)
