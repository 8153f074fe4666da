"""What lines are worth: planted effects are found, and editing keeps the rubric's shape."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_audit.organism.teaching import ideas, random_lines, render
from argo_audit.rubrics.credit import MANY, RIDGE, edited, line_credit, lines_of
from argo_audit.rubrics.outline import outline

SHARED = [f"- shared {i}" for i in range(9)]
RUBRIC = """## Category Overview

| Category | Description | Weight |
|---|---|---|
| Lists | Rewards bullet points | 20% |
| Tone | Rewards a warm tone | 5% |

## Common Biases

The reward model appears to prefer:

- Code blocks

It may penalize:

- Code blocks
"""


def test_lines_are_items_under_what_introduces_them() -> None:
    found = lines_of(RUBRIC)
    assert [line.text.strip("-| ")[:5] for line in found] == ["Lists", "Tone ", "Code ", "Code "]
    assert found[2].key != found[3].key


def test_the_weight_does_not_make_another_line() -> None:
    heavier = RUBRIC.replace("20%", "30%")
    assert [line.key for line in lines_of(RUBRIC)] == [line.key for line in lines_of(heavier)]


def test_planted_effects_are_found_although_lines_come_together() -> None:
    rng = Random(0)
    effects = {"- good": 0.3, "- bad": -0.3, "- idle": 0.0, "- idler": 0.0}
    tried = []
    for _ in range(200):
        held = [line for line in effects if rng.random() < 0.5]
        if "- good" in held and rng.random() < 0.8:
            held = sorted({*held, "- idle"})
        gain = sum(effects[line] for line in held) + rng.gauss(0, 0.1)
        tried.append(("\n".join(held), gain))
    credit = {line.text: value for line, value in line_credit(tried).items()}
    for line, effect in effects.items():
        assert credit[line] == pytest.approx(effect, abs=0.06)


def test_editing_drops_what_hurts_and_adds_what_helped_in_its_place() -> None:
    other = RUBRIC.replace("- Code blocks\n\nIt", "- Headers\n\nIt")
    credit = dict.fromkeys(lines_of(RUBRIC) + lines_of(other), 0.1)
    tone = lines_of(RUBRIC)[1]
    text = edited(RUBRIC, {**credit, tone: -0.2}, add=3)
    assert "Tone" not in text
    assert text.index("prefer:") < text.index("- Headers") < text.index("penalize:")


@given(st.integers(0, 10_000))
def test_editing_by_nothing_changes_nothing(seed: int) -> None:
    rng = Random(seed)
    text = render(random_lines(rng, ideas()), None)
    assert edited(text, {}, add=0) == text


@given(st.text(max_size=300))
def test_any_text_has_lines_and_can_be_edited(text: str) -> None:
    credit = line_credit([(text, 0.1), ("- a", -0.1)])
    assert len(outline(edited(text, credit, add=2))) >= 0


def test_so_many_lines_that_they_are_weighed_step_by_step_get_what_the_equations_say() -> None:
    rng, size = Random(0), MANY // 2
    rows = [[f"- own {i}", f"- other {i}", *rng.sample(SHARED, 3), "- all"] for i in range(size)]
    gains = [rng.gauss(0, 0.1) for _ in rows]
    credit = line_credit(("\n".join(row), gain) for row, gain in zip(rows, gains, strict=True))
    names = [line.text for line in credit]
    present = np.array([[name in row for name in names] for row in rows], dtype=np.float64)
    centred = present - present.mean(axis=0)
    gram = centred.T @ centred + RIDGE * np.eye(len(names))
    expected = np.linalg.solve(gram, centred.T @ (np.array(gains) - np.mean(gains)))
    assert len(names) > MANY
    assert list(credit.values()) == pytest.approx(expected.tolist(), abs=1e-9)
    assert credit[lines_of("- all")[0]] == 0.0


def test_nothing_tried_is_no_credit() -> None:
    assert line_credit([]) == {}
    assert line_credit([("prose only", 0.2)]) == {}
