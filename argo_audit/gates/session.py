"""What the pytest plugin asks of this room: subjects, gates, and what became of them.

    session = Session(Asked(rm="reward_model"), Path.cwd())
    gate = session.gate(Path("gates.toml"))
    gate.bias("flattery", at_most=0.25)
    session.conclude(gate, "test_rm.py::test_ships", stopped=None).counts

One session lives in each process of pytest; subjects are shared by all of its tests, so that a
reward model is opened and asked once.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from argo_audit.errors import ArgoError, GateError, UnavailableError
from argo_audit.gates.declared import read_settings
from argo_audit.gates.defaults import GateSettings, located
from argo_audit.gates.fixture import Gate
from argo_audit.gates.gated_model import GatedModel
from argo_audit.gates.outcomes import STATES, Outcome, State, concluded, told, undecided, worst_line
from argo_audit.roles import RewardModel

Counts = Literal["pass", "fail", "skip"]


class Asked(NamedTuple):
    """What a command line, environment or ini file asks of all gates; None: gates.toml says.

    `inconclusive` and `missing` are what a gate that cannot tell counts as, and what a GPU, server,
    key or package does that is not there.
    """

    rm: str | None = None
    judge: str | None = None
    baselines: str | None = None
    update: bool = False
    inconclusive: Counts = "fail"
    missing: Counts = "fail"


class Ended(NamedTuple):
    """A test with gates that has ended: what it counts as, what is said of it, all outcomes.

    `brief` is one line of what is said.
    """

    counts: Counts
    said: str
    brief: str
    outcomes: list[Outcome]


class Session:
    """The gates of one process."""

    def __init__(self, asked: Asked, invoked: Path) -> None:
        """`invoked` is where the paths of a command line start."""
        self._asked, self._invoked = asked, invoked
        self.subject = cache(self._subject)

    def gate(self, path: Path | None) -> Gate:
        """The gates of one test, with the settings of a gates.toml; None: there is none."""
        return Gate(self.subject(path), update=self._asked.update)

    def reward_model(self, path: Path | None) -> RewardModel:
        """The reward model itself, as the fixture `rm` gives it, with gates.toml or without."""
        subject = self.subject(path)
        return subject.model(subject.data(None) if subject.settings.pairs else None)

    def conclude(self, gate: Gate, test: str, stopped: ArgoError | None) -> Ended:
        """Decide the gates of a test; `stopped` is what kept it from holding them all."""
        outcomes = concluded(gate, test)
        if stopped is not None:
            state: State = "skipped" if self.counts(stopped) == "skip" else "error"
            about = test, gate.subject.spec
            outcomes.append(undecided(test.rpartition("::")[2], about, state, str(stopped)))
        counts = self._counts[_worst(outcomes)]
        return Ended(counts, told(outcomes), worst_line(outcomes), outcomes)

    def counts(self, error: ArgoError) -> Counts:
        """What a gate counts as that could not be held: what is missing may be a skip."""
        return self._asked.missing if isinstance(error, UnavailableError) else "fail"

    @property
    def _counts(self) -> Mapping[State, Counts]:
        return {
            "pass": "pass",
            "written": "skip",
            "skipped": "skip",
            "inconclusive": self._asked.inconclusive,
            "fail": "fail",
            "error": "fail",
        }

    def _subject(self, path: Path | None) -> GatedModel:
        settings = read_settings(path) if path else GateSettings()
        folder = path.parent if path else self._invoked
        asked = self._asked
        if asked.judge:
            settings = settings.model_copy(update={"judge": asked.judge})
        if asked.baselines:
            there = str(self._invoked / asked.baselines)
            settings = settings.model_copy(update={"baselines": there})
        if asked.rm:
            return GatedModel(located(asked.rm, self._invoked), settings, folder)
        if settings.rm is None:
            raise GateError(
                "no reward model to hold to gates\n  Remedy: pytest --rm=MODEL, $ARGO_RM, argo_rm "
                "in the ini file, or rm = ... in gates.toml"
            )
        return GatedModel(located(settings.rm, folder), settings, folder)


def _worst(outcomes: Sequence[Outcome]) -> State:
    """The state of a test: that of its worst gate, "pass" for one without any."""
    return min((one.state for one in outcomes), key=STATES.index, default="pass")
