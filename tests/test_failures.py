"""A call that fails is sorted into retry, fall back, stop or unread; over a server that fails."""

import asyncio
import contextlib
import gc
import gzip
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import anyio
import inspect_ai
import pytest
from chat_server import (
    EMPTY_OBJECT,
    HALF,
    HANG,
    HTML,
    VERDICT,
    Body,
    ChatServer,
    Told,
    repeated,
    said,
    status,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inspect_ai import Task
from inspect_ai.model import Model, get_model

from argo_audit.errors import (
    ArgoError,
    InputError,
    JudgeError,
    UnavailableError,
    UnavailableJudgeError,
)
from argo_audit.evals.assembly import EVAL_SETTINGS, dataset
from argo_audit.evals.judging import judge_pair
from argo_audit.evals.logs import unfinished
from argo_audit.judges import patience
from argo_audit.judges.failures import KINDS, REFUSED, sort, worst
from argo_audit.judges.inspect_judge import InspectJudge
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.judges.patience import Patience
from argo_audit.judges.probation import AT_ONCE, FIRST, FORMLESS
from argo_audit.policies.sampler import InspectWriter, SamplerPolicy
from argo_audit.records import Estimator, Judgment, Message, Pair, Rubric, Usage
from argo_audit.roles import Written
from argo_audit.search.panel import open_panel

pytest.importorskip("openai")
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

RUBRIC = Rubric(text="- rewards short answers")
VOTES = JudgeSettings(estimator="votes", votes=1, retries=2, cache=False)
BY_LETTER = VOTES.model_copy(update={"estimator": "log-probabilities", "votes": 2})
PROBABLE = said("Shorter.\nVerdict: A", logprobs={"A": -0.1, "B": -2.4})
QUOTA = status(429, "You exceeded your current quota", code="insufficient_quota")


@pytest.fixture(autouse=True, scope="module")
def clients_end_here() -> Iterator[None]:
    """Inspect leaves clients to the garbage collector: not to that of another file's tests."""
    yield
    gc.collect()


def at_once(_: int) -> float:
    return 0.0


def pairs(n: int) -> list[Pair]:
    prompt = (Message(role="user", content="Say logprobs."),)
    return [
        Pair(id=f"p{i}", prompt=prompt, response_a=f"short {i}", response_b="a longer answer")
        for i in range(n)
    ]


def model_of(server: ChatServer) -> Model:
    return get_model("openai-api/test/judge", base_url=server.url, api_key="k", memoize=False)


def judged(server: ChatServer, n: int, asked: JudgeSettings = VOTES) -> list[Judgment]:
    judge = InspectJudge(model_of(server), asked, pause=at_once)
    return asyncio.run(judge.judge(RUBRIC, pairs(n)))


def used(judgments: Sequence[Judgment]) -> Usage:
    return Usage.total(judgment.usage for judgment in judgments)


# Retry


@pytest.mark.parametrize(
    "told",
    [
        status(429, "slow down"),
        status(500, "oops"),
        status(503, "overloaded"),
        HTML,
        HALF,
        EMPTY_OBJECT,
        Told(200, "null"),
    ],
    ids=lambda told: f"{told.status} {told.body[:9]}",
)
def test_what_may_be_gone_in_a_minute_is_asked_again_and_counted(told: Told) -> None:
    with ChatServer([VERDICT, told, told]) as server:
        found = judged(server, 4)
    assert all(judgment.p_a is not None for judgment in found)
    assert len(server.asked) == 8 + 2
    assert used(found).repeated == 2
    assert not used(found).lost


def test_a_call_is_asked_no_more_often_than_its_retries_allow() -> None:
    with ChatServer([VERDICT], then=status(500, "oops")) as server:
        found = judged(server, 2)
    assert len(server.asked) == 1 + 3 * 3
    assert used(found).lost == {"failed": 3}
    assert [judgment.p_a for judgment in found][1:] == [None]


def test_a_server_may_ask_us_to_wait_and_its_word_is_bounded() -> None:
    for asked, wait in (("0", 0.0), ("7", 7.0), ("99999", 120.0), ("\N{SUPERSCRIPT TWO}", 0.0)):
        error = RuntimeError("busy")
        error.response = _Response({"retry-after": asked})  # type: ignore[attr-defined] # a provider's
        assert sort(error).wait == wait


class _Response:
    def __init__(self, headers: dict[str, str]):
        self.headers = headers


# A deadline


@pytest.mark.parametrize("silent", [HANG, Told(200, VERDICT.body, drip=0.1)], ids=["hang", "drip"])
def test_a_server_that_keeps_the_line_is_given_up_at_the_deadline(silent: Told) -> None:
    asked = VOTES.model_copy(update={"deadline": 0.2})
    started = time.monotonic()
    with (
        ChatServer(then=silent) as server,
        pytest.raises(UnavailableJudgeError, match="first question: no answer in time"),
    ):
        judged(server, 30, asked)
    assert len(server.asked) == 2, "once more, and nobody beside it"
    assert time.monotonic() - started < 10


def test_one_hung_connection_costs_one_reply_and_not_the_search() -> None:
    asked = VOTES.model_copy(update={"deadline": 0.5})
    with ChatServer([VERDICT, HANG, HANG]) as server:
        found = judged(server, 2, asked)
    assert sum(judgment.p_a is not None for judgment in found) == 2
    assert used(found).repeated in (1, 2)


# Stop


STOPS = [
    (status(401, "Incorrect API key provided"), "key refused", "give a key"),
    (status(402, "Insufficient Balance"), "nothing left to pay with", "top up"),
    (status(403, "no access"), "key refused", "give a key"),
    (status(404, "The model `judge` does not exist"), "unknown model", "correct the model's name"),
    (QUOTA, "nothing left to pay with", "top up"),
    (status(400, "Your credit balance is too low"), "nothing left to pay with", "top up"),
]


@pytest.mark.parametrize(("told", "cause", "remedy"), STOPS, ids=[one[1] for one in STOPS])
def test_what_no_later_call_is_spared_ends_with_its_remedy_after_one_call(
    told: Told, cause: str, remedy: str
) -> None:
    with ChatServer(then=told) as server, pytest.raises(JudgeError) as raised:
        judged(server, 30)
    assert len(server.asked) == 1
    assert cause in str(raised.value)
    assert remedy in str(raised.value)
    assert "resume" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 2


@pytest.mark.parametrize("told", [STOPS[1][0], QUOTA], ids=["402", "quota"])
def test_money_that_runs_out_in_the_middle_stops_at_once(told: Told) -> None:
    asked = VOTES.model_copy(update={"in_flight": 4})
    with ChatServer(repeated(VERDICT, 20), then=told) as server, pytest.raises(JudgeError):
        judged(server, 100, asked)
    assert len(server.asked) <= 20 + 4


def test_a_search_gets_one_error_and_not_a_group_of_them() -> None:
    with ChatServer(then=status(401, "Incorrect API key provided")) as server:
        judge = InspectJudge(model_of(server), VOTES, pause=at_once)
        with open_panel(judge) as panel, pytest.raises(UnavailableJudgeError, match="key refused"):
            panel.judge([f"- rewards {i}" for i in range(8)], pairs(4))
    assert len(server.asked) == 1


def test_of_a_group_the_error_that_a_user_can_mend_is_told() -> None:
    wrong = ArgoError("mend me")
    group = ExceptionGroup("", [ValueError("x"), ExceptionGroup("", [KeyError("y"), wrong])])
    assert worst(group) is wrong
    assert worst(wrong) is wrong
    assert isinstance(
        worst(BaseExceptionGroup("", [wrong, KeyboardInterrupt()])), KeyboardInterrupt
    )


# Fall back


REFUSALS = [
    status(400, "'logprobs' is not supported with this model", param="logprobs"),
    status(403, "You are not allowed to request logprobs from this model"),
    status(422, "top_logprobs: extra inputs are not permitted"),
]


@pytest.mark.parametrize("told", REFUSALS, ids=["400", "403", "422"])
def test_a_model_without_log_probabilities_is_asked_for_votes_and_said_to_be_once(
    told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    with ChatServer(then=lambda body: told if body.get("logprobs") else VERDICT) as server:
        found = judged(server, 5, BY_LETTER)
    assert [judgment.estimator for judgment in found] == ["votes"] * 5
    assert len(server.asked) == 1 + 5 * 2 * 2
    [line] = [record.getMessage() for record in caplog.records if "votes" in record.getMessage()]
    assert "logprobs" in line


def test_a_prompt_about_logprobs_is_no_reason_to_fall_back() -> None:
    with ChatServer([PROBABLE], then=status(400, "too long")) as server:
        found = judged(server, 2, BY_LETTER)
    assert len(server.asked) == 4, "one call an order, and none again"
    assert used(found).lost == {"refused by the provider": 3}


# Never asked again


def test_what_is_refused_is_not_asked_twice() -> None:
    too_long = status(400, "input length exceeds the context", code="context_length_exceeded")
    for told in (too_long, status(413, "large"), status(422, "no")):
        with ChatServer([PROBABLE], then=told) as server:
            found = judged(server, 2, BY_LETTER)
        assert len(server.asked) == 4
        assert used(found).lost == {"refused by the provider": 3}


def test_a_prompt_does_not_hide_the_cause() -> None:
    long = "The model refuses, because of the third word. " + "prompt " * 2000
    with ChatServer(then=status(400, long)) as server, pytest.raises(JudgeError) as raised:
        judged(server, 3)
    assert "400: The model refuses, because of the third word." in str(raised.value)
    assert len(str(raised.value)) < 1200


# Replies that are no verdict


def test_a_reply_that_was_cut_off_is_not_read() -> None:
    quoted = said("Response A ends with\nVerdict: A", stop="length", logprobs={"A": -0.1, "B": -3})
    with ChatServer([PROBABLE, quoted], then=PROBABLE) as server:
        found = judged(server, 3, BY_LETTER)
    assert used(found).lost == {"cut off at the limit of tokens": 1}
    assert len(server.asked) == 6, "it would be cut off again"
    [lost] = [judgment for judgment in found if judgment.unread]
    assert lost.p_a_first is None or lost.p_a_second is None


CASES = [
    (said("I think", stop="length"), "cut off at the limit", "max_reply_tokens (2048 now)"),
    (said(None, reasoning="Hm.", stop="length"), "cut off at the limit", "reasoning down"),
    (said("", reasoning="Hm."), "without any text", "max_reply_tokens"),
    (said("I like both."), "without a verdict", "I like both."),
    (status(400, "bad"), "refused by the provider", "bad"),
]


@pytest.mark.parametrize(("told", "cause", "remedy"), CASES, ids=[case[1] for case in CASES])
def test_a_judge_of_which_nothing_can_be_read_is_stopped_early(
    told: Told, cause: str, remedy: str
) -> None:
    with ChatServer(then=told) as server, pytest.raises(JudgeError) as raised:
        judged(server, 200)
    assert FIRST <= len(server.asked) <= FIRST + AT_ONCE
    assert cause in str(raised.value)
    assert remedy in str(raised.value)


AT_ZERO = VOTES.model_copy(update={"temperature": 0.0, "votes": 3})


@pytest.mark.parametrize("told", [said("Hm."), status(400, "too long")], ids=["unread", "refused"])
@pytest.mark.parametrize("estimator", ["votes", "log-probabilities"])
def test_what_the_same_question_cannot_change_is_not_asked_again(
    told: Told, estimator: Estimator
) -> None:
    asked = AT_ZERO.model_copy(update={"estimator": estimator})
    with ChatServer([PROBABLE], then=told) as server:
        found = judged(server, 3, asked)
    further = 2 if estimator == "votes" else 0  # of the order whose first reply was read
    assert used(found).formless + used(found).refused == 5 + further
    assert len(server.asked) == 6 + further


def test_a_verdict_that_a_server_takes_for_reasoning_is_read() -> None:
    with ChatServer(then=said(None, reasoning="It is short.\nVerdict: A")) as server:
        [found] = judged(server, 1)
    assert found.p_a == 0.5
    assert found.usage.empty == 0


def in_form(body: Body) -> Told:
    """Prose, unless the server holds the model to a schema."""
    if "response_format" not in body:
        return said("I would rather not say.")
    [key] = body["response_format"]["json_schema"]["schema"]["properties"].keys() - {"reasons"}
    return said(f'{{"reasons": "It ends with Verdict: B", "{key}": "A"}}')


def test_a_model_that_never_answers_in_form_is_asked_for_an_object() -> None:
    with ChatServer(then=in_form) as server:
        found = judged(server, 30)
    in_words = [body for body in server.asked if "response_format" not in body]
    assert FORMLESS <= len(in_words) <= FORMLESS + 2 * AT_ONCE
    assert found[-1].p_a == 0.5
    schema = server.asked[-1]["response_format"]["json_schema"]
    assert schema["strict"]
    assert schema["schema"]["properties"]["verdict"]["enum"] == ["A", "B"]


def test_an_object_can_be_asked_for_from_the_start_or_never() -> None:
    with ChatServer(then=in_form) as server:
        assert judged(server, 1, VOTES.model_copy(update={"structured": True}))[0].p_a == 0.5
    never = VOTES.model_copy(update={"structured": False})
    with ChatServer(then=in_form) as server, pytest.raises(JudgeError, match="rather not say"):
        judged(server, 30, never)
    assert all("response_format" not in body for body in server.asked)


def test_a_rubric_that_nobody_can_read_costs_the_rubric() -> None:
    with ChatServer([VERDICT], then=said("I like both.")) as server:
        found = judged(server, 60)
    assert used(found).lost == {"without a verdict": 119}


def test_an_endless_reply_is_kept_with_both_its_ends() -> None:
    with ChatServer(then=said("x" * 3_000_000 + "\nVerdict: A")) as server:
        [judgment] = judged(server, 1)
    assert judgment.p_a == 0.5
    assert len(judgment.reply) < 21_000


# Evaluations


@pytest.mark.parametrize(
    ("body", "packed"),
    [
        (" " * 3_000_000, "identity"),
        (gzip.compress(b" " * 3_000_000).decode("latin-1"), "gzip"),
        ("{}", "zstd"),
        ("{}", "gzip, gzip"),
    ],
    ids=["large", "gzip", "zstd", "twice"],
)
def test_an_answer_without_an_end_costs_one_reply(
    body: str, packed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "MOST_BYTES", 1 << 20)
    endless = Told(200, body, headers=(("Content-Encoding", packed),))
    with ChatServer([VERDICT, *repeated(endless, 3)]) as server:
        found = judged(server, 1)
    assert [judgment.p_a for judgment in found] == [None]
    assert used(found).failed == 1
    assert re.search("of more than 1 MiB|which was not asked for", found[0].reply)
    assert len(server.asked) == 1 + 3


@pytest.mark.parametrize("code", [301, 307])
def test_a_server_that_sends_on_to_another_is_not_followed(code: int) -> None:
    with ChatServer() as other, ChatServer() as server:
        server.plan(Told(code, "", headers=(("Location", f"{other.url}/chat/completions"),)))
        with pytest.raises(
            JudgeError, match=r"sent elsewhere .* it sends on to http://127"
        ) as told:
            judged(server, 5)
    assert (len(server.asked), other.asked) == (1, [])
    assert "Remedy: give the URL that it is to be asked at" in str(told.value)


def test_a_server_that_sends_on_to_itself_is_followed() -> None:
    with ChatServer() as server:
        server.plan(Told(307, "", headers=(("Location", "/v1/chat/completions"),)))
        assert judged(server, 1)[0].p_a == 0.5
    assert len(server.asked) == 3


def test_a_client_without_limits_is_let_go_to_its_provider_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "UNBOUNDED", ("mockllm",))
    assert patience.with_limits(get_model("mockllm/m", memoize=False))
    with pytest.raises(InputError, match=r"openai-api/NAME/MODEL"):
        patience.with_limits(get_model("mockllm/m", base_url="http://a/v1", memoize=False))


def test_an_evaluation_asks_one_judge_and_ends_with_its_words(tmp_path: Path) -> None:
    solver = judge_pair({"rubric": "- be brief"}, VOTES.model_dump(exclude_defaults=True))
    with ChatServer(then=status(401, "Incorrect API key provided")) as server:
        [log] = inspect_ai.eval(
            Task(dataset=dataset(pairs(5), {}), solver=solver),
            model=model_of(server),
            log_dir=str(tmp_path),
            **EVAL_SETTINGS,
        )
    assert len(server.asked) == 1
    told = str(unfinished(log, "logs")).splitlines()
    assert len(told) == 2
    assert "cannot be asked: key refused (AuthenticationError 401: Incorrect" in told[0]
    assert told[1].startswith("  Remedy: give a key")


# Interrupted


def test_an_interrupt_ends_a_call_under_way_and_what_came_is_not_paid_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path))
    asked = VOTES.model_copy(update={"cache": True, "in_flight": 4})
    with ChatServer([*repeated(VERDICT, 10), *repeated(HANG, 4)]) as server:

        async def interrupted() -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(InspectJudge(model_of(server), asked).judge, RUBRIC, pairs(20))
                while len(server.asked) < 14:
                    await anyio.sleep(0.01)
                tasks.cancel_scope.cancel()

        started = time.monotonic()
        asyncio.run(interrupted())
        assert time.monotonic() - started < 10
        assert len(server.asked) == 14
        judged(server, 20, asked)
    assert len(server.asked) == 40 + 4, "those under way are paid twice"


# Writers


def written(server: ChatServer, n: int, retries: int = 2) -> list[Written]:
    writer = InspectWriter(model_of(server), patience=Patience(retries, 5, at_once))
    return asyncio.run(writer.write(["write"] * n, seed=1))


def test_a_writer_without_a_key_ends_a_search_in_one_error() -> None:
    with ChatServer(then=status(401, "Incorrect API key provided")) as server:
        policy = SamplerPolicy(InspectWriter(model_of(server)), 4)
        with pytest.raises(UnavailableError, match="the writer openai-api/test/judge"):
            policy.train(lambda: ["write"], lambda proposals: [0.0] * len(proposals), 2)


def test_a_prompt_that_is_refused_is_an_answer_without_text() -> None:
    with ChatServer([status(400, "flagged")], then=said("- be brief")) as server:
        answers = written(server, 3)
    assert sorted(answer.text for answer in answers) == ["", "- be brief", "- be brief"]
    assert Usage.total(answer.usage for answer in answers).refused == 1
    with (
        ChatServer(then=status(400, "flagged")) as server,
        pytest.raises(ArgoError, match="flagged"),
    ):
        written(server, 3)


def test_a_writer_whose_server_is_down_stops_the_search() -> None:
    with ChatServer(then=HTML) as server, pytest.raises(UnavailableError, match="no reply of a"):
        written(server, 1)
    assert len(server.asked) == 3


# Laws


class _FakeError(Exception):
    def __init__(self, status_code: int | None, message: str):
        super().__init__(message)
        self.status_code, self.body = status_code, {"message": message}


@given(st.one_of(st.none(), st.integers(100, 599)), st.text(max_size=80), st.booleans())
def test_every_failure_ends_in_exactly_one_way(
    code: int | None, message: str, is_transient: bool
) -> None:
    failure = sort(_FakeError(code, message), lambda _: is_transient)
    assert failure.kind in KINDS
    assert failure.kind.way in ("retry", "fall back", "stop", "unread")
    assert (failure.kind.again > 0) == (failure.kind.way == "retry")
    assert failure.said.isprintable()
    if code and code >= 500:
        assert failure.kind.way in ("retry", "fall back")
    if code in (413, 415, 418):
        assert failure.kind is REFUSED


ANSWERS = st.sampled_from(
    [VERDICT, HTML, HALF, status(500, "x"), status(429, "x"), status(400, "x"), said("Hm.")]
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=st.lists(ANSWERS, max_size=25), retries=st.integers(0, 2))
def test_no_order_of_failures_costs_more_than_planned_calls_times_their_tries(
    plan: list[Told], retries: int
) -> None:
    asked = VOTES.model_copy(update={"retries": retries})
    with ChatServer(plan) as server:
        found: list[Judgment] = []
        with contextlib.suppress(JudgeError):
            found = judged(server, 4, asked)
    assert len(server.asked) <= 8 * (1 + retries)
    if found:
        usage = used(found)
        assert len(server.asked) == usage.calls + usage.repeated
        assert sum(usage.lost.values()) == sum(judgment.unread for judgment in found)
