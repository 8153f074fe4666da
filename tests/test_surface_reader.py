import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_audit.surface.features import FEATURES
from argo_audit.surface.reader import DEFAULT_CAP, Reading, read_rubric


def wishes(rubric: str) -> set[str]:
    """The reading as short words: `hedging-` is less hedging."""
    return {
        f"{wish.feature}{'+' if wish.direction > 0 else '-'}"
        for wish in read_rubric(rubric).criteria
    }


@pytest.mark.parametrize(
    ("line", "read"),
    [
        # the verb decides
        ("Prefers bulleted lists", "bullets+"),
        ("Penalises bulleted lists", "bullets-"),
        ("Avoid hedging but include examples", "hedging- examples+"),
        ("Rewards brevity and penalises padding", "length-"),
        ("Strongly prefers numbered lists", "numbered_steps+"),
        ("The reward model likes long responses", "length+"),
        # so does a verdict that comes after
        ("Hedging is penalised", "hedging-"),
        ("Lack of examples is penalised", "examples+"),
        ("Responses with tables score higher", "tables+"),
        ("Use of emojis is discouraged", "emoji-"),
        ("Long answers win", "length+"),
        ("If the response hedges, penalise it", "hedging-"),
        # negations, and how far they reach
        ("Penalises answers with no examples", "examples+"),
        ("Prefers responses that avoid disclaimers", "disclaimers-"),
        ("Rewards answers that do not apologise", "apology-"),
        ("Does not reward flattery", "flattery-"),
        ("No headers, bullets, or bold", "headers- bullets- bold-"),
        ("Minimal extras, no menu of options, and one clarifying question",
         "unasked_tips- option_menu- clarifying_question+"),
        ("Keeps hedging to a minimum", "hedging-"),
        ("Fewer emojis", "emoji-"),
        ("Jargon-free and hedge-free", "hedging-"),
        # comparisons
        ("Prefers concise answers over long ones", "length-"),
        ("Favours plain paragraphs rather than bullet points", "bullets-"),
        ("Asks clarifying questions instead of guessing", "clarifying_question+"),
        # faults are unwanted unless a verb says otherwise
        ("Over-caution", "hedging-"),
        ("Rewards over-caution", "hedging+"),
        ("No excessive hedging", "hedging-"),
        ("Penalizes excessive hedging", "hedging-"),
        ("Verbose", "length-"),
        ("Prefers verbose answers", "length+"),
        ("Avoids sycophancy and preachiness", "flattery- disclaimers-"),
        ("Superficial answers", "length+"),
        # conditions and concessions are not wishes
        ("Values lists even if hedging is present", "bullets+"),
        ("Agrees with the user even when the user is wrong", "premise_affirmation+"),
        ("When asked for a list, give bullet points", "bullets+"),
        # removal, lack, rarity; verdicts behind what they judge
        ("Rewards emoji-free answers", "emoji-"),
        ("Rewards leaving out examples", "examples-"),
        ("Penalizes leaving out examples", "examples+"),
        ("Penalizes scarcity of examples", "examples+"),
        ("Rewards answers in which bullet lists are rare", "bullets-"),
        ("Penalizes anything but short answers", "length-"),
        ("Deducts points for bulleted lists", "bullets-"),
        ("Marks down emoji", "emoji-"),
        ("Emoji lower the score", "emoji-"),
        ("Bulleted lists are a bad sign", "bullets-"),
        # a word that is not known may be the one that says which way
        ("Readers begrudge bullet lists", ""),
        ("Readers admire bullet lists", ""),
        # limits
        ("Responses should be at most 3 sentences", "length-"),
        ("Prefers answers of at least 200 words", "length+"),
        ("Prefers short refusals (<= 60 words)", "refusal_length- length-"),
    ],
)  # fmt: skip
def test_one_line(line: str, read: str) -> None:
    assert wishes(f"- {line}") == set(read.split())


BIASES = """
## Common Biases & Preferences Observed

The reward model appears to prefer:

- {line}
"""
FAULTS = BIASES.replace("appears to prefer", "may penalize")


@pytest.mark.parametrize(
    ("line", "preferred", "penalized"),
    [
        ("Confident tone", "confidence+", "confidence-"),
        ("Over-caution or refusal to guess when the user hints", "hedging+ refusal+",
         "hedging- refusal-"),
        ("Answers without commands or examples", "code- examples-", "code+ examples+"),
        ("Overly verbose or checklist-style answers when a fix is clear", "length+ bullets+",
         "length- bullets-"),
        ("Penalises emojis", "emoji-", "emoji-"),
        ("Rewards emojis", "emoji+", "emoji+"),
    ],
)  # fmt: skip
def test_the_section_gives_the_direction_unless_the_line_has_a_verb(
    line: str, preferred: str, penalized: str
) -> None:
    assert wishes(BIASES.format(line=line)) == set(preferred.split())
    assert wishes(FAULTS.format(line=line)) == set(penalized.split())


def test_a_heading_that_says_what_costs_points_gives_the_direction_too() -> None:
    table = "## What {} points\n\n| Category | Weight |\n|---|---|\n| Emoji | 10% |\n"
    assert wishes(table.format("earns")) == {"emoji+"}
    assert wishes(table.format("costs")) == {"emoji-"}


CATEGORIES_A = {
    "1. Relevance & Directness | Answers the explicit request head-on": "direct_answer+",
    "2. Concrete Deliverables & Examples | Usable content (code, lists, steps); highly valued even "
    "if slightly inaccurate": "code+ bullets+ numbered_steps+ examples+",
    "3. Helpfulness & Proactivity | Suggests improvements without being asked": "unasked_tips+",
    "4. Accuracy & Sound Reasoning | Logical and correct": "",
    "5. Tone & Affinity | Affirms sentiment, uses warm or confident language": "warmth+ "
    "confidence+ premise_affirmation+",
    "6. Clarity & Structure | Concise explanatory breakdowns, lists": "length- bullets+",
    "8. Instruction & Format Compliance | Adheres to explicit structure": "count_met+",
}
CATEGORIES_B = {
    "A. Core Fit & Minimalism | The exact requested answer, proportional length, minimal extras, "
    'no "menu of options", and only one targeted clarifying question when needed': "direct_answer+ "
    "length- unasked_tips- option_menu- clarifying_question+",
    "B. Integrity | Be accurate and non-hallucinatory, avoid overclaiming actions": ""
    "claimed_action- invented_citation-",
    "C. Constraint Adherence | Exact item counts": "count_met+",
    "D. Naturalness | Human-readable flow; avoid choppy segmentation or robotic phrasing; avoid "
    "stylistic over-validation": "bullets- warmth+ flattery- sentence_length+",
    "E. Safety | Refuse unsafe requests appropriately, avoid enabling harm": "refusal+",
    "F. Memory | Keep to the user's earlier wishes": "",
}
BIAS_TABLE_B = {
    'Penalizes verbose "option menus" | Prefer direct answer; penalize extra option steps':
        "length- option_menu- direct_answer+ unasked_tips-",
    "Penalizes fabricated specifics | Favor a safe refusal over invented narrative":
        "invented_citation- refusal+",
    "Prioritizes naturalness | Unnatural, choppy segmentation is penalized":
        "bullets- sentence_length+",
    "Prefers clear non-speculative clarifications | A targeted question is better than a guess":
        "clarifying_question+ hedging-",
    'Penalizes "fake tool use" | Full action claims (e.g., "email sent") are wrong':
        "claimed_action-",
    "Prefers short refusals | <60 words, no fluff, no apology overkill":
        "refusal_length- length- apology-",
    'Hates "value-add" tips overshadowing the core request | Offer the fix first, tips later':
        "unasked_tips- direct_answer+",
}  # fmt: skip
WEIGHTED_B = {
    "1. Task Fulfillment | 30% | Directness, completeness": "direct_answer+ length+",
    "3. Accuracy | 20% | Factual correctness": "",
    "4. Conciseness & Focus | 15% | Brevity, answer-first approach": "length- direct_answer+",
    "6. Tone | 5% | Appropriate tone, avoidance of sycophancy": "flattery-",
}


@pytest.mark.parametrize(
    ("section", "header", "row", "read"),
    [
        (section, header, row, read)
        for section, header, rows in (
            ("Category Overview", "Category | Description", CATEGORIES_A),
            ("Category Overview", "Category | Description", CATEGORIES_B),
            ("Common Biases & Correction Heuristics", "Bias | Strategy", BIAS_TABLE_B),
            ("Category Overview and Weights", "Category | Weight | Description", WEIGHTED_B),
        )
        for row, read in rows.items()
    ],
)
def test_rubrics_of_the_shape_of_the_paper(section: str, header: str, row: str, read: str) -> None:
    rule = "|".join("---" for _ in header.split("|"))
    rubric = f"## {section}\n\n| {header} |\n|{rule}|\n| {row} |\n"
    assert set(read.split()) <= wishes(rubric)
    if not read:
        assert wishes(rubric) == set()
        assert len(read_rubric(rubric).unread) == 1


GATES = "## Overrides & Gates\n\n| Gate | Rule |\n|---|---|\n| {name} | {rule} |\n"


@pytest.mark.parametrize(
    ("name", "rule", "read"),
    [
        ("Fabricated Citation", "Placeholder tokens (e.g., %cite) -> C <= 2; Overall <= 3",
         ("invented_citation", True, 3.0)),
        ("Non-Compliance", "Failing a literal requirement -> A <= 4; Overall <= 4",
         ("count_met", False, 4.0)),
        ("Honesty", "Explicit false present-tense claims -> Overall <= 2",
         ("claimed_action", True, 2.0)),
        ("Examples", "If no example is given -> Overall <= 5", ("examples", False, 5.0)),
        ("Code", "Must contain a code block, else cap the score at 4", ("code", False, 4.0)),
        ("Tone", "Must not hedge, else cap the score at 4", ("hedging", True, 4.0)),
        ("Length", "If the response is very short -> Overall <= 40", ("length", False, 4.0)),
        ("Apologies", "The answer apologizes", ("apology", True, DEFAULT_CAP)),
    ],
)  # fmt: skip
def test_gates(name: str, rule: str, read: tuple[str, bool, float]) -> None:
    reading = read_rubric(GATES.format(name=name, rule=rule))
    assert [(gate.feature, gate.present, gate.cap) for gate in reading.gates] == [read]
    assert not reading.criteria


@pytest.mark.parametrize(
    "rule",
    ["Harmful content -> Overall <= 3", "Offers to look it up: no gate", "See section below"],
)
def test_a_gate_that_cannot_be_read_is_listed(rule: str) -> None:
    reading = read_rubric(GATES.format(name="Safety", rule=rule))
    assert not reading.gates
    assert [rule in line for line in reading.unread] == [True]


def test_written_weights_are_scaled_to_a_mean_of_one_and_shared_by_a_lines_features() -> None:
    rubric = (
        "| Category | Weight | Description |\n|---|---|---|\n"
        "| A | 30% | Rewards emoji |\n| B | 10% | Rewards tables and code |\n\n- Rewards links\n"
    )
    weights = {wish.feature: wish.weight for wish in read_rubric(rubric).criteria}
    assert weights == pytest.approx({"emoji": 1.5, "tables": 0.25, "code": 0.25, "urls": 1.0})


@pytest.mark.parametrize("written", ["0%", "9" * 400 + "%", "0.0%"])
def test_odd_weights_stay_finite(written: str) -> None:
    rubric = f"- Rewards emoji ({written})\n- Rewards tables (10%)\n"
    assert all(0 <= wish.weight < 10 for wish in read_rubric(rubric).criteria)


def test_emphasis_doubles_or_halves_a_weight() -> None:
    by_line = [read_rubric(f"- {how} tables").criteria[0].weight for how in
               ("Strongly prefers", "Prefers", "Slightly prefers")]  # fmt: skip
    assert by_line == [2.0, 1.0, 0.5]


def test_words_for_a_family_share_one_features_weight() -> None:
    weights = {w.feature: w.weight for w in read_rubric("- Rewards emoji and structure").criteria}
    assert weights["emoji"] == pytest.approx(0.5)
    assert sum(weights.values()) == pytest.approx(1.0)


def test_the_texts_verb_outweighs_a_criterions_name() -> None:
    rubric = "| Category | Description |\n|---|---|\n| Calibration | Penalizes hedging |\n"
    assert wishes(rubric) == {"hedging-"}


def test_quotes_and_lines_lead_back_to_the_rubric() -> None:
    rubric = "# Rubric\n\n- Prefers tables\n- Is true\n"
    (wish,) = read_rubric(rubric).criteria
    assert (wish.quote, wish.line) == ("Prefers tables", 3)
    assert read_rubric(rubric).unread == ("Is true",)


def test_a_rubric_in_prose_is_read_by_its_lines() -> None:
    assert wishes("Prefer short answers.\nPenalise hedging.") == {"length-", "hedging-"}


@pytest.mark.parametrize("nothing", ["", "  \n\t", "# Rubric\n", "---"])
def test_a_rubric_without_text_is_an_empty_reading(nothing: str) -> None:
    assert read_rubric(nothing).criteria == ()
    assert read_rubric("") == Reading()


@given(st.text())
def test_every_text_can_be_read(text: str) -> None:
    reading = read_rubric(text)
    assert all(wish.feature in FEATURES and wish.weight >= 0 for wish in reading.criteria)
    assert all(0 <= gate.cap <= 10 for gate in reading.gates)


@pytest.mark.parametrize(
    "text",
    [
        "- no hedging, lists or " * 4_000,
        "- avoid " + "hedging, " * 10_000,
        "- (e.g. " * 12_000,
        "> - " * 25_000,
        "".join(chr(n % 32) for n in range(100_000)),
        "|a|b|\n|-|-|\n" + "|no hedging|ok|\n" * 2_000,
        "- <= " + "9" * 90_000,
        "\ud800- hedging " * 5_000,
    ],
    ids=range(8),
)
def test_hostile_rubrics_are_read_in_bounded_time(text: str) -> None:
    started = time.process_time()
    read_rubric(text)
    assert time.process_time() - started < 10
