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

Several models are copies of one behind several servers. A question goes to the server that its
shared part hashes to, so that a pair's rubrics find the pair in that server's cache of prefixes.

What cannot be read is no verdict, and a failed call is one of those (see `calls`). A judge of which
nothing can be read is stopped early (`probation`). When every call of a batch has failed, that is
an error, not a rubric nobody can read: unless the server refused these very questions and has
answered others, as with a rubric too long for it.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from inspect_ai.model import Model

from argo_audit.errors import JudgeError, UnavailableJudgeError
from argo_audit.judges.calls import (
    BY_ID,
    Asked,
    Caller,
    Reply,
    images_of,
    images_refused,
    patience_of,
)
from argo_audit.judges.failures import REFUSED, Failure, provider_said
from argo_audit.judges.inspect_models import in_process, provider, reopened
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.judges.patience import growing, together
from argo_audit.judges.probation import Probation, is_fall_back
from argo_audit.judges.questions import Form, Question, ask
from argo_audit.judges.sending import Sending
from argo_audit.judges.verdicts import (
    LETTERS,
    p_from_logprobs,
    p_from_scores,
    read_scores,
    read_verdict,
)
from argo_audit.records import Estimator, Judgment, Pair, Rubric, Usage, fingerprint

_logger = logging.getLogger(__name__)


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


class _Order(NamedTuple):
    """One order of a pair to be judged under a rubric."""

    rubric: Rubric
    question: Question
    images: Sequence[str]
    letters: tuple[int, ...]


class InspectJudge:
    """Role Judge, played by an Inspect model.

    Args:
        models: The model that reads rubric and pair; several are the same model behind as many
            servers.
        settings: How it is asked and read.
        pause: Seconds before a call is repeated that was asked so often.
    """

    def __init__(
        self,
        models: Model | Sequence[Model],
        settings: JudgeSettings | None = None,
        pause: Callable[[int], float] = growing,
    ):
        self.models = (models,) if isinstance(models, Model) else tuple(models)
        self.settings = settings or JudgeSettings()
        self._probation = Probation(self.name, self.settings, at_once=in_process(self.models[0]))
        patience = patience_of(self.settings)._replace(pause=pause, go_on=self._probation.go_on)
        self._callers = [Caller(model, self.settings, patience) for model in self.models]
        self._sending = Sending(_at_once(self.models, self.settings))
        self._letters: tuple[int, ...] | None = None
        self._answered = False
        self._without_logprobs: Reply | None = None

    @property
    def name(self) -> str:
        """The model's name with its provider, such as "argo/surface"."""
        return str(self.models[0])

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
        answers = await self._sending.all(calls)
        self._check(pairs, [order for both in answers for order in both])
        orders = zip(pairs, answers, strict=True)
        return [_judgment(rubric, pair, first, second) for pair, (first, second) in orders]

    async def _both(self, rubric: Rubric, pair: Pair, letters: tuple[int, ...]) -> list[_Answered]:
        """The answers to the pair as it is and to the pair swapped."""
        images = await images_of(pair, self.models[0])
        shown = (pair, pair.swapped())
        questions = [ask(rubric, order, self._form, self.settings) for order in shown]
        orders = (_Order(rubric, question, images, letters) for question in questions)
        return await together(*map(self._answer, orders))

    @property
    def _form(self) -> Form:
        return "scores" if self.settings.estimator == "scores" else "verdict"

    async def _answer(self, asked: _Order) -> _Answered:
        estimator, truncated = self.settings.estimator, asked.question.truncated
        replies: list[Reply] = []
        if estimator == "log-probabilities":
            first = await self._reply(asked, vote=0, logprobs=True)
            p_first = _from_logprobs(first)
            if p_first is not None or (first.why and not is_fall_back(first)):
                return _answer([first], [p_first], estimator, truncated)
            estimator = "votes"
            replies = [] if is_fall_back(first) else [first]
        votes = range(len(replies), self.settings.votes)
        replies += await together(*(self._reply(asked, vote, logprobs=False) for vote in votes))
        read = [_READ[self._form](reply) for reply in replies]
        return _answer(replies, read, estimator, truncated)

    async def _reply(self, order: _Order, vote: int, *, logprobs: bool) -> Reply:
        """One reply, when it is its turn."""
        place = int(fingerprint(order.question.shared), 16) % len(self._callers)

        async def call() -> Reply:
            if logprobs and self._without_logprobs:
                return self._without_logprobs
            asked = Asked(vote, logprobs=logprobs, letters=order.letters)
            reply = await self._callers[place].ask(order.question, order.images, asked)
            if is_fall_back(reply) and logprobs:
                self._fall_back(reply)
            return reply

        read = _READ[self._form]
        return await self._probation.asked(
            call, lambda reply: read(reply) is not None, order.rubric.id
        )

    def _fall_back(self, reply: Reply) -> None:
        if self._without_logprobs is None and reply.failure:
            _logger.warning(
                "the judge %s gives no log-probabilities (%s): P(A) is estimated by %d votes an "
                "order",
                self.name,
                reply.failure.said,
                self.settings.votes,
            )
        self._without_logprobs = reply

    async def _letter_ids(self) -> tuple[int, ...]:
        """The token ids of both letters, where they help and the model tells them; found once."""
        estimator, reasoning = self.settings.estimator, self.settings.reasoning
        if estimator == "scores" or (estimator == "votes" and reasoning):
            return ()
        if self._letters is None:
            self._letters = await _letter_ids(reopened(self.models[0]))
        return self._letters

    def _check(self, pairs: Sequence[Pair], answers: Sequence[_Answered]) -> None:
        """Raise JudgeError where going on would measure nothing."""
        for pair, first in zip(pairs, answers[::2], strict=True):
            shown = any(message.images for message in pair.prompt)
            if shown and first.failure and first.failure.kind is REFUSED:
                said, error = first.failure.said, first.failure.error
                raise images_refused(pair, self.models[0], said) from error
        failures = [answer.failure for answer in answers if answer.failure]
        self._answered |= len(failures) < len(answers)
        if not failures or len(failures) < len(answers):
            return
        refused = all(failure.kind is REFUSED for failure in failures)
        if self._answered and refused:
            return
        raise (JudgeError if refused else UnavailableJudgeError)(
            f"the judge {self.name} failed on all of {len(answers)} questions; the first: "
            f"{answers[0].reply}\n"
            "  Remedy: check that it is there, the key and the model's name, then resume"
        ) from failures[0].error


def _at_once(models: Sequence[Model], settings: JudgeSettings) -> int:
    """Pairs under way: of each two calls, one is being answered and one is ready to be sent."""
    if in_process(models[0]):
        return models[0].api.max_connections()
    return settings.in_flight * len(models)


async def _letter_ids(model: Model) -> tuple[int, ...]:
    """Ids of the spellings of both letters that are one token; empty unless both have one."""
    if provider(model) not in BY_ID:
        return ()
    try:
        tokens = {
            letter: [await model.api.tokenize(spelling) for spelling in spellings]
            for letter, spellings in LETTERS.items()
        }
    except Exception as error:
        if hasattr(error, "response"):  # it answered: a server without this endpoint
            return ()
        raise UnavailableJudgeError(
            f"the judge {model} cannot be reached ({provider_said(error)}).\n"
            "  Remedy: start its server, or correct --judge-url (in Python judge_urls=)"
        ) from error
    single = [{ids[0] for ids in spelled if len(ids) == 1} for spelled in tokens.values()]
    return tuple(sorted(set().union(*single))) if all(single) else ()


def _from_logprobs(reply: Reply) -> float | None:
    """P(first is better) of a reply with a readable verdict; see verdicts.p_from_logprobs."""
    return None if _from_verdict(reply) is None else p_from_logprobs(reply.logprobs)


def _from_verdict(reply: Reply) -> float | None:
    verdict = None if reply.why else read_verdict(reply.text)
    return float(verdict == "A") if verdict else None


def _from_scores(reply: Reply) -> float | None:
    scores = None if reply.why else read_scores(reply.text)
    return p_from_scores(*scores) if scores else None


_READ: dict[Form, Callable[[Reply], float | None]] = {
    "verdict": _from_verdict,
    "scores": _from_scores,
}


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
