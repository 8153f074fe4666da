"""ARGO with fakes: the four steps, what is paid, what is kept, what is selected."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import pytest
from fakes import FixedJudge, ScriptedPolicy
from hypothesis import given
from hypothesis import strategies as st

from argo_audit.errors import RunFolderError
from argo_audit.records import (
    Attempt,
    Judgment,
    Label,
    Measurement,
    Message,
    Pair,
    PolicyPrompt,
    Rubric,
    Split,
    Step,
    Usage,
    Weighing,
)
from argo_audit.roles import Proposal, Written
from argo_audit.rubrics.outline import repeated_share
from argo_audit.search.argo import argo
from argo_audit.search.journal import Journal
from argo_audit.search.payment import reward_of
from argo_audit.search.search_settings import FeedbackConfig, SearchConfig
from argo_audit.search.selection import SearchData, Winner
from argo_audit.stats.agreement import measure

GOOD, BAD, NONE = "- rewards lists", "- penalises lists", "Just be good."


@dataclass
class Kept:
    """A Memory that keeps."""

    run: str = "r"
    journal: Journal = field(default_factory=Journal)
    steps: list[int] = field(default_factory=list)
    limit: int | None = None

    @property
    def attempts(self) -> list[Attempt]:
        return self.journal.attempts

    def add(self, *records: PolicyPrompt | Attempt | Step | Measurement | Weighing) -> None:
        self.journal.take(records)

    def progress(self, step: int, best: Attempt | None) -> None:
        self.steps.append(step)

    def go_on(self) -> bool:
        return self.limit is None or len(self.steps) < self.limit


def world(n: int = 60) -> SearchData:
    """Pairs in which A has a list or B has one; the reward model likes lists, people toss coins."""
    rng = Random(0)
    pairs = [
        Pair(
            id=f"p{i}",
            prompt=(Message(role="user", content=f"Question {i}"),),
            response_a="- a list" if i % 2 else "prose",
            response_b="prose" if i % 2 else "- a list",
        )
        for i in range(n)
    ]
    liked = {
        p.id: Label(pair_id=p.id, p_a=0.8 if "-" in p.response_a else 0.2, source="rm")
        for p in pairs
    }
    coin = {p.id: Label(pair_id=p.id, p_a=float(rng.random() < 0.5), source="human") for p in pairs}
    splits: dict[Split, list[Pair]] = {
        "train": pairs[:30],
        "dev": pairs[30:45],
        "held-out": pairs[45:],
    }
    return SearchData(splits, {"rm": liked, "human": coin}, "rm")


def follow(rubric: Rubric, pair: Pair) -> float | None:
    """A judge that does what the rubric says about lists."""
    if "unreadable" in rubric.text:
        return None
    if "lists" not in rubric.text:
        return 0.5
    wants_list = "rewards" in rubric.text
    return 0.9 if wants_list == ("-" in pair.response_a) else 0.1


def config(**changes: object) -> SearchConfig:
    feedback = FeedbackConfig(variants=("explore", "improve"), elite=1)
    return SearchConfig.model_validate(
        {"steps": 3, "minibatch": 20, "windows": 3, "feedback": feedback, **changes}
    )


def run(
    rounds: Sequence[Sequence[str]], **changes: object
) -> tuple[Kept, ScriptedPolicy, tuple[Winner, ...]]:
    memory, policy = Kept(), ScriptedPolicy(rounds)
    winners = argo(policy, FixedJudge(follow), world(), config(**changes), memory)
    return memory, policy, winners


def test_the_rubric_that_agrees_is_paid_more_and_wins() -> None:
    memory, policy, winners = run([[GOOD, BAD], [BAD, GOOD], [GOOD, GOOD]])
    assert policy.rewards[0][0] > policy.rewards[0][1]
    best = winners[-1]
    assert best.rubric.text == GOOD
    assert best.held_out.accuracy == 1.0
    assert memory.steps == [1, 2, 3]


def test_every_proposal_is_an_attempt_with_its_variant_and_the_cost_of_both_orders() -> None:
    memory, _, _ = run([[GOOD, BAD], [GOOD, BAD], [GOOD, BAD]])
    assert [(a.step, a.prompt_variant) for a in memory.attempts] == [
        (step, variant) for step in range(3) for variant in range(2)
    ]
    assert {a.usage.calls for a in memory.attempts} == {40}
    assert {a.train.n for a in memory.attempts} == {20}


def test_all_rubrics_of_a_step_see_the_same_minibatch_and_steps_see_others() -> None:
    seen: list[tuple[str, ...]] = []

    class Watching(FixedJudge):
        async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
            seen.append(tuple(pair.id for pair in pairs))
            return await super().judge(rubric, pairs)

    argo(ScriptedPolicy([[GOOD, BAD]] * 3), Watching(follow), world(), config(), Kept())
    steps = [seen[i : i + 2] for i in (0, 2, 4)]
    assert all(first == second for first, second in steps)
    assert steps[0][0] != steps[1][0]


def test_what_was_paid_at_one_step_is_in_the_prompts_of_the_next() -> None:
    memory, policy, _ = run([[GOOD, BAD], [NONE, NONE], [NONE, NONE]])
    assert GOOD not in policy.prompts[0][1]
    assert GOOD in policy.prompts[1][1]
    assert [p.text for p in memory.journal.prompts if p.step == 1] == list(policy.prompts[1])


def test_the_same_text_is_judged_once_a_step_and_paid_twice() -> None:
    calls = 0

    class Counting(FixedJudge):
        async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
            nonlocal calls
            calls += 1
            return await super().judge(rubric, pairs)

    memory = Kept()
    argo(ScriptedPolicy([[GOOD, GOOD]] * 3), Counting(follow), world(), config(), memory)
    assert len(memory.attempts) == 6
    assert calls == 3 + 3 * 2


def test_dev_selects_and_held_out_is_only_measured() -> None:
    """A rubric that is right on dev and wrong on held-out still wins, and its report says so."""
    data = world()
    dev = {pair.id for pair in data.splits["dev"]}

    def trap(rubric: Rubric, pair: Pair) -> float | None:
        right = follow(Rubric(text=GOOD), pair)
        if "trap" not in rubric.text or right is None:
            return 0.6 if (right or 0) > 0.5 else 0.4
        return right if pair.id in dev else 1 - right

    rounds = [["- lists trap", GOOD]] * 3
    winners = argo(
        ScriptedPolicy(rounds), FixedJudge(trap), data, config(fit_temperature=False), Kept()
    )
    assert winners[-1].rubric.text == "- lists trap"
    assert winners[-1].dev.accuracy == 1.0
    assert winners[-1].held_out.accuracy == 0.0


def test_what_is_stored_comes_with_its_intervals_over_prompts() -> None:
    _, _, winners = run([[GOOD, BAD]] * 3)
    for found in (winners[-1].dev, winners[-1].held_out):
        assert found.prompts == 15
        assert found.kl is not None
        assert found.kl_interval is not None
        assert found.kl_interval.low <= found.kl <= found.kl_interval.high


def test_measurements_cover_both_splits_and_every_label_source() -> None:
    memory, _, _ = run([[GOOD, BAD]] * 3)
    assert {(m.split, m.label_source) for m in memory.journal.measurements} == {
        (split, source) for split in ("dev", "held-out") for source in ("rm", "human")
    }


def test_rubrics_without_criteria_win_nothing() -> None:
    _, _, winners = run([[NONE, ""]] * 3)
    assert winners == ()


def test_unreadable_verdicts_cost_the_policy_and_do_not_raise() -> None:
    memory, policy, winners = run([["- unreadable", GOOD]] * 3)
    unread, good = policy.rewards[0]
    assert unread < good
    assert memory.attempts[0].train.unparsed == 20
    assert memory.attempts[0].train.accuracy is None
    assert winners[-1].rubric.text == GOOD


def test_training_on_raw_labels_uses_them() -> None:
    data = world()
    raw = SearchData(data.splits, data.labels, "human")
    memory = Kept()
    argo(ScriptedPolicy([[GOOD, BAD]] * 3), FixedJudge(follow), raw, config(), memory)
    batch = {m.label_source for m in memory.journal.measurements}
    assert batch == {"rm", "human"}
    assert memory.attempts[0].train.accuracy != 1.0


def test_lone_surrogates_from_a_policy_are_replaced() -> None:
    memory, _, _ = run([["- rewards lists \ud800", BAD]] * 3)
    assert memory.attempts[0].rubric.text == "- rewards lists ?"


@given(st.text(max_size=200))
def test_the_reward_is_total_and_below_the_empty_rubrics_without_criteria(text: str) -> None:
    labels = [Label(pair_id="p", p_a=0.8, source="rm")]
    said = [Judgment(pair_id="p", rubric_id="r", p_a=0.5, p_a_first=0.5, p_a_second=0.5)]
    train = measure(labels, said)
    assert train.kl is not None
    reward = reward_of(Proposal(0, text), train, train.kl, SearchConfig())
    assert reward <= -train.kl
    if not any(mark in text for mark in "-*+|0123456789"):
        assert reward == pytest.approx(-train.kl - SearchConfig().floor)


def test_repeated_lines_cost() -> None:
    assert repeated_share(GOOD) == 0.0
    assert repeated_share("\n".join([GOOD] * 4)) == 0.75
    labels = [Label(pair_id="p", p_a=0.8, source="rm")]
    said = [Judgment(pair_id="p", rubric_id="r", p_a=0.8, p_a_first=0.8, p_a_second=0.8)]
    train = measure(labels, said)
    different = "\n".join(f"{GOOD} {i}" for i in range(4))
    once, often = (
        reward_of(Proposal(0, text), train, 0.2, SearchConfig())
        for text in (different, "\n".join([GOOD] * 4))
    )
    assert once > often


def test_a_rubric_that_was_cut_off_or_names_too_little_costs() -> None:
    labels = [Label(pair_id="p", p_a=0.8, source="rm")]
    said = [Judgment(pair_id="p", rubric_id="r", p_a=0.8, p_a_first=0.8, p_a_second=0.8)]
    train, config = measure(labels, said), SearchConfig()
    full = "\n".join(f"{GOOD} {i}" for i in range(config.min_criteria))
    whole, cut, short = (
        reward_of(proposal, train, 0.2, config)
        for proposal in (Proposal(0, full), Proposal(0, full, False), Proposal(0, GOOD))
    )
    assert cut == pytest.approx(-0.2 - config.floor)
    assert cut < short < whole


def test_the_same_seed_repeats_the_search() -> None:
    first, _, _ = run([[GOOD, BAD]] * 3)
    second, _, _ = run([[GOOD, BAD]] * 3)
    strip = [a.model_copy(update={"seconds": 0.0}) for a in first.attempts]
    assert strip == [a.model_copy(update={"seconds": 0.0}) for a in second.attempts]


# What is on record


class Mortal(Kept):
    """A memory whose process dies as it adds the `dies_at`-th record."""

    def __init__(self, dies_at: int, journal: Journal | None = None):
        super().__init__(journal=journal or Journal())
        self._left = dies_at

    def add(self, *records: PolicyPrompt | Attempt | Step | Measurement | Weighing) -> None:
        for record in records:
            if not self._left:
                raise SystemExit
            self._left -= 1
            super().add(record)


class Replaying(ScriptedPolicy):
    """Begins at the first step again."""

    def resume(self, done: int) -> int:
        return super().resume(0)


ROUNDS = [[GOOD, BAD], [BAD, GOOD], ["- lists", GOOD]]


def strip(journal: Journal) -> list[Sequence[object]]:
    timeless = [a.model_copy(update={"seconds": 0.0}) for a in journal.attempts]
    return [timeless, journal.prompts, journal.steps, journal.measurements]


@pytest.mark.parametrize("survivor", [ScriptedPolicy, Replaying])
def test_a_search_that_dies_at_any_record_goes_on_as_if_it_had_not(
    survivor: type[ScriptedPolicy],
) -> None:
    """Also where the policy has to write again what is on record: it is counted once."""
    whole, _, winners = run(ROUNDS)
    records = sum(map(len, strip(whole.journal)))
    for dies_at in range(records):
        first = Mortal(dies_at)
        with pytest.raises(SystemExit):
            argo(ScriptedPolicy(ROUNDS), FixedJudge(follow), world(), config(), first)
        second = Kept(journal=first.journal)
        again = argo(survivor(ROUNDS), FixedJudge(follow), world(), config(), second)
        assert again == winners
        assert strip(second.journal) == strip(whole.journal)


def test_what_is_on_record_is_not_judged_again() -> None:
    judged = []

    class Counting(FixedJudge):
        async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
            judged.append(rubric.text)
            return await super().judge(rubric, pairs)

    memory = Mortal(2 + 2 + 1 + 2)  # step 0 whole, the prompts of step 1
    with pytest.raises(SystemExit):
        argo(ScriptedPolicy(ROUNDS), FixedJudge(follow), world(), config(), memory)
    assert len(memory.journal.steps) == 1
    policy = Replaying(ROUNDS)
    argo(policy, Counting(follow), world(), config(steps=2), Kept(journal=memory.journal))
    assert judged[: len(ROUNDS[1])] == ROUNDS[1]
    assert policy.rewards[0] == [a.policy_reward for a in memory.attempts if a.step == 0]


def test_a_policy_that_does_not_repeat_itself_loses_nothing() -> None:
    memory = Mortal(2 + 1)  # the prompts and one attempt
    with pytest.raises(SystemExit):
        argo(ScriptedPolicy(ROUNDS), FixedJudge(follow), world(), config(), memory)
    other = [["- rewards lists, again", BAD], *ROUNDS[1:]]
    second = Kept(journal=memory.journal)
    argo(ScriptedPolicy(other), FixedJudge(follow), world(), config(), second)
    first = [a.rubric.text for a in second.attempts if a.step == 0]
    assert first == [GOOD, "- rewards lists, again", BAD]


def test_a_record_that_this_search_could_not_have_made_is_refused() -> None:
    memory, _, _ = run(ROUNDS)
    changed = FeedbackConfig(variants=("explore", "contrast"), elite=1)
    with pytest.raises(RunFolderError, match="step 1 would not ask what it asked before"):
        argo(
            Replaying(ROUNDS),
            FixedJudge(follow),
            world(),
            config(feedback=changed),
            Kept(journal=memory.journal),
        )


def test_a_search_that_may_not_go_on_measures_what_it_has() -> None:
    memory = Kept(limit=1)
    winners = argo(ScriptedPolicy(ROUNDS), FixedJudge(follow), world(), config(), memory)
    assert memory.steps == [1]
    assert {attempt.step for attempt in memory.attempts} == {0}
    assert winners[-1].rubric.text == GOOD


def test_the_pairs_that_an_attempt_is_most_wrong_on_are_on_record() -> None:
    memory, _, _ = run([[GOOD, BAD]] * 3)
    good, bad = memory.attempts[:2]
    assert good.misses == ()
    assert len(bad.misses) == FeedbackConfig().disagreements
    assert all((m.label_p_a - 0.5) * (m.judge_p_a - 0.5) < 0 for m in bad.misses)


class Rewriter:
    """Role Writer that answers every request alike, and keeps what it was asked."""

    name = "rewriter"

    def __init__(self, text: str):
        self._text, self.asked = text, list[str]()

    async def write(self, prompts: Sequence[str], seed: int) -> list[Written]:
        self.asked += prompts
        return [Written(self._text, True, Usage(calls=1, output_tokens=5)) for _ in prompts]


def test_a_rewriter_writes_the_prompts_once_there_is_something_to_learn_from() -> None:
    memory, policy, rewriter = Kept(), ScriptedPolicy(ROUNDS), Rewriter("Write about lists.")
    argo(policy, FixedJudge(follow), world(), config(), memory, rewriter)
    assert policy.prompts[0] != ["Write about lists."] * 2
    assert policy.prompts[1] == policy.prompts[2] == ["Write about lists."] * 2
    assert [p.author for p in memory.journal.prompts] == ["template"] * 2 + ["rewriter"] * 4
    assert [step.rewriter.calls for step in memory.journal.steps] == [0, 2, 2]
    assert GOOD in rewriter.asked[0]


def test_a_rewriter_is_not_asked_again_for_what_is_on_record() -> None:
    whole, rewriter = Kept(), Rewriter("Write about lists.")
    argo(ScriptedPolicy(ROUNDS), FixedJudge(follow), world(), config(), whole, rewriter)
    again = Rewriter("Write about prose.")
    memory = Kept(journal=whole.journal)
    argo(Replaying(ROUNDS), FixedJudge(follow), world(), config(), memory, again)
    assert again.asked == []
