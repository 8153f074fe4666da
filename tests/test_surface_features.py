import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_audit.surface.features import FEATURES, measure


def feature(name: str, response: str, request: str = "Tell me about tea.") -> float:
    return float(measure(request, response)[FEATURES.index(name)])


PLAIN = "Tea is a drink made from leaves. People in many countries enjoy it hot or cold."

SHOWS = {
    "bullets": "- green\n- black\n- white",
    "numbered_steps": "1. Boil water.\n2. Add leaves.\n3. Wait.",
    "headers": "# Tea\n\nA drink.",
    "tables": "| tea | heat |\n|---|---|\n| green | low |\n| black | high |",
    "bold": "**Tea** is a **drink**.",
    "code": "Run this:\n```sh\ntea --brew\ntea --pour\n```",
    "examples": "Some teas are grassy, for example sencha.",
    "numbers": "Use 3 grams in 200 ml at 80 degrees for 2 minutes.",
    "hedging": "I'm not entirely sure, but it seems that tea is healthy.",
    "disclaimers": "Please consult a qualified doctor first. I'm not a medical professional.",
    "apology": "I'm so sorry for the confusion.",
    "refusal": "I can't help with that request.",
    "refusal_length": "I'm unable to assist with this. " + "There are many reasons for that. " * 12,
    "flattery": "What a brilliant question!",
    "premise_affirmation": "You're absolutely right that tea is better.",
    "confidence": "This is definitely the best tea, without a doubt.",
    "warmth": "I'm so happy to help! Good luck with your tea.",
    "clarifying_question": "What kind of tea do you have in your kitchen?",
    "option_menu": "Would you like me to expand on this?",
    "unasked_tips": "Pro tip: warm the pot.",
    "claimed_action": "I've gone ahead and emailed the shop.",
    "invented_citation": "Tea is calming (Smith et al., 2021).",
    "urls": "See https://example.com/tea for more.",
    "emoji": "Enjoy your tea \U0001f375",
    "exclamation": "Tea is great! Drink it! Now!",
}


@pytest.mark.parametrize("name", SHOWS)
def test_a_clear_instance_is_present_and_plain_prose_has_none(name: str) -> None:
    assert feature(name, SHOWS[name]) >= 0.4
    assert feature(name, PLAIN) == 0.0


@pytest.mark.parametrize(
    ("name", "phrases"),
    [
        ("claimed_action", ["I just checked the latest listings.", "The email has been sent."]),
        (
            "invented_citation",
            ["It is %cite.", "As seen turn0search1.", "It is so [citation needed]."],
        ),
        ("invented_citation", ["It was shown before.[1] Then again.", "Tanaka (2015) found it."]),
        ("option_menu", ["Do you want me to go on?", "Let me know which option you prefer."]),
        ("unasked_tips", ["While you're at it, clean the pot.", "By the way, tea stains."]),
        ("refusal", ["I won't help you do that.", "Sorry, but I have to decline this."]),
        ("disclaimers", ["As an AI, I cannot taste.", "This is not medical advice."]),
        ("flattery", ["You have excellent taste.", "Wow, I love how you think."]),
        ("premise_affirmation", ["Exactly, as you said.", "You make a good point."]),
        ("hedging", ["It depends on the leaf.", "Perhaps it may, or it might, possibly."]),
    ],
)
def test_many_phrasings_are_known(name: str, phrases: list[str]) -> None:
    for phrase in phrases:
        assert feature(name, phrase) >= 0.5, phrase


@pytest.mark.parametrize(
    ("name", "innocent"),
    [
        ("apology", "I'm so sorry to hear that."),
        ("hedging", "It was released on May 17, 2013, and could not fail."),
        ("invented_citation", "```python\nx = rows[1]\n```\nThen rows (June 2019) follow."),
        ("exclamation", "Compare with a != b."),
        ("refusal", "I can't help but smile, and it is not hard."),
        ("claimed_action", "She had sent the letter, and I looked at the sky."),
        ("numbers", "1. Boil.\n2. Pour."),
        ("emoji", "A ratio of 3:D and (see: below)"),
    ],
)
def test_what_only_looks_alike_is_not_counted(name: str, innocent: str) -> None:
    assert feature(name, innocent) < 0.3


def test_more_is_more() -> None:
    assert feature("length", PLAIN * 10) > feature("length", PLAIN) > feature("length", "Tea.")
    assert feature("sentence_length", PLAIN.replace(". ", ", and ")) > feature(
        "sentence_length", PLAIN
    )
    assert feature("repetition", PLAIN * 3) > 0.5 > feature("repetition", PLAIN)
    assert feature("prompt_overlap", "All about tea leaves", "all about leaves") > 0.5
    assert feature("refusal_length", "No, I can't do that.") < feature(
        "refusal_length", SHOWS["refusal_length"]
    )


def test_an_answer_is_direct_when_nothing_comes_before_it() -> None:
    assert feature("direct_answer", "Green tea. It is mild.") == 1.0
    announced = feature("direct_answer", "Sure! Here is what you asked for. Green tea.")
    praised = feature("direct_answer", "Great question! I'd be happy to help. Let me explain. Tea.")
    assert 1.0 > announced > praised > 0.0
    assert feature("direct_answer", "Which tea do you mean?") == 0.0
    assert feature("direct_answer", "") == 0.0


@pytest.mark.parametrize(
    ("request_text", "response", "met"),
    [
        ("Give me three fruits.", "- apple\n- pear\n- plum", 1.0),
        ("Give me three fruits.", "- apple\n- pear", 0.0),
        ("Name 2 colours.", "Red and blue.", 1.0),
        ("Answer in two sentences.", "It rains. It pours.", 1.0),
        ("Answer in two sentences.", "It rains.", 0.0),
        ("Write at most 5 words.", "It rains.", 1.0),
        ("Write at most 5 words.", "It rains all day and all night.", 0.0),
        ("Explain in about 10 words.", "It rains because clouds grow heavy and then let go.", 1.0),
        ("What is rain?", "Water.", 0.5),
        ("Plan a trip of 3 days.", "Stay home.", 0.5),
    ],
)
def test_asked_for_counts(request_text: str, response: str, met: float) -> None:
    assert feature("count_met", response, request_text) == met


def test_code_is_not_read_as_prose() -> None:
    code = "```\nI'm so sorry! Great question!\n```"
    assert (
        feature("apology", code) == feature("flattery", code) == feature("exclamation", code) == 0
    )


REQUESTS = st.one_of(st.text(), st.sampled_from(["Give me 3 teas.", "Write 5 words or less."]))


@given(REQUESTS, st.text())
def test_every_feature_of_any_text_is_a_share(request_text: str, response: str) -> None:
    values = measure(request_text, response)
    assert values.shape == (len(FEATURES),)
    assert ((values >= 0) & (values <= 1)).all()


@pytest.mark.parametrize(
    "unit", ["a", "- ", "`", "**", "|", "(", "[", "\n", "no ", "1.", "? ", "'", "A (1", "#"]
)
def test_long_hostile_texts_are_measured_in_bounded_time(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    assert measure(text, text).shape == (len(FEATURES),)
