"""Small edits make no other text; templates are no near-duplicates of each other."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argo_audit.pairs.near_duplicates import RARE, components, normalised

QUESTION = (
    "I moved to a new flat last month and the landlord has not returned my deposit yet. "
    "Which letter should I write first, and to whom?"
)
OTHER = "How long does it take to bake a potato in an oven without a fan, and do I need foil?"

text = st.text(max_size=30)


@pytest.mark.parametrize(
    "edited",
    [
        QUESTION.upper(),
        f"  {QUESTION.replace(' ', '   ')}\n",
        QUESTION.replace(",", ";").replace("?", "??!"),
        QUESTION.replace("landlord", "landlrod"),
        QUESTION.replace("flat", "house"),
        f"{QUESTION} Thanks!",
        QUESTION.replace("last month", "month"),
        QUESTION.replace("I moved", "\uff29 moved"),  # a full-width letter
    ],
)
def test_a_small_edit_makes_no_other_text(edited: str) -> None:
    assert components([OTHER, QUESTION, edited]) == [0, 1, 1]


@pytest.mark.parametrize(
    "edited",
    [
        OTHER,
        QUESTION[: len(QUESTION) // 2],
        QUESTION.replace("deposit", "piano").replace("letter", "song").replace("flat", "opera"),
        f"{QUESTION} {OTHER}",
        "",
    ],
)
def test_a_large_edit_makes_another_text(edited: str) -> None:
    assert components([QUESTION, edited]) == [0, 1]


def test_marks_of_other_scripts_are_letters_and_texts_without_letters_stay_apart() -> None:
    assert normalised("कि") != normalised("कु")
    assert components(["?!", "?!", " ?! ", "🙂", "", " "]) == [0, 0, 0, 3, 4, 4]


def test_the_instances_of_a_template_stay_apart() -> None:
    """As in one real file, where 97 of 572 prompts would be one component."""
    instance = (
        "You are an expert of arithmetic. Numbers are in base {base}, where the digits are "
        "{digits}. What is {left}+{right}? Think step by step and end with the result in a box."
    )
    rng = random.Random(0)
    sums = {(rng.randint(100, 999), rng.randint(100, 999)) for _ in range(60)}
    nine = [instance.format(base=9, digits="012345678", left=a, right=b) for a, b in sums]
    ten = [instance.format(base=10, digits="0123456789", left=a, right=b) for a, b in sums]
    assert components(nine[:2]) == [0, 0]
    found = components([*nine, *ten])
    assert found == [*range(60), *range(60)]
    assert max(Counter(found).values()) == 2


def test_a_component_is_what_near_duplicates_connect() -> None:
    words = QUESTION.split()
    steps = [" ".join(["entirely"] * number + words[number:]) for number in range(0, len(words), 2)]
    assert components([steps[0], steps[-1]]) == [0, 1]
    assert set(components(steps[:4])) == {0}


@settings(deadline=None, max_examples=60)
@given(texts=st.lists(text, max_size=8), shuffle=st.integers())
def test_components_depend_on_the_texts_and_not_on_their_order(
    texts: list[str], shuffle: int
) -> None:
    found = components(texts)
    assert all(found[index] == index <= position for position, index in enumerate(found))
    order = list(range(len(texts)))
    random.Random(shuffle).shuffle(order)
    again = components([texts[index] for index in order])
    joined = {(a, b) for a in order for b in order if found[a] == found[b]}
    assert joined == {
        (a, b) for i, a in enumerate(order) for j, b in enumerate(order) if again[i] == again[j]
    }


@settings(deadline=None, max_examples=40)
@given(others=st.lists(text, max_size=RARE - 2))
def test_other_texts_do_not_part_near_duplicates(others: list[str]) -> None:
    found = components([QUESTION, *others, QUESTION.replace("flat", "house")])
    assert found[0] == found[-1] == 0


def test_many_long_texts_are_compared_in_blocks() -> None:
    """More texts than one block has rows; each has one near-duplicate, far away."""
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghijklmnop", k=6)) for _ in range(3000)]
    texts = [" ".join(rng.choices(words, k=20)) for _ in range(1200)]
    assert components([*texts, *(f"{one}, please" for one in texts)]) == [*range(1200)] * 2
