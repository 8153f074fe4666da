"""One call of a judge's model: what is sent, what it may take, and what becomes of a failure.

    caller = Caller(get_model("vllm/Qwen/Qwen3-8B", base_url=url), JudgeSettings())
    reply = await caller.ask(question, pair, Asked(vote=0, logprobs=True))
    reply.text, reply.logprobs, reply.usage

The question goes as two parts with a cache breakpoint between them to the providers that charge
less for a marked prefix, and as one text to all others: servers cache prefixes by themselves, and
some would join the parts with a line of their own.

Exact letters: a server that returns only the likeliest tokens may leave a letter out. Models that
tell how they tokenise (`vllm/...`, `argo-hf/...`) are asked for both letters by id; a verdict
without reasons is then begun for them ("Verdict:") and one token is read.

A call that fails after its retries (`patience`) is a reply without a verdict whose text is the
error: it is counted and kept like any unread reply, and one overloaded minute does not end a search
of hours. What kind of failure it was is in the reply (`failures`); whether there is nothing to go
on is for the judge to say, which sees them all (`probation`). A reply that was cut off is none
either: cut inside a quotation, it may end with somebody else's verdict.

Replies are cached by Inspect, whose key has the messages and the configuration (seed included) but
not the model's arguments, nor a server's address that its client took from the environment: these
are put into its scopes. Not per epoch: epochs differ by seed, and
so an evaluation need not ask again what a search has asked. Each is kept as it arrives: after a
kill only the calls that were under way are paid again, `in_flight` of them at most.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import anyio
from anyio.lowlevel import RunVar
from inspect_ai.model import (
    CachePolicy,
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageUser,
    Content,
    ContentImage,
    ContentReasoning,
    ContentText,
    GenerateConfig,
    Logprob,
    Logprobs,
    Model,
    ModelOutput,
    ResponseSchema,
)
from inspect_ai.util import JSONSchema

from argo_audit.errors import InputError, JudgeError
from argo_audit.judges.failures import REFUSED, Failure
from argo_audit.judges.inspect_models import address_of, in_process, is_free, provider, reopened
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.judges.patience import (
    CUT_OFF,
    Outcome,
    Patience,
    answered,
    most_of,
    seconds_for,
    with_limits,
)
from argo_audit.judges.questions import Question
from argo_audit.pairs.images import shown_as
from argo_audit.records import Pair, Usage

BY_ID = ("vllm", "argo-hf")
"""Providers that return the log-probabilities of tokens named by id."""

_MARKED_PREFIX = ("anthropic", "openai", "argo-hf")
_SEEDS_PER_VOTE = 1000
_TOP_LOGPROBS = 20
_CONFIGS_REMEMBERED = 1_000
_IMAGE_TOKENS = 3_000
"""Of one picture, at the most that a provider counts for it."""

MOST_KEPT = 20_000
"""Characters of a reply that are kept: of a longer one both ends, for its verdict stands last."""

Why = Literal["", "cut_off", "empty", "formless", "refused", "failed"]
"""Why a reply gave no verdict, as `Usage` counts it."""


class Asked(NamedTuple):
    """What one call is for; `letters` are the token ids of the letters where they are known.

    With `key` the reply is a JSON object whose member of that name is the verdict.
    """

    vote: int
    logprobs: bool
    letters: tuple[int, ...] = ()
    key: str = ""


class Reply(NamedTuple):
    """What one call gave; `failure` is why it gave nothing, and `text` then says so.

    `why` is the reason not to read the text, "" where it may be read; `unread` is what it is called
    when it is read in vain.
    """

    text: str
    logprobs: Logprobs | None = None
    usage: Usage = Usage()
    failure: Failure | None = None
    why: Why = ""
    unread: Literal["formless", "empty"] = "formless"

    @property
    def without_form(self) -> "Reply":
        """The same, of which no verdict could be read."""
        if self.why:
            return self
        usage = self.usage.model_copy(update={self.unread: 1})
        return self._replace(why=self.unread, usage=usage)


class Caller:
    """Calls of one model, at most `settings.in_flight` under way."""

    def __init__(self, model: Model, settings: JudgeSettings, patience: Patience | None = None):
        self.model, self._settings = model, settings
        self._opened: RunVar[Model] = RunVar("judge")
        self._used = False
        self._gate = None if in_process(model) else anyio.Semaphore(settings.in_flight)
        self._cache = _cache_policy(model, settings)
        self._patience = (patience or patience_of(settings))._replace(cached=bool(self._cache))
        self._configured = lru_cache(_CONFIGS_REMEMBERED)(self._config)  # each merge copies all

    async def ask(self, question: Question, images: Sequence[str], asked: Asked) -> Reply:
        """One reply to the question about a pair with these images (data URIs); never raises.

        Except for errors a user can mend and limits of Inspect's, which are passed on.
        """
        begun = bool(asked.letters) and not self._settings.reasoning and not asked.key
        messages: list[ChatMessage] = [ChatMessageUser(content=self._content(question, images))]
        if begun:
            messages.append(ChatMessageAssistant(content=question.begun))
        most = _most(question, self._settings.max_reply_tokens, images)
        outcome = await self._generate(messages, self._configured(asked, begun), most)
        output, requests, took = outcome
        if isinstance(output, Failure):
            return _failed(output, requests)
        text, logprobs = _text(output), _logprobs(output)
        if begun:
            text = f"{question.begun} {text.strip()}"
            logprobs = logprobs and _after(question.begun, logprobs)
        # a begun verdict is one token, and so always at its limit
        why = "" if begun else _why(output)
        usage = _used(took, requests, why)
        unread: Literal["formless", "empty"] = "formless" if output.completion.strip() else "empty"
        return Reply(_kept(text), logprobs, usage, why=why, unread=unread)

    async def _generate(
        self, messages: list[ChatMessage], config: GenerateConfig, most: Usage
    ) -> Outcome:
        model, patience = self._here(), self._patience._replace(most=most)

        async def call() -> ModelOutput:
            return await model.generate(messages, config=config, cache=self._cache)

        if self._gate is None:
            config = config.merge(GenerateConfig(max_connections=model.api.max_connections()))
            return await answered(call, model, patience._replace(seconds=None))
        async with self._gate:
            return await answered(call, model, patience)

    def _here(self) -> Model:
        """The model, with a client of this event loop; each search runs one of its own."""
        model = self._opened.get(None)
        if model is None:
            model = with_limits(reopened(self.model) if self._used else self.model)
            self._opened.set(model)
            self._used = True
        return model

    def _config(self, asked: Asked, begun: bool) -> GenerateConfig:
        settings = self._settings
        # one letter of which both probabilities are read: nothing to sample
        is_read_off = begun and asked.logprobs
        config = GenerateConfig(
            seed=settings.seed + _SEEDS_PER_VOTE * asked.vote,
            max_tokens=1 if begun else settings.max_reply_tokens,
            temperature=0.0 if is_read_off else settings.temperature,
            max_retries=0,
        )
        if asked.key:
            schema = _schema(asked.key, reasoning=settings.reasoning)
            config = config.merge(GenerateConfig(response_schema=schema))
        extra: dict[str, object] = {}
        if asked.logprobs:
            top = 0 if asked.letters else _TOP_LOGPROBS
            config = config.merge(GenerateConfig(logprobs=True, top_logprobs=top))
            extra = {"logprob_token_ids": list(asked.letters)} if asked.letters else {}
        if begun:
            extra |= {"allowed_token_ids": list(asked.letters)}
            extra |= {"add_generation_prompt": False, "continue_final_message": True}
        return config.merge(GenerateConfig(extra_body=extra)) if extra else config

    def _content(self, question: Question, images: Sequence[str]) -> str | list[Content]:
        marked = provider(self.model) in _MARKED_PREFIX
        if not marked and not images:
            return question.text
        parts: list[Content] = [ContentImage(image=image) for image in images]
        if not marked:
            return [*parts, ContentText(text=question.text)]
        shared = ContentText(text=question.shared, cache_breakpoint=True)
        return [*parts, shared, ContentText(text=question.own)]


async def images_of(pair: Pair, model: Model) -> list[str]:
    """The pair's images as data URIs, in order.

    Raises JudgeError when one may not be opened or cannot be read (`pairs.images`), or when the
    model is known to read text only.
    """
    named = [image for message in pair.prompt for image in message.images]
    if named and in_process(model):
        raise images_refused(pair, model, "it reads text only")
    try:
        return [await shown_as(image) for image in named]
    except InputError as error:
        raise JudgeError(
            f"pair {pair.id}: an image cannot be read ({error.file}: {error.problem}).\n"
            f"  Remedy: {error.remedy}"
        ) from error


def images_refused(pair: Pair, model: Model, why: str) -> JudgeError:
    """The error of a model that cannot be shown the pair."""
    return JudgeError(
        f"pair {pair.id} has images and the judge {model} does not take them ({why}).\n"
        "  Remedy: name a judge that reads images, or leave such pairs out"
    )


def _most(question: Question, reply_tokens: int, images: Sequence[str]) -> Usage:
    """What a request can take at most."""
    return most_of(question.text, reply_tokens) + Usage(input_tokens=_IMAGE_TOKENS * len(images))


def patience_of(settings: JudgeSettings) -> Patience:
    """How long a judge is waited for."""
    seconds = settings.deadline or seconds_for(settings.max_reply_tokens)
    return Patience(settings.retries, seconds)


def _cache_policy(model: Model, settings: JudgeSettings) -> CachePolicy | bool:
    wanted = not is_free(model) if settings.cache is None else settings.cache
    if not wanted:
        return False
    arguments = json.dumps(model.model_args, sort_keys=True, default=lambda it: type(it).__name__)
    scopes = {"model_args": arguments, **place_scope(model)}
    return CachePolicy(expiry=None, per_epoch=False, scopes=scopes)


def place_scope(model: Model) -> dict[str, str]:
    """The server's address, for a cache of Inspect's, where Inspect does not see it itself."""
    address = "" if model.api.base_url else address_of(model)
    return {"server": address} if address else {}


def _logprobs(output: ModelOutput) -> Logprobs | None:
    return output.choices[0].logprobs if output.choices else None


def _after(begun: str, logprobs: Logprobs) -> Logprobs:
    """With the words that were written for the model as a first, certain token."""
    return Logprobs(content=[Logprob(token=begun, logprob=0.0), *logprobs.content])


def _failed(failure: Failure, requests: int) -> Reply:
    why: Why = "refused" if failure.kind is REFUSED else "failed"
    usage = _used(Usage(calls=1), requests, why)
    return Reply(f"[the call failed: {failure.said}]", None, usage, failure, why)


def _why(output: ModelOutput) -> Why:
    """Why the reply is not to be read; a provider's own limit or filter is a refusal of its."""
    if output.stop_reason in CUT_OFF:
        return "cut_off" if output.stop_reason == "max_tokens" else "refused"
    return "" if _text(output).strip() else "empty"


def _text(output: ModelOutput) -> str:
    """What the model says; where that is nothing at all, what it thought.

    Some servers take a whole answer for reasoning, its verdict too.
    """
    if output.completion.strip() or not output.choices:
        return output.completion
    content = output.choices[0].message.content
    parts = [] if isinstance(content, str) else content
    return "\n".join(part.reasoning for part in parts if isinstance(part, ContentReasoning))


def _schema(key: str, *, reasoning: bool) -> ResponseSchema:
    """An object with reasons, where they are asked for, and behind them the verdict."""
    properties = {"reasons": JSONSchema(type="string")} if reasoning else {}
    properties[key] = JSONSchema(type="string", enum=["A", "B"])
    schema = JSONSchema(
        type="object",
        properties=properties,
        required=list(properties),
        additionalProperties=False,
    )
    return ResponseSchema(name="verdict", json_schema=schema, strict=True)


def _used(usage: Usage, requests: int, why: Why) -> Usage:
    counts: dict[str, int] = {why: 1} if why else {}
    counts |= {"repeated": requests - 1} if requests > 1 else {}
    return usage.model_copy(update=counts) if counts else usage


def _kept(text: str) -> str:
    """A text as it is, or both ends of a very long one; what is between them stays no last line."""
    if len(text) <= MOST_KEPT:
        return text
    half = MOST_KEPT // 2
    return f"{text[:half]}[… {len(text) - 2 * half:,} characters left out …]{text[-half:]}"
