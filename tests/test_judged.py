"""What a judge or a writer answers is looked at, whoever wrote it, in searches and elsewhere."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import argo_audit as aa
from argo_audit.errors import JudgeError
from argo_audit.policies.policy_opening import open_policy
from argo_audit.policies.policy_settings import PolicySettings
from argo_audit.search.panel import open_panel

PAIRS = aa.build_organism("A", pairs=6).pairs
Answer = Callable[[aa.Rubric, Sequence[aa.Pair]], Any]


def said(rubric: aa.Rubric, pair: aa.Pair, *p_a: float | None) -> aa.Judgment:
    first, second, mean = p_a if len(p_a) == 3 else p_a * 3
    return aa.Judgment(
        pair_id=pair.id, rubric_id=rubric.id, p_a=mean, p_a_first=first, p_a_second=second
    )


class Saying:
    """A judge that answers as it was told to."""

    name = "saying"

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def judge(self, rubric: aa.Rubric, pairs: Sequence[aa.Pair]) -> list[aa.Judgment]:
        return self._answer(rubric, pairs)  # type: ignore[no-any-return]  # what it is about


class AtOnce:
    """A judge that is not waited for."""

    name = "at once"

    def judge(self, rubric: aa.Rubric, pairs: Sequence[aa.Pair]) -> list[aa.Judgment]:
        return [said(rubric, pair, 0.5) for pair in pairs]


def test_judgments_of_one_order_and_of_none_are_judgments() -> None:
    judge = Saying(
        lambda rubric, pairs: [
            said(rubric, pairs[0], None),
            said(rubric, pairs[1], 0.25, None, 0.25),
            *(said(rubric, pair, 0.25, 0.75, 0.5) for pair in pairs[2:]),
        ]
    )
    assert [one.p_a for one in aa.judge("- Be brief.", PAIRS, judge=judge)[:3]] == [None, None, 0.5]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (lambda r, ps: [said(r, p, 0.9) for p in ps][:-1], r"5 judgments of 6 pairs"),
        (lambda r, ps: [said(r, p, 0.9) for p in (*ps, ps[0])], r"7 judgments of 6 pairs"),
        (lambda r, ps: [said(r, p, 0.9) for p in reversed(ps)], "in the place of pair '"),
        (lambda r, ps: [said(r, ps[0], 0.9) for _ in ps], "in the place of pair '"),
        (lambda r, ps: [said(aa.Rubric(text="other"), p, 0.9) for p in ps], "the rubric's id is"),
        (lambda r, ps: [0.9 for _ in ps], "came no Judgment but a float"),
        (lambda r, ps: None, "no list of judgments came back but one of type NoneType"),
        (lambda r, ps: [said(r, p, 0.1, 0.1, 0.9) for p in ps], "p_a=0.9 with p_a_first=0.1"),
        (lambda r, ps: [said(r, p, None, None, 0.9) for p in ps], "p_a=0.9 with p_a_first=None"),
        (
            lambda r, ps: [said(r, p, 0.9).model_copy(update={"p_a": 1.7}) for p in ps],
            "a probability of 1.7",
        ),
    ],
)
def test_anything_else_of_a_judge_is_refused_with_what_came(answer: Answer, problem: str) -> None:
    judge = Saying(answer)
    with pytest.raises(JudgeError, match=problem):
        aa.judge("- Be brief.", PAIRS, judge=judge)
    with open_panel(judge) as panel, pytest.raises(JudgeError, match=f"^saying: .*{problem}"):
        panel.judge(["- Be brief.", "- Be long."], PAIRS)


def test_a_judge_that_is_not_async_is_refused() -> None:
    with pytest.raises(JudgeError, match="at once: its `judge` is not async"):
        aa.judge("- Be brief.", PAIRS, judge=AtOnce())  # type: ignore[arg-type]  # what it is about


class Writing:
    """A writer that answers as it was told to."""

    name = "writing"

    def __init__(self, answer: Callable[[Sequence[str]], Any]) -> None:
        self._answer = answer

    async def write(self, prompts: Sequence[str], seed: int) -> list[aa.Written]:
        return self._answer(prompts)  # type: ignore[no-any-return]  # what it is about


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (lambda prompts: [], r"writing: 0 answers to \d+ prompts"),
        (lambda prompts: None, "no list of answers came back but one of type NoneType"),
        (lambda prompts: ["- Be brief." for _ in prompts], "no Written but a str"),
        (lambda prompts: [aa.Written("x", True, None) for _ in prompts], "str and NoneType"),  # type: ignore[arg-type]
    ],
)
def test_anything_else_of_a_writer_is_refused(
    answer: Callable[[Sequence[str]], Any], problem: str, tmp_path: Path
) -> None:
    from argo_audit.kinds import given, lent

    with lent():
        spec = given("writers", Writing(answer))
        policy = open_policy(f"sample:{spec}")(1, tmp_path, PolicySettings())
        with pytest.raises(aa.InputError, match=problem):
            policy.train(lambda: ["write"], lambda proposals: [0.0 for _ in proposals], 1)


@pytest.mark.parametrize("name", ["argo/surfac", "argo/anything"])
def test_the_surface_judge_has_one_name(name: str) -> None:
    with pytest.raises(aa.InputError, match="there is no such judge"):
        aa.judge("- Be brief.", PAIRS, judge=name)
