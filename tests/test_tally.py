"""Every line of a text is read, unread or malformed, or part of the layout, and counted once."""

from hypothesis import example, given
from hypothesis import strategies as st

from argo_audit.rubrics.outline import lines_of
from argo_audit.surface.tally import tally

TORN = """\
## Category Overview

hedging and cautious wording | 25% |
| Refusals | Rewards refusing the request |

The reward model appears to prefer:

- Code blocks
- Vivid wording
  that goes on here
-

## Gates

| Gate | Rule |
|---|---|
| Menus | If the answer contains a table -> Overall <= 4 |

s
"""

TORN_RUBRIC = """\
## Category Overview

hedging and cautious wording | 25% |
| Directness | Rewards an answer in the first sentencconfident, assertive tone | 10% |
| Calibration | Penalizes hedging and cautious wording | 10% |
| Refusals | Rewards refusing the request |

## Common Biases & Preferences Observed

The reward model appears to prefer:

- Concrete lists of items
- Code blocks
- Long responses

It may penalize:

- Brief replies with no padding
- Lengthy refusals that lecture
"""

PIECES = (
    *("- Prefers tables\n", "- Is true\n", "| a | b |\n|---|---|\n", "| Emoji | Rewards emoji |\n"),
    *("# Gates\n", "\n", "It may penalize:\n\n", "torn | 5% |\n", "> - x\n", "- - y\n", "-\n"),
    *("```\ncode\n", "s\n", "1. Brief\n   on\n", "Text of a line.\n", "---\n", "\ta\r"),
    "*\u2028\n",
)
MADE = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


def test_each_kind_of_line_is_told() -> None:
    told = tally(TORN)
    assert [row.line for row in told.read] == [8, 17]
    assert [row.text for row in told.unread] == ["- Vivid wording", "that goes on here"]
    assert [row.line for row in told.malformed] == [3, 4, 11, 19]
    assert [row.line for row in told.layout] == [1, 6, 13, 15, 16]
    assert str(told) == "8 lines: 2 read, 2 unread, 4 malformed"


@given(st.one_of(st.text(), MADE))
@example(TORN)
def test_the_lines_of_any_text_add_up(text: str) -> None:
    told = tally(text)
    numbers = [row.line for rows in told for row in rows]
    filled = [number for number, line in enumerate(lines_of(text), start=1) if line.strip()]
    assert sorted(numbers) == filled


def test_a_written_rubric_whose_rows_are_torn_says_so() -> None:
    """Four of its nine lines were neither read nor said to be unread."""
    told = tally(TORN_RUBRIC)
    assert str(told) == "9 lines: 5 read, 0 unread, 4 malformed"
