"""What progress says: drawn on a terminal, told in a file, and nothing of it above an error."""

import io
from contextlib import suppress
from pathlib import Path

import pytest
from rich.console import Console

from argo_audit.audits.run import Event
from argo_audit.cli.terminal import INTERRUPTED, ToldInterrupt, resumable
from argo_audit.cli.watch import PAUSE, Display
from argo_audit.errors import ArgoError

PHASES = ("read", "search", "evaluate")
SEARCH = "search on human labels"


class Time:
    """A clock that goes as it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def told(events: list[tuple[float, Event]], phases: tuple[str, ...] = PHASES) -> list[str]:
    """The lines in a file, of events by when they happen."""
    clock, file = Time(), io.StringIO()
    with Display(Console(file=file, width=60), clock) as display:
        lane = display.lane("pairs.jsonl", phases)
        for clock.now, event in events:
            lane(event)
    return file.getvalue().splitlines()


def test_a_phase_is_told_when_it_begins_and_ends() -> None:
    assert told(
        [
            (0, Event("read and label pairs", 0, 1)),
            (9, Event(SEARCH, 0, 40)),
            (60, Event(SEARCH, 40, 40, 0.8125, 5120)),
            (61, Event("evaluate on held-out pairs", 0, 2)),
            (99, Event("evaluate on held-out pairs", 2, 2)),
        ]
    ) == [
        "pairs.jsonl: read and label pairs",
        "pairs.jsonl: search on human labels, 0/40, 0:09",
        "pairs.jsonl: search on human labels, 40/40, best 81%, 5,120 calls, 1:00, about 0:19 left",
        "pairs.jsonl: evaluate on held-out pairs, 0/2, 5,120 calls, 1:01",
        "pairs.jsonl: evaluate on held-out pairs, 2/2, 5,120 calls, 1:39, about 0:00 left",
    ]


def test_time_left_counts_what_this_run_has_done() -> None:
    """Twenty of the steps were on record: they took no time, and say nothing of the others."""
    lines = told(
        [
            (100, Event(SEARCH, 20, 40)),
            (200, Event(SEARCH, 30, 40)),
            (300, Event(SEARCH, 40, 40)),
        ],
        (PHASES[1],),
    )
    assert lines == [
        "pairs.jsonl: search on human labels, 20/40, 1:40",
        "pairs.jsonl: search on human labels, 30/40, 3:20, about 3:20 left",
        "pairs.jsonl: search on human labels, 40/40, 5:00, about 0:00 left",
    ]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (1, [0, 30, 60, 90, 100]),  # half a minute is later than a tenth of the steps
        (60, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]),  # and here it is the other way round
    ],
)
def test_within_a_phase_a_line_waits_for_time_and_steps(seconds: int, expected: list[int]) -> None:
    lines = told([(step * seconds, Event(SEARCH, step, 100)) for step in range(101)])
    assert [int(line.split(", ")[1].partition("/")[0]) for line in lines] == expected
    assert PAUSE == 30


def test_calls_and_dollars_are_summed_over_searches() -> None:
    """Of what was seen last of a search, told or not."""
    lines = told(
        [
            (0, Event("search on a labels", 0, 40)),
            (2, Event("search on a labels", 39, 40, 0.5, 1000, 0.75)),
            (3, Event("search on b labels", 0, 40)),
            (9, Event("search on b labels", 40, 40, 0.5, 500, 0.5)),
        ]
    )
    assert "1,000 calls" in lines[1]
    assert "1,500 calls, $1.25, 0:09" in lines[2]


def shown(error: Exception | None, *, terminal: bool) -> str:
    """What stands after some progress and, perhaps, an error."""
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=terminal)
    with suppress(ArgoError), Display(console) as display:
        lane = display.lane("pairs.jsonl", PHASES)
        if error:
            lane(Event(SEARCH, 1, 40, 0.75))
            raise error
        lane(Event(SEARCH, 2, 40, 0.75))
    return file.getvalue()


def test_what_a_terminal_drew_stays_unless_something_failed() -> None:
    erased = "\x1b[1A\x1b[2K"
    whole, failed = (shown(error, terminal=True) for error in (None, ArgoError("no")))
    assert "best 75%" in whole
    assert erased not in whole.rpartition("best 75%")[2]
    assert erased in failed.rpartition("best 75%")[2]


def test_a_file_is_told_nothing_more_after_an_error() -> None:
    assert shown(ArgoError("no"), terminal=False).splitlines() == [
        "pairs.jsonl: search on human labels, 1/40, best 75%"
    ]


# Interrupted


def test_an_interrupted_audit_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = tmp_path / "my run"
    begun.mkdir()
    (begun / "audit.json").touch()
    with pytest.raises(ToldInterrupt) as ended, resumable(tmp_path / "not-begun", begun):
        raise KeyboardInterrupt
    assert ended.value.code == INTERRUPTED
    assert capsys.readouterr().err == (f"interrupted; to go on: argo-audit resume '{begun}'\n")
    with pytest.raises(KeyboardInterrupt), resumable(tmp_path / "not-begun"):
        raise KeyboardInterrupt
