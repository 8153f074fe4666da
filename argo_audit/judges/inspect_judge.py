"""The judge over any Inspect model: chain of thought, both orders, a probability with its origin.

    judge = InspectJudge(get_model("vllm/Qwen/Qwen3-8B"))
    judgments = await judge.judge(Rubric(text="- rewards short answers"), pairs)

P(A) comes from the log-probabilities of the verdict token where the model returns both letters
(one call per order), else from `votes` sampled replies. One hard vote would make KL a disguise
for accuracy, so several are asked; at temperature 0 they are one vote repeated. A judgment says
which it was: `votes` is 0 for log-probabilities, else the number of verdicts that were read.
Log-probabilities after a chain of thought are given that one chain, hence surer than votes over
many chains; a fitted judge temperature (see `agreement`) takes that out of the KL.

A server that returns only the top alternatives may leave a letter out. vLLM returns both when
asked by id: `--extra-body '{"logprob_token_ids": [32, 33]}'` with the ids of "A" and "B".
"""

from collections.abc import Sequence
from typing import NamedTuple

import anyio
from inspect_ai.model import GenerateConfig, Model, ModelOutput
from inspect_ai.util import collect

from argo_audit.judges.verdicts import judge_prompt, p_from_logprobs, read_verdict
from argo_audit.records import Estimator, Judgment, Pair, Rubric, Usage

DEFAULT_VOTES = 3
_IN_FLIGHT = 64
_TOP_LOGPROBS = 20


class _Answer(NamedTuple):
    """What one order gave: P(the response shown first is better), and what it took."""

    p_first: float | None
    votes: int
    unread: int
    reply: str
    usage: Usage


class InspectJudge:
    """Role Judge, played by an Inspect model.

    Args:
        model: The model that reads rubric and pair.
        votes: Replies per order when log-probabilities cannot be used.
        logprobs: Whether to ask for log-probabilities at all.
        in_flight: Most calls under way at once per `judge()`; the model's own connection limit
            bounds all of them together.
    """

    def __init__(
        self,
        model: Model,
        *,
        votes: int = DEFAULT_VOTES,
        logprobs: bool = True,
        in_flight: int = _IN_FLIGHT,
    ):
        self._model, self._votes, self._logprobs = model, votes, logprobs
        self._in_flight = in_flight

    @property
    def name(self) -> str:
        """The model's name with its provider, such as "argo/surface"."""
        return str(self._model)

    @property
    def estimator(self) -> str:
        """How P(A) is estimated, as recorded beside every number."""
        votes = f"{self._votes} votes per order"
        return f"log-probabilities, else {votes}" if self._logprobs else votes

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        """One Judgment per pair, in order; see roles.Judge. Errors of the model's API pass through.

        `p_a` is the mean of the orders that were read. The reply kept is one without a verdict
        when there was one, else that of the first order.
        """
        gate = anyio.Semaphore(self._in_flight)
        shown = [order for pair in pairs for order in (pair, pair.swapped())]
        answers = await collect(*(self._answer(rubric, pair, gate) for pair in shown))
        orders = zip(pairs, answers[::2], answers[1::2], strict=True)
        return [_judgment(rubric, pair, first, second) for pair, first, second in orders]

    async def _answer(self, rubric: Rubric, pair: Pair, gate: anyio.Semaphore) -> _Answer:
        prompt = judge_prompt(rubric, pair)
        outputs = [await self._generate(prompt, 0, gate)]
        p_first = _from_logprobs(outputs[0])
        if p_first is not None:
            return _Answer(p_first, 0, 0, outputs[0].completion, _usage(outputs))
        votes = range(1, self._votes)
        outputs += await collect(*(self._generate(prompt, vote, gate) for vote in votes))
        return _counted(outputs)

    async def _generate(self, prompt: str, vote: int, gate: anyio.Semaphore) -> ModelOutput:
        asked = GenerateConfig(seed=vote)
        if self._logprobs:
            asked = GenerateConfig(seed=vote, logprobs=True, top_logprobs=_TOP_LOGPROBS)
        async with gate:
            return await self._model.generate(prompt, config=asked)


def _from_logprobs(output: ModelOutput) -> float | None:
    """P(first is better) of a reply with a readable verdict; see verdicts.p_from_logprobs."""
    if read_verdict(output.completion) is None:
        return None
    return p_from_logprobs(output.choices[0].logprobs)


def _counted(outputs: Sequence[ModelOutput]) -> _Answer:
    """The share of "A" among the verdicts that can be read."""
    verdicts = [read_verdict(output.completion) for output in outputs]
    read = [verdict for verdict in verdicts if verdict is not None]
    unread = [o.completion for o, v in zip(outputs, verdicts, strict=True) if v is None]
    p_first = read.count("A") / len(read) if read else None
    reply = (unread or [outputs[0].completion])[0]
    return _Answer(p_first, len(read), len(unread), reply, _usage(outputs))


def _judgment(rubric: Rubric, pair: Pair, first: _Answer, second: _Answer) -> Judgment:
    p_a_second = None if second.p_first is None else 1 - second.p_first
    read = [p for p in (first.p_first, p_a_second) if p is not None]
    told = second if second.p_first is None and first.p_first is not None else first
    return Judgment(
        pair_id=pair.id,
        rubric_id=rubric.id,
        p_a=sum(read) / len(read) if read else None,
        p_a_first=first.p_first,
        p_a_second=p_a_second,
        estimator=_estimator((first, second)),
        votes=first.votes + second.votes,
        unread=first.unread + second.unread,
        reply=told.reply,
        usage=first.usage + second.usage,
    )


def _estimator(answers: Sequence[_Answer]) -> Estimator | None:
    """Votes when any order needed them; None when nothing was read."""
    if all(answer.p_first is None for answer in answers):
        return None
    return "votes" if any(answer.votes for answer in answers) else "log-probabilities"


def _usage(outputs: Sequence[ModelOutput]) -> Usage:
    counted = [output.usage for output in outputs if output.usage]
    return Usage(
        calls=len(outputs),
        input_tokens=sum(used.input_tokens for used in counted),
        cached_tokens=sum(used.input_tokens_cache_read or 0 for used in counted),
        output_tokens=sum(used.output_tokens for used in counted),
    )
