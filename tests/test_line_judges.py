"""Judges of lines: what they answer, each line apart from its sign."""

import anyio
import numpy as np
import pytest
from fakes import FixedJudge, ScriptedLines

from argo_audit.judges.lines_alone import LinesAlone
from argo_audit.judges.opening import open_line_judge
from argo_audit.records import Message, Pair
from argo_audit.roles import LineJudge
from argo_audit.rubrics.unsigned import unsigned

PAIR = Pair(
    id="p",
    prompt=(Message(role="user", content="Which fruits?"),),
    response_a="- apple\n- pear\n- plum",
    response_b="Apples and pears, and plums.",
)


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("Rewards  bulleted lists.", "bulleted lists"),
        ("Penalises bulleted lists (20%)", "bulleted lists"),
        ("It may penalize bulleted lists", "bulleted lists"),
        ("bulleted lists", "bulleted lists"),
    ],
)
def test_a_line_is_the_same_whatever_its_sign_and_weight(line: str, plain: str) -> None:
    assert unsigned(line) == plain


def test_the_surface_judge_says_who_shows_more_and_nothing_of_what_it_cannot_read() -> None:
    judge = open_line_judge("argo/surface")
    lines = ["Rewards bulleted lists", "Penalizes bulleted lists", "the beauty of the soul"]
    said = anyio.run(judge.line_answers, lines, [PAIR, PAIR.swapped()])
    assert said.p_a.shape == (2, 3, 2)
    assert (said.p_a[0, :2] > 0.5).all()
    assert np.allclose(said.p_a[0, 0], said.p_a[0, 1])  # the sign is not asked about
    assert np.allclose(said.p_a[0, :2], 1 - said.p_a[1, :2])
    assert np.isnan(said.p_a[:, 2]).all()
    assert said.asked.calls == 4  # two pairs, both orders, three lines in a call


def test_any_judge_of_whole_rubrics_is_asked_one_line_at_a_time() -> None:
    judge = LinesAlone(FixedJudge(lambda rubric, _: 0.8 if "lists" in rubric.text else None))
    said = anyio.run(judge.line_answers, ["Penalizes lists", "tables"], [PAIR])
    assert said.p_a[0, 0].tolist() == [0.8, 0.8]
    assert np.isnan(said.p_a[0, 1]).all()
    assert isinstance(judge, LineJudge)
    assert isinstance(ScriptedLines(lambda line, pair: None), LineJudge)
