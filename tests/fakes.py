"""Fakes: real implementations of the roles with planted behaviour, passed in by the caller.

judge = InspectJudge(fake_judge(lambda shown: 0.9 if len(shown.a) < len(shown.b) else 0.1))
FixedJudge(lambda rubric, pair: 0.8 if "lists" in rubric.text else 0.5)
ScriptedLines(lambda line, pair: 0.9 if len(pair.response_a) > len(pair.response_b) else 0.1)
PlantedRewardModel(lambda response: float(response.count("- ")))
ScriptedPolicy([["- rewards lists", "- penalises lists"], ["- rewards short answers"]])
"""

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

import numpy as np
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    Logprob,
    Logprobs,
    Model,
    ModelOutput,
    ModelUsage,
    TopLogprob,
    get_model,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from argo_audit.prompts.fences import read_fences
from argo_audit.records import Judgment, Pair, Rubric, Usage
from argo_audit.roles import Conversation, LineAnswers, NextPrompts, PolicyReward, Proposal
from argo_audit.rubrics.unsigned import unsigned

FAKE_USAGE = ModelUsage(input_tokens=10, output_tokens=5, total_tokens=15)


class Shown(NamedTuple):
    """What a judge model was shown: the rubric ("" without one), the prompt, both responses."""

    rubric: str
    prompt: str
    a: str
    b: str


def fake_judge(
    answer: Callable[[Shown], float | str], *, logprobs: bool = True, name: str = "judge"
) -> Model:
    """A judge model that says what `answer` says, without network or tokenizer.

    `answer` gives P(A), written out with a verdict, or a whole reply, returned as it stands.
    With `logprobs` the verdict carries P(A) when asked for; without, it is drawn from P(A) by
    the call's seed.
    """

    def reply(
        messages: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        question = messages[-1].text
        found = read_fences(question)
        texts = (found.get(k, "") for k in ("RUBRIC", "PROMPT", "RESPONSE A", "RESPONSE B"))
        said = answer(Shown(*texts))
        if isinstance(said, str):
            return _output(said, None)
        form = question.splitlines()[-1]
        if logprobs and config.logprobs:
            return _output(f"I compared.\n{form.replace('X', 'A' if said >= 0.5 else 'B')}", said)
        drawn = Random(f"{config.seed} {question}").random() < said
        return _output(f"I compared.\n{form.replace('X', 'A' if drawn else 'B')}", None)

    return get_model(f"mockllm/{name}", memoize=False, custom_outputs=reply)


def verdict_logprobs(reply: str, alternatives: dict[str, float]) -> Logprobs:
    """Log-probabilities of a reply whose last character is the verdict token.

    `alternatives` are the probabilities at that token.
    """
    top = [TopLogprob(token=t, logprob=math.log(p)) for t, p in alternatives.items()]
    letter = Logprob(token=reply[-1], logprob=math.log(alternatives[reply[-1]]), top_logprobs=top)
    return Logprobs(content=[Logprob(token=reply[:-1], logprob=0.0), letter])


def _output(reply: str, p_a: float | None) -> ModelOutput:
    logprobs = None
    if p_a is not None:
        p_a = min(max(p_a, 1e-9), 1 - 1e-9)
        logprobs = verdict_logprobs(reply, {"A": p_a, "B": 1 - p_a})
    message = ChatMessageAssistant(content=reply, model="judge", source="generate")
    choice = ChatCompletionChoice(message=message, stop_reason="stop", logprobs=logprobs)
    return ModelOutput(model="judge", choices=[choice], usage=FAKE_USAGE)


class FixedJudge:
    """Role Judge with a known preference: `p_a(rubric, pair)`, None for an unreadable verdict."""

    name = "fixed"

    def __init__(self, p_a: Callable[[Rubric, Pair], float | None]):
        self._p_a = p_a

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        return [self._judgment(rubric, pair) for pair in pairs]

    def _judgment(self, rubric: Rubric, pair: Pair) -> Judgment:
        p_a = self._p_a(rubric, pair)
        return Judgment(
            pair_id=pair.id,
            rubric_id=rubric.id,
            p_a=p_a,
            p_a_first=p_a,
            p_a_second=p_a,
            usage=Usage(calls=2),
        )


class ScriptedLines:
    """Role LineJudge with known answers: `p_a(line, pair)`, None for what cannot be told.

    It sees lines without their signs, counts its calls at `lines_per_call` a call, and remembers
    what it was asked: `asked[i]` are the lines of call i and the number of pairs.
    """

    name = "scripted-lines"

    def __init__(self, p_a: Callable[[str, Pair], float | None], lines_per_call: int = 8):
        self._p_a, self._lines_per_call = p_a, lines_per_call
        self.asked: list[tuple[tuple[str, ...], int]] = []

    async def line_answers(self, lines: Sequence[str], pairs: Sequence[Pair]) -> LineAnswers:
        plain = tuple(map(unsigned, lines))
        self.asked.append((plain, len(pairs)))
        said = [[self._p_a(line, pair) for line in plain] for pair in pairs]
        p_a = np.array(said, dtype=np.float64).reshape(len(pairs), len(plain), 1)
        calls = 2 * len(pairs) * -(-len(plain) // self._lines_per_call)
        return LineAnswers(np.repeat(p_a, 2, axis=2), Usage(calls=calls))


class PlantedRewardModel:
    """Role RewardModel whose reward is a given function of the response."""

    def __init__(self, reward_of: Callable[[str], float], name: str = "planted"):
        self._reward_of, self.name = reward_of, name

    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        return [float(self._reward_of(conversation[-1].content)) for conversation in conversations]


class ScriptedPolicy:
    """Role Policy that writes given rubrics, one list per step, and remembers what it saw.

    A step's texts are dealt to its prompts in equal consecutive shares; after the last round the
    script starts again. `prompts[i]` and `rewards[i]` are what step i was shown and paid.
    """

    name = "scripted"

    def __init__(self, rounds: Sequence[Sequence[str]]):
        self._rounds = rounds
        self._first, self._written = 0, 0
        self.prompts: list[list[str]] = []
        self.rewards: list[list[float]] = []

    @property
    def used(self) -> Usage:
        return Usage(calls=self._written)

    def resume(self, done: int) -> int:
        self._first = done
        return done

    def train(self, next_prompts: NextPrompts, policy_reward: PolicyReward, steps: int) -> None:
        for step in range(self._first, steps):
            prompts = list(next_prompts())
            if not prompts:
                return
            texts = self._rounds[step % len(self._rounds)]
            variants = [i * len(prompts) // len(texts) for i in range(len(texts))]
            proposals = [Proposal(v, text) for v, text in zip(variants, texts, strict=True)]
            self.prompts.append(prompts)
            self._written += len(texts)
            self.rewards.append(policy_reward(proposals))


class Stopped(ScriptedPolicy):
    """A scripted policy to which something happens at the start of step `step`."""

    def __init__(self, rounds: Sequence[Sequence[str]], step: int, happens: Callable[[], None]):
        super().__init__(rounds)
        self._step, self._happens = step, happens

    def train(self, next_prompts: NextPrompts, policy_reward: PolicyReward, steps: int) -> None:
        super().train(next_prompts, policy_reward, self._step)
        next_prompts()
        self._happens()


class LineModel:
    """A judge model that is asked about lines and counts its calls; `says(line, a, b)` is a word.

    Its answers stand under the code that the question asks for, in the order of the question.
    `lines` are those of each call. With `logprobs` a question about one letter is answered with P
    of A by `p(line, a, b)`; without, a question for log-probabilities is refused.
    """

    def __init__(
        self,
        says: Callable[[str, str, str], str],
        p: Callable[[str, str, str], float] | None = None,
        name: str = "lines",
    ):
        self.lines: list[list[str]] = []
        self._says, self._p = says, p
        self.model = get_model(f"mockllm/{name}", memoize=False, custom_outputs=self._reply)

    def _reply(
        self,
        messages: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        question = messages[-1].text
        found = read_fences(question)
        rows = found["LINES"].splitlines()
        lines = [row.partition(". ")[2] for row in rows]
        self.lines.append(lines)
        a, b = found["RESPONSE A"], found["RESPONSE B"]
        if "Verdict: X" in question:
            if self._p is None:
                raise NoLogprobsError
            p = self._p(lines[0], a, b)
            return _output(f"So.\nVerdict: {'A' if p >= 0.5 else 'B'}", p)
        code = question.rpartition("Answers ")[2].partition(":")[0]
        said = [f"{n}. {self._says(line, a, b)}" for n, line in enumerate(lines, start=1)]
        return _output("\n".join(["I looked at each.", f"Answers {code}:", *said]), None)


class NoLogprobsError(RuntimeError):
    """What a provider raises that gives no log-probabilities."""

    status_code = 400

    def __init__(self) -> None:
        super().__init__("logprobs are not supported by this model")
