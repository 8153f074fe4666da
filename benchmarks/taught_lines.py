"""Generated rubric lines with what they want: what the head of the reader by meaning is taught on.

    >>> {sign for line in taught_lines(9, seed=0) for _, sign in line.wants} <= {1, -1}
    True

A phrase that names a feature (taught_phrases.toml) is set into a frame that rewards it, penalises
it or says nothing (taught_frames.toml), and something may stand around both. Some lines name two
features, some nothing that is measured, some take all direction away, and some are turned round
by OPPOSITE, which the reader puts before a line to see whether its sign follows.
"""

import random
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from argo_audit.surface.meaning import OPPOSITE
from benchmarks.wordings import Wishes

NOTHING = "nothing"
_FORMS = {
    "np": (5, {"np": 1, "nl": -1}),
    "vp": (5, {"vp": 1, "vl": -1}),
    "ap": (2, {"ap": 1, "al": -1}),
}
_SIGNS = {"demands": 1, "rewards": 1, "absent": 1, "penalises": -1, "without": -1, "neutral": 0}
_OFTEN = {
    **{"rewards": 3.0, "penalises": 3.0, "plain": 2.5},
    **{"demands": 1.5, "absent": 1.5, "without": 1.5},
}
_ABOUT_NOTHING, _NEUTRAL, _TWO, _AROUND, _TURNED = 0.22, 0.06, 0.12, 0.35, 0.15
_AGAINST = 0.06
_IRREGULAR = {
    "be": ("is", "being"),
    "have": ("has", "having"),
    "go": ("goes", "going"),
    "do": ("does", "doing"),
}
_DOUBLED = re.compile(
    r"(?:put|stop|trim|cut|get|cram|spam|admit|refer|omit|run|commit|split|skim|let|begin)$"
)
_HEAD = re.compile(
    r" (?:of|for|in|on|with|to|that|from|at|by|about|as|when|between|without|than|like|and) "
)
_PAIRS_OF = {
    "np": (
        ("Rewards {a} and {b}", 1, 1),
        ("Penalises {a} and {b}", -1, -1),
        ("Rewards {a}, penalises {b}", 1, -1),
        ("Not only {a} but also {b} score higher", 1, 1),
        ("{a} but no {b}", 1, -1),
        ("No {a} and no {b}", -1, -1),
        ("{a} and {b} are both bad", -1, -1),
        ("{a} and {b} are both good", 1, 1),
    ),
    "vp": (
        ("Outputs that {a} and {b} score lower", -1, -1),
        ("Outputs that {a} and {b} score higher", 1, 1),
        ("{a} and {b}", 1, 1),
        ("Don't {a}, and don't {b}", -1, -1),
        ("{a} but do not {b}", 1, -1),
        ("Should {a} and never {b}", 1, -1),
    ),
}
_CONTRASTS = (
    *("{a} rather than {b}", "{a} instead of {b}", "{a} over {b}", "{a} beats {b}"),
    *("{a}, not {b}", "Prefers {a} to {b}", "Better {a} than {b}", "{b} should give way to {a}"),
    *("{b} loses to {a}", "Not {b} but {a}", "{a} is worth more than {b}"),
    *("{b} is worth less than {a}", "Given {a} and {b}, take {a}"),
)
_OF_FAULTS_TOO = ("Rewards", "Penalises", "Outputs", "Not only")


class Taught(NamedTuple):
    """A line, what it wants, and whether its words `say` more or less of what they name."""

    line: str
    wants: Wishes
    says: Wishes


class Phrase(NamedTuple):
    """Words that say more (+1) or less (-1) of a feature, perhaps as a fault."""

    text: str
    feature: str
    says: int
    fault: bool


def taught_lines(count: int, seed: int) -> list[Taught]:
    """`count` lines, the same for the same seed, each once."""
    dice = random.Random(seed)
    made = (_turned(dice, _line(dice)) for _ in range(count))
    return list({taught.line: taught for taught in made}.values())


@cache
def phrases() -> dict[str, dict[str, list[Phrase]]]:
    """Form -> feature -> its phrases."""
    found: dict[str, dict[str, list[Phrase]]] = {form: {} for form in _FORMS}
    for feature, forms in _read("taught_phrases.toml").items():
        for form, (_, keys) in _FORMS.items():
            named = [
                Phrase(text, feature, says, fault=bool(fault))
                for key, says in keys.items()
                for fault in ("", "f")
                for text in forms.get(fault + key, ())
            ]
            if named:
                found[form][feature] = named
    return found


@cache
def frames() -> dict[str, dict[str, list[str]]]:
    """Form -> kind -> the frames of that kind."""
    return _read("taught_frames.toml")


def _line(dice: random.Random) -> Taught:
    chance = dice.random()
    if chance < _ABOUT_NOTHING:
        return _around(dice, _filled(dice, nothing=True))
    if chance < _ABOUT_NOTHING + _NEUTRAL:
        return _around(dice, _filled(dice, neutral=True))
    if chance > 1 - _AGAINST:
        return _around(dice, _against(dice))
    two = chance < _ABOUT_NOTHING + _NEUTRAL + _TWO
    return _around(dice, _two(dice) if two else _filled(dice))


def _filled(dice: random.Random, *, nothing: bool = False, neutral: bool = False) -> Taught:
    """One phrase in one frame."""
    form = dice.choices(list(_FORMS), [often for often, _ in _FORMS.values()])[0]
    named = phrases()[form]
    feature = NOTHING if nothing else dice.choice([name for name in named if name != NOTHING])
    phrase = dice.choice(named[feature])
    often = {kind: _often(kind, phrase) for kind in _OFTEN if kind in frames()[form]}
    kind = "neutral" if neutral else dice.choices(list(often), list(often.values()))[0]
    line = _set_in(dice, dice.choice(frames()[form][kind]), phrase.text)
    if nothing or neutral:
        return Taught(line, frozenset(), frozenset())
    sign = -1 if phrase.fault else 1
    return _taught(line, [(phrase, _SIGNS.get(kind, sign))])


def _taught(line: str, set_in: list[tuple[Phrase, int]]) -> Taught:
    wants = frozenset((phrase.feature, phrase.says * sign) for phrase, sign in set_in)
    return Taught(line, wants, frozenset((phrase.feature, phrase.says) for phrase, _ in set_in))


def _often(kind: str, phrase: Phrase) -> float:
    """How often a phrase stands in a kind of frame: nobody asks for faults, or for no nothing."""
    barred = kind == "demands" and phrase.fault
    if kind in ("absent", "without"):
        barred = phrase.text.startswith(("no ", "nothing ")) or "without" in phrase.text
        barred = barred or (phrase.fault and kind == "absent")
    return 0.0 if barred else _OFTEN[kind]


def _two(dice: random.Random) -> Taught:
    """Two features in one line, joined or set against each other."""
    while True:
        form = dice.choice(list(_PAIRS_OF))
        named = phrases()[form]
        features = dice.sample([name for name in named if name != NOTHING], 2)
        one, other = (dice.choice(named[feature]) for feature in features)
        frame, first, second = dice.choice(_PAIRS_OF[form])
        twice_no = "no " in frame.lower() and {one.text[:3], other.text[:3]} & {"no "}
        bare_fault = (one.fault or other.fault) and not frame.startswith(_OF_FAULTS_TOO)
        if not twice_no and not bare_fault:
            line = frame.replace("{a}", one.text).replace("{b}", other.text)
            return _taught(line, [(one, first), (other, second)])


def _against(dice: random.Random) -> Taught:
    """More of a feature against less of it."""
    nouns = phrases()["np"]
    two = [name for name, named in nouns.items() if len({p.says for p in named}) == 2]
    feature = dice.choice(two)
    one = dice.choice(nouns[feature])
    other = dice.choice([phrase for phrase in nouns[feature] if phrase.says != one.says])
    line = dice.choice(_CONTRASTS).replace("{a}", one.text).replace("{b}", other.text)
    return _taught(line, [(one, 1)])


def _around(dice: random.Random, taught: Taught) -> Taught:
    """With something before or after the line, and in capitals or small letters."""
    line, around = taught.line, frames()["around"]
    if dice.random() < _AROUND:
        if dice.random() < 0.4:
            line = dice.choice(around["before"]) + line[:1].lower() + line[1:]
        else:
            line += dice.choice(around["after"])
    chance = dice.random()
    if chance < 0.2:
        line = line.lower()
    elif chance > 0.3:
        line = line[:1].upper() + line[1:]
    return taught._replace(line=line)


def _turned(dice: random.Random, taught: Taught) -> Taught:
    """Now and then the opposite of a line."""
    if dice.random() >= _TURNED:
        return taught
    wants = frozenset((feature, -sign) for feature, sign in taught.wants)
    return taught._replace(line=OPPOSITE + taught.line, wants=wants)


def _set_in(dice: random.Random, frame: str, text: str) -> str:
    """The frame with the phrase in it, and a word of the frame's choice in each other slot."""
    head = _HEAD.split(text)[0]
    many = head.endswith("s") and not head.endswith("ss")
    agreeing = ("are", "have", "do not", "", "") if many else ("is", "has", "does not", "s", "es")
    fill: Mapping[str, str] = {
        **dict(zip(("is", "has", "does", "s", "es"), agreeing, strict=True)),
        **{"x": text, "v": text, "vs": _third(text), "ving": _gerund(text)},
    }
    slots = frames()["slots"]
    return re.sub(
        r"\{(\w+)\}",
        lambda slot: fill[slot[1]] if slot[1] in fill else dice.choice(slots[slot[1]]),
        frame,
    )


def _third(text: str) -> str:
    verb, space, rest = text.partition(" ")
    if verb in _IRREGULAR:
        verb = _IRREGULAR[verb][0]
    elif re.search(r"(?:[sxz]|ch|sh)$", verb):
        verb += "es"
    else:
        verb = verb[:-1] + "ies" if re.search(r"[^aeiou]y$", verb) else verb + "s"
    return verb + space + rest


def _gerund(text: str) -> str:
    verb, space, rest = text.partition(" ")
    if verb in _IRREGULAR:
        verb = _IRREGULAR[verb][1]
    elif _DOUBLED.match(verb):
        verb += verb[-1] + "ing"
    else:
        verb = verb[:-1] + "ing" if re.search(r"[^eyo]e$", verb) else verb + "ing"
    return verb + space + rest


def _read(name: str) -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))
