"""Reading rubrics: the shapes of the paper, and text that is no rubric at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_audit.rubrics.outline import Outline, outline

PAPER = """# Rubric

## Category Overview and Weights

| Category | Default Weight | Description |
|---|---|---|
| 1. Task Fulfillment | 30% | Directness, completeness |
| **Tone** | 5 | warm `tone` |

## Common Biases & Preferences Observed

The reward model appears to prefer:

- Concrete code blocks
- A confident tone

It may penalize:

- Over-caution

## Overrides & Gates

| Gate | Rule |
|---|---|
| Safety | facilitates harm -> Overall <= 3 |
| Honesty | claims it browsed |

Other notes:

- Cap the score at 4 when a source is invented.
"""


def test_categories_keep_name_text_and_weight() -> None:
    first, second = outline(PAPER).criteria
    assert (first.name, first.text, first.weight) == (
        "Task Fulfillment",
        "Directness, completeness",
        30.0,
    )
    assert (second.name, second.text, second.weight) == ("Tone", "warm tone", 5.0)


def test_bias_lines_take_their_direction_from_what_introduces_them() -> None:
    found = [(bias.text, bias.direction) for bias in outline(PAPER).biases]
    assert found == [
        ("Concrete code blocks", "rewards"),
        ("A confident tone", "rewards"),
        ("Over-caution", "penalises"),
    ]


def test_gates_are_known_by_their_heading_or_by_their_cap() -> None:
    found = [(gate.text, gate.cap) for gate in outline(PAPER).gates]
    assert found == [
        ("Safety - facilitates harm -> Overall <= 3", 3.0),
        ("Honesty - claims it browsed", None),
        ("Cap the score at 4 when a source is invented.", 4.0),
    ]


def test_line_numbers_point_into_the_text() -> None:
    lines = PAPER.splitlines()
    read = outline(PAPER)
    found = [(c.name or c.text, c.line) for c in read.criteria]
    found += [(bias.text, bias.line) for bias in read.biases]
    found += [(gate.text, gate.line) for gate in read.gates]
    assert all(text.split()[0] in lines[line - 1] for text, line in found)


@pytest.mark.parametrize(
    ("item", "weight"),
    [
        ("- Answer first (weight 3)", 3.0),
        ("- Answer first (25%)", 25.0),
        ("- Answer first", None),
        ("- Give 3 examples", None),
    ],
)
def test_weights_of_bare_bullets(item: str, weight: float | None) -> None:
    assert outline(item).criteria[0].weight == weight


def test_a_nested_list_is_introduced_by_its_item() -> None:
    nested = "- It may penalize:\n  - long answers\n"
    assert [bias.direction for bias in outline(nested).biases] == ["penalises"]


@pytest.mark.parametrize("text", ["", "   \n", "Just prefer good answers.", "```\n- code\n```"])
def test_text_without_items_has_an_empty_outline(text: str) -> None:
    assert outline(text) == Outline()
    assert len(outline(text)) == 0


@given(st.text(alphabet=st.sampled_from("-|#*`<>[]()\n 1a%"), max_size=400))
def test_reading_is_total(text: str) -> None:
    read = outline(text)
    assert len(read) == len(read.criteria) + len(read.biases) + len(read.gates)


@pytest.mark.parametrize(
    "text",
    ["- " * 20_000, "[" * 50_000, "> " * 5_000 + "a", "| a | b |\n" * 5_000, "- x\n" * 30_000],
)
def test_hostile_text_is_read_too(text: str) -> None:
    assert len(outline(text)) >= 0
