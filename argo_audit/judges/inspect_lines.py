"""Lines of rubrics asked of an Inspect model: several a call, both orders, each answer kept.

    answers = await InspectLines(asked).line_answers(["bulleted lists", "apologies"], pairs)
    answers.asked.calls, answers.saved

What is known of a pair in an order is looked up first, and only what is missing is asked, at most
`lines_per_call` lines a call. P comes from one of three sources:

- log-probabilities of the letter, where one line is asked a call and the model gives them;
- words otherwise: A, B, equal or cannot tell, read off one reply (`line_replies`);
- votes, the mean of several such replies, where the estimator says so.

A model that refuses log-probabilities is asked for words from then on. Failures, patience and the
end of a judge of which nothing can be read are those of any judge (`asked_models`).
"""

import json
import math
from collections.abc import Sequence
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np

from argo_audit.judges.asked_models import AskedModels, Order
from argo_audit.judges.calls import Reply, images_of
from argo_audit.judges.failures import Failure
from argo_audit.judges.inspect_models import address_of, provider
from argo_audit.judges.kept_answers import KeptAnswers, kept_answers, shown_pair
from argo_audit.judges.line_questions import LineQuestion, ask_lines, drawn
from argo_audit.judges.line_replies import WORD, read_lines
from argo_audit.judges.patience import together
from argo_audit.judges.probation import is_fall_back, refused_before
from argo_audit.judges.questions import Question
from argo_audit.judges.verdicts import find_verdict, p_from_logprobs
from argo_audit.records import Pair, Usage, fingerprint
from argo_audit.roles import LineAnswers
from argo_audit.rubrics.unsigned import unsigned

_NOT_KEPT = ("argo", "mockllm")
_BY_THE_WAY = {"reads", "in_flight", "retries", "deadline", "cache"}  # not how it answers


class _Shown(NamedTuple):
    """A pair as it is shown; `key` identifies it among what is kept."""

    pair: Pair
    images: Sequence[str]
    letters: tuple[int, ...]
    key: str


class _Answered(NamedTuple):
    """P(the first shows more) by line; `failure` where every call that was made has failed."""

    p: dict[str, float]
    usage: Usage
    failure: Failure | None
    made: bool


class InspectLines:
    """Role LineJudge, played by an Inspect model; `kept` is the usual place unless one is given."""

    def __init__(self, asked: AskedModels, kept: KeptAnswers | None = None):
        self._asked, self._settings = asked, asked.settings
        self._given = kept

    @property
    def name(self) -> str:
        """The model's name with its provider."""
        return self._asked.name

    async def line_answers(self, lines: Sequence[str], pairs: Sequence[Pair]) -> LineAnswers:
        """Which response shows more of each line; see roles.LineJudge.

        Raises JudgeError as `InspectJudge.judge` does.
        """
        plain = [unsigned(line) for line in lines]
        wanted = [line for line in dict.fromkeys(plain) if line]
        letters = await self._letters()
        calls = (partial(self._both, wanted, pair, letters) for pair in pairs)
        answers = await self._asked.sending.all(calls)
        orders = [(pair, one) for pair, both in zip(pairs, answers, strict=True) for one in both]
        self._asked.check([(pair, one.failure) for pair, one in orders if one.made])
        p_a = np.full((len(pairs), len(lines), 2), np.nan)
        unread = np.zeros(p_a.shape, dtype=np.bool_)
        for row, (first, second) in enumerate(answers):
            for column, line in enumerate(plain):
                p_a[row, column] = first.p.get(line, np.nan), 1 - second.p.get(line, np.nan)
                unread[row, column] = line not in first.p, line not in second.p
        usage = Usage.total(one.usage for _, one in orders)
        return LineAnswers(p_a, usage, usage.saved, unread)

    async def _both(
        self, lines: Sequence[str], pair: Pair, letters: tuple[int, ...]
    ) -> list[_Answered]:
        images = await images_of(pair, self._asked.models[0])
        orders = (pair, pair.swapped())
        shown = (_Shown(order, images, letters, shown_pair(order)) for order in orders)
        return await together(*(self._order(lines, one) for one in shown))

    async def _order(self, lines: Sequence[str], shown: _Shown) -> _Answered:
        """The answers to all lines about a pair as it is shown, what is kept among them."""
        kept, who = self._kept, self._who
        known = kept.get(who, shown.key, lines) if kept else {}
        missing = drawn([line for line in lines if line not in known], shown.key)
        size = self._settings.lines_per_call
        parts = [missing[i : i + size] for i in range(0, len(missing), size)]
        answers = await together(*(self._part(part, shown) for part in parts))
        saved = (-(-len(lines) // size) - len(parts)) * self._replies
        usage = Usage.total([*(one.usage for one in answers), Usage(saved=max(0, saved))])
        for one in answers:
            known |= one.p
        failures = [one.failure for one in answers if one.failure]
        failed = failures[0] if failures and len(failures) == len(answers) else None
        return _Answered(known, usage, failed, bool(parts))

    async def _part(self, lines: Sequence[str], shown: _Shown) -> _Answered:
        """Lines that are asked in one call, or in several that vote; what is read is kept."""
        found = await (self._by_letter if self._reads_letters else self._by_words)(lines, shown)
        if self._kept:
            self._kept.put(self._who, shown.key, found.p)
        return found

    async def _by_letter(self, lines: Sequence[str], shown: _Shown) -> _Answered:
        """P of one line from its letter's log-probabilities; words where the model has none."""
        question, _ = ask_lines(lines, shown.pair, self._settings, letter=True)
        order = Order(_about(lines), question, shown.images, shown.letters)
        reply = await self._asked.reply(
            order, vote=0, logprobs=True, is_read=lambda it: _letter(it, question) is not None
        )
        if is_fall_back(reply):
            words = await self._by_words(lines, shown)
            return words._replace(usage=words.usage + refused_before(reply))
        p = _letter(reply, question)
        found = {} if p is None else {lines[0]: p}
        told = reply if found else reply.without_form
        return _Answered(found, told.usage, reply.failure, made=True)

    async def _by_words(self, lines: Sequence[str], shown: _Shown) -> _Answered:
        """P of each line from words, the mean of those replies in which it was read."""
        asked = ask_lines(lines, shown.pair, self._settings)
        order = Order(_about(lines), asked.question, shown.images, ())
        read = partial(_words, asked=asked, pair=shown.pair, count=len(lines))
        votes = range(self._replies)
        replies = await together(
            *(
                self._asked.reply(
                    order, vote, logprobs=False, is_read=lambda it: _any_read(read(it))
                )
                for vote in votes
            )
        )
        told = [reply if _any_read(read(reply)) else reply.without_form for reply in replies]
        failures = [reply.failure for reply in replies if reply.failure]
        return _Answered(
            _means(lines, [read(reply) for reply in replies]),
            Usage.total(reply.usage for reply in told),
            failures[0] if len(failures) == len(replies) else None,
            made=True,
        )

    @property
    def _reads_letters(self) -> bool:
        return self._settings.lines_per_call == 1 and (
            self._settings.estimator == "log-probabilities"
        )

    @property
    def _replies(self) -> int:
        """How often the same lines are asked in an order."""
        return 1 if self._settings.estimator == "log-probabilities" else self._settings.votes

    async def _letters(self) -> tuple[int, ...]:
        return await self._asked.letters() if self._reads_letters else ()

    @property
    def _kept(self) -> KeptAnswers | None:
        """Where answers are kept; nowhere for what is free and computed at once."""
        wanted = self._settings.cache
        if wanted is None:
            wanted = provider(self._asked.models[0]) not in _NOT_KEPT
        return (self._given or kept_answers()) if wanted else None

    @cached_property
    def _who(self) -> str:
        """The judge, its servers and all that changes its answers, as they are kept.

        Any of several servers may have answered, so answers hold for just these together.
        """
        model = self._asked.models[0]
        how = self._settings.model_dump(mode="json", exclude=_BY_THE_WAY)
        how |= {"arguments": model.model_args, "lines_per_call": self._settings.lines_per_call}
        told = json.dumps(how, sort_keys=True, default=lambda it: type(it).__name__)
        places = sorted({address_of(one) for one in self._asked.models} - {""})
        return " ".join([self.name, *(f"at {place}" for place in places), fingerprint(told)])


def _about(lines: Sequence[str]) -> str:
    return fingerprint("\x1e".join(sorted(lines)))


def _letter(reply: Reply, question: Question) -> float | None:
    """P from the letter's log-probabilities, else from the letter as a word."""
    found = None if reply.why else find_verdict(reply.text, question.texts, question.code)
    if found is None:
        return None
    p = p_from_logprobs(reply.logprobs, found.before)
    return p if p is not None else WORD if found.letter == "A" else 1 - WORD


def _words(reply: Reply, asked: LineQuestion, pair: Pair, count: int) -> list[float | None]:
    if reply.why:
        return [None] * count
    return read_lines(reply.text, count, asked.code, (pair.response_a, pair.response_b))


def _any_read(answers: Sequence[float | None]) -> bool:
    """Whether an answer to any line was read."""
    return any(answer is not None for answer in answers)


def _means(lines: Sequence[str], replies: Sequence[Sequence[float | None]]) -> dict[str, float]:
    """The mean of what was told of each line; nan where it was only said that it cannot be."""
    means: dict[str, float] = {}
    for line, *said in zip(lines, *replies, strict=True):
        read = [p for p in said if p is not None]
        told = [p for p in read if not math.isnan(p)]
        if read:
            means[line] = sum(told) / len(told) if told else math.nan
    return means
