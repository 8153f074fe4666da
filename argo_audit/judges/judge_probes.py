"""Pairs whose truth a program knows: two answers that differ in one thing that anybody can see.

    probe = judge_probes(24)[0]
    probe.pair, probe.line, probe.opposite, probe.has_it        # "A" has it, or "B"

A judge that reads says so of each, and turns round when the rubric is turned round. What differs is
put in by a program (a list, an apology, digits), so nobody's opinion of the answers enters.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from argo_audit.records import Message, Pair

MOST = 144
"""Probes that differ."""

ABSENT = ("penguins", "recipes for soup", "sentences in French", "quotations from Shakespeare")
"""Lines about what no response has."""

_TOPICS = (
    ("keep a wooden floor clean", "Sweep it every day", "Wipe up water at once", "Use little soap"),
    ("sleep better", "Go to bed early", "Keep the room dark", "Leave the phone outside"),
    ("learn to swim", "Find a warm pool", "Practise breathing first", "Ask a patient teacher"),
    ("grow tomatoes", "Choose a sunny place", "Water the roots only", "Tie up the stems"),
    ("write a letter", "Say why you write", "Keep to one subject", "Read it once aloud"),
    ("bake bread", "Weigh the flour", "Let the dough rest", "Heat the oven well"),
    ("ride a bicycle in traffic", "Wear a helmet", "Look over your shoulder", "Keep your distance"),
    ("save electricity", "Turn lights off", "Dry clothes outdoors", "Boil only what you need"),
    ("prepare for an interview", "Learn about the firm", "Practise answers", "Arrive in time"),
    ("paint a wall", "Clean the surface", "Cover the floor", "Let each coat dry"),
    ("train a puppy", "Reward good habits", "Keep lessons short", "Use the same words"),
    ("pack a suitcase", "Roll soft clothes", "Put shoes below", "Leave some room"),
)
_Texts = tuple[str, ...]


class Probe(NamedTuple):
    """A pair; `line` names what one response has, `opposite` what the other one has."""

    pair: Pair
    line: str
    opposite: str
    has_it: Literal["A", "B"]

    @property
    def absent(self) -> str:
        """The line, denied: the other response shows more of that."""
        return f"no {self.line}"


class _Difference(NamedTuple):
    """A thing that one response has, and how it is put in."""

    line: str
    opposite: str
    put: Callable[[_Texts], str]


def _prose(said: _Texts) -> str:
    return " ".join(f"{one}." for one in said)


_DIFFERENCES = (
    _Difference(
        "bulleted lists",
        "continuous prose without list marks",
        lambda said: "\n".join(f"- {one}" for one in said),
    ),
    _Difference(
        "exclamation marks",
        "sentences that end calmly, with a full stop",
        lambda said: " ".join(f"{one}!" for one in said),
    ),
    _Difference(
        "apologies, such as being sorry",
        "coming to the point without any regret",
        lambda said: f"I am very sorry, I apologise for this. {_prose(said)}",
    ),
    _Difference(
        "digits",
        "words only, without a digit anywhere",
        lambda said: " ".join(f"Step {n} of 3: {one}." for n, one in enumerate(said, start=1)),
    ),
    _Difference(
        "questions to the user",
        "statements only, without a question",
        lambda said: f"{_prose(said)} Does this help you? What would you like to know next?",
    ),
    _Difference(
        "words in capital letters",
        "ordinary lower-case writing",
        lambda said: _prose(said).upper(),
    ),
    _Difference(
        "emoji",
        "plain text without any pictograms",
        lambda said: " ".join(f"{one} \N{GRINNING FACE}\N{PARTY POPPER}." for one in said),
    ),
    _Difference(
        "markdown headings",
        "text without any heading",
        lambda said: "\n\n".join(f"## Point\n{one}." for one in said),
    ),
    _Difference(
        "bold text",
        "text without any emphasis",
        lambda said: " ".join(f"**{one}**." for one in said),
    ),
    _Difference(
        "tables",
        "sentences instead of a table",
        lambda said: "\n".join(["| Advice |", "|---|", *(f"| {one} |" for one in said)]),
    ),
    _Difference(
        "greetings",
        "beginning with the advice itself, without a greeting",
        lambda said: f"Hello and good morning, my dear friend! {_prose(said)}",
    ),
    _Difference(
        "words: a longer answer",
        "brevity: a shorter answer",
        lambda said: (
            f"{_prose(said)} {' '.join(f'Do not forget: {one.lower()}.' for one in said)} "
            "All of this takes some patience in the beginning, and becomes a habit after a while."
        ),
    ),
)


def judge_probes(count: int) -> tuple[Probe, ...]:
    """So many probes, at most MOST: every difference in turn, each time on another topic."""
    return tuple(_probe(place) for place in range(min(count, MOST)))


def _probe(place: int) -> Probe:
    kinds, topics = len(_DIFFERENCES), len(_TOPICS)
    turn, kind = divmod(place, kinds)
    topic, *said = _TOPICS[(kind * 5 + turn) % topics]
    difference = _DIFFERENCES[kind]
    texts = difference.put(tuple(said)), _prose(tuple(said))
    has_it: Literal["A", "B"] = "A" if (turn + kind) % 2 == 0 else "B"
    a, b = texts if has_it == "A" else texts[::-1]
    asked = (Message(role="user", content=f"How do I {topic}?"),)
    pair = Pair(id=f"probe-{place}", prompt=asked, response_a=a, response_b=b)
    return Probe(pair, difference.line, difference.opposite, has_it)
