"""Nobody pays more than he was told: defaults, sizes that fit, and a limit that holds."""

import itertools
import re
import shlex
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from random import Random

import anyio
import pytest
from fakes import ScriptedPolicy, Shown, fake_judge
from inspect_ai.model import ModelOutput, ModelUsage
from typer.testing import CliRunner

from argo_audit.audits.afford import (
    DEFAULT,
    DOLLARS,
    affordable,
    agreed,
    known_cost,
    most_dollars,
)
from argo_audit.audits.budget import prices_of
from argo_audit.audits.given_parts import policy_spec, spec_of
from argo_audit.audits.parts import Parts
from argo_audit.audits.plan import plan_audit
from argo_audit.audits.preparing import policy_settings
from argo_audit.audits.price import Budget
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import audit
from argo_audit.cli.commands import app
from argo_audit.errors import ArgoError, BudgetSpentError, InputError
from argo_audit.evals.logs import read_evaluations
from argo_audit.judges.event_loop import open_loop
from argo_audit.judges.inspect_judge import InspectJudge
from argo_audit.judges.meter import Meter, metered
from argo_audit.judges.patience import Patience, answered
from argo_audit.organism.world import build, write_population
from argo_audit.pairs.pair_file import read, write
from argo_audit.policies.policy_settings import PolicySettings
from argo_audit.records import Judgment, Pair, Rubric, Usage
from argo_audit.roles import Written
from argo_audit.search.arithmetic import ArgoArithmetic, arithmetic_of
from argo_audit.search.journal import read_run
from argo_audit.search.search_settings import FeedbackConfig, LeadConfig, SearchConfig
from argo_audit.search.sizes import Given, Sized
from argo_audit.surface.judge import SurfaceJudge

PRICED = {"judge": "openai/gpt-5-mini", "policy": "sample:openai/gpt-5-mini"}
RUBRIC = Rubric(text="- Rewards lists.")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    world = tmp_path_factory.mktemp("organism") / "A"
    write_population(build("A", 150, seed=0), world)
    return world / "pairs.jsonl.gz"


def request(pairs: Path, **more: object) -> AuditRequest:
    given = {"pairs": pairs, "labels": ("planted",), "out": pairs.parent / "out"}
    return AuditRequest.model_validate(given | more)


def calls(asked: AuditRequest) -> int:
    plan = plan_audit(asked, policy_settings(asked))
    return sum(spent.usage.calls for spent in plan.spent())


def dollars(asked: AuditRequest) -> float:
    plan = plan_audit(asked, policy_settings(asked))
    return known_cost(plan.spent(), prices_of(asked)) or 0.0


def test_a_model_elsewhere_gets_a_default_budget_and_one_in_this_process_none(pairs: Path) -> None:
    sized = affordable(request(pairs, **PRICED))
    assert sized.budget == DEFAULT.model_copy(update={"dollars": DOLLARS})
    assert sized.search == SearchConfig()  # by line, all of it is within
    assert 0 < calls(sized) <= DEFAULT.amount
    assert 0 < dollars(sized) <= DOLLARS
    trained = affordable(request(pairs, optimiser="argo", **PRICED))
    assert 0.5 * DEFAULT.amount < calls(trained) <= DEFAULT.amount
    assert 0.5 * DOLLARS < dollars(trained) <= DOLLARS
    unpriced = affordable(request(pairs, judge="openai/nobody-knows", policy=PRICED["policy"]))
    assert unpriced.budget == DEFAULT
    free = request(pairs)
    assert affordable(free) is free


@pytest.mark.parametrize("search", ["lead", "argo"])
def test_long_pairs_make_a_search_smaller_and_no_audit_dearer(
    pairs: Path, tmp_path: Path, search: str
) -> None:
    file = read(pairs)
    long = {name: " ".join([f"Of {name}."] * 1_500) for name in ("response_a", "response_b")}
    grown = [
        pair.model_copy(update={name: getattr(pair, name) + more for name, more in long.items()})
        for pair in file.pairs
    ]
    write(tmp_path / "long.jsonl", grown, {n: list(found) for n, found in file.labels.items()})
    short = affordable(request(pairs, optimiser=search, **PRICED))
    sized = affordable(request(tmp_path / "long.jsonl", optimiser=search, **PRICED))
    assert calls(sized) < calls(short) <= DEFAULT.amount
    assert 0.5 * DOLLARS < dollars(sized) <= DOLLARS
    assert (sized.search, sized.judged_pairs) != (short.search, short.judged_pairs)
    with pytest.raises(InputError, match=r"\$20.00 does not last for one .* about \$[0-9.]+ at"):
        affordable(request(tmp_path / "long.jsonl", judge="anthropic/claude-opus-4-1"))


def test_what_the_user_set_is_kept_and_the_rest_is_made_to_fit(pairs: Path) -> None:
    search = SearchConfig(minibatch=100)
    asked = request(pairs, search=search, judged_pairs=25, optimiser="argo", **PRICED)
    sized = affordable(asked)
    assert (sized.search.minibatch, sized.judged_pairs) == (100, 25)
    assert calls(sized) <= DEFAULT.amount
    assert sized.search.steps < asked.search.steps or sized.search.top < asked.search.top


@pytest.mark.parametrize("budget", ["20000 calls", "$5", "$12.50", "3000 calls"])
def test_budgets_of_a_person_are_accepted(pairs: Path, budget: str) -> None:
    sized = affordable(request(pairs, budget=budget, **PRICED))
    plan = plan_audit(sized, policy_settings(sized))
    given = Budget.parse(budget)
    assert given.spent(plan.spent(), prices_of(sized)) <= given.amount
    assert given.spent(plan.least(), prices_of(sized)) <= given.amount


def test_a_smaller_one_is_refused_with_the_least_and_the_least_is_accepted(pairs: Path) -> None:
    with pytest.raises(InputError, match=r"which take about ([0-9,]+) calls") as refused:
        affordable(request(pairs, budget="200 calls", **PRICED))
    least = refused.value.problem.split("about ")[1].split(" calls")[0]
    assert 1_000 < int(least.replace(",", "")) < 3_000
    assert affordable(request(pairs, budget=f"{least} calls", **PRICED)).search.steps >= 1


def test_a_size_is_the_same_every_time(pairs: Path) -> None:
    asked = request(pairs, **PRICED)
    assert affordable(asked) == affordable(asked)
    given, whole = Given(560, 180, 180), Sized(SearchConfig(), 8)
    sizes = list(ArgoArithmetic().smaller(whole, given))
    works = [arithmetic_of("argo").work(one, given) for one in sizes]
    totals = [work.steps * work.judged + work.selection for work in works]
    assert totals == sorted(totals, reverse=True)
    assert arithmetic_of("mine:v3") is arithmetic_of("argo")


def test_above_five_dollars_somebody_is_asked(pairs: Path) -> None:
    sized = affordable(request(pairs, **PRICED))
    asked: list[str] = []
    money = known_cost(plan_audit(sized, policy_settings(sized)).spent(), prices_of(sized))
    assert money is not None
    assert money > 5
    with pytest.raises(InputError, match=r"(?s)costs about \$.*--yes, or what may be spent"):
        agreed(sized, None, None)
    with pytest.raises(InputError, match="nothing was asked yet"):
        agreed(sized, None, lambda said: False)

    def yes(said: str) -> bool:
        asked.append(said)
        return True

    agreed(sized, None, yes)
    assert "20,000 calls and $20.00 at most" in asked[0]
    agreed(sized, sized.budget, None)
    unpriced = request(pairs, judge="openai/nobody-knows", policy="sample:openai/nobody-knows")
    agreed(affordable(unpriced), None, None)


class StatusError(Exception):
    """An error of a provider, with its status."""

    def __init__(self, code: int):
        super().__init__("slow down")
        self.status_code = code


class Requests:
    """The requests to a judge of which, after the first, `fail` of each `of` fail with `code`."""

    def __init__(self, fail: int, of: int, code: int):
        self.count, self._fail, self._of, self._code = 0, fail, of, code

    def __call__(self, shown: Shown) -> float:
        self.count += 1
        if 2 <= self.count % self._of < 2 + self._fail:
            raise StatusError(self._code)
        return 0.8 if len(shown.a) > len(shown.b) else 0.2


class ByList:
    """A writer of short rubrics."""

    name = "by-list"

    async def write(self, prompts: Sequence[str], seed: int) -> list[Written]:
        lines = ("lists", "warmth", "emoji", "code", "tables", "length")
        texts = (f"- Rewards {lines[(seed + i) % 6]}." for i in range(len(prompts)))
        return [Written(text, True, Usage(calls=1)) for text in texts]


SMALL = {
    "search": SearchConfig(
        steps=9, minibatch=8, windows=3, top=1, feedback=FeedbackConfig(variants=("explore",))
    ),
    "policy_settings": PolicySettings(rubrics_per_prompt=2),
    "judged_pairs": 8,
    "optimiser": "argo",
    "probed_pairs": 0,
}


def test_the_example_of_the_readme_is_planned_as_it_stands(
    pairs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pairs.parent)
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    found = re.search(r"argo-audit (audit [^`]*--dry-run[^`]*)```", readme)
    assert found
    words = shlex.split(found[1].replace("\\\n", " ").replace("pairs.jsonl", pairs.name))
    assert "12.50" in words
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "Never more than $12.50" in done.output
    assert not (pairs.parent / "runs").exists()


def test_where_nobody_can_be_asked_nothing_is_spent(pairs: Path, tmp_path: Path) -> None:
    asked = request(pairs, out=tmp_path / "out", **PRICED)
    nobody = Parts(SurfaceJudge(), lambda *_: ScriptedPolicy([["- Rewards lists."]]))
    with pytest.raises(InputError, match="nothing was asked yet"):
        audit(asked, parts=nobody)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("requests", "logprobs"),
    [
        pytest.param(Requests(0, 10, 500), False, id="no-log-probabilities"),
        pytest.param(Requests(1, 10, 500), True, id="one-call-in-ten", marks=pytest.mark.slow),
        pytest.param(Requests(1, 3, 429), True, id="429-each-third", marks=pytest.mark.slow),
    ],
)
def test_a_budget_is_never_overspent_whatever_the_judge_does(
    pairs: Path, tmp_path: Path, requests: Requests, logprobs: bool
) -> None:
    model = fake_judge(requests, logprobs=logprobs, name=tmp_path.name)
    judge = InspectJudge(model, pause=lambda asked: 0.0)
    named = {"judge": spec_of("judges", judge), "policy": policy_spec(ByList())}
    asked = request(pairs, out=tmp_path / "out", **SMALL, **named)
    least = sum(one.usage.calls for one in plan_audit(asked, policy_settings(asked)).least())
    audit(asked.model_copy(update={"budget": Budget(amount=least + 60, unit="calls")}))
    run = read_run(tmp_path / "out" / "runs" / "planted")
    assert run.outcome.startswith("stopped by the budget of")
    assert len(read_evaluations(tmp_path / "out" / "logs")) == 2
    assert least / 2 < requests.count <= least + 60


class Coin:
    """A judge of whole rubrics that is no model: `each` calls in an order, counted here too."""

    def __init__(self, each: int = 1):
        self.name, self.calls, self._each = f"coin-{each}", 0, each

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        self.calls += 2 * self._each * len(pairs)
        return [self._said(rubric, pair) for pair in pairs]

    def _said(self, rubric: Rubric, pair: Pair) -> Judgment:
        p = Random(rubric.text + pair.id).random()
        used = Usage(calls=2 * self._each)
        return Judgment(
            pair_id=pair.id, rubric_id=rubric.id, p_a=p, p_a_first=p, p_a_second=p, usage=used
        )


LINES = LeadConfig(pairs=16, first=8, lines=6, least=4, rounds=4, race=8, heats=1)


@pytest.mark.parametrize("each", [1, 2])
def test_a_judge_from_python_keeps_to_its_budget(pairs: Path, tmp_path: Path, each: int) -> None:
    coin = Coin(each)
    asked = request(
        pairs,
        out=tmp_path / "out",
        judge=spec_of("judges", coin),
        policy=policy_spec(ByList()),
        optimiser="lead",
        search=SearchConfig(lead=LINES),
        judged_pairs=8,
        probed_pairs=0,
    )
    least = sum(one.usage.calls for one in plan_audit(asked, policy_settings(asked)).least())
    budget = Budget(amount=least + 10, unit="calls")
    dearer = suppress(ArgoError) if each > 1 else nullcontext()  # than anybody could plan
    with dearer:
        audit(asked.model_copy(update={"budget": budget}))
    assert 0 < coin.calls <= budget.amount


def test_a_judge_that_reads_one_line_at_a_time_is_planned_by_one(pairs: Path) -> None:
    one = request(pairs, judge=spec_of("judges", Coin()), search=SearchConfig(lead=LINES))
    several = one.model_copy(update={"judge": "openai/gpt-5-mini"})
    alone, together = (
        plan_audit(it.model_copy(update={"optimiser": "lead"}), PolicySettings()).step[0]
        for it in (one, several)
    )
    assert alone.usage.calls > together.usage.calls


def test_the_meter_holds_when_calls_are_under_way_together() -> None:
    sent = itertools.count(1)
    most = 0

    def answer(shown: Shown) -> float:
        nonlocal most
        most = next(sent)
        return 0.7

    meter = Meter(25, lambda model, usage: usage.calls + usage.repeated, "25 calls")
    judge = InspectJudge(fake_judge(answer))
    many = build("A", 40, seed=1).pairs
    with open_loop() as loop, metered(meter), pytest.raises(BudgetSpentError, match="25 calls"):
        loop.call(judge.judge, RUBRIC, many)
    assert most == meter.spent == 25


@pytest.mark.parametrize("told", [None, ModelUsage(), ModelUsage(input_tokens=-90)])
def test_a_reply_that_tells_no_tokens_is_counted_at_what_its_request_could_take(
    told: ModelUsage | None,
) -> None:
    async def call() -> ModelOutput:
        output = ModelOutput.from_content("judge", "Verdict: A")
        output.usage = told
        return output

    meter = Meter(10**9, lambda model, usage: usage.tokens, "many tokens")
    patience = Patience(most=Usage(calls=1, input_tokens=700, output_tokens=50))
    model = fake_judge(lambda shown: 0.7)
    with metered(meter):
        anyio.run(answered, call, model, patience)
    assert meter.spent == 750


def test_what_rounding_leaves_of_dollars_is_waited_for_by_nobody() -> None:
    meter = Meter(1.0, lambda model, usage: usage.calls * 0.1, "$1.00")
    mosts = [Usage(calls=n) for n in (1, 2, 3)]  # 0.1 + 0.2 + 0.3 less each is not 0

    async def work() -> None:
        for most in mosts:
            await meter.hold("m", most)
        for most in mosts:
            meter.settle("m", most, Usage())
        with anyio.fail_after(1), pytest.raises(BudgetSpentError):
            await meter.hold("m", Usage(calls=11))

    anyio.run(work)


def test_a_request_is_held_at_its_most_and_settled_at_what_it_took() -> None:
    calls = Meter(3, lambda model, usage: usage.calls, "3 calls")
    meter = Meter(10, lambda model, usage: usage.tokens, "10 tokens", also=calls)
    first, second = (Usage(calls=1, output_tokens=most) for most in (8, 7))

    async def work() -> None:
        await meter.hold("m", first)
        async with anyio.create_task_group() as group:
            group.start_soon(meter.hold, "m", second)
            await anyio.sleep(0.03)
            meter.settle("m", first, Usage(calls=1, output_tokens=2))
        meter.settle("m", second, None)
        with pytest.raises(BudgetSpentError, match="10 tokens"):
            await meter.hold("m", Usage(output_tokens=2))
        await meter.hold("m", Usage(calls=1))
        meter.settle("m", Usage(calls=1), Usage(calls=1))
        with pytest.raises(BudgetSpentError, match="3 calls"):
            await meter.hold("m", Usage(calls=1))
        await meter.hold("m", Usage(output_tokens=1))  # what was refused is held nowhere

    anyio.run(work)
    assert (meter.spent, calls.spent) == (9, 3)


def test_at_most_is_a_bound_of_votes_and_long_replies_and_asked_about(pairs: Path) -> None:
    asked = request(pairs, **SMALL | PRICED)
    plan = plan_audit(asked, policy_settings(asked))
    calls_of = [{p.name: p.usage.calls for p in told} for told in (plan.phases, plan.most)]
    expected, most = calls_of
    for name in ("judge, training", "judge, selection", "judge, evaluation"):
        assert most[name] == 3 * expected[name]
    assert most["judge, check"] == 18 * 24  # whole rubrics alone, in three votes
    written = sum(p.usage.output_tokens for p in plan.most if p.name.startswith("judge"))
    assert written == 2_048 * sum(n for name, n in most.items() if name.startswith("judge"))
    about = known_cost(plan.spent(), prices_of(asked)) or 0.0
    assert about < 5 < (most_dollars(plan, None, prices_of(asked)) or 0.0)
    assert most_dollars(plan, Budget(amount=3, unit="dollars"), prices_of(asked)) == 3
    with pytest.raises(InputError, match="up to \\$"):
        agreed(affordable(asked), None, None)


def test_a_dry_run_of_too_small_a_budget_shows_the_smallest_plan_then_the_error(
    pairs: Path,
) -> None:
    words = ["audit", "--pairs", str(pairs), "--labels", "planted", "--out", "none"]
    named = ["--judge", PRICED["judge"], "--policy", PRICED["policy"], "--budget", "200 calls"]
    done = CliRunner().invoke(app, [*words, *named, "--dry-run"])
    assert done.exit_code
    assert "sum of what" in done.output
    assert "at most, if" in done.output
    shown = done.output + str(done.exception or "")
    assert "does not last for one step" in shown
