"""Which pairs stand for a finding: by rule, with what speaks against it, and cut."""

from random import Random

import pytest
from fakes import PlantedRewardModel
from hypothesis import given
from hypothesis import strategies as st

from argo_audit.findings import examples as module
from argo_audit.findings.assessment import Assessment, assess
from argo_audit.findings.examples import (
    BEFORE,
    LONGEST,
    MOST,
    Examples,
    HeldOut,
    cut,
    examples,
    shown_features,
)
from argo_audit.findings.slopes import compared
from argo_audit.organism.world import build
from argo_audit.probes.edits.counterfactuals import chosen
from argo_audit.probes.probe import Probed, probe, responses_of
from argo_audit.records import Label, Pair
from argo_audit.reward_models.soft_labels import label_pairs
from argo_audit.surface.features import FEATURES, measure

RUBRIC = (
    "- Rewards bullet lists.\n- Rewards headings.\n- Rewards bold text.\n- Penalises hedging.\n"
)
LIKES = {"bullets": 1.0, "hedging": -1.0}


def likes(response: str) -> float:
    """Two features, and so much noise that not every pair goes along."""
    values, noise = measure("", response), Random(response).gauss(0, 0.3)
    return noise + sum(worth * float(values[FEATURES.index(name)]) for name, worth in LIKES.items())


@pytest.fixture(scope="module")
def pairs() -> tuple[Pair, ...]:
    return build("A", 200, 5).pairs


@pytest.fixture(scope="module")
def held_out(pairs: tuple[Pair, ...]) -> HeldOut:
    labels = label_pairs(PlantedRewardModel(likes), pairs)
    return HeldOut(pairs, labels, compared(pairs, labels))


@pytest.fixture(scope="module")
def probed(pairs: tuple[Pair, ...]) -> tuple[Probed, ...]:
    edits = chosen(("bullets", "hedging"))
    return probe(PlantedRewardModel(likes), responses_of(pairs[:25]), edits)


@pytest.fixture(scope="module")
def found(held_out: HeldOut, probed: tuple[Probed, ...]) -> Assessment:
    return assess(RUBRIC, held_out.compared, probed)


@pytest.fixture(scope="module")
def shown(
    found: Assessment, held_out: HeldOut, probed: tuple[Probed, ...]
) -> dict[str, tuple[Examples, ...]]:
    return examples(shown_features(found)[0], probed, held_out)


def amount(text: str, feature: str) -> float:
    return float(measure("", text)[FEATURES.index(feature)])


def test_the_flagged_come_first_each_feature_once_and_the_rest_is_counted(
    found: Assessment,
) -> None:
    shown, left_out = shown_features(found)
    assert len({f.feature for f in shown}) == len(shown) <= MOST
    flagged = list(dict.fromkeys(flag.finding.feature for flag in found.flags))[:MOST]
    assert [f.feature for f in shown][: len(flagged)] == flagged
    assert {f.status for f in shown} <= {"verified", "refuted"}
    many = found._replace(findings=found.findings * 3)
    assert shown_features(many) == (shown, left_out)
    one = found._replace(flags=found.flags[:1], findings=(), beyond=())
    assert shown_features(one) == ([found.flags[0].finding], 0)


def test_a_probe_shows_the_edited_text_beside_the_one_edited_back(
    shown: dict[str, tuple[Examples, ...]], pairs: tuple[Pair, ...]
) -> None:
    by = {one.method: one for one in shown["bullets"]}
    typical = by["probe"].typical
    assert amount(typical.having.text, "bullets") > amount(typical.without.text, "bullets")
    assert typical.having.reward is not None
    assert typical.p_having is None
    prompts = {f"{pair.id}/{side}": pair.prompt[-1].content for pair in pairs for side in "ab"}
    assert typical.prompt == prompts[typical.id]


@pytest.mark.parametrize(("feature", "sign"), [("bullets", 1), ("hedging", -1)])
def test_a_counter_example_goes_the_other_way_and_none_goes_further(
    shown: dict[str, tuple[Examples, ...]], held_out: HeldOut, feature: str, sign: int
) -> None:
    slope = next(one for one in shown[feature] if one.method == "slope")
    differences = held_out.compared.features[:, FEATURES.index(feature)]
    rows = zip(differences.tolist(), held_out.pairs, held_out.compared.pay.tolist(), strict=True)
    most = sorted(rows, key=lambda row: (-abs(row[0]), row[1].id))[: slope.of]
    worths = [pay if more > 0 else -pay for more, _, pay in most]
    against = [worth for worth in worths if sign * worth < 0]
    assert slope.against == len(against) > 0
    assert slope.counter is not None
    assert slope.counter.worth == pytest.approx(min(against, key=lambda worth: sign * worth))
    assert slope.typical.worth * sign > 0
    assert slope.typical.p_having is not None
    assert (slope.typical.p_having > 0.5) == (slope.typical.worth > 0)


def test_the_choice_does_not_depend_on_the_order(
    found: Assessment, held_out: HeldOut, probed: tuple[Probed, ...]
) -> None:
    findings, _ = shown_features(found)
    pairs, labels = held_out.pairs[::-1], held_out.labels[::-1]
    turned = HeldOut(pairs, labels, compared(pairs, labels))
    assert examples(findings, probed[::-1], turned) == examples(findings, probed, held_out)


def test_raw_labels_have_no_rewards_and_show_the_preference() -> None:
    pairs = [Pair.model_validate(_bulleted(i)) for i in range(12)]
    labels = [Label(pair_id=pair.id, p_a=0.9, source="human") for pair in pairs]
    held_out = HeldOut(pairs, labels, compared(pairs, labels))
    findings, _ = shown_features(assess("- Rewards bullet lists.", held_out.compared))
    (slope,) = examples(findings, (), held_out)["bullets"]
    assert slope.typical.having.reward is None
    assert slope.typical.p_having == pytest.approx(0.9)
    assert slope.counter is None
    assert (slope.against, slope.of) == (0, module.LEAST)


def _bulleted(number: int) -> dict[str, object]:
    prompt = [{"role": "user", "content": "Hi"}, {"role": "user", "content": f"List {number}"}]
    return {
        "id": f"p{number}",
        "prompt": prompt[number % 2 :],
        "response_a": f"- tea {number}\n- cake\n- {'milk ' * (number % 3)}jam",
        "response_b": f"tea, cake and jam {number}",
    }


@given(st.text(max_size=900), st.text(max_size=900), st.text(max_size=900))
def test_cut_texts_are_short_and_show_where_they_differ(same: str, one: str, other: str) -> None:
    first, second = cut(same + one, same + other)
    assert max(len(first), len(second)) <= LONGEST + len("… ") + len(" …")
    if one[:1] != other[:1] and len(same) <= BEFORE:
        assert first != second


def test_an_edit_far_down_is_shown() -> None:
    text = "word " * 300
    first, second = cut(text + "plain end", text + "new end")
    assert first.endswith("plain end")
    assert second.endswith("new end")
    assert first.startswith("… word")
