"""A frozen writer as policy: the same prompts, seeds of its own, nothing to train."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    Model,
    ModelOutput,
    ModelUsage,
    StopReason,
    get_model,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from argo_audit.audits.parts import open_parts
from argo_audit.audits.request import AuditRequest
from argo_audit.errors import InputError
from argo_audit.policies.policy_names import policy_model
from argo_audit.policies.policy_settings import PolicySettings, settings_of
from argo_audit.policies.sampler import InspectWriter, SamplerPolicy, unfenced
from argo_audit.records import Usage
from argo_audit.roles import Proposal, Written

USAGE = ModelUsage(
    input_tokens=10, output_tokens=5, total_tokens=27, input_tokens_cache_read=8,
    input_tokens_cache_write=4,
)  # fmt: skip


class Asked:
    """A model that answers with its prompt and seed, and keeps what it was asked."""

    def __init__(self, stop_reason: StopReason = "stop"):
        self.stop_reason, self.configs = stop_reason, list[GenerateConfig]()

    def model(self) -> Model:
        return get_model("mockllm/writer", memoize=False, custom_outputs=self.reply)

    def reply(
        self,
        messages: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        self.configs.append(config)
        text = f"```\n- {messages[-1].text} {config.seed}\n```"
        output = ModelOutput.from_content("writer", text, stop_reason=self.stop_reason)
        output.usage = USAGE
        return output


class Search:
    """Three prompts a step; keeps what it paid."""

    def __init__(self, steps: int = 99):
        self.steps, self.paid = steps, list[list[Proposal]]()

    def next_prompts(self) -> list[str]:
        step = len(self.paid)
        return [f"step {step} variant {v}" for v in range(3)] if step < self.steps else []

    def policy_reward(self, proposals: Sequence[Proposal]) -> list[float]:
        self.paid.append(list(proposals))
        return [0.0] * len(proposals)


def sampled(policy: SamplerPolicy, steps: int, search: Search | None = None) -> Search:
    search = search or Search()
    policy.train(search.next_prompts, search.policy_reward, steps)
    return search


def test_each_prompt_gets_its_rubrics_in_order_unfenced_and_of_different_seeds() -> None:
    asked = Asked()
    policy = SamplerPolicy(InspectWriter(asked.model(), max_tokens=70, temperature=0.5), 2)
    search = sampled(policy, 2)
    assert policy.name == "mockllm/writer"
    for step, paid in enumerate(search.paid):
        assert [p.prompt_variant for p in paid] == [0, 0, 1, 1, 2, 2]
        assert [p.text.rpartition(" ")[0] for p in paid] == [
            f"- step {step} variant {p.prompt_variant}" for p in paid
        ]
        assert all(p.finished for p in paid)
    assert len({config.seed for config in asked.configs}) == 12
    assert {(c.max_tokens, c.temperature) for c in asked.configs} == {(70, 0.5)}


def test_what_it_took_is_counted_with_the_whole_prompt_read() -> None:
    policy = SamplerPolicy(InspectWriter(Asked().model()), 2)
    sampled(policy, 3)
    calls = 3 * 6
    assert policy.used == Usage(
        calls=calls, input_tokens=22 * calls, cached_tokens=8 * calls, output_tokens=5 * calls
    )


@pytest.mark.parametrize(
    ("stop_reason", "finished"),
    [("stop", True), ("unknown", True), ("max_tokens", False), ("content_filter", False)],
)
def test_an_answer_that_was_cut_off_is_unfinished(stop_reason: StopReason, finished: bool) -> None:
    search = sampled(SamplerPolicy(InspectWriter(Asked(stop_reason).model()), 2), 1)
    assert {p.finished for p in search.paid[0]} == {finished}


def test_the_seed_repeats_a_search_and_another_one_does_not() -> None:
    first, again, other = (
        sampled(SamplerPolicy(InspectWriter(Asked().model()), 2, seed), 2).paid
        for seed in (7, 7, 8)
    )
    assert first == again
    assert not {p.text for step in first for p in step} & {p.text for step in other for p in step}


def test_it_goes_on_where_it_stopped() -> None:
    def policy() -> SamplerPolicy:
        return SamplerPolicy(InspectWriter(Asked().model()), 2)

    whole = sampled(policy(), 4)
    stopped = sampled(policy(), 4, Search(steps=2))
    assert len(stopped.paid) == 2
    stopped.steps = 99
    again = policy()
    assert again.resume(2) == 2
    sampled(again, 4, stopped)
    assert stopped.paid == whole.paid


def test_an_answer_given_before_is_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path))
    asked = Asked()
    for _ in range(2):
        sampled(SamplerPolicy(InspectWriter(asked.model(), cache=True), 2), 1)
    assert len(asked.configs) == 6


@given(st.sampled_from(["", "markdown", "md"]), st.text("- rewards\n", min_size=1))
def test_a_fence_around_everything_comes_off(language: str, rubric: str) -> None:
    assert unfenced(f"\n```{language}\n{rubric}\n```\n") == rubric


@pytest.mark.parametrize(
    "text",
    [
        "- Rewards lists.",
        "Here is the rubric:\n```\n- Rewards lists.\n```",
        "```\n- Rewards lists.\n```\nI hope it helps.",
        "```\nprint(1)\n```\n- Rewards code.\n```\nprint(2)\n```",
        "```\n- Rewards lists.",
        "",
    ],
)
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert unfenced(text) == text


class Rude:
    """Role Writer whose prompts and answers are remembered as they come."""

    name = "rude"

    async def write(self, prompts: Sequence[str], seed: int) -> list[Written]:
        return [Written("no", True, Usage(calls=1)) for _ in prompts]


def test_any_writer_may_play() -> None:
    search = sampled(SamplerPolicy(Rude(), 3), 1)
    assert [p.text for p in search.paid[0]] == ["no"] * 9


# On the command line


def asked(policy: str) -> AuditRequest:
    return AuditRequest(pairs="pairs.jsonl", labels=("human",), out=Path("out"), policy=policy)


def test_the_command_line_names_it_by_its_model(tmp_path: Path) -> None:
    spec = "sample:mockllm/writer"
    policy = open_parts(asked(spec)).policy(3, tmp_path, PolicySettings())
    assert isinstance(policy, SamplerPolicy)
    assert policy.name == "mockllm/writer"
    assert policy_model("sample:vllm/Qwen/Qwen3-8B") == "sample:vllm/Qwen/Qwen3-8B"
    assert settings_of(spec).max_rubric_tokens > PolicySettings().max_rubric_tokens


def test_a_model_that_inspect_does_not_know_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be opened as the policy"):
        open_parts(asked("sample:nobody/x"))


WITHOUT_TORCH = """
import sys
from importlib.machinery import PathFinder
from pathlib import Path

TRAIN = {"torch", "transformers", "trl", "peft", "accelerate", "datasets"}

class BaseInstall(PathFinder):
    @classmethod
    def find_spec(cls, name, *where):
        return None if name.partition(".")[0] in TRAIN else PathFinder.find_spec(name, *where)

sys.meta_path = [BaseInstall if finder is PathFinder else finder for finder in sys.meta_path]
from argo_audit.audits.parts import open_parts
from argo_audit.audits.request import AuditRequest
from argo_audit.errors import ArgoError
from argo_audit.policies.policy_settings import PolicySettings

request = AuditRequest(pairs="pairs.jsonl", labels=("human",), out="out")
sampled = request.model_copy(update={"policy": "sample:mockllm/writer"})
assert open_parts(sampled).policy(3, Path(), PolicySettings()).resume(4) == 4
try:
    open_parts(request)
except ArgoError as error:
    assert "argo-audit[train]" in str(error)
else:
    raise AssertionError
"""


def test_a_base_install_without_torch_can_search_with_it() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
