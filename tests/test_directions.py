"""Which way a line goes is read from its own words, and never guessed."""

import tomllib
from importlib.resources import files
from itertools import product

import pytest

from argo_audit.rubrics.directions import direction_words, told
from argo_audit.rubrics.signed_lines import signed_lines
from argo_audit.rubrics.unsigned import unsigned
from benchmarks.reader import by_phrases
from benchmarks.wordings import FOURTH, INVERTED, RIGHT, THIRD, UNREAD, marks, wordings


@pytest.mark.parametrize(
    ("line", "text", "direction"),
    [
        ("Discourages lists", "lists", -1),
        ("Deducts 2 points for lists", "lists", -1),
        ("Hates lists", "lists", -1),
        ("Lowers the score for lists", "lists", -1),
        ("Should not use lists", "use lists", -1),
        ("Never hedges", "hedges", -1),
        ("Does not reward flattery", "flattery", -1),
        ("Lists are marked down", "Lists", -1),
        ("Lists lower the score", "Lists", -1),
        ("Lists boost the grade", "Lists", 1),
        ("Treats a list as a flaw", "a list", -1),
        ("Is penalized for lists", "lists", -1),
        ("Approves of lists", "lists", 1),
        ("Rewards avoiding lists", "lists", -1),
        ("Penalizes avoiding lists", "lists", 1),
        ("Treats avoiding lists as a flaw", "lists", 1),
        ("Warm tone", "Warm tone", 0),
        ("Cites sources", "Cites sources", 0),
        ("Lists with bullets", "Lists with bullets", 0),
        ("Never penalizes lists", "Never penalizes lists", None),
        ("Lists are not penalised", "Lists are not penalised", None),
        ("Neither rewards nor penalizes lists", "Neither rewards nor penalizes lists", None),
        ("Frobs lists", "Frobs lists", None),
        ("Takes points off for lists", "Takes points off for lists", None),
        ("Is annoyed by lists", "Is annoyed by lists", None),
    ],
)
def test_a_line_says_which_way_or_nobody_knows(line: str, text: str, direction: int | None) -> None:
    assert told(line) == (text, direction)


def test_who_takes_the_sign_off_twice_takes_nothing_more() -> None:
    verbs = ("Rewards", "Penalizes", "avoiding", "never", "does not like", "Hates", "no")
    for first, second in product(verbs, verbs):
        once = told(f"{first} {second} long lists").text
        assert unsigned(once) == once


def test_an_unread_line_is_worth_nothing_and_the_others_share_its_worth() -> None:
    found = signed_lines("- Rewards lists\n- Frobs tables\n- Hates emoji\n")
    assert [(line.text, line.worth, line.is_unread) for line in found] == [
        ("lists", 0.5, False),
        ("Frobs tables", 0.0, True),
        ("emoji", -0.5, False),
    ]


def test_refusing_is_a_feature_and_no_flip() -> None:
    source = files("argo_audit.surface").joinpath("lexicon.toml")
    lexicon = tomllib.loads(source.read_text(encoding="utf-8"))
    cues = [*lexicon["cues"].values(), *direction_words().values()]
    features = [phrases for senses in lexicon["features"].values() for phrases in senses.values()]
    both = _all(cues) & _all(features)
    assert {one for one in both if "refus" in one or "declin" in one} == set()


def _all(kinds: list[list[str]]) -> set[str]:
    """Each phrase of each kind, written out."""
    phrases = (phrase for kind in kinds for phrase in kind)
    places = ([place.split("|") for place in phrase.split()] for phrase in phrases)
    return {" ".join(filter(None, words)) for one in places for words in product(*one)}


def test_of_wordings_of_many_grammars_none_is_turned_round() -> None:
    third, fourth = (marks(by_phrases, wordings(file)) for file in (THIRD, FOURTH))
    assert INVERTED not in (*third, *fourth)
    assert (third.count(RIGHT), third.count(UNREAD)) == (34, 6)
    assert (fourth.count(RIGHT), fourth.count(UNREAD)) == (7, 16)
