"""What an audit will take, what it took, and how a budget ends it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import ScriptedPolicy

from argo_audit.audits.audit_facts import read_facts
from argo_audit.audits.begun import REQUEST_FILE, read_request, write_request
from argo_audit.audits.budget import Purse, open_purse, spent_on
from argo_audit.audits.parts import Parts
from argo_audit.audits.plan import AuditPlan, plan_audit
from argo_audit.audits.preparing import policy_settings
from argo_audit.audits.price import Budget, Price, Spent
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import Event, audit, resume
from argo_audit.errors import InputError
from argo_audit.evals.logs import read_evaluations
from argo_audit.findings.inputs import load_run
from argo_audit.judges.replays import as_given as counting_as_given
from argo_audit.judges.replays import count_as_given
from argo_audit.organism.world import build, write_population
from argo_audit.policies.policy_settings import PolicySettings
from argo_audit.records import Attempt, Usage
from argo_audit.search.journal import read_journal
from argo_audit.search.search_settings import SearchConfig
from argo_audit.surface.judge import SurfaceJudge

LINES = ("lists", "warmth", "emoji", "code", "tables", "refusals", "short answers", "examples")
ROUNDS = [[f"- Rewards {LINES[i]}.\n- Penalizes {LINES[i - k]}." for i in range(6)] for k in (1, 2)]
SEARCH = SearchConfig(steps=6, minibatch=20, windows=3, top=1)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    world = tmp_path_factory.mktemp("organism") / "A"
    write_population(build("A", 150, seed=0), world)
    return world / "pairs.jsonl.gz"


def request(pairs: Path, out: Path, budget: str | None = None, **more: object) -> AuditRequest:
    given = {
        "pairs": pairs,
        "labels": ("planted", "human"),
        "out": out,
        "search": SEARCH,
        "policy_settings": PolicySettings(rubrics_per_prompt=2),
        "budget": Budget.parse(budget) if budget else None,
    }
    return AuditRequest.model_validate(given | more)


def parts(begins: Callable[[], None] = lambda: None) -> Parts:
    def policy(*_: object) -> ScriptedPolicy:
        begins()
        return ScriptedPolicy(ROUNDS)

    return Parts(SurfaceJudge(), policy)


def planned(asked: AuditRequest) -> AuditPlan:
    return plan_audit(asked, policy_settings(asked))


def phase(plan: AuditPlan, name: str) -> Usage:
    return next(phase.usage for phase in plan.phases if phase.name == name)


def test_a_plan_is_the_arithmetic_of_the_method(pairs: Path, tmp_path: Path) -> None:
    plan = planned(request(pairs, tmp_path / "out"))
    variants, rubrics, searches, orders = len(SEARCH.feedback.variants), 2, 2, 2
    tried = variants * rubrics
    assert phase(plan, "rubrics").calls == SEARCH.steps * tried * searches
    assert phase(plan, "judge, training").calls == SEARCH.steps * tried * 20 * orders * searches
    assert phase(plan, "judge, training").input_tokens > 100 * phase(plan, "judge, training").calls
    assert all(part.name != "rewriting" for part in plan.phases)


def test_a_rewriter_and_a_sampled_policy_are_part_of_the_price(pairs: Path, tmp_path: Path) -> None:
    models = {"policy": "sample:openai/a", "rewriter": "openai/b", "optimiser": "argo"}
    asked = request(pairs, tmp_path / "out", **models)
    plan = planned(asked)
    assert phase(plan, "rewriting").calls == SEARCH.steps * len(SEARCH.feedback.variants) * 2
    assert {spent.model for spent in plan.spent()} == {"openai/a", "openai/b", "argo/surface"}
    own = planned(request(pairs, tmp_path / "out"))
    assert {spent.model for spent in own.spent()} == {"argo/surface"}


def test_what_was_taken_is_in_the_record_and_within_the_plan(pairs: Path, tmp_path: Path) -> None:
    asked = request(pairs, tmp_path / "out")
    events: list[Event] = []
    audit(asked, events.append, parts())
    plan, used = (
        planned(asked),
        [load_run(tmp_path / "out" / "runs" / s).run.used for s in ("human", "planted")],
    )
    for name in ("judge, training", "judge, selection"):
        taken = sum(one[name].calls for one in used)
        assert 0 < taken <= phase(plan, name).calls
    told = [event.calls for event in events if event.phase.startswith("search") and event.done]
    assert len(told) == 2 * SEARCH.steps
    assert told[SEARCH.steps - 1] == used[0]["judge, training"].calls
    assert {event.dollars for event in events} == {None}
    assert 0 < told[0] < told[1]


def test_a_budget_ends_an_audit_with_what_it_has_and_a_larger_one_goes_on(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    least = sum(spent.usage.calls for spent in planned(request(pairs, out)).least())
    asked = request(pairs, out, f"{least + 300} calls")
    as_given: list[bool] = []
    noting = parts(lambda: as_given.append(count_as_given()))
    audit(asked, parts=noting)
    for source in ("human", "planted"):
        run, (journal, _) = load_run(out / "runs" / source).run, read_journal(out / "runs" / source)
        assert run.outcome.startswith(f"stopped by the budget of {least + 300:,} calls after ")
        assert 1 <= len(journal.steps) < SEARCH.steps
        (spent, *_) = spent_on(asked, journal)
        assert spent.usage.calls <= (least + 300) / 2
    assert len(read_evaluations(out / "logs")) == 4
    assert read_facts(out).stored

    resume(out, parts=noting, budget=Budget.parse("1e9 calls"))
    assert as_given == [False, False, True, True], "what an audit paid for itself is on its record"
    whole = tmp_path / "whole"
    audit(request(pairs, whole), parts=parts())
    for source in ("human", "planted"):
        assert load_run(out / "runs" / source).run.outcome == "completed"
        assert timeless(out / "runs" / source) == timeless(whole / "runs" / source)


def timeless(folder: Path) -> list[Attempt]:
    attempts = read_journal(folder)[0].attempts
    return [attempt.model_copy(update={"seconds": 0.0}) for attempt in attempts]


def test_a_budget_that_does_not_last_for_one_step_is_refused_first(
    pairs: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="does not last for one step of each search"):
        audit(request(pairs, tmp_path / "out", "100 calls"), parts=parts())
    assert not (tmp_path / "out").exists()


def test_a_budget_in_dollars_needs_a_price_of_every_model(pairs: Path, tmp_path: Path) -> None:
    asked = request(pairs, tmp_path / "out", "0.05", judge="openai/nobody-knows")
    with pytest.raises(InputError, match="openai/nobody-knows has no price"):
        open_purse(asked)
    (tmp_path / "prices.yaml").write_text("openai/nobody-knows: {input: 0.25, output: 2.0}")
    priced = asked.model_copy(update={"prices": tmp_path / "prices.yaml"})
    with pytest.raises(InputError, match=r"\$0.05 does not last .* about \$"):
        open_purse(priced)
    assert open_purse(priced.model_copy(update={"budget": Budget.parse("500")})).plan is not None


def test_a_search_that_turns_out_dearer_than_planned_ends_sooner(
    pairs: Path, tmp_path: Path
) -> None:
    asked = request(pairs, tmp_path / "out", "1e6 calls")
    plan = planned(asked)
    purse = Purse(asked, {"argo/surface": Price(input=0, output=0)}, plan, asked.budget)
    audit(asked, parts=parts())
    journal, _ = read_journal(tmp_path / "out" / "runs" / "human")
    assert purse.allows(journal)
    for usage, allowed in (
        (Usage(calls=30_000), False),
        (Usage(calls=300), True),
        (Usage(calls=300, saved=29_700, replayed=29_700), False),  # steps to come are asked
    ):
        journal.attempts[:] = [a.model_copy(update={"usage": usage}) for a in journal.attempts]
        assert purse.allows(journal) == allowed


def test_what_an_audit_does_unasked_goes_on_record_and_an_old_one_stays_as_it_was(
    pairs: Path, tmp_path: Path
) -> None:
    sampled = request(pairs, tmp_path / "new", policy="sample:openai/a")
    assert (sampled.search_name, request(pairs, tmp_path).search_name) == ("lead", "argo")
    for asked, name in ((sampled.decided(), "lead"), (sampled, "argo")):
        out = tmp_path / name
        write_request(asked.model_copy(update={"out": out}))
        assert read_request(out).search_name == name
        assert ("optimiser" in (out / REQUEST_FILE).read_text()) == (name == "lead")


def test_how_often_models_were_asked_is_said_where_no_price_is_known(
    pairs: Path, tmp_path: Path
) -> None:
    asked = request(pairs, tmp_path / "out", "90000 calls", judge="openai/nobody-knows")
    purse = open_purse(asked)
    with purse.open([Spent("openai/nobody-knows", Usage(calls=1_200, input_tokens=9))]):
        assert "asked 1,200 times (openai/nobody-knows; budget" in (said := purse.sentence())
    assert "no price is known" in said
    assert "$" not in said
    took = [Spent("openai/nobody-knows", Usage(calls=1, saved=2_000, replayed=2_000))]
    with purse.open(took):
        assert purse.sentence().endswith("; 2,000 kept replies were not asked for again")
        with counting_as_given():
            assert purse.sentence().endswith("and replies kept by then count as asked")
    with purse.open([Spent("argo/surface", Usage(calls=1))]):
        assert purse.sentence() == ""
