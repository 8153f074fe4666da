"""A judge on probation: asked alone, then a few at a time, stopped where nothing can be read.

    probation = Probation("openai/gpt-5-mini", remedy)
    reply = await probation.asked(lambda: caller.ask(...), is_read, rubric_id)

A wrong key is known after one call, and a judge that does not answer in form after FIRST of them:
so the first call goes alone, and until one verdict has been read no more than AT_ONCE are under
way. Of whose first FORMLESS replies none is a verdict can be asked in another form, by whoever
knows one (`asked_models`). Later a long run of replies of which none can be read, under several
rubrics, is the judge too and not a rubric. Who is stopped stays so in this event loop: nobody asks
in vain for the others.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
from anyio.lowlevel import RunVar

from argo_audit.errors import ArgoError, JudgeError
from argo_audit.judges.calls import Reply
from argo_audit.judges.failures import OF_A_JUDGE
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.records import Usage

FIRST = 40
"""Replies of which at least one must be read."""
AT_ONCE = 8
"""Calls under way at most, until one has been read: so many more are paid than FIRST - 1."""
LATER, RUBRICS = 400, 5
"""Replies in a row, and rubrics they are about, of which at least one must be read."""
FAILURES = 20
"""Calls in a row that failed after all of their repetitions: there is nobody any more."""

FORMLESS = 8
"""Replies, whole and without a verdict, after which a model is asked in another form."""

_EXAMPLE = 300


def is_fall_back(reply: Reply) -> bool:
    """Whether the model has to be asked in another way."""
    return reply.failure is not None and reply.failure.kind.way == "fall back"


def refused_before(reply: Reply) -> Usage:
    """The requests by which it was found out that there are no log-probabilities."""
    return Usage(repeated=reply.usage.calls + reply.usage.repeated)


class Probation:
    """Counts what became of the replies, and says when to stop."""

    def __init__(self, name: str, settings: JudgeSettings, *, at_once: bool):
        self._name, self._settings, self._at_once = name, settings, at_once
        self._alone, self._few = anyio.Lock(), anyio.Semaphore(AT_ONCE)
        self._read, self._replied = 0, False
        self._row: Counter[str] = Counter()
        self._rubrics: set[str] = set()
        self._failures = 0
        self._stopped: RunVar[ArgoError | None] = RunVar("stopped", None)

    async def asked(
        self, call: Callable[[], Awaitable[Reply]], is_read: Callable[[Reply], bool], rubric: str
    ) -> Reply:
        """The reply, once it is its turn. Raises JudgeError where going on is in vain."""
        async with self._turn():
            reply = await call()
            self._take(reply, is_read(reply), rubric)
            return reply

    def go_on(self) -> None:
        """Raise what stopped the judge, if anything has."""
        if stopped := self._stopped.get():
            raise stopped

    def is_formless(self) -> bool:
        """Whether the model answers, and none of what it says could be read as a verdict."""
        return self._read == 0 and self._row["formless"] >= FORMLESS

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """While one's call is under way; what others are told meanwhile may set it free."""
        async with AsyncExitStack() as held:
            if not self._has_replied():
                await held.enter_async_context(self._alone)
            if self._has_replied():
                await held.aclose()
            if not self._is_proven():
                await held.enter_async_context(self._few)
            if self._is_proven():
                await held.aclose()
            yield

    def _has_replied(self) -> bool:
        return self._replied or self._is_proven()

    def _is_proven(self) -> bool:
        return self._at_once or self._read > 0

    def _take(self, reply: Reply, is_read: bool, rubric: str) -> None:
        stop = self._stop(reply)
        self._replied = True
        if is_read:
            self._read += 1
            self._row.clear()
            self._rubrics.clear()
        elif not is_fall_back(reply):
            self._row[reply.without_form.why] += 1
            self._rubrics.add(rubric)
            stop = stop or self._unreadable(reply)
        if stop:
            self._stopped.set(stop)
            raise stop from (reply.failure.error if reply.failure else None)

    def _stop(self, reply: Reply) -> ArgoError | None:
        """Of a failure that no later call will be spared."""
        failure, way = reply.failure, reply.failure.kind.way if reply.failure else "unread"
        if failure is None or way in ("unread", "fall back"):
            self._failures = 0
            return None
        self._failures += 1
        whys = (
            ("cannot be asked", way == "stop"),
            ("does not answer its first question", not self._replied),
            (f"failed on {FAILURES} questions in a row", self._failures >= FAILURES),
        )
        why = next((why for why, applies in whys if applies), "")
        return failure.stopped(f"the judge {self._name}", why, OF_A_JUDGE) if why else None

    def _unreadable(self, reply: Reply) -> JudgeError | None:
        count = self._row.total()
        later = count >= LATER and len(self._rubrics) >= RUBRICS
        if not later and (self._read or count < FIRST):
            return None
        causes = ", ".join(f"{n} {cause}" for cause, n in Usage(**self._row).lost.items())
        example = " ".join(reply.text.split())[-_EXAMPLE:]
        return JudgeError(
            f"the judge {self._name}: of {count} replies in a row none could be read ({causes}); "
            f"the last: {example!r}\n"
            f"  Remedy: {self._remedy()}"
        )

    def _remedy(self) -> str:
        [(why, _)] = self._row.most_common(1)
        if why in ("cut_off", "empty"):
            limit = self._settings.max_reply_tokens
            return (
                f"raise judge.max_reply_tokens ({limit} now) or turn the model's reasoning down, "
                "in another --out"
            )
        if why == "formless":
            return (
                'name a judge that ends its reply as it is asked to, with "Verdict: A", or whose '
                "provider holds it to a schema (judge.structured)"
            )
        return "check the key, the model's name and its limits, then resume"
