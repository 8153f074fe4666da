"""Rubrics side by side: every line once, the best one to one, and what moved."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argo_audit.rubrics.alignment import THRESHOLD, Alignment, Item, align, items, text_similarity

TOPICS = (
    "Bulleted lists",
    "Confident statements",
    "Working code",
    "Long refusals",
    "Friendly wording",
    "Menus of options",
    "Numbered steps",
)
rubrics = st.lists(st.sampled_from(TOPICS), unique=True).map(
    lambda topics: "\n".join(f"- {topic}" for topic in topics)
)

WEIGHTED = """## Criteria

| Category | Weight | Description |
|---|---|---|
| Lists | 10% | Rewards bulleted lists |
| Code | 30% | Rewards working code |

## Biases

It may penalize:

- Menus of options
"""


def ranks(found: Alignment) -> list[tuple[int, int]]:
    return [(match.first.rank, match.second.rank) for match in found.shared]


def texts(found: tuple[Item, ...]) -> list[str]:
    return [item.text for item in found]


@given(rubrics, rubrics)
def test_every_line_stands_in_one_place(first: str, second: str) -> None:
    found = align(first, second)
    ours = [m.first.text for m in found.shared] + texts(found.only_first)
    theirs = [m.second.text for m in found.shared] + texts(found.only_second)
    assert sorted(ours) == sorted(texts(items(first)))
    assert sorted(theirs) == sorted(texts(items(second)))
    assert {m.first.text for m in found.shared} == set(texts(items(first))) & set(
        texts(items(second))
    )


@given(rubrics, rubrics)
def test_the_other_way_round_says_the_same(first: str, second: str) -> None:
    there, back = align(first, second), align(second, first)
    assert sorted(ranks(there)) == sorted((b, a) for a, b in ranks(back))
    assert there.only_first == back.only_second


@given(st.text(alphabet=st.sampled_from("-|# ab1%\n"), max_size=200))
def test_a_rubric_is_all_shared_with_itself(text: str) -> None:
    found = align(text, text)
    assert len(found.shared) == len(items(text))
    assert not found.only_first
    assert all(match.similarity == 1 for match in found.shared)


@given(st.permutations(TOPICS[:5]))
def test_moved_are_the_fewest_that_account_for_the_new_order(order: list[str]) -> None:
    first, second = ("\n".join(f"- {topic}" for topic in t) for t in (TOPICS[:5], order))
    moved = sum(match.moved for match in align(first, second).shared)
    places = [TOPICS.index(topic) for topic in order]
    still = max(
        size
        for size in range(1, 6)
        for chosen in permutations(range(5), size)
        if list(chosen) == sorted(chosen)
        and [places[i] for i in chosen] == sorted(places[i] for i in chosen)
    )
    assert moved == 5 - still


@settings(max_examples=50)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_no_assignment_is_more_alike(first: int, second: int, seed: int) -> None:
    alike = np.random.default_rng(seed).random((first, second))
    found = align("- x\n" * first, "- x\n" * second, lambda a, b: alike)
    worth = np.where(alike >= THRESHOLD, alike, 0)
    if first > second:
        worth = worth.T
    best = max(
        sum(worth[i, j] for i, j in enumerate(chosen))
        for chosen in permutations(range(worth.shape[1]), worth.shape[0])
    )
    assert sum(match.similarity for match in found.shared) == pytest.approx(best, abs=1e-4)


def test_an_inserted_line_moves_nothing() -> None:
    found = align("- Bulleted lists\n- Working code", "- Warm\n- Bulleted lists\n- Working code")
    assert [match.moved for match in found.shared] == [False, False]
    assert ranks(found) == [(1, 2), (2, 3)]


def test_weights_rank_and_are_shares_of_all_weights() -> None:
    code, lists, menus = items(WEIGHTED)
    assert (code.rank, code.share, code.kind, code.direction) == (1, 0.75, "criterion", "rewards")
    assert (lists.rank, lists.share) == (2, 0.25)
    assert (menus.rank, menus.share, menus.direction) == (3, None, "penalises")


def test_a_line_and_its_contrary_meet_and_are_turned() -> None:
    against = "| Category | Description |\n|---|---|\n| Lists | Penalizes bulleted lists |"
    [match] = align(WEIGHTED, against).shared
    assert match.first.text == "Lists: Rewards bulleted lists"
    assert match.turned
    assert not align(WEIGHTED, WEIGHTED).shared[0].turned


def test_of_two_lines_alike_the_one_on_the_same_side_is_taken() -> None:
    table = "| Category | Description |\n|---|---|\n"
    both = f"{table}| Lists | Penalizes bullets |\n| Lists | Rewards bullets |"
    [match] = align(both, f"{table}| Lists | Rewards bullets |").shared
    assert not match.turned


@pytest.mark.parametrize(
    ("first", "second", "meet"),
    [
        ("Bulleted lists of items", "Uses bullet lists", True),
        ("Penalises hedging", "Rewards hedging of claims", True),
        ("Penalises hedging", "Penalises emoji", False),
        ("Brief replies", "Concise answers", False),  # no word in common: what it cannot see
    ],
)
def test_what_the_measure_takes_for_the_same(first: str, second: str, meet: bool) -> None:
    assert (text_similarity([first], [second])[0, 0] >= THRESHOLD) == meet


@pytest.mark.parametrize("text", ["", "no list", "- x\n" * 3_000, "| a | b |\n" * 1_000])
def test_any_text_can_be_aligned(text: str) -> None:
    assert align(text, WEIGHTED).only_second
