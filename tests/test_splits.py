"""Prompts never leak between splits, and a prompt's split depends on nothing else."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argo_audit.errors import InputError
from argo_audit.pairs.splits import clusters, split
from argo_audit.records import Message, Pair, Split


def simple_pair(number: int, prompt: str | None = None) -> Pair:
    content = f"prompt {number}" if prompt is None else prompt
    message = Message(role="user", content=content)
    return Pair(id=f"p{number:04d}", prompt=(message,), response_a="left", response_b="right")


@settings(deadline=None, max_examples=40)
@given(prompts=st.lists(st.integers(0, 50), max_size=50), seed=st.integers(), shuffle=st.integers())
def test_no_prompt_is_in_two_splits_in_any_order(
    prompts: list[int], seed: int, shuffle: int
) -> None:
    several = [simple_pair(100 + number, str(prompt)) for number, prompt in enumerate(prompts)]
    pairs = [simple_pair(number, str(number)) for number in range(60)] + several
    parts = split(pairs, seed, dev=0.3, held_out=0.3)
    keys = [{pair.prompt_key for pair in part} for part in parts.values()]
    assert list(parts) == ["train", "dev", "held-out"]
    assert sorted(pair.id for part in parts.values() for pair in part) == [p.id for p in pairs]
    assert sum(map(len, keys)) == len(set.union(*keys))
    random.Random(shuffle).shuffle(pairs)
    assert split(pairs, seed, dev=0.3, held_out=0.3) == parts


def test_a_prompt_has_one_split_whatever_else_is_there() -> None:
    pairs = [simple_pair(number) for number in range(400)]
    whole, half = split(pairs, seed=3), split(pairs[::2], seed=3)
    for name, part in half.items():
        assert set(clusters(part).values()) <= set(clusters(whole[name]).values())
    assert split(pairs, seed=4) != whole


QUESTION = (
    "Which of the two bridges over the river was built first, and who was paid for number {}?"
)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers())
def test_near_duplicate_prompts_are_in_one_split(seed: int) -> None:
    """Case, spaces, punctuation and a lost letter of thirty different questions."""
    rng = random.Random(seed)
    words = ["".join(rng.choices("abcdefghijklm", k=6)) for _ in range(400)]
    questions = [f"{' '.join(rng.sample(words, 12))}?" for _ in range(30)]
    edits: list[Callable[[str], str]] = [str.upper, lambda text: f"  {text}!\n", lambda t: t[1:]]
    several = [(number, rng.choice(edits)(questions[number])) for number in range(30)] * 2
    several += enumerate(questions)
    pairs = [simple_pair(number, prompt) for number, (_, prompt) in enumerate(several)]
    parts = split(pairs, seed, dev=0.3, held_out=0.3)
    split_of = {pair.id: name for name, part in parts.items() for pair in part}
    for place in range(30):
        same = {split_of[pair.id] for pair in pairs[place::30]}
        assert len(same) == 1


def test_only_a_near_duplicate_moves_a_prompt() -> None:
    """It keeps its split, or takes that of the near-duplicate, whose own does not change."""
    pairs = [simple_pair(number, f"{QUESTION} {number}") for number in range(12)]
    fillers = [simple_pair(100 + number) for number in range(60)]
    apart = {pair.id: split([*fillers, pair], seed=1) for pair in pairs}
    together = split([*fillers, *pairs], seed=1)

    def where(parts: dict[Split, tuple[Pair, ...]], pair: Pair) -> Split:
        return next(name for name, part in parts.items() if pair in part)

    decides = min(pairs, key=lambda pair: pair.prompt_key)
    assert {where(together, pair) for pair in pairs} == {where(apart[decides.id], decides)}
    assert len({where(apart[pair.id], pair) for pair in pairs}) > 1
    for filler in fillers:
        assert where(together, filler) == where(apart[decides.id], filler)


def test_conversations_are_compared_whole_and_images_count() -> None:
    def pair(number: int, *turns: str, images: tuple[str, ...] = ()) -> Pair:
        roles = ("user", "assistant", "user")
        prompt = tuple(
            Message(role=role, content=turn, images=images)
            for role, turn in zip(roles, turns, strict=False)
        )
        return Pair(id=f"q{number}", prompt=prompt, response_a="left", response_b="right")

    opening, reply = QUESTION.format(1), "The eastern one, I think. " * 4
    pairs = [
        pair(0, opening, reply, "Thanks"),
        pair(1, opening, reply, "thanks!"),
        pair(2, opening),
        pair(3, "What is shown?", images=("a.png",)),
        pair(4, "What is shown?", images=("b.png",)),
    ]
    seeds = [split([*map(simple_pair, range(60)), *pairs], seed) for seed in range(12)]
    places = [
        tuple(next(n for n, part in parts.items() if one in part) for parts in seeds)
        for one in pairs
    ]
    assert places[0] == places[1]
    assert len(set(places)) == 4


def test_the_shares_are_met_approximately() -> None:
    parts = split([simple_pair(number) for number in range(2000)], seed=0, dev=0.1, held_out=0.3)
    assert len(parts["dev"]) == pytest.approx(200, abs=45)
    assert len(parts["held-out"]) == pytest.approx(600, abs=70)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_prompts_are_refused_with_the_number_needed(count: int) -> None:
    pairs = [simple_pair(number) for number in range(count)]
    with pytest.raises(InputError, match=r"tiny\.jsonl: a split would be empty") as caught:
        split(pairs, seed=0, path="tiny.jsonl")
    assert "at least 26 distinct prompts" in caught.value.remedy


def test_the_number_needed_nearly_always_suffices() -> None:
    pairs = [simple_pair(number) for number in range(26)]
    for seed in range(30):
        assert all(split(pairs, seed).values())


def test_many_pairs_on_one_prompt_are_one_prompt() -> None:
    pairs = [simple_pair(number, "the same") for number in range(100)]
    with pytest.raises(InputError, match="a split would be empty"):
        split(pairs, seed=0)


@pytest.mark.parametrize(("dev", "held_out"), [(0, 0.2), (0.2, 0), (0.5, 0.5), (-0.1, 0.2), (2, 2)])
def test_impossible_shares_are_refused(dev: float, held_out: float) -> None:
    pairs = [simple_pair(number) for number in range(50)]
    with pytest.raises(InputError, match="shares above 0 with a sum below 1"):
        split(pairs, 0, dev, held_out)


def test_clusters_join_the_pairs_of_a_prompt() -> None:
    pairs = [simple_pair(1, "x"), simple_pair(2, "y"), simple_pair(3, "x")]
    keys = clusters(pairs)
    assert list(keys) == ["p0001", "p0002", "p0003"]
    assert keys["p0001"] == keys["p0003"] != keys["p0002"]
