"""One call of a judge's model: cached, retried, failed, with images; and several servers."""

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import FAKE_USAGE
from inspect_ai.model import (
    ChatMessage,
    ContentImage,
    ContentText,
    GenerateConfig,
    Model,
    ModelOutput,
    ModelUsage,
    get_model,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from argo_audit.errors import InputError, JudgeError
from argo_audit.judges.calls import Caller
from argo_audit.judges.inspect_judge import InspectJudge
from argo_audit.judges.inspect_models import open_models
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.judges.meter import Meter, metered
from argo_audit.judges.patience import usage_of
from argo_audit.judges.questions import ask
from argo_audit.judges.replays import as_given
from argo_audit.judges.unread import MOST_KEPT, KeepsUnread
from argo_audit.pairs.images import admit
from argo_audit.prompts.fences import read_fences
from argo_audit.records import Judgment, Message, Pair, Rubric, Usage

RUBRIC = Rubric(text="- rewards short answers")
VOTES = JudgeSettings(estimator="votes", votes=2)
CACHED = VOTES.model_copy(update={"cache": True})
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
Answer = Callable[[list[ChatMessage], GenerateConfig], str]


class RefusedError(RuntimeError):
    """What a provider raises when the request itself is at fault."""

    status_code = 400


class Recorder:
    """A model that answers what it is told and remembers what it was asked."""

    def __init__(self, answer: Answer = lambda *_: "Verdict: A"):
        self.calls: list[tuple[list[ChatMessage], GenerateConfig]] = []
        self._answer = answer
        self.model = get_model("mockllm/judge", custom_outputs=self._reply)

    def _reply(
        self,
        messages: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        self.calls.append((messages, config))
        output = ModelOutput.from_content("judge", self._answer(messages, config))
        output.usage = FAKE_USAGE
        return output


def pairs(n: int = 1, images: tuple[str, ...] = ()) -> list[Pair]:
    return [
        Pair(
            id=f"p{i}",
            prompt=(Message(role="user", content=f"Say {i}.", images=images),),
            response_a="short",
            response_b="a longer answer",
        )
        for i in range(n)
    ]


def judged(
    models: Model | list[Model], settings: JudgeSettings, of: list[Pair] | None = None
) -> list[Judgment]:
    return asyncio.run(InspectJudge(models, settings).judge(RUBRIC, of or pairs()))


# Caching


@pytest.fixture
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))


@pytest.mark.usefixtures("_cache")
def test_the_same_question_is_paid_once_and_each_vote_is_a_question() -> None:
    first, again = Recorder(), Recorder()
    known = judged(first.model, CACHED)
    assert len(first.calls) == 4, "two orders, two votes"
    replayed = judged(again.model, CACHED)
    assert not again.calls
    assert [one.usage.calls for one in known] == [4]
    assert [one.usage for one in replayed] == [Usage(saved=4, replayed=4)]
    plain = [one.model_copy(update={"usage": Usage()}) for one in (*known, *replayed)]
    assert plain[:1] == plain[1:]


@pytest.mark.usefixtures("_cache")
def test_a_meter_counts_no_reply_of_the_cache_unless_its_audit_goes_on() -> None:
    taken = []
    for given in (False, False, True):
        meter = Meter(100, lambda model, usage: usage.calls, "100 calls")
        with metered(meter), as_given(given):
            (said,) = judged(Recorder().model, CACHED)
        taken.append((meter.spent, said.usage))
    whole = taken[0][1]
    assert whole.calls == 4
    assert taken == [(4, whole), (0, Usage(saved=4, replayed=4)), (4, whole)]


@pytest.mark.usefixtures("_cache")
@pytest.mark.parametrize(
    "settings",
    [
        CACHED.model_copy(update={"cache": False}),
        CACHED.model_copy(update={"seed": 1}),
        CACHED.model_copy(update={"temperature": 0.5}),
        CACHED.model_copy(update={"reasoning": False}),
    ],
)
def test_another_question_is_asked_again(settings: JudgeSettings) -> None:
    judged(Recorder().model, CACHED)
    again = Recorder()
    judged(again.model, settings)
    assert len(again.calls) == 4


@pytest.mark.usefixtures("_cache")
def test_a_model_with_other_arguments_is_another_model() -> None:
    judged(Recorder().model, CACHED)
    again = Recorder()
    again.model.model_args = {"path": "elsewhere"}
    judged(again.model, CACHED)
    assert len(again.calls) == 4


def test_cached_tokens_are_part_of_those_read() -> None:
    output = ModelOutput.from_content("judge", "Verdict: A")
    output.usage = ModelUsage(input_tokens=10, input_tokens_cache_read=90, output_tokens=5)
    assert usage_of(output) == Usage(calls=1, input_tokens=100, cached_tokens=90, output_tokens=5)
    output.usage = None
    assert usage_of(output) == Usage(calls=1)


def test_tokens_that_no_reply_can_have_taken_add_nothing_to_a_budget() -> None:
    output = ModelOutput.from_content("judge", "Verdict: A")
    output.usage = ModelUsage(input_tokens=-5_000_000, output_tokens=10**400)
    assert usage_of(output) == Usage(calls=1, output_tokens=10**9)


# What is asked for


def test_the_settings_reach_the_call() -> None:
    recorder = Recorder()
    settings = JudgeSettings(
        estimator="votes", votes=2, temperature=0.7, max_reply_tokens=99, retries=2
    )
    judged(recorder.model, settings)
    configs = [config for _, config in recorder.calls]
    assert {(c.temperature, c.max_tokens, c.max_retries) for c in configs} == {(0.7, 99, 0)}
    assert len({config.seed for config in configs}) == 2
    assert not any(config.logprobs for config in configs)


def test_scores_are_asked_for_and_read() -> None:
    recorder = Recorder(
        lambda messages, _: (
            "Scores: A 7, B 6" if read_fences(messages[-1].text)["RESPONSE A"] == "short" else "Hm"
        )
    )
    [judgment] = judged(recorder.model, JudgeSettings(estimator="scores", votes=2))
    assert judgment.p_a_first == pytest.approx(0.731, abs=1e-3)
    assert (judgment.estimator, judgment.votes, judgment.unread) == ("scores", 2, 2)
    assert judgment.reply == "Hm"
    assert "Scores: A X, B Y" in recorder.calls[0][0][-1].text


def test_scores_cost_as_many_replies_as_votes() -> None:
    recorder = Recorder(lambda *_: "Scores: A 5, B 5")
    [judgment] = judged(recorder.model, JudgeSettings(estimator="scores", votes=3))
    assert len(recorder.calls) == 6
    assert judgment.p_a == 0.5


def test_a_direct_verdict_asks_for_no_reasons() -> None:
    question = ask(RUBRIC, pairs()[0], settings=JudgeSettings(reasoning=False)).text
    assert "step by step" not in question
    assert "without giving reasons" in question


def test_providers_that_sell_a_marked_prefix_get_a_cache_breakpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("openai")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    question = ask(RUBRIC, pairs()[0])
    content = Caller(get_model("openai/x"), JudgeSettings())._content(question, [])
    assert isinstance(content, list)
    shared, own = content
    assert isinstance(shared, ContentText)
    assert isinstance(own, ContentText)
    assert shared.cache_breakpoint
    assert not own.cache_breakpoint
    assert shared.text + own.text == question.text
    assert "a longer answer" in shared.text
    assert RUBRIC.text in own.text


# Images


def test_images_go_with_the_question_and_the_prompt_says_where(tmp_path: Path) -> None:
    path = tmp_path / "tea.png"
    path.write_bytes(PNG)
    admit([str(path)], tmp_path)
    inline = "data:image/png;base64," + base64.b64encode(PNG).decode()
    recorder = Recorder()
    judged(recorder.model, VOTES, pairs(1, (str(path), inline)))
    content = recorder.calls[0][0][-1].content
    assert [part.image for part in content if isinstance(part, ContentImage)] == [inline, inline]
    assert "[image 1]\n[image 2]" in recorder.calls[0][0][-1].text


def test_an_image_that_cannot_be_read_is_named_with_its_pair(tmp_path: Path) -> None:
    with pytest.raises(JudgeError, match="pair p0: an image cannot be read"):
        judged(Recorder().model, VOTES, pairs(1, (str(tmp_path / "none.png"),)))


def test_a_model_that_refuses_images_is_an_error_that_names_the_pair() -> None:
    inline = "data:image/png;base64," + base64.b64encode(PNG).decode()
    with pytest.raises(JudgeError, match="pair p0 has images and the judge mockllm/judge"):
        judged(Recorder(raising(RefusedError("no images"))).model, VOTES, pairs(1, (inline,)))


# Failures


def raising(error: Exception, when: Callable[[str], bool] = lambda _: True) -> Answer:
    def answer(messages: list[ChatMessage], _: GenerateConfig) -> str:
        if when(messages[-1].text):
            raise error
        return "Verdict: A"

    return answer


def test_a_failed_call_is_an_unread_reply_with_the_error_and_the_rest_goes_on() -> None:
    model = Recorder(raising(RuntimeError("overloaded"), lambda q: "Say 1." in q)).model
    one, other = judged(model, VOTES, pairs(2))
    assert one.p_a == pytest.approx(0.5)
    assert (other.p_a, other.unread) == (None, 4)
    assert "overloaded" in other.reply
    assert other.usage.calls == 4


def test_when_every_call_fails_that_is_an_error() -> None:
    with pytest.raises(JudgeError, match=r"all of 6 questions.*overloaded"):
        judged(Recorder(raising(RuntimeError("overloaded"))).model, VOTES, pairs(3))


def test_a_rubric_that_the_server_refuses_costs_the_rubric_and_not_the_search() -> None:
    model = Recorder(raising(RefusedError("too long"), lambda q: "endless" in q)).model
    judge = InspectJudge(model, VOTES)
    endless = Rubric(text="- endless")
    with pytest.raises(JudgeError, match="too long"):
        asyncio.run(judge.judge(endless, pairs()))
    asyncio.run(judge.judge(RUBRIC, pairs()))
    [judgment] = asyncio.run(judge.judge(endless, pairs()))
    assert (judgment.p_a, judgment.unread) == (None, 2), "what is refused is not asked again"


# Several servers


def _shown(messages: list[ChatMessage]) -> tuple[str, str]:
    found = read_fences(messages[-1].text)
    return found["PROMPT"], found["RESPONSE A"]


def test_a_pairs_rubrics_go_to_one_server_and_the_pairs_are_spread() -> None:
    servers = [Recorder() for _ in range(3)]
    judge = InspectJudge([server.model for server in servers], VOTES)
    for text in ("- one", "- two"):
        asyncio.run(judge.judge(Rubric(text=text), pairs(12)))
    shown = [{_shown(messages) for messages, _ in server.calls} for server in servers]
    assert all(shown)
    assert sum(map(len, shown)) == 24, "no pair at two servers in one order"


def test_several_urls_are_several_servers_of_one_model() -> None:
    pytest.importorskip("openai")
    urls = ["http://one.test/v1", "http://two.test/v1", "http://three.test/v1"]
    models = open_models("vllm/qwen", urls, JudgeSettings(in_flight=7))
    assert [model.api.base_url for model in models] == urls
    assert str(models[0]) == "vllm/qwen"
    assert models[0].config.max_connections == 7


def test_a_model_that_inspect_does_not_know_is_an_error_with_a_remedy() -> None:
    with pytest.raises(InputError, match="cannot be opened as the judge"):
        open_models("nobody/knows")


# Unread replies on disk


def test_unread_replies_are_kept_up_to_a_bound_also_when_resumed(tmp_path: Path) -> None:
    path = tmp_path / "unread.jsonl"
    answered = Recorder(lambda asked, _: "Hm." if "Say 1." in asked[-1].text else "Verdict: B")
    judge = InspectJudge(answered.model, VOTES)
    assert asyncio.run(KeepsUnread(judge, path).judge(RUBRIC, pairs(2)))[0].p_a is not None
    [line] = path.read_text().splitlines()
    assert Judgment.model_validate_json(line).reply == "Hm."
    path.write_text("".join(f"{line.replace('p1', f'q{i}')}\n" for i in range(MOST_KEPT - 1)))
    keeps = KeepsUnread(judge, path)
    for _ in range(3):
        asyncio.run(keeps.judge(RUBRIC, pairs(2)))
    assert len(path.read_text().splitlines()) == MOST_KEPT
    assert keeps.name == judge.name
