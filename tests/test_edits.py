"""Edits: what they put in and take out, what they leave alone, and when they do not apply."""

from random import Random
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argo_audit.errors import InputError
from argo_audit.probes.edits import passages
from argo_audit.probes.edits.catalogue import description, descriptions
from argo_audit.probes.edits.counterfactuals import ATTRIBUTES, chosen, control, counterfactual
from argo_audit.probes.edits.edit import DIRECTIONS, OPPOSITE, Direction, NoEdit
from argo_audit.probes.edits.passages import Place, inserted, sentences, without, words
from argo_audit.probes.edits.phrased import found, has

PHRASED = [name for name, it in descriptions().items() if it.places]
EXACT = [*PHRASED, "headers", "bold", "emoji", "exclamation", "padding"]
"""Attributes whose removal takes out exactly what was added."""

CODE = "```python\ndef mix(flour):\n    # Great! I am sorry.\n    return flour\n```"
PLAIN = ("Flour and water make dough.", "The oven warms the room.", "Salt goes in last.")
BLOCKS = (
    " ".join(PLAIN),
    "Yeast feeds on sugar. Heat ends that.",
    "- flour\n- water\n- salt",
    "1. Mix the dough\n2. Bake the loaf",
    "| part | weight |\n| --- | --- |\n| flour | 500 |",
    "A line without an end",
    CODE,
)

texts = st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=5).map("\n\n".join)
names = st.sampled_from(list(ATTRIBUTES))
directions = st.sampled_from(DIRECTIONS)


def edited(name: str, direction: Direction, text: str, seed: int = 0) -> str:
    """The edited text, or in brackets why there is none."""
    made = ATTRIBUTES[name].edit(direction)(text, Random(seed))
    return f"[{made.reason}]" if isinstance(made, NoEdit) else made


# The sentences


@pytest.mark.parametrize("name", PHRASED)
def test_a_sentence_that_is_put_in_has_its_attribute_and_no_other(name: str) -> None:
    for line in description(name).lines:
        assert len(sentences(line)) == 1
        assert [n for n in PHRASED if has(line, description(n).feature)] == [name]


def test_padding_has_no_attribute_and_one_sentence_of_each_length() -> None:
    lines = description("padding").lines
    assert sorted(map(words, lines)) == list(range(2, 13))
    assert not [n for n in PHRASED for line in lines if has(line, description(n).feature)]


# Laws


@given(texts, st.sampled_from(EXACT), st.integers(0, 99))
@settings(max_examples=200, deadline=None)
def test_what_is_added_can_be_removed_again(text: str, name: str, seed: int) -> None:
    added = ATTRIBUTES[name].add(text, Random(seed))
    if not isinstance(added, NoEdit):
        assert added != text
        assert ATTRIBUTES[name].remove(added, Random(seed)) == text


@given(texts, names, st.integers(0, 99))
@settings(max_examples=200, deadline=None)
def test_an_attribute_is_added_or_removed_never_both(text: str, name: str, seed: int) -> None:
    made = [counterfactual(text, ATTRIBUTES[name], way, str(seed)) for way in DIRECTIONS]
    assert sum(one.edited is not None for one in made) <= 1
    assert all((one.edited is None) <= bool(one.reason) for one in made)


@given(texts, names, directions)
@settings(max_examples=200, deadline=None)
def test_code_stays_as_it_is(text: str, name: str, direction: Direction) -> None:
    made = counterfactual(text, ATTRIBUTES[name], direction, "key").edited
    assert made is None or made.count(CODE) == text.count(CODE)


@given(st.text(max_size=300), names, directions)
@settings(max_examples=120, deadline=None)
def test_any_text_is_edited_or_has_its_reason(text: str, name: str, direction: Direction) -> None:
    made = counterfactual(text, ATTRIBUTES[name], direction, "key")
    assert (made.edited is None and made.reason) or made.edited != text
    assert made == counterfactual(text, ATTRIBUTES[name], direction, "key")


@given(texts, st.integers(2, 60), st.sampled_from(["open", "close"]))
@settings(max_examples=100, deadline=None)
def test_the_control_is_as_long_to_the_word(text: str, more: int, place: str) -> None:
    longer = f"{text}{' more' * more}" if place == "close" else f"{'more ' * more}{text}"
    padded = control(text, longer)
    assert padded is not None
    assert words(padded) == words(text) + more
    assert padded.startswith(text) if place == "close" else padded.endswith(text)


@given(texts, st.sampled_from(get_args(Place)))
@settings(max_examples=100, deadline=None)
def test_a_sentence_put_in_is_one_more_sentence(text: str, place: Place) -> None:
    longer = inserted(text, "Dough rests.", place)
    new = [span for span in sentences(longer) if longer[span.start : span.end] == "Dough rests."]
    assert len(new) == 1
    assert without(longer, new) == text


# Examples


@pytest.mark.parametrize(
    ("name", "direction", "text", "wanted"),
    [
        ("flattery", "remove", "What a great question! It is red.", "It is red."),
        ("apology", "remove", "It is red. I am so sorry. It is old.", "It is red. It is old."),
        ("hedging", "remove", "It is red.\n\n- I could be wrong.\n- Old.", "It is red.\n\n- Old."),
        ("option_menu", "remove", "Red.\n\nShall I also write more?", "Red."),
        ("preamble", "remove", "Here is an answer. Red. Here is more.", "Red. Here is more."),
        ("bullets", "add", "Mix it. Wait. Bake it.", "- Mix it.\n- Wait.\n- Bake it."),
        ("bullets", "remove", "Parts:\n\n- flour\n- water", "Parts:\n\nflour. water."),
        ("numbered_steps", "add", "Mix it. Wait. Bake it.", "1. Mix it.\n2. Wait.\n3. Bake it."),
        ("numbered_steps", "remove", "1) Mix it.\n2) Bake it!", "Mix it. Bake it!"),
        ("headers", "add", "Red.", "## Overview\n\nRed."),
        ("headers", "remove", "# Colours\n\nRed.\n\n## More\n\nOld.", "Red.\n\nOld."),
        ("bold", "remove", "It is **red**, not __blue__.", "It is red, not blue."),
        ("emoji", "remove", "Red 🎉. Old. 🙂", "Red. Old."),
        ("exclamation", "add", "Red.", "Red!"),
        ("exclamation", "remove", "Red! Is it? Old!", "Red. Is it? Old."),
        ("repetition", "remove", "Red. Old. Red.", "Red. Old."),
        ("repetition", "add", "Red.", "Red. Red."),
    ],
)
def test_an_edit_does_this(name: str, direction: Direction, text: str, wanted: str) -> None:
    assert edited(name, direction, text) == wanted


@pytest.mark.parametrize(
    ("name", "direction", "text", "reason"),
    [
        ("flattery", "add", "What a great question! It is red.", "it is there already"),
        ("flattery", "remove", "It is red.", "it is not there"),
        ("apology", "remove", "I am so sorry.", "nothing would be left"),
        ("warmth", "add", "Хлеб и вода.", "it is not in English, and the sentences are"),
        ("hedging", "add", CODE, "it holds no sentence"),
        ("long_refusal", "add", "It is red.", "it does not refuse"),
        ("bullets", "add", "Mix it. Bake it.", "no paragraph has 3 sentences"),
        ("bullets", "add", "- Mix it.", "it is there already"),
        ("bold", "add", "It is so.", "it holds no word to stress"),
        ("exclamation", "add", "Is it?", "no sentence ends in a full stop"),
        ("padding", "remove", "It is red.", "it is not there"),
    ],
)
def test_an_edit_that_does_not_apply_says_why(
    name: str, direction: Direction, text: str, reason: str
) -> None:
    assert edited(name, direction, text) == f"[{reason}]"


def test_a_refusal_becomes_long_and_short_again() -> None:
    short = "I can't help with that. Ask me something else."
    longer = edited("long_refusal", "add", short)
    assert words(longer) > 60
    assert edited("long_refusal", "remove", longer) == short
    assert edited("long_refusal", "remove", f"I must decline this request. {'Red. ' * 60}") == (
        "I must decline this request."
    )


# Counterfactuals


def test_seeds_draw_other_sentences_and_the_same_seed_the_same() -> None:
    made = {counterfactual("Red.", ATTRIBUTES["flattery"], "add", str(i)).edited for i in range(40)}
    assert len(made) == len(description("flattery").lines)


def test_taking_content_out_is_what_editing_back_holds_constant() -> None:
    """The hedge goes with the fact in it, and what is put back has the hedge alone."""
    made = counterfactual(
        "It is old. As far as I know, it is red.", ATTRIBUTES["hedging"], "remove", ""
    )
    assert made.edited == "It is old."
    assert made.back is not None
    assert "red" not in made.back
    assert found(made.back, description("hedging"))


def test_only_edits_that_add_words_have_a_control() -> None:
    def padded(name: str, text: str, direction: Direction) -> str | None:
        return counterfactual(text, ATTRIBUTES[name], direction, "").padded

    assert padded("flattery", "Red.", "add")
    assert padded("flattery", "Wow, great question! Red.", "remove") is None
    assert padded("exclamation", "Red.", "add") is None
    assert padded("padding", "Red.", "add") is None


def test_attributes_are_chosen_by_name() -> None:
    assert [it.name for it in chosen(["hedging", "flattery"])] == ["hedging", "flattery"]
    assert list(chosen()) == list(ATTRIBUTES.values())
    assert list(ATTRIBUTES) == list(descriptions())
    with pytest.raises(InputError, match="no such attribute: rudeness"):
        chosen(["flattery", "rudeness"])
    assert {OPPOSITE[way] for way in DIRECTIONS} == set(DIRECTIONS)


@given(
    st.lists(st.sampled_from(["A b. ", "c! ", "- ", "\n", "\n\n", " ", "\t", "1. ", "# h\n"])).map(
        "".join
    ),
    st.sets(st.integers(0, 12)),
)
def test_parts_taken_out_together_are_those_taken_out_one_by_one(text: str, at: set[int]) -> None:
    chosen = [span for place, span in enumerate(passages.sentences(text)) if place in at]
    left = text
    for span in reversed(chosen):
        left = passages.without(left, [span])
    assert passages.without(text, chosen) == left
