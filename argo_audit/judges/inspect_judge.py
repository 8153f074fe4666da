"""The judge over any Inspect model: chain of thought, both orders, a probability with its origin.

    judge = InspectJudge(get_model("vllm/Qwen/Qwen3-8B"))
    judgments = await judge.judge(Rubric(text="- rewards short answers"), pairs)

P(A) is estimated as `JudgeSettings.estimator` says, and each judgment says how it was:

- "log-probabilities" of the verdict token, one call per order; where the model does not return
  both letters, votes, and where it knows none at all, votes from its first refusal on. After a
  chain of thought they are given that one chain, hence surer than votes over many; a fitted judge
  temperature (see `agreement`) takes that out of the KL.
- "votes": the share of A among `votes` sampled verdicts. One hard vote would make KL a disguise
  for accuracy, so several are asked; at temperature 0 they are one vote repeated.
- "scores": each response's overall score on the rubric's points, 0 to 10, P = sigmoid of the
  difference over `verdicts.SCORE_SCALE`, averaged over `votes` replies. This is the most quantised:
  whole points make a dozen values of P and many exact ties.

A reply that could not be read is asked again with another seed, unless that changes nothing: at
temperature 0, or where the provider refused the question. Where none of a model's first replies can
be read and its provider holds a model to a schema, it is asked for a JSON object instead.

What cannot be read is no verdict, and a failed call is one of those (see `calls`). A judge of which
nothing can be read is stopped early (`probation`). When every call of a batch has failed, that is
an error, not a rubric nobody can read: unless the server refused these very questions and has
answered others, as with a rubric too long for it.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, NamedTuple

from inspect_ai.model import Model

from argo_audit.judges.asked_models import AskedModels, Order
from argo_audit.judges.calls import Reply, images_of
from argo_audit.judges.failures import Failure
from argo_audit.judges.inspect_lines import InspectLines
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.judges.patience import growing, together
from argo_audit.judges.probation import is_fall_back, refused_before
from argo_audit.judges.questions import Question, ask
from argo_audit.judges.verdicts import (
    find_verdict,
    p_from_logprobs,
    p_from_scores,
    read_scores,
    read_verdict,
)
from argo_audit.records import Estimator, Judgment, Pair, Rubric, Usage
from argo_audit.roles import LineAnswers


class _Answered(NamedTuple):
    """What one order gave: P(the response shown first is better), how, and what it took.

    `failure` is there when no call of the order succeeded.
    """

    p_first: float | None
    estimator: Estimator
    votes: int
    unread: int
    truncated: int
    reply: str
    usage: Usage
    failure: Failure | None


class InspectJudge:
    """Role Judge, played by an Inspect model.

    Args:
        models: The model that reads rubric and pair; several are the same model behind as many
            servers.
        settings: How it is asked and read.
        pause: Seconds before a call is repeated that was asked so often.
    """

    counts_requests: Literal[True] = True
    """Each is counted where it is sent (`patience`)."""

    def __init__(
        self,
        models: Model | Sequence[Model],
        settings: JudgeSettings | None = None,
        pause: Callable[[int], float] = growing,
    ):
        self.settings = settings or JudgeSettings()
        self.models = (models,) if isinstance(models, Model) else tuple(models)
        self._asked = AskedModels(self.models, self.settings, pause)
        self._lines = InspectLines(self._asked)

    @property
    def name(self) -> str:
        """The model's name with its provider, such as "argo/surface"."""
        return self._asked.name

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        """One Judgment per pair, in order; see roles.Judge.

        `p_a` is the mean of both orders, and None unless both were read. The reply kept is one
        without a verdict when there was one, else that of the first order.

        Raises:
            JudgeError: When the model cannot be reached, refuses its key or payment, cannot be
                shown a pair's images, fails on every pair, or says nothing that can be read.
        """
        letters = await self._letter_ids()
        calls = (partial(self._both, rubric, pair, letters) for pair in pairs)
        answers = await self._asked.sending.all(calls)
        both = zip(pairs, answers, strict=True)
        self._asked.check([(pair, one.failure) for pair, orders in both for one in orders])
        orders = zip(pairs, answers, strict=True)
        return [_judgment(rubric, pair, first, second) for pair, (first, second) in orders]

    async def line_answers(self, lines: Sequence[str], pairs: Sequence[Pair]) -> LineAnswers:
        """Which response shows more of each line; see roles.LineJudge and `inspect_lines`."""
        return await self._lines.line_answers(lines, pairs)

    async def _both(self, rubric: Rubric, pair: Pair, letters: tuple[int, ...]) -> list[_Answered]:
        """The answers to the pair as it is and to the pair swapped."""
        images = await images_of(pair, self._asked.models[0])
        shown = (pair, pair.swapped())
        orders = (self._order(rubric, order, images, letters) for order in shown)
        return await together(*map(self._answer, orders))

    def _order(
        self, rubric: Rubric, shown: Pair, images: Sequence[str], letters: tuple[int, ...]
    ) -> Order:
        if self.settings.estimator == "scores":
            return Order(rubric.id, ask(rubric, shown, "scores", self.settings), images, letters)
        as_object = partial(ask, rubric, shown, "object", self.settings)
        question = ask(rubric, shown, "verdict", self.settings)
        return Order(rubric.id, question, images, letters, as_object)

    async def _answer(self, asked: Order) -> _Answered:
        replies: list[Reply] = []
        if self.settings.estimator == "log-probabilities":
            first = await self._reply(asked, vote=0, logprobs=True)
            p_first = _from_logprobs(first, asked.question)
            if p_first is not None or (first.why and not is_fall_back(first)):
                return _answer([first], [p_first], "log-probabilities", asked.question.truncated)
            if is_fall_back(first):
                voted = await self._voted(asked, [])
                return voted._replace(usage=voted.usage + refused_before(first))
            replies = [first]
        return await self._voted(asked, replies)

    async def _voted(self, asked: Order, replies: list[Reply]) -> _Answered:
        """The order by several replies, of which some may be there; by one that cannot change."""
        replies = replies or [await self._reply(asked, 0, logprobs=False)]
        read = self._read(replies[0], asked.question)
        if read is not None or self._may_change(replies[0]):
            votes = range(1, self.settings.votes)
            more = await together(*(self._reply(asked, vote, logprobs=False) for vote in votes))
            replies = [*replies, *more]
        found = [self._read(reply, asked.question) for reply in replies]
        scores = self.settings.estimator == "scores"
        return _answer(replies, found, "scores" if scores else "votes", asked.question.truncated)

    def _may_change(self, unread: Reply) -> bool:
        """Whether the same question, of another seed, may be answered otherwise."""
        return unread.why != "refused" and self.settings.temperature != 0

    async def _reply(self, order: Order, vote: int, *, logprobs: bool) -> Reply:
        return await self._asked.reply(
            order,
            vote,
            logprobs=logprobs,
            is_read=lambda reply: self._read(reply, order.question) is not None,
        )

    def _read(self, reply: Reply, question: Question) -> float | None:
        """P(first is better) by the words of one reply."""
        scores = self.settings.estimator == "scores"
        return (_from_scores if scores else _from_verdict)(reply, question)

    async def _letter_ids(self) -> tuple[int, ...]:
        """The token ids of both letters, where they help and the model tells them."""
        estimator, reasoning = self.settings.estimator, self.settings.reasoning
        if estimator == "scores" or (estimator == "votes" and reasoning):
            return ()
        return await self._asked.letters()


def _from_logprobs(reply: Reply, question: Question) -> float | None:
    """P(first is better) of a reply with a readable verdict; see verdicts.p_from_logprobs."""
    found = None if reply.why else find_verdict(reply.text, question.texts, question.code)
    return p_from_logprobs(reply.logprobs, found.before) if found else None


def _from_verdict(reply: Reply, question: Question) -> float | None:
    verdict = None if reply.why else read_verdict(reply.text, question.texts, question.code)
    return float(verdict == "A") if verdict else None


def _from_scores(reply: Reply, question: Question) -> float | None:
    scores = None if reply.why else read_scores(reply.text, question.texts, question.code)
    return p_from_scores(*scores) if scores else None


def _answer(
    replies: Sequence[Reply], read: Sequence[float | None], estimator: Estimator, truncated: int
) -> _Answered:
    """One order's replies with what was read of each, P of its first response or None."""
    replies = [r.without_form if p is None else r for r, p in zip(replies, read, strict=True)]
    found = [p for p in read if p is not None]
    unread = [reply.text for reply, p in zip(replies, read, strict=True) if p is None]
    failures = [reply.failure for reply in replies if reply.failure]
    return _Answered(
        p_first=sum(found) / len(found) if found else None,
        estimator=estimator,
        votes=0 if estimator == "log-probabilities" else len(found),
        unread=len(unread),
        truncated=truncated,
        reply=(unread or [replies[0].text])[0],
        usage=Usage.total(reply.usage for reply in replies),
        failure=failures[0] if len(failures) == len(replies) else None,
    )


def _judgment(rubric: Rubric, pair: Pair, first: _Answered, second: _Answered) -> Judgment:
    p_a_second = None if second.p_first is None else 1 - second.p_first
    read = [p for p in (first.p_first, p_a_second) if p is not None]
    told = second if second.p_first is None and first.p_first is not None else first
    return Judgment(
        pair_id=pair.id,
        rubric_id=rubric.id,
        p_a=sum(read) / 2 if len(read) == 2 else None,
        p_a_first=first.p_first,
        p_a_second=p_a_second,
        estimator=_estimator([answer for answer in (first, second) if answer.p_first is not None]),
        votes=first.votes + second.votes,
        unread=first.unread + second.unread,
        truncated=first.truncated,
        reply=told.reply,
        usage=first.usage + second.usage,
    )


def _estimator(read: Sequence[_Answered]) -> Estimator | None:
    """Votes when any order needed them (the last by name); None when nothing was read."""
    return max((answer.estimator for answer in read), default=None)
