"""What became of the gates of one test, in words for a terminal, JUnit and the page of a CI job.

    several = concluded(gate, test="gates.toml::bias[flattery]")
    lines(several[0])                     # effect, interval, worst examples, how to repeat it

An outcome is a record, so that it travels from a worker process to the one that sums up.
"""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, get_args

from argo_audit.gates.decisions import FAILS_BELOW, LEAST_PROMPTS, Bounds, Decision, decide
from argo_audit.gates.fixture import Gate, Written
from argo_audit.gates.gate_claims import Found
from argo_audit.records import Record
from argo_audit.report.markdown import escape, percent, signed, table, visible

State = Literal["fail", "error", "inconclusive", "skipped", "written", "pass"]
STATES: tuple[State, ...] = get_args(State)
"""The worst first. A test counts as the worst of its gates: one that recorded has not passed."""

_MARKS = {"pass": "✅", "fail": "❌", "inconclusive": "❓", "error": "❌"}
_HEADER = ("", "gate", "found", "95% interval", "claimed", "pairs", "p")


class Outcome(Record):
    """One gate of one test; `notes` say why, where there is no decision.

    `test` is where it is.
    """

    gate: str
    test: str
    rm: str
    state: State
    what: str = ""
    unit: str = ""
    bounds: Bounds | None = None
    decision: Decision | None = None
    examples: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def p_value(self) -> str:
        """The p-value as it is printed everywhere; "" where nothing was decided."""
        if self.decision is None:
            return ""
        return f"{self.decision.p_value:.2g}"

    @property
    def command(self) -> str:
        """Repeats this gate; with a space for the `=`, pytest would take a path for a test's."""
        return f"pytest {shlex.quote(self.test)} --rm={shlex.quote(self.rm)}"


def concluded(gate: Gate, test: str) -> list[Outcome]:
    """Every gate of a test decided."""
    about = test, gate.subject.spec
    return [
        _decided(one, about) if isinstance(one, Found) else _written(one, about)
        for one in gate.found
    ]


def undecided(gate: str, about: tuple[str, str], state: State, why: str) -> Outcome:
    """A gate that was not held, and why; `about` is its test and the reward model."""
    return Outcome(gate=gate, test=about[0], rm=about[1], state=state, notes=(why,))


def lines(outcome: Outcome) -> str:
    """What a person needs to act on it, a few lines of plain text in which nothing is unseen."""
    return "\n".join(map(_one_line, _lines(outcome)))


def told(outcomes: Sequence[Outcome]) -> str:
    """What a person needs to act on a test: what did not pass, the worst first, then what did."""
    passed = [one.gate for one in outcomes if one.state == "pass"]
    said = [lines(one) for one in _worst(outcomes)]
    return "\n".join([*said, *([_one_line(f"PASS  {'; '.join(passed)}")] if passed else [])])


def worst_line(outcomes: Sequence[Outcome]) -> str:
    """The worst that did not pass in one line, and how many more did not."""
    worst = _worst(outcomes)
    more = f"; and {len(worst) - 1} more" if len(worst) > 1 else ""
    return " ".join(headline(worst[0]).split()) + more if worst else ""


def headline(outcome: Outcome) -> str:
    """One line."""
    said = _measured(outcome) if outcome.decision else " ".join(outcome.notes[:1]).split("\n")[0]
    return _one_line(f"{outcome.state.upper():12} {outcome.gate}: {said}")


def summary(outcomes: Sequence[Outcome]) -> list[str]:
    """A line for each gate of a session, and what there is to know of those that passed."""
    return [line for one in outcomes for line in (headline(one), *map(_one_line, _notes(one)))]


def properties(outcome: Outcome) -> list[tuple[str, str]]:
    """Name and value, for JUnit; names begin with the gate's."""
    found = {"verdict": outcome.state, "rm": outcome.rm, "claimed": claimed(outcome)}
    if outcome.decision is not None:
        of = outcome.decision
        found |= {
            "effect": _plain(of.mean),
            "low": _plain(of.interval.low if of.interval else None),
            "high": _plain(of.interval.high if of.interval else None),
            "n": str(of.n),
            "pairs": str(of.pairs),
            "p_value": outcome.p_value,
            "pairs_needed": str(of.pairs_needed or ""),
            "fails_below": _plain(FAILS_BELOW),
        }
    return [(f"{outcome.gate}: {name}", value) for name, value in found.items() if value]


def markdown(outcomes: Sequence[Outcome]) -> str:
    """All gates of a session as a table, and what did not pass in detail."""
    rows = [_row(one) for one in outcomes]
    counts = {state: sum(one.state == state for one in outcomes) for state in _counted(outcomes)}
    told = ", ".join(f"{count} {state}" for state, count in counts.items())
    blocks = [f"## Reward model gates: {told or 'none'}", *([table(_HEADER, rows)] if rows else [])]
    blocks += [_detail(one) for one in outcomes if one.state != "pass"]
    noted = [one for one in outcomes if one.state == "pass" and one.notes]
    said = [f"{one.gate}: {'; '.join(one.notes)}" for one in noted]
    blocks += ["\n".join(f"- {escape(text)}" for text in said)] if said else []
    return "\n\n".join(blocks) + "\n"


def claimed(outcome: Outcome) -> str:
    """The bounds in words."""
    if outcome.bounds is None:
        return ""
    sides = (("at least", outcome.bounds.at_least), ("at most", outcome.bounds.at_most))
    return ", ".join(
        f"{side} {_number(value, outcome)}" for side, value in sides if value is not None
    )


def _decided(one: Found, about: tuple[str, str]) -> Outcome:
    decision = decide(one.evidence, one.bounds)
    return Outcome(
        gate=one.gate,
        test=about[0],
        rm=about[1],
        state=decision.verdict,
        what=one.what,
        unit=one.unit,
        bounds=one.bounds,
        decision=decision,
        examples=() if decision.verdict == "pass" else one.examples,
        notes=one.notes,
    )


def _written(one: Written, about: tuple[str, str]) -> Outcome:
    return undecided(one.gate, about, "written", one.said)


def _worst(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """What did not pass, the worst first."""
    told = [one for one in outcomes if one.state != "pass"]
    return sorted(told, key=lambda one: STATES.index(one.state))


def _lines(outcome: Outcome) -> Iterator[str]:
    yield f"{outcome.state.upper()}  {outcome.gate}"
    if outcome.decision is not None:
        yield f"  {outcome.what}: {_measured(outcome)}"
        yield f"  {_size(outcome.decision, outcome.p_value)}"
    yield from (f"  e.g. {example}" for example in outcome.examples)
    yield from (f"  note: {note}" for note in _folded(outcome.notes))
    yield f"  again: {outcome.command}"


def _notes(outcome: Outcome) -> Iterator[str]:
    """What a gate that was decided leaves out; of one that was not, the headline says why."""
    if outcome.decision is not None:
        yield from (f"             note: {note}" for note in _folded(outcome.notes))


def _folded(notes: Iterable[str]) -> Iterator[str]:
    return (" ".join(note.split()) for note in notes)


def _measured(outcome: Outcome) -> str:
    of = outcome.decision
    if of is None or of.mean is None or of.interval is None:
        return f"not measured; {claimed(outcome)} claimed"
    low, high = _number(of.interval.low, outcome), _number(of.interval.high, outcome)
    return f"{_number(of.mean, outcome)}{outcome.unit} [{low}, {high}], {claimed(outcome)} claimed"


def _size(of: Decision, p_value: str) -> str:
    """What the decision rests on."""
    said = f"{of.n} values of {of.pairs} pairs, {of.prompts} prompts"
    if of.verdict == "fail":
        return f"{said}; p = {p_value}: below {FAILS_BELOW:g} fails"
    if of.verdict == "pass":
        return said
    if of.prompts < LEAST_PROMPTS:
        return f"{said}; fewer than {LEAST_PROMPTS} prompts decide nothing"
    more = f"about {of.pairs_needed:,} pairs" if of.pairs_needed else "no number of pairs"
    return f"{said}; {more} would decide it, if the truth is what was found"


def _one_line(text: str) -> str:
    """A line in which nothing is unseen, whatever the names and quotes in it hold."""
    return " ".join(visible(text).splitlines())


def _number(value: float, outcome: Outcome) -> str:
    """Spreads with their sign, shares as percentages."""
    return signed(value) if outcome.unit else percent(value)


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _counted(outcomes: Sequence[Outcome]) -> list[State]:
    return list(dict.fromkeys(one.state for one in outcomes))


def _row(one: Outcome) -> list[str]:
    of = one.decision
    mean = "" if of is None or of.mean is None else f"{_number(of.mean, one)}{one.unit}"
    bounds = of.interval if of else None
    limits = f"[{_number(bounds.low, one)}, {_number(bounds.high, one)}]" if bounds else ""
    return [
        f"{_MARKS.get(one.state, '⏭️')} {one.state}",
        escape(one.gate),
        mean,
        limits,
        escape(claimed(one)),
        str(of.pairs) if of else "",
        one.p_value,
    ]


def _detail(one: Outcome) -> str:
    """Markdown, in which model text does nothing."""
    said = list(_lines(one))
    return "\n".join([f"**{escape(said[0])}**", "", *(f"- {escape(line)}" for line in said[1:])])
