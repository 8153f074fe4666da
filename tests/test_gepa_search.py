"""GEPA as a search with fakes: what it judges, what is on record, what a kill leaves; two loops."""

import sys
from collections.abc import Sequence

import pytest
from fakes import ScriptedPolicy, Stopped
from test_lead import LineByLine, world
from test_search import Kept

from argo_audit.audits.parts import check_names
from argo_audit.audits.request import AuditRequest
from argo_audit.errors import RunFolderError, UnavailableError
from argo_audit.records import Judgment, Pair, Rubric
from argo_audit.search.arithmetic import arithmetic_of
from argo_audit.search.journal import Journal
from argo_audit.search.optimisers import open_search
from argo_audit.search.other_loop import Ask, OtherLoop
from argo_audit.search.search_settings import FeedbackConfig, GepaConfig, SearchConfig
from argo_audit.search.selection import Winner
from argo_audit.search.sizes import Given, Sized

CONFIG = SearchConfig(
    steps=9,
    gepa=GepaConfig(minibatch=6, validation=20),
    feedback=FeedbackConfig(variants=("improve",)),
)
LINES = ("Rewards questions", "Rewards lists", "Penalizes numbers", "Penalizes excitement")
ROUNDS = [[f"- {one}"] for one in LINES] + [
    [f"- {LINES[1]}\n- {LINES[3]}"],
    [""],
    [f"- {LINES[0]}"],
]


def searched(
    memory: Kept, policy: ScriptedPolicy | None = None, config: SearchConfig = CONFIG
) -> tuple[tuple[Winner, ...], LineByLine]:
    pytest.importorskip("gepa")
    judge = LineByLine()
    found = open_search("gepa")(policy or ScriptedPolicy(ROUNDS), judge, world(), config, memory)
    return tuple(found), judge


@pytest.fixture(scope="module")
def whole() -> tuple[Kept, tuple[Winner, ...], LineByLine]:
    memory = Kept()
    return memory, *searched(memory)


Whole = tuple[Kept, tuple[Winner, ...], LineByLine]


def test_the_rubric_that_agrees_on_the_validation_pairs_wins(whole: Whole) -> None:
    memory, winners, _ = whole
    assert winners[-1].rubric.text == f"- {LINES[1]}\n- {LINES[3]}"
    assert [step.step for step in memory.journal.steps] == list(range(9))
    assert {len(one.scores) for one in memory.journal.attempts} == {6, 20}
    assert memory.journal.measurements


def test_what_it_takes_is_within_its_arithmetic(whole: Whole) -> None:
    memory, _, judge = whole
    data = world().splits
    given = Given(len(data["train"]), len(data["dev"]), len(data["held-out"]))
    work = arithmetic_of("gepa").work(Sized(CONFIG, 1), given)
    judged = [sum(len(a.scores) for a in memory.journal.attempts if a.step == s) for s in range(9)]
    assert max(judged) <= work.judged == 32
    searched_for = sum(pairs for _, pairs in judge.judged)
    assert 0 < searched_for - sum(judged) <= work.selection
    sizes = list(arithmetic_of("gepa").smaller(Sized(SearchConfig(), 1), given))
    assert sizes[-1].search.steps == 1
    fixed = given._replace(fixed=frozenset({"steps"}))
    some = arithmetic_of("gepa").smaller(Sized(SearchConfig(steps=7), 1), fixed)
    assert {one.search.steps for one in some} == {7}


@pytest.mark.parametrize("step", [1, 4, 8])
@pytest.mark.parametrize("torn", [0, 1, 2])
def test_what_was_interrupted_ends_as_if_it_had_not_been(
    whole: Whole, step: int, torn: int
) -> None:
    known = whole[0].journal
    memory = Kept(journal=Journal())
    memory.journal.take(one for one in known.prompts if one.step < step)
    memory.journal.take(one for one in known.attempts if one.step < step)
    memory.journal.take([one for one in known.attempts if one.step == step][:torn])
    memory.journal.take(one for one in known.steps if one.step < step)
    winners, judge = searched(memory)
    assert winners == whole[1]
    assert [a.model_copy(update={"seconds": 0.0}) for a in memory.journal.attempts] == [
        a.model_copy(update={"seconds": 0.0}) for a in known.attempts
    ]
    left = [len(a.scores) for a in known.attempts if a.step >= step][torn:]
    assert [pairs for _, pairs in judge.judged][: len(left)] == left


def test_a_policy_that_begins_again_is_told_what_was_on_record(whole: Whole) -> None:
    memory = Kept(journal=Journal())
    memory.journal.take(one for one in whole[0].journal.attempts if one.step < 4)
    memory.journal.take(one for one in whole[0].journal.prompts if one.step < 4)
    memory.journal.take(one for one in whole[0].journal.steps if one.step < 4)

    class Again(ScriptedPolicy):
        def resume(self, done: int) -> int:
            return super().resume(0)

    assert searched(memory, Again(ROUNDS))[0] == whole[1]


def test_another_record_is_refused(whole: Whole) -> None:
    memory = Kept(journal=Journal())
    other = [
        one.model_copy(update={"rubric": Rubric(text="- Another")}) if one.step == 2 else one
        for one in whole[0].journal.attempts
    ]
    memory.journal.take(other)
    memory.journal.take(whole[0].journal.steps)
    with pytest.raises(RunFolderError, match="would not judge what it judged before"):
        searched(memory)


def test_what_stops_the_policy_comes_out_as_it_is() -> None:
    def stops() -> None:
        raise ConnectionError("the provider is away")

    with pytest.raises(ConnectionError, match="is away"):
        searched(Kept(), Stopped(ROUNDS, 3, stops))


def test_a_budget_ends_it_with_what_it_has() -> None:
    memory = Kept(limit=3)
    winners, _ = searched(memory)
    assert len(memory.journal.steps) == 3
    assert winners


class Failing(LineByLine):
    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        raise OSError("no judge")


def test_what_stops_the_judge_comes_out_as_it_is() -> None:
    pytest.importorskip("gepa")
    with pytest.raises(OSError, match="no judge"):
        open_search("gepa")(ScriptedPolicy(ROUNDS), Failing(), world(), CONFIG, Kept())


def test_without_the_package_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "gepa", raising=False)
    with pytest.raises(UnavailableError, match=r"pip install 'argo-audit\[gepa\]'"):
        open_search("gepa")


def test_two_loops_ask_and_answer_and_each_end_is_told() -> None:
    said: list[int] = []

    def adds(ask: Ask) -> None:
        said.extend([ask(1), ask(2)])

    loop = OtherLoop(adds)
    assert loop.question() == 1
    loop.answer(10)
    assert loop.question() == 2
    loop.end()
    loop.end()
    assert said == []
    assert loop.question() is None

    def fails(ask: Ask) -> None:
        raise ValueError("of the other")

    with pytest.raises(ValueError, match="of the other"):
        OtherLoop(fails).question()


def test_an_audit_by_it_asks_one_prompt_a_step() -> None:
    asked = {"pairs": "pairs.jsonl", "labels": ("human",), "out": "out", "optimiser": "gepa"}
    made = AuditRequest.model_validate(asked | {"policy": "sample:openai/a"}).decided()
    assert made.search.feedback.variants == ("improve",)
    assert made.policy_settings.rubrics_per_prompt == 2
    trained = AuditRequest.model_validate(asked).decided()
    assert trained.policy_settings.rubrics_per_prompt == 8
    check_names(trained)
