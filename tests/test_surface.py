import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_audit.records import Judgment, Message, Pair, Rubric
from argo_audit.surface.contrast import measured
from argo_audit.surface.features import FEATURES, measure
from argo_audit.surface.judge import (
    SHARPNESS,
    SurfaceJudge,
    explain,
    preferences,
    scores,
    weights,
)
from argo_audit.surface.reader import ReadCriterion, ReadGate, Reading, read_rubric

LISTS = "- Rewards bulleted lists\n- Penalises apologies\n"


def pair(a: str, b: str, request: str = "Name two teas.", name: str = "p") -> Pair:
    prompt = (Message(role="user", content=request),)
    return Pair(id=name, prompt=prompt, response_a=a, response_b=b)


def judge(rubric: str, *pairs: Pair, by: SurfaceJudge | None = None) -> list[Judgment]:
    return asyncio.run((by or SurfaceJudge()).judge(Rubric(text=rubric), pairs))


def p_a(rubric: str, a: str, b: str) -> float:
    (judgment,) = judge(rubric, pair(a, b))
    assert judgment.p_a is not None
    return judgment.p_a


def test_the_response_with_what_the_rubric_wants_is_preferred() -> None:
    assert p_a(LISTS, "- green\n- black", "I'm sorry. Green and black.") > 0.8
    assert p_a("- Prefers short answers", "Green and black.", "Green and black. " * 20) > 0.6
    assert p_a("- Prefers long answers", "Green and black.", "Green and black. " * 20) < 0.4


RUBRICS = st.sampled_from(
    [LISTS, "- concise", "- emoji -> Overall <= 2", "- hedging; no lists", ""]
)
RESPONSES = st.one_of(st.text(), st.sampled_from(["- a\n- b", "I'm so sorry!", "Maybe. " * 30]))


@given(RUBRICS, RESPONSES, RESPONSES)
def test_exchanging_the_responses_exchanges_the_preference(rubric: str, a: str, b: str) -> None:
    assert p_a(rubric, a, b) == pytest.approx(1 - p_a(rubric, b, a), abs=1e-12)


@given(RUBRICS, RESPONSES)
def test_equal_responses_are_a_tie_exactly(rubric: str, response: str) -> None:
    assert p_a(rubric, response, response) == 0.5


@pytest.mark.parametrize("rubric", ["", "  \n", "- accuracy\n- sound reasoning", "# Nothing"])
def test_a_rubric_of_which_nothing_is_read_is_a_tie_exactly(rubric: str) -> None:
    assert p_a(rubric, "- green\n- black", "I'm so sorry!") == 0.5


def test_both_orders_are_the_same_number() -> None:
    (judgment,) = judge(LISTS, pair("- a", "b"))
    assert judgment.p_a == judgment.p_a_first == judgment.p_a_second
    assert judgment.flipped is False


def test_a_judgment_is_the_record_that_validation_would_make() -> None:
    for judgment in judge(LISTS, pair("- a", "b"), pair("b", "- a", name="q")):
        assert Judgment.model_validate(judgment.model_dump()) == judgment
        assert Judgment(**judgment.model_dump()).model_dump_json() == judgment.model_dump_json()


def test_the_reply_says_how_much_was_read() -> None:
    (judgment,) = judge(LISTS + "- accuracy\n- emoji -> Overall <= 3", pair("a", "b"))
    assert judgment.reply == "Read from the rubric: wishes 2, gates 1; lines not read: 1."


def test_judgments_keep_the_order_of_the_pairs_and_the_rubrics_id() -> None:
    pairs = [pair("- a\n- b", "c", name="x"), pair("c", "- a\n- b", name="y")]
    first, second = judge(LISTS, *pairs)
    assert judge(LISTS) == []
    assert (first.pair_id, second.pair_id) == ("x", "y")
    assert first.rubric_id == Rubric(text=LISTS).id
    assert [judgment.p_a and judgment.p_a > 0.5 for judgment in (first, second)] == [True, False]


def test_a_judgment_does_not_depend_on_its_neighbours_or_on_what_was_judged_before() -> None:
    by = SurfaceJudge()
    pairs = [pair(f"- {n} " * n, "I'm sorry. " * n, name=str(n)) for n in range(1, 40)]
    together = judge(LISTS, *pairs, by=by)
    again = judge(LISTS, *pairs, by=by)
    alone = [judge(LISTS, one)[0] for one in pairs]
    assert together == again == alone


def test_the_same_id_with_other_responses_is_another_pair() -> None:
    by = SurfaceJudge()
    first, second = judge(LISTS, pair("- a", "b"), by=by), judge(LISTS, pair("b", "- a"), by=by)
    assert first != second


def wish(feature: str, direction: int, weight: float = 1.0) -> ReadCriterion:
    return ReadCriterion(feature, direction, weight, "quote", 1)


def features(*values: dict[str, float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array([[row.get(name, 0.0) for name in FEATURES] for row in values])


def test_a_score_is_five_plus_five_times_the_weighted_mean() -> None:
    reading = Reading((wish("emoji", 1, 3.0), wish("code", -1, 1.0)))
    both = features({"emoji": 1.0}, {"code": 0.5})
    assert scores(reading, both).tolist() == [5 + 5 * 0.75, 5 - 5 * 0.125]
    expected = 1 / (1 + np.exp(-SHARPNESS * (8.75 - 4.375)))
    assert preferences(reading, both[:1], both[1:])[0] == pytest.approx(expected)


def test_opposite_wishes_cancel() -> None:
    reading = Reading((wish("emoji", 1), wish("emoji", -1), wish("code", 1)))
    signed = weights(reading)
    assert signed[FEATURES.index("emoji")] == 0
    assert signed[FEATURES.index("code")] == pytest.approx(1 / 3)


def test_a_gate_caps_the_score_of_what_it_holds_for() -> None:
    gates = (ReadGate("emoji", True, 2.0, "quote", 1), ReadGate("code", False, 4.0, "quote", 2))
    reading = Reading((), gates)
    rows = features({"emoji": 0.5, "code": 0.5}, {"emoji": 0.4, "code": 0.5}, {"emoji": 0.4})
    assert scores(reading, rows).tolist() == [2.0, 5.0, 4.0]


def test_gates_decide_when_they_are_read_from_a_rubric() -> None:
    rubric = "## Gates\n\n- Invented citations -> Overall <= 2\n"
    assert p_a(rubric, "It is so.", "It is so (Smith et al., 2019).") > 0.9


def lines(rubric: str, a: str, b: str) -> Sequence[str]:
    return explain(Rubric(text=rubric), "Name two teas.", a, b).text.splitlines()


def test_the_explanation_names_each_line_what_was_measured_and_what_could_not_be_read() -> None:
    rubric = LISTS + "- accuracy\n- Uses emoji -> Overall <= 3\n"
    told = lines(rubric, "- green\n- black\n- red", "Sorry. Green \U0001f600")
    assert told == [
        '- "Rewards bulleted lists": more bullets; A has 0.50, B has 0.00: +1.25 for A',
        '- "Penalises apologies": less apology; A has 0.00, B has 0.50: +1.25 for A',
        '- Gate "Uses emoji -> Overall <= 3": emoji present caps at 3; it holds for B',
        '- Could not read: "accuracy"',
        "Overall: A 6.25, B 3.00 of 10; P(A) = 0.998",
        "Verdict: A",
    ]


def test_the_explanations_verdict_is_that_of_the_judgment_and_a_tie_says_a() -> None:
    assert lines(LISTS, "I'm sorry.", "- a")[-1] == "Verdict: B"
    tie = explain(Rubric(text=""), "?", "a", "b")
    assert (tie.text.splitlines()[-1], tie.p_a) == ("Verdict: A", 0.5)


def test_the_explanation_agrees_with_the_judgment() -> None:
    rubric = LISTS + "- warm tone\n- emoji -> Overall <= 2\n"
    one = pair("- a\n- b", "So sorry! Happy to help \U0001f600")
    told = explain(Rubric(text=rubric), "Name two teas.", one.response_a, one.response_b)
    assert told.p_a == pytest.approx(judge(rubric, one)[0].p_a, abs=1e-12)


def test_the_request_is_the_last_user_turn() -> None:
    turns = (
        ("user", "Give me three teas."),
        ("assistant", "No."),
        ("user", "Then give me two teas."),
    )
    prompt = tuple(Message.model_validate({"role": r, "content": c}) for r, c in turns)
    one = Pair(id="p", prompt=prompt, response_a="- a\n- b", response_b="- a\n- b\n- c")
    (judgment,) = judge("- Meets the asked counts", one)
    assert judgment.p_a is not None
    assert judgment.p_a > 0.5
    assert (
        measured([one]).first[0].tolist() == measure("Then give me two teas.", "- a\n- b").tolist()
    )


def test_reading_is_shared_between_equal_rubrics() -> None:
    assert read_rubric(LISTS) is read_rubric(str(LISTS))
