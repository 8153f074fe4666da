"""Cutting, shuffling and levelling rubrics: what changes is what was asked for, or nothing."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argo_audit.rubrics.outline import outline
from argo_audit.rubrics.surgery import level_weights, parts, shuffled, without
from argo_audit.store import from_document

STORE = Path(__file__).parent.parent / "rubric_store"
RUBRIC = """# Rubric

| Category | Weight | Description |
|---|---|---|
| 1. Task | 30% | direct |
| 2. Tone | 10% | warm |
| 3. Form | 20% | lists |

It may penalize:

1. Over-caution
   - such as refusals

2. Padding
3. Repetition

## Gates

- Harm -> Overall <= 3
- Cap at 4 when a source is invented.
"""
LINES = (
    "- a;- b;* c 20%;  - d;1. e;2. f;;# Gates;It may penalize:;| x | y |;|---|---|;| p | 3% |;"
    "```;> - q;    code;---;g;\t- h"
)
MARKUP = st.lists(st.sampled_from(LINES.split(";")), max_size=14).map("\n".join)


def names(text: str) -> list[str]:
    return [part.name for part in parts(text)]


def test_parts_are_told_by_kind_with_what_hangs_below() -> None:
    found = [(part.kind, part.name, part.items) for part in parts(RUBRIC)]
    assert found == [
        ("criterion", "Task", 1),
        ("criterion", "Tone", 1),
        ("criterion", "Form", 1),
        ("bias", "Over-caution", 2),
        ("criterion", "such as refusals", 1),
        ("bias", "Padding", 1),
        ("bias", "Repetition", 1),
        ("gate", "Harm -> Overall <= 3", 1),
        ("gate", "Cap at 4 when a source is invented.", 1),
    ]


def test_a_part_is_cut_with_its_lines_and_nothing_else() -> None:
    tone, caution = parts(RUBRIC)[1], parts(RUBRIC)[3]
    assert without(RUBRIC, tone) == RUBRIC.replace("| 2. Tone | 10% | warm |\n", "")
    cut = without(RUBRIC, caution)
    assert cut is not None
    assert "1. Padding\n2. Repetition\n" in cut


@settings(deadline=None)
@given(MARKUP)
def test_whatever_is_cut_the_rest_stays_as_it_was(text: str) -> None:
    before = outline(text)
    for part in parts(text):
        cut = without(text, part)
        if cut is not None:
            assert len(outline(cut)) == len(before) - part.items
            assert len(cut.splitlines()) < len(text.splitlines())


def test_a_numbered_list_stays_a_list_when_its_first_item_goes() -> None:
    text = "It may penalize:\n1. a\n2. b\n"
    assert without(text, parts(text)[0]) == "It may penalize:\n1. b\n"


def test_a_line_that_holds_others_together_cannot_be_cut() -> None:
    text = "- a\n2. b\n3. c\n"  # "2." begins a list after a list, but not after a paragraph
    interrupted = f"A paragraph\n{text}"
    assert all(without(text, part) for part in parts(text))
    assert without(interrupted, parts(interrupted)[0]) is None


@pytest.mark.parametrize("text", ["", "Just prefer good answers.", "```\n- a\n```", "> - quoted"])
def test_where_there_are_no_parts_nothing_can_be_done(text: str) -> None:
    assert parts(text) == ()
    assert shuffled(text) is None
    assert level_weights(text) is None


def test_a_shuffle_keeps_headings_weights_gates_and_list_numbers() -> None:
    moved = shuffled(RUBRIC, seed=1)
    assert moved is not None
    assert sorted(names(moved)) == sorted(names(RUBRIC))
    assert names(moved) != names(RUBRIC)
    assert names(moved)[-2:] == names(RUBRIC)[-2:]
    assert {c.name: c.weight for c in outline(moved).criteria} == {
        c.name: c.weight for c in outline(RUBRIC).criteria
    }
    kept = [line for line in moved.splitlines() if line[:2] in ("1.", "2.", "3.")]
    assert [line[:2] for line in kept] == ["1.", "2.", "3."]
    assert "   - such as refusals" in moved


def test_a_shuffle_is_drawn_by_its_seed() -> None:
    drawn = [shuffled(RUBRIC, seed) for seed in range(8)]
    assert drawn == [shuffled(RUBRIC, seed) for seed in range(8)]
    assert len(set(drawn)) > 2


@settings(deadline=None)
@given(MARKUP, st.integers(0, 3))
def test_a_shuffle_loses_and_adds_nothing(text: str, seed: int) -> None:
    moved = shuffled(text, seed)
    if moved is not None:
        assert sorted(names(moved)) == sorted(names(text))
        assert moved.splitlines() != text.splitlines()


def test_one_part_or_equal_parts_cannot_be_shuffled() -> None:
    assert shuffled("- a\n\ntext\n\n- b\n") is None
    assert shuffled("- a\n- a\n") is None
    assert shuffled("## Gates\n- Harm caps at 3\n- Lies cap at 4\n") is None


def test_level_weights_are_their_mean() -> None:
    level = level_weights(RUBRIC)
    assert level is not None
    assert [c.weight for c in outline(level).criteria] == [20.0, 20.0, 20.0, None]
    assert level.replace("20%", "") == RUBRIC.replace("30%", "").replace("10%", "").replace(
        "20%", ""
    )
    written = level_weights("- 3 examples (weight 3)\n- 2 jokes (weight: 1)\n")
    assert written == "- 3 examples (weight 2)\n- 2 jokes (weight: 2)\n"


@pytest.mark.parametrize("text", ["- a\n- b\n", "- a (20%)\n- b (20%)\n", "- only (30%)\n"])
def test_without_two_weights_there_is_nothing_to_level(text: str) -> None:
    assert level_weights(text) is None


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("-|#*`<>[]()\n\r 1a%\x0b\u2028"), max_size=200))
def test_any_text_can_be_operated_on(text: str) -> None:
    cuts = [without(text, part) for part in parts(text)]
    assert len(cuts) <= len(outline(text))
    assert shuffled(text) != text
    assert level_weights(text) != text


def test_every_line_of_the_shipped_rubrics_can_be_cut() -> None:
    texts = [
        from_document(path.read_text(encoding="utf-8")).rubric.text
        for path in STORE.glob("*/0*.md")
    ]
    assert texts
    for text in texts:
        assert all(without(text, part) is not None for part in parts(text))


def test_each_list_is_shuffled_by_itself_and_one_that_does_not_hold_stays() -> None:
    """A row of blanks moved to the end of its list is another text, whatever else is moved."""
    lists = "\n\n".join(f"Of {n}:\n\n- a{n}\n- b{n}\n- c{n}" for n in range(40))
    moved = shuffled(lists)
    assert moved
    blocks = list(zip(lists.split("Of "), moved.split("Of "), strict=True))
    assert all(sorted(a.splitlines()) == sorted(b.splitlines()) for a, b in blocks)
    assert all(a != b for a, b in blocks[1:])
    torn = f"{lists}\n\nOf it:\n\n- a\n- ```\n- b\n"
    again = shuffled(torn)
    assert again
    assert again.startswith(moved)


def test_a_weight_is_levelled_and_not_the_number_of_its_item() -> None:
    text = "1. lists 1%\n2. links 3%\n3. code 3%\n"
    assert level_weights(text) == "1. lists 2.333%\n2. links 2.333%\n3. code 2.333%\n"
    assert level_weights("1. a 1%\n\n- b 5%\n") == "1. a 3%\n\n- b 3%\n"
