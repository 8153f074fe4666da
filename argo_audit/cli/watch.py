"""Progress: on a terminal a line per lane that is drawn anew, elsewhere lines one after the other.

    with Display(console) as display:
        audit(request, display.lane("organism-a", PHASES))

A lane is one audit; several may run at once, each in a process of its own, and send their events
through a queue. Each phase has a share of its lane, so that time left is of the whole lane. A file
or a pipe gets a line when a phase begins and ends, and in between after half a minute and a tenth
of the steps, whichever is later: a log of a night is read in the morning, and not by the megabyte.
"""

import time
from collections.abc import Callable, Mapping
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
from argo_audit.cli.terminal import SafeConsole

DEFAULT_SHARE = 10.0
SHARES: Mapping[str, float] = {
    "train": 30, "search": 35, "evaluate": 12, "probe": 12, "read": 3, "report": 4,
}  # fmt: skip
"""Seconds a phase takes on the embedded world, by its first word: only their ratios matter."""

PAUSE = 30.0
"""Seconds between two lines within a phase, at least."""
PART = 0.1
"""Share of a phase's steps between two lines within it, at least."""

Clock = Callable[[], float]


class Display:
    """Where audits show how far they are; after an error nothing that was drawn stays."""

    def __init__(self, console: Console | None = None, clock: Clock = time.monotonic):
        self.console = console or SafeConsole()
        self._clock = clock
        self._progress = _progress(self.console) if self.console.is_terminal else None

    def __enter__(self) -> Self:
        """Start drawing."""
        if self._progress:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing; what was drawn stays, unless something failed."""
        if self._progress:
            self._progress.live.transient = error is not None
            self._progress.stop()

    def lane(self, name: str, phases: tuple[str, ...]) -> Watch:
        """A line for one audit with the phases it will go through, by their first words."""
        course = _Course(phases)
        if self._progress is None:
            return _Told(self.console, name, course, self._clock)
        task = self._progress.add_task(
            "waiting", total=course.total, lane=name, step="", best="", spent=""
        )
        return _Drawn(self._progress, task, course)


class _Course:
    """How far a lane is, in the seconds that its phases are thought to take."""

    def __init__(self, phases: tuple[str, ...]):
        self.total = sum(SHARES.get(phase, DEFAULT_SHARE) for phase in phases)
        self._ahead = list(phases)
        self._before, self._phase, self._share = 0.0, "", 0.0

    def at(self, event: Event) -> float:
        """What is done by now, phases before this one included."""
        if event.phase != self._phase:
            self._enter(event.phase)
        return self._before + self.of_phase(event)

    def of_phase(self, event: Event) -> float:
        """What is done of the phase."""
        return self._share * event.done / max(event.total, 1)

    def _enter(self, phase: str) -> None:
        self._before += self._share
        kind = phase.split()[0]
        if kind in self._ahead:
            self._ahead.remove(kind)
        self._phase, self._share = phase, SHARES.get(kind, DEFAULT_SHARE)


class _Drawn:
    """A lane on a terminal."""

    def __init__(self, progress: Progress, task: TaskID, course: _Course):
        self._progress, self._task, self._course = progress, task, course

    def __call__(self, event: Event) -> None:
        """Show one event."""
        self._progress.update(
            self._task,
            description=event.phase,
            completed=self._course.at(event),
            step=f"{event.done}/{event.total}",
            best="" if event.best is None else f"best {event.best:.0%}",
            spent="" if event.dollars is None else f"${event.dollars:,.2f}",
        )


class _Told:
    """A lane in a file or a pipe."""

    def __init__(self, console: Console, name: str, course: _Course, clock: Clock):
        self._console, self._name, self._course, self._clock = console, name, course, clock
        self._began = self._last = clock()
        self._seen = self._said = Event("", 0, 0)
        self._found, self._from = 0.0, 0  # on record when this began: of all, and of the phase
        self._calls, self._dollars = 0, 0.0  # of the phases before

    def __call__(self, event: Event) -> None:
        """Print the event, if it is time to."""
        completed, now = self._course.at(event), self._clock()
        if event.phase != self._seen.phase:
            self._from = event.done
            self._found += self._course.of_phase(event)
            self._calls += self._seen.calls
            self._dollars += self._seen.dollars or 0.0
        self._seen = event
        if not self._is_time(event, now):
            return
        parts = [f"{self._name}: {event.phase}", *self._numbers(event)]
        parts += self._times(now, completed, measured=event.done > self._from)
        self._console.print(Text(", ".join(parts)), soft_wrap=True)
        self._said, self._last = event, now

    def _is_time(self, event: Event, now: float) -> bool:
        begins, ends = event.phase != self._said.phase, event.done == event.total
        if begins or (ends and self._said.done < event.total):
            return True
        far = event.done - self._said.done >= PART * event.total
        return far and now - self._last >= PAUSE

    def _numbers(self, event: Event) -> list[str]:
        """What is known of steps, agreement, calls and cost."""
        calls = self._calls + event.calls
        known = (
            (event.total > 1, f"{event.done}/{event.total}"),
            (event.best is not None, f"best {event.best or 0:.0%}"),
            (calls > 0, f"{calls:,} calls"),
            (event.dollars is not None, f"${self._dollars + (event.dollars or 0):,.2f}"),
        )
        return [words for is_known, words in known if is_known]

    def _times(self, now: float, completed: float, *, measured: bool) -> list[str]:
        """Time gone; and left, once a step of the phase was measured.

        What was on record when this began took no time.
        """
        gone, done = now - self._began, completed - self._found
        if gone < 1 or not completed:
            return []
        if not (measured and done > 0):
            return [_clocked(gone)]
        left = gone * max(0.0, self._course.total - completed) / done
        return [_clocked(gone), f"about {_clocked(left)} left"]


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.fields[lane]}", style="bold", markup=False),
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.fields[step]}"),
        TextColumn("{task.fields[best]}"),
        TextColumn("{task.fields[spent]}"),
        BarColumn(bar_width=16),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )


def _clocked(seconds: float) -> str:
    """As a clock: 0:05, 12:40, 3:05:00."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
