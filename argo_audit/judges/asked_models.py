"""The models behind a judge: whose turn it is, what they can, and when to stop.

    asked = AskedModels([get_model("vllm/Qwen/Qwen3-8B")], JudgeSettings())
    reply = await asked.reply(order, vote=0, logprobs=True, is_read=is_read)
    asked.check([(pair, failure)])

Whether a judge is asked about whole rubrics or line by line, its models are the same: what one kind
of question has shown (no log-probabilities, a key that is refused) holds for the other too.

Several models are copies of one behind several servers. A question goes to the server that its
shared part hashes to, so that what is asked of a pair finds it in that server's cache of prefixes.
"""

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

from inspect_ai.model import Model

from argo_audit.errors import JudgeError, UnavailableJudgeError
from argo_audit.judges.calls import BY_ID, Asked, Caller, Reply, images_refused, patience_of
from argo_audit.judges.failures import REFUSED, Failure, provider_said
from argo_audit.judges.inspect_models import in_process, provider, reopened
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.judges.patience import growing
from argo_audit.judges.probation import Probation, is_fall_back
from argo_audit.judges.questions import Question
from argo_audit.judges.sending import Sending
from argo_audit.judges.verdicts import LETTERS
from argo_audit.records import Pair, Usage, fingerprint

HOLDS_TO_A_SCHEMA = (
    "openai", "openai-api", "azureai", "google", "mistral", "vllm", "sglang", "groq", "grok",
    "anthropic", "openrouter", "together", "fireworks",
)  # fmt: skip
"""Providers of which Inspect asks for structured output."""

_logger = logging.getLogger(__name__)


class Order(NamedTuple):
    """One order of a pair to be asked about; `about` is the rubric's id, or the lines'.

    `as_object` makes the same question for a model that is to answer with a JSON object.
    """

    about: str
    question: Question
    images: Sequence[str]
    letters: tuple[int, ...]
    as_object: Callable[[], Question] | None = None


class AskedModels:
    """Copies of one model, each behind a server of its own, asked as the settings say."""

    def __init__(
        self,
        models: Sequence[Model],
        settings: JudgeSettings,
        pause: Callable[[int], float] = growing,
    ):
        self.models, self.settings = tuple(models), settings
        self._probation = Probation(self.name, settings, at_once=in_process(self.models[0]))
        patience = patience_of(settings)._replace(pause=pause, go_on=self._probation.go_on)
        self._callers = [Caller(model, settings, patience) for model in self.models]
        self.sending = Sending(_at_once(self.models, settings))
        self._letters: tuple[int, ...] | None = None
        self._answered = False
        self._without_logprobs: Reply | None = None
        self._as_object = bool(settings.structured)

    @property
    def name(self) -> str:
        """The model's name with its provider, such as "argo/surface"."""
        return str(self.models[0])

    async def reply(
        self, order: Order, vote: int, *, logprobs: bool, is_read: Callable[[Reply], bool]
    ) -> Reply:
        """One reply, when it is its turn. Raises JudgeError where going on is in vain."""
        place = int(fingerprint(order.question.shared), 16) % len(self._callers)

        async def call() -> Reply:
            if logprobs and self._without_logprobs:
                return self._without_logprobs
            question, letters, key = self._form_of(order)
            asked = Asked(vote, logprobs=logprobs, letters=letters, key=key)
            reply = await self._callers[place].ask(question, order.images, asked)
            if is_fall_back(reply) and logprobs:
                self._fall_back(reply)
            return reply

        return await self._probation.asked(call, is_read, order.about)

    def _fall_back(self, reply: Reply) -> None:
        if self._without_logprobs is None and reply.failure:
            _logger.warning(
                "the judge %s gives no log-probabilities (%s): P(A) is estimated by %d votes an "
                "order",
                self.name,
                reply.failure.said,
                self.settings.votes,
            )
        self._without_logprobs = reply._replace(usage=Usage())  # others are told, and send nothing

    def _form_of(self, order: Order) -> tuple[Question, tuple[int, ...], str]:
        """The question as it is asked now, the letters' ids, and the name of an object's verdict.

        A verdict without reasons that is begun for the model needs no other form.
        """
        begun = order.letters and not self.settings.reasoning
        if order.as_object is None or begun or not self._wants_an_object():
            return order.question, order.letters, ""
        question = order.as_object()
        return question, (), f"verdict_{question.code}" if question.code else "verdict"

    def _wants_an_object(self) -> bool:
        """Because it is set, or because none of the model's first replies could be read."""
        if not self._as_object and self.settings.structured is None:
            can = provider(self.models[0]) in HOLDS_TO_A_SCHEMA
            self._as_object = can and self._probation.is_formless()
            if self._as_object:
                _logger.warning(
                    "of the first replies of the judge %s none could be read, so it is asked for "
                    "a JSON object; judge.structured sets this from the start",
                    self.name,
                )
        return self._as_object

    async def letters(self) -> tuple[int, ...]:
        """The token ids of both letters, where the model tells them; found once."""
        if self._letters is None:
            self._letters = await _letter_ids(reopened(self.models[0]))
        return self._letters

    def check(self, orders: Sequence[tuple[Pair, Failure | None]]) -> None:
        """Raise JudgeError where going on would measure nothing.

        `orders` are those that were asked, each with the failure of all its calls, if they failed.
        """
        for pair, failure in orders:
            shown = any(message.images for message in pair.prompt)
            if shown and failure and failure.kind is REFUSED:
                raise images_refused(pair, self.models[0], failure.said) from failure.error
        failures = [failure for _, failure in orders if failure]
        self._answered |= len(failures) < len(orders)
        if not failures or len(failures) < len(orders):
            return
        refused = all(failure.kind is REFUSED for failure in failures)
        if self._answered and refused:
            return
        raise (JudgeError if refused else UnavailableJudgeError)(
            f"the judge {self.name} failed on all of {len(orders)} questions; the first: "
            f"[the call failed: {failures[0].said}]\n"
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
