import random
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from argo_audit.organism.grammar import Grammar, bank
from argo_audit.organism.manifest import Manifest, planted_rubric
from argo_audit.organism.plans import Plan, draw, utility
from argo_audit.organism.populations import (
    PopulationName,
    PopulationSpec,
    population_spec,
    random_preferences,
    random_spec,
)
from argo_audit.organism.voice import Topic, Voice, capitalised
from argo_audit.organism.world import Population, build, planted_labels, write_population
from argo_audit.organism.writing import Prompt, Writer
from argo_audit.pairs.pair_file import read
from argo_audit.records import Label
from argo_audit.rubrics.outline import outline

TOKEN = re.compile(r"\w+|[^\w\s]|\n")
SOUP = Topic(name="soup", things="onion, stock, pot", deeds="skim the stock, heat the pot")


@pytest.fixture(scope="module", params=["A", "B"])
def world(request: pytest.FixtureRequest) -> Population:
    return build(request.param, pairs=900)


@pytest.fixture(scope="module")
def writer() -> Writer:
    return Writer()


def agreement(first: tuple[Label, ...], second: tuple[Label, ...]) -> float:
    return float(np.mean([a.p_a == b.p_a for a, b in zip(first, second, strict=True)]))


def written(
    writer: Writer, population: PopulationName, count: int
) -> list[tuple[Prompt, Plan, str]]:
    rng = random.Random(0)
    spec = population_spec(population)
    tasks = rng.choices(list(spec.tasks), k=count)
    prompts = [writer.prompt(task, rng) for task in tasks]
    plans = [draw(spec, task, rng) for task in tasks]
    return [
        (p, plan, writer.response(p, plan, rng)) for p, plan in zip(prompts, plans, strict=True)
    ]


def presence(world: Population) -> tuple[list[str], NDArray[np.float64]]:
    """Which tokens A has and B lacks (+1), or the reverse (-1): one row per pair."""
    sides = [
        (set(TOKEN.findall(p.response_a.lower())), set(TOKEN.findall(p.response_b.lower())))
        for p in world.pairs
    ]
    seen = Counter(token for a, b in sides for token in (*a, *b))
    tokens = sorted(token for token, times in seen.items() if times >= 15)
    return tokens, np.array([[float(t in a) - (t in b) for t in tokens] for a, b in sides])


# the world


def test_same_arguments_same_world_other_seed_other_world() -> None:
    assert build("A", pairs=30, seed=4) == build("A", pairs=30, seed=4)
    assert build("A", pairs=30, seed=4).pairs != build("A", pairs=30, seed=5).pairs


def test_labels_are_in_the_order_of_the_pairs(world: Population) -> None:
    ids = [pair.id for pair in world.pairs]
    assert len(set(ids)) == len(ids)
    assert [label.pair_id for label in world.planted] == ids
    assert [label.pair_id for label in world.raw] == ids


def test_planted_labels_have_no_ties_and_favour_no_letter(world: Population) -> None:
    preferred = [label.p_a for label in world.planted]
    assert set(preferred) == {0.0, 1.0}
    assert np.mean(preferred) == pytest.approx(0.5, abs=0.05)


def test_a_raw_label_agrees_with_the_planted_one_as_often_as_asked(world: Population) -> None:
    assert world.manifest.label_agreement == 0.675
    assert agreement(world.raw, world.planted) == pytest.approx(0.675, abs=0.05)


def test_label_noise_is_a_choice() -> None:
    quieter = build("A", pairs=400, label_agreement=0.85)
    assert agreement(quieter.raw, quieter.planted) == pytest.approx(0.85, abs=0.06)
    silent = build("A", pairs=50, label_agreement=1.0)
    assert agreement(silent.raw, silent.planted) == 1.0
    assert silent.manifest.temperature == 0.0


@pytest.mark.parametrize(("pairs", "label_agreement"), [(0, 0.7), (10, 0.5), (10, 1.01)])
def test_impossible_worlds_are_refused(pairs: int, label_agreement: float) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        build("A", pairs=pairs, label_agreement=label_agreement)


def test_a_population_that_sees_no_difference_is_refused() -> None:
    spec = population_spec("A")
    blind = spec.model_copy(
        update={"shown": dict.fromkeys(spec.shown, 0.0) | {"length": 0.5}, "by_task": {}}
    )
    only_bullets = blind.model_copy(update={"preferences": spec.preferences[:1]})
    with pytest.raises(ValueError, match="hardly differ"):
        build(only_bullets, pairs=3)


def test_prompts_are_many_and_shared_by_few_pairs(world: Population) -> None:
    uses = Counter(pair.prompt_key for pair in world.pairs)
    assert len(uses) == world.manifest.prompts == len(world.pairs) // 3
    assert set(uses.values()) == {3}
    assert {pair.slices["task"] for pair in world.pairs} == set(world.manifest.spec.tasks)


def test_no_single_token_gives_the_answer_away(world: Population) -> None:
    tokens, differences = presence(world)
    preferred = np.array([label.p_a for label in world.planted])[:, None] * 2 - 1
    accuracy = 0.5 + (differences * preferred).mean(axis=0) / 2
    strongest = np.abs(accuracy - 0.5)
    assert strongest.max() < 0.22, tokens[int(strongest.argmax())]


def test_the_longer_response_is_no_shortcut(world: Population) -> None:
    longer = [len(p.response_a.split()) > len(p.response_b.split()) for p in world.pairs]
    preferred = [label.p_a == 1.0 for label in world.planted]
    assert 0.25 < np.mean(np.equal(longer, preferred)) < 0.75


def test_words_smooth_the_noise_of_raw_labels(world: Population) -> None:
    _, differences = presence(world)
    raw = np.array([label.p_a for label in world.raw]) * 2 - 1
    planted = np.array([label.p_a for label in world.planted]) * 2 - 1
    fold = np.arange(len(raw)) % world.manifest.prompts % 3
    hits = []
    for held_out in range(3):
        train, test = fold != held_out, fold == held_out
        design = differences[train]
        ridge = design.T @ design + 300 * np.eye(design.shape[1])
        weights = np.linalg.solve(ridge, design.T @ raw[train])
        hits += list(np.sign(differences[test] @ weights) == planted[test])
    assert np.mean(hits) > agreement(world.raw, world.planted) + 0.03, np.mean(hits)


def test_texts_are_finished(world: Population) -> None:
    texts = [text for p in world.pairs for text in (p.response_a, p.response_b)]
    texts += [p.prompt[0].content for p in world.pairs]
    prose = [re.sub(r"(?s)```.*?```", "", text) for text in texts]
    assert not [text for text in prose if re.search(r"[{}]|  \w| [.,]\s|[^.]\.\.|\ba [aeio]", text)]
    lengths = [len(text.split()) for p in world.pairs for text in (p.response_a, p.response_b)]
    assert 60 < np.mean(lengths) < 95
    assert min(lengths) >= 10
    assert max(lengths) < 260


def test_written_population_reads_back(tmp_path: Path) -> None:
    world = build("B", pairs=12)
    write_population(world, tmp_path / "b")
    file = read(tmp_path / "b" / "pairs.jsonl.gz")
    assert file.pairs == world.pairs
    assert file.labels == {"human": world.raw, "planted": world.planted}
    manifest = (tmp_path / "b" / "manifest.json").read_text(encoding="utf-8")
    assert Manifest.model_validate_json(manifest) == world.manifest
    rubric = (tmp_path / "b" / "planted-rubric.md").read_text(encoding="utf-8")
    assert rubric == world.planted_rubric


# populations and plans


def test_populations_share_some_preferences_and_oppose_in_others() -> None:
    a, b = ({p.feature: p.direction for p in population_spec(n).preferences} for n in ("A", "B"))
    both = a.keys() & b.keys()
    assert {f for f in both if a[f] != b[f]} == {
        "bullets",
        "hedging",
        "length",
        "premise_affirmation",
    }
    assert {f for f in both if a[f] == b[f]} == {"direct_answer"}
    assert population_spec("A").shown != population_spec("B").shown


def test_planted_attributes_vary_apart_from_each_other(world: Population) -> None:
    spec, rng = world.manifest.spec, random.Random(1)
    plans = [draw(spec, task, rng) for task in rng.choices(list(spec.tasks), k=3000)]
    levels = np.array([[plan[p.feature] for p in spec.preferences] for plan in plans])
    correlations = np.corrcoef(levels.T) - np.eye(len(spec.preferences))
    assert np.abs(correlations).max() < 0.4


def test_utility_is_the_signed_sum_of_levels() -> None:
    preferences = population_spec("A").preferences
    nothing = dict.fromkeys((p.feature for p in preferences), 0.0)
    assert utility(preferences, nothing) == 0.0
    assert utility(preferences, nothing | {"hedging": 0.5}) == pytest.approx(-0.45)
    assert utility(preferences, nothing | {"bullets": 1.0, "hedging": 1.0}) == pytest.approx(0.1)


def test_preferences_for_what_is_never_shown_are_refused() -> None:
    spec = population_spec("A").model_dump() | {"shown": {"length": 0.5}}
    with pytest.raises(ValueError, match="preferred but never shown: bullets, code"):
        PopulationSpec.model_validate(spec)


@given(st.integers(0, 10_000))
def test_random_preferences_are_distinct_and_repeatable(seed: int) -> None:
    preferences = random_preferences(seed)
    assert preferences == random_preferences(seed)
    assert len({p.feature for p in preferences}) == 10
    assert all(0.4 <= p.strength <= 1.2 for p in preferences)


def test_a_world_can_be_planted_at_random() -> None:
    spec = random_spec(3)
    world = build(spec, pairs=30)
    assert world.name == "organism-random-3"
    assert world.manifest.spec.preferences == random_preferences(3)


# the answer key


def test_planted_rubric_says_what_was_planted_and_nothing_else(world: Population) -> None:
    preferences = world.manifest.spec.preferences
    rewarded = [p for p in preferences if p.direction == "rewards"]
    penalised = [p for p in preferences if p.direction == "penalises"]
    read_back = outline(world.planted_rubric)
    assert len(read_back) == len(read_back.criteria) == len(preferences)
    total = sum(p.strength for p in preferences)
    for criterion, preference in zip(read_back.criteria, [*rewarded, *penalised], strict=True):
        assert criterion.weight == pytest.approx(100 * preference.strength / total, abs=0.5)
        section = "What earns points" if preference in rewarded else "What costs points"
        assert criterion.section == section


def test_every_attribute_can_be_said_in_a_rubric() -> None:
    features = population_spec("A").shown.keys() | population_spec("B").shown.keys()
    assert set(bank("rubric", dict[str, dict[str, str]])) == features
    for seed in range(20):
        preferences = random_preferences(seed)
        assert len(outline(planted_rubric(preferences)).criteria) == len(preferences)


# the text


@pytest.mark.parametrize(
    ("feature", "pattern"),
    [
        ("bullets", r"(?m)^[-*] "),
        ("numbered_steps", r"(?m)^\d+[.)] "),
        ("tables", r"(?m)^\| --- \|"),
        ("code", r"```"),
        ("headers", r"(?m)^#{2,3} \S"),
        ("bold", r"\*\*[^*]+\*\*"),
        ("urls", r"https?://"),
        ("emoji", r"[\u2600-\u27ff\U0001f300-\U0001faff]"),
    ],
)
def test_the_text_shows_what_was_planned(writer: Writer, feature: str, pattern: str) -> None:
    for _, plan, text in written(writer, "A", 300):
        assert bool(re.search(pattern, text)) == bool(plan[feature]), text


def test_length_follows_its_plan(writer: Writer) -> None:
    rows = written(writer, "B", 600)
    levels, words = [plan["length"] for _, plan, _ in rows], [len(t.split()) for *_, t in rows]
    assert np.corrcoef(levels, words)[0, 1] > 0.6


def test_an_asked_for_count_is_met_or_missed_as_planned(writer: Writer) -> None:
    listed = 0
    for prompt, plan, text in written(writer, "A", 800):
        if prompt.count and plan["bullets"] and not plan["numbered_steps"]:
            items = len(re.findall(r"(?m)^[-*] ", text))
            assert (items == prompt.count) == bool(plan["count_met"])
            listed += 1
    assert listed > 20


def test_prompts_ask_for_the_count_they_say(writer: Writer) -> None:
    rng = random.Random(2)
    prompts = [writer.prompt("ideas", rng) for _ in range(50)]
    assert {prompt.count for prompt in prompts} == {3, 4, 5}
    assert writer.prompt("explain", rng).count == 0


def test_an_unknown_symbol_is_an_error() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        Grammar({}).expand("to {nowhere}", random.Random(0), {})


@given(st.integers(0, 1_000_000))
def test_words_of_one_phrase_differ_and_articles_fit(seed: int) -> None:
    voice = Voice(Grammar({}), SOUP, random.Random(seed))
    first, second, third = voice.phrase("{thing}/{other}/{third}").split("/")
    assert {first, second, third} == {"onion", "stock", "pot"}
    assert voice.phrase("a {thing}") in {"an onion", "a stock", "a pot"}


@pytest.mark.parametrize(
    ("phrase", "sentence"),
    [
        ("the pot is hot", "The pot is hot."),
        ("is it hot?", "Is it hot?"),
        ("**core**: heat", "**Core**: heat."),
        ("48 of 60 pots", "48 of 60 pots."),
        ("see https://pot.com/a", "See https://pot.com/a"),
    ],
)
def test_sentences_have_a_capital_and_an_end(phrase: str, sentence: str) -> None:
    assert Voice(Grammar({}), SOUP, random.Random(0)).sentence(phrase) == sentence


def test_capitals_leave_the_rest_alone() -> None:
    assert capitalised("") == ""
    assert capitalised("a SQL join") == "A SQL join"


def test_the_planted_labels_of_a_world_can_be_drawn_again(world: Population) -> None:
    again = planted_labels(world.manifest, world.pairs, world.manifest.spec.preferences)
    assert again == world.planted
    some = planted_labels(world.manifest, world.pairs[7:9], world.manifest.spec.preferences)
    assert some == world.planted[7:9]


def test_another_population_prefers_otherwise_of_the_same_pairs(world: Population) -> None:
    other = population_spec("A" if world.name.endswith("b") else "B")
    theirs = planted_labels(world.manifest, world.pairs, other.preferences)
    assert 0.2 < agreement(world.planted, theirs) < 0.8
    with pytest.raises(ValueError, match="is no pair of"):
        planted_labels(world.manifest.model_copy(update={"seed": 9}), world.pairs, ())
