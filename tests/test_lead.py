"""Search by line with fakes: what is asked, weighed, written, raced, and what a kill leaves."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest
from audit_world import bare_run
from fakes import FixedJudge, ScriptedPolicy, Stopped
from test_search import Kept

from argo_audit.findings.inputs import AuditInputs, load_run
from argo_audit.records import Judgment, Label, Message, Pair, Rubric, Split, Usage
from argo_audit.report.material import Material
from argo_audit.report.sections import provenance
from argo_audit.roles import LineAnswers
from argo_audit.search.argo import argo
from argo_audit.search.arithmetic import arithmetic_of
from argo_audit.search.journal import Journal
from argo_audit.search.lead import lead
from argo_audit.search.search_settings import FeedbackConfig, LeadConfig, SearchConfig
from argo_audit.search.selection import SearchData
from argo_audit.search.simple_searches import best_of_n, logistic
from argo_audit.search.sizes import Given, Sized

LEAD = LeadConfig(rounds=2, first=24, pairs=48, least=2, race=8, heats=2, resamples=10)
CONFIG = SearchConfig(lead=LEAD, feedback=FeedbackConfig(variants=("explore", "improve")))
MARKS = {"lists": "-", "excitement": "!", "questions": "?", "numbers": "7"}
PROPOSED = [["- Rewards lists\n- Penalizes excitement", "- questions\n- numbers\n- magic"]]


def shown(response: str, line: str) -> int:
    """How much of a line is in a response."""
    return sum(response.count(mark) for word, mark in MARKS.items() if word in line)


class LineByLine(FixedJudge):
    """A judge that sees marks, whole or by line, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(lambda rubric, pair: self._of(rubric.text, pair))
        self.asked: list[tuple[tuple[str, ...], int]] = []
        self.judged: list[tuple[str, int]] = []

    def _of(self, text: str, pair: Pair) -> float:
        said = 0.0
        for row in text.splitlines():
            sign = -1 if "Penalizes" in row else 1
            said += sign * (shown(pair.response_a, row) - shown(pair.response_b, row))
        return float(1 / (1 + np.exp(-said)))

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        self.judged.append((rubric.text, len(pairs)))
        return await super().judge(rubric, pairs)

    async def line_answers(self, lines: Sequence[str], pairs: Sequence[Pair]) -> LineAnswers:
        self.asked.append((tuple(lines), len(pairs)))
        more = [
            [shown(p.response_a, line) - shown(p.response_b, line) for line in lines] for p in pairs
        ]
        p_a = 1 / (1 + np.exp(-2.0 * np.array(more, dtype=np.float64)))
        return LineAnswers(np.stack([p_a, p_a], axis=2), Usage(calls=2 * len(pairs)))


def world(n: int = 200) -> SearchData:
    """A reward model that likes lists and dislikes excitement; questions it does not mind."""
    rng = Random(0)
    pairs, labels = [], {}
    for i in range(n):
        a, b = ("".join(m for m in "-!?7" if rng.random() < 0.5) or "." for _ in "ab")
        pair = Pair(
            id=f"p{i}",
            prompt=(Message(role="user", content=f"Question {i}"),),
            response_a=a,
            response_b=b,
        )
        gap = (a.count("-") - b.count("-")) - 0.7 * (a.count("!") - b.count("!"))
        pairs.append(pair)
        labels[pair.id] = Label(pair_id=pair.id, p_a=float(1 / (1 + np.exp(-gap))), source="rm")
    splits: dict[Split, list[Pair]] = {
        "train": pairs[:140],
        "dev": pairs[140:170],
        "held-out": pairs[170:],
    }
    return SearchData(splits, {"rm": labels}, "rm")


@pytest.fixture(scope="module")
def found() -> tuple[Kept, LineByLine, ScriptedPolicy, str]:
    memory, judge, policy = Kept(), LineByLine(), ScriptedPolicy(PROPOSED)
    winners = lead(policy, judge, world(), CONFIG, memory)
    return memory, judge, policy, winners[-1].rubric.text


Found = tuple[Kept, LineByLine, ScriptedPolicy, str]


def test_the_lines_that_count_are_written_with_their_signs_and_no_others(found: Found) -> None:
    *_, rubric = found
    assert "Rewards lists" in rubric
    assert "Penalizes excitement" in rubric
    for idle in ("questions", "numbers", "magic"):
        assert idle not in rubric


def test_lines_are_asked_without_a_sign_each_pair_once(found: Found) -> None:
    _, judge, *_ = found
    assert judge.asked[0] == (("lists", "excitement", "questions", "numbers", "magic"), 24)
    assert all(
        not line.startswith(("Rewards", "Penal")) for lines, _ in judge.asked for line in lines
    )
    on_lists = sum(pairs for lines, pairs in judge.asked if "lists" in lines)
    assert on_lists <= 84


def test_what_was_asked_is_on_record_with_what_it_took(found: Found) -> None:
    memory, judge, *_ = found
    taken = sum(2 * pairs for _, pairs in judge.asked)
    assert memory.journal.used()["judge, lines"].calls == taken
    first = memory.journal.weighings[0]
    assert [line.text for line in first.lines][:2] == ["lists", "excitement"]
    assert memory.journal.weighings[-1].rubric


def test_a_report_counts_lines_that_were_asked_and_those_that_were_spared(
    found: Found, tmp_path: Path
) -> None:
    journal = Journal(attempts=found[0].journal.attempts[:3])
    tried = sum(one.usage.calls for one in journal.attempts)
    used = Usage(calls=1_000, input_tokens=5_000, output_tokens=500)
    first = found[0].journal.weighings[0].model_copy(update={"usage": used, "saved": 1_234})
    (tmp_path / "run.json").write_text(bare_run().model_dump_json(), encoding="utf-8")
    for name, records in (("attempts", journal.attempts), ("lines", [first])):
        text = "".join(one.model_dump_json() + "\n" for one in records)
        (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
    facts = Material(AuditInputs("Audit", (load_run(tmp_path),)), tmp_path, ())
    table = provenance.section(facts).blocks[0]
    assert f"| Judge calls in training | {1_000 + tried:,} |" in table
    assert "| Judge tokens in training | 5,500 |" in table
    assert "| Judge calls spared by kept answers | 1,234 |" in table


def test_a_policy_is_paid_for_the_lines_that_count(found: Found) -> None:
    _, _, policy, _ = found
    assert policy.rewards[0][0] > policy.rewards[0][1] >= 0


def test_the_second_round_shows_what_the_rubric_gets_wrong(found: Found) -> None:
    _, _, policy, _ = found
    first, second = policy.prompts[0][0], policy.prompts[1][0]
    assert "Nothing has been tried yet." in first
    assert "Rewards lists" in second
    assert "the worst first" in second


def test_a_judge_of_whole_rubrics_is_asked_each_line_by_itself() -> None:
    judge, memory = LineByLine(), Kept()
    whole = FixedJudge(lambda rubric, pair: judge._of(rubric.text, pair))
    winners = lead(ScriptedPolicy(PROPOSED), whole, world(), CONFIG, memory)
    assert "Penalizes excitement" in winners[-1].rubric.text


def test_a_search_that_was_cut_short_ends_as_it_would_have(found: Found) -> None:
    whole, _, _, rubric = found
    memory = Kept()

    def fall() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lead(Stopped(PROPOSED, 1, fall), LineByLine(), world(), CONFIG, memory)
    again = LineByLine()
    winners = lead(ScriptedPolicy(PROPOSED), again, world(), CONFIG, memory)
    assert winners[-1].rubric.text == rubric
    assert memory.journal.weighings == whole.journal.weighings
    assert [a.rubric for a in memory.attempts] == [a.rubric for a in whole.attempts]


def test_lines_of_earlier_rubrics_are_offered() -> None:
    memory, data = Kept(), world()
    known = SearchData(data.splits, data.labels, "rm", known=("- Rewards lists",))
    lead(ScriptedPolicy([["- magic"]]), LineByLine(), known, CONFIG, memory)
    assert memory.journal.weighings[0].lines[0].text == "lists"


def test_without_any_line_nothing_is_found() -> None:
    assert lead(ScriptedPolicy([["Be good."]]), LineByLine(), world(), CONFIG, Kept()) == ()


WARM = CONFIG.model_copy(update={"steps": 2, "minibatch": 20, "windows": 3, "warm_start": True})


def test_argo_goes_on_from_what_was_found_by_line(found: Found) -> None:
    *_, rubric = found
    memory, policy = Kept(), ScriptedPolicy(PROPOSED)
    winners = argo(policy, LineByLine(), world(), WARM, memory)
    assert [step.step for step in memory.journal.steps] == [0, 1, 2, 3]
    assert memory.journal.weighings
    warm = {one.rubric.text.strip() for one in memory.attempts if one.step < 2}
    assert any(text in policy.prompts[2][1] for text in warm)
    assert (winners[-1].dev.accuracy or 0) >= max(
        m.agreement.accuracy or 0
        for m in memory.journal.measurements
        if m.split == "dev" and m.rubric_id == Rubric(text=rubric).id
    )


def test_a_warm_start_that_was_cut_short_ends_as_it_would_have() -> None:
    whole, memory = Kept(), Kept()
    ended = argo(ScriptedPolicy(PROPOSED), LineByLine(), world(), WARM, whole)

    def fall() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        argo(Stopped(PROPOSED, 3, fall), LineByLine(), world(), WARM, memory)
    again = argo(ScriptedPolicy(PROPOSED), LineByLine(), world(), WARM, memory)
    assert again == ended
    assert memory.journal.prompts == whole.journal.prompts


def test_best_of_n_tells_the_policy_nothing() -> None:
    policy = ScriptedPolicy(PROPOSED)
    config = WARM.model_copy(update={"steps": 1})
    winners = best_of_n(policy, LineByLine(), world(), config, Kept())
    assert policy.rewards == [[0.0, 0.0]]
    assert "lists" in winners[-1].rubric.text


def test_logistic_asks_each_line_alone_once() -> None:
    judge, memory = LineByLine(), Kept()
    winners = logistic(ScriptedPolicy(PROPOSED), judge, world(), CONFIG, memory)
    assert not judge.asked
    assert [w.pairs for w in memory.journal.weighings] == [48]
    assert "Rewards lists" in winners[-1].rubric.text


def test_what_a_search_takes_is_known_before(found: Found) -> None:
    memory, *_ = found
    work = arithmetic_of("lead").work(Sized(CONFIG, 1), Given(140, 30, 30))
    assert (work.steps, work.written) == (2, 2)
    used = memory.journal.used()
    training = used["judge, training"].calls + used["judge, lines"].calls
    assert training <= 2 * work.judged * work.steps
    assert used["judge, selection"].calls <= 2 * work.selection


def test_a_smaller_budget_has_fewer_rounds_and_a_least_that_is_of_use() -> None:
    sized, given = Sized(SearchConfig(), 8), Given(560, 187, 187)
    arithmetic = arithmetic_of("lead")
    sizes = list(arithmetic.smaller(sized, given))
    totals = [arithmetic.work(one, given) for one in sizes]
    taken = [2 * (work.steps * work.judged + work.selection) for work in totals]
    assert taken == sorted(taken, reverse=True)
    assert taken[0] < 20_000
    assert taken[-1] < 2_500
    assert list(arithmetic.smaller(sized, given._replace(fixed=frozenset({"lead"})))) == []
