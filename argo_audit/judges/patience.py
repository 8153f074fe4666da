"""One answer of a model: asked again where that may help, given up at a limit of ours.

    outcome = await answered(lambda: model.generate(text), model, Patience(retries=7, seconds=325))
    outcome.result                      # a ModelOutput, or the Failure of the last request

Inspect and the clients of providers repeat calls by themselves, each as often as it likes: eight
times three requests for one answer, and a day's exhausted quota counts as a busy minute. Here they
are told not to, so that a call is asked 1 + `retries` times at most. Each request has a deadline,
for a server that keeps the line and says nothing, or a byte a minute; and an answer has a size, for
one that never ends. A server that sends a request on to another host is not followed: clients would
give that the prompt, and most of them the key.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from random import Random
from typing import NamedTuple, Protocol, TypeVar, runtime_checkable
from urllib.parse import urljoin, urlsplit

import anyio
from inspect_ai.model import Model, ModelOutput
from inspect_ai.util import LimitExceededError, collect

from argo_audit.errors import ArgoError, InputError
from argo_audit.judges.failures import (
    AWAY,
    GARBLED,
    SLOW,
    ElsewhereError,
    Failure,
    TooMuchError,
    sort,
    taken_apart,
)
from argo_audit.judges.inspect_models import WithClient, provider
from argo_audit.judges.meter import the_meter
from argo_audit.judges.replays import asking
from argo_audit.records import Usage

T = TypeVar("T")

FIRST_PAUSE, MOST_PAUSE = 3.0, 600.0
CALL_SECONDS, SECONDS_PER_TOKEN = 120.0, 0.1
"""A call's deadline, and what each token that it may write adds: ten a second is slow."""

CUT_OFF = ("max_tokens", "model_length", "content_filter")
"""Why a reply may have stopped before its end, by Inspect's words."""

MAYBE_BILLED = (SLOW, AWAY, GARBLED)
"""Failures of requests that the provider may have answered, and charged for."""

_MOST_TOKENS = 10**9  # no model reads or writes as much at once
MANY_TOKENS = 8_000
"""Of an answer whose length nobody limits."""
_FRAME_TOKENS = 64
"""Of a request, beside the tokens of its text."""

MOST_BYTES = 64 << 20
"""Of one answer: that of a long reply with log-probabilities has ten MiB."""

UNBOUNDED = ("google", "mistral")
"""Providers of Inspect's whose client is made anew for each call, by a library of its own."""

REPLAYED = Usage(saved=1, replayed=1)
"""What a reply takes that Inspect's cache gives again."""

_PACKED = ("gzip", "deflate")  # a thousand times at most, and a part at a time
_jitter = Random()  # it spreads calls out, and no result depends on it


def growing(asked: int) -> float:
    """Seconds before a call is repeated that was asked so often: 3, 6, 12, … and up to 3 more."""
    return float(min(MOST_PAUSE, FIRST_PAUSE * 2 ** (asked - 1)) + FIRST_PAUSE * _jitter.random())


class Patience(NamedTuple):
    """How often a call is repeated, how long each may take (None: for ever), and the pauses.

    `go_on` is asked before each request, and raises where there is to be none any more; `most` is
    what a request can take, for whoever counts (`meter`). `cached`: Inspect's cache may answer.
    """

    retries: int = 7
    seconds: float | None = None
    pause: Callable[[int], float] = growing
    go_on: Callable[[], None] = lambda: None
    most: Usage = Usage(calls=1)
    cached: bool = False


class Outcome(NamedTuple):
    """What came of a call, how many requests that took, and what the reply took."""

    result: ModelOutput | Failure
    requests: int
    usage: Usage = Usage(calls=1)


async def answered(
    call: Callable[[], Awaitable[ModelOutput]], model: Model, patience: Patience
) -> Outcome:
    """The reply, or why there is none after at most 1 + `retries` requests.

    Errors a user can mend and limits of Inspect's are passed on.
    """
    requests = 0
    while True:
        patience.go_on()
        requests += 1
        try:
            output, usage = await _counted(call, model, patience)
            return Outcome(output, requests, usage)
        except (ArgoError, LimitExceededError):
            raise
        except Exception as error:  # noqa: BLE001 - each provider has errors of its own
            failure = sort(error, lambda it: bool(model.api.should_retry(it)))
        if requests > min(patience.retries, failure.kind.again):
            return Outcome(failure, requests)
        await anyio.sleep(max(patience.pause(requests), failure.wait))


async def _counted(
    call: Callable[[], Awaitable[ModelOutput]], model: Model, patience: Patience
) -> tuple[ModelOutput, Usage]:
    """One request, on the meter where there is one; a refused one costs nothing but its call."""
    meter = the_meter()
    if meter is None:
        return await _taking(call, model, patience)
    name = str(model)
    await meter.hold(name, patience.most)
    took = None
    try:
        output, usage = await _taking(call, model, patience)
        took = usage if usage.replayed or _tells(output) else None
    except Exception as error:
        took = Usage(calls=1) if sort(error).kind not in MAYBE_BILLED else None
        raise
    else:
        return output, usage
    finally:
        meter.settle(name, patience.most, took)


async def _taking(
    call: Callable[[], Awaitable[ModelOutput]], model: Model, patience: Patience
) -> tuple[ModelOutput, Usage]:
    """A reply and what it took: of one from Inspect's cache, no call."""
    if not patience.cached:
        output = await _in_time(call, patience.seconds)
        return output, usage_of(output)
    with asking(model) as request:
        output = await _in_time(call, patience.seconds)
    return output, REPLAYED if request.is_replay else usage_of(output)


def most_of(text: str, written: int | None) -> Usage:
    """What a request can take at most: no tokeniser makes more tokens than there are bytes."""
    read = len(text.encode("utf-8", "replace")) + _FRAME_TOKENS
    return Usage(calls=1, input_tokens=read, output_tokens=written or MANY_TOKENS)


async def together(*tasks: Awaitable[T]) -> list[T]:
    """The results of several tasks in order; of those that fail, the one error that matters."""
    with taken_apart():
        return await collect(*tasks)


async def _in_time(call: Callable[[], Awaitable[T]], seconds: float | None) -> T:
    with anyio.move_on_after(seconds):
        return await call()
    raise TimeoutError(f"nothing whole came within {seconds:g} s")


def usage_of(output: ModelOutput) -> Usage:
    """What the reply says it took; a cached reply tells what it took when it was given.

    Numbers that no reply can have taken are a server's mistake: a budget does not grow by them.
    """
    used = output.usage
    if used is None:
        return Usage(calls=1)
    cached, written = _sane(used.input_tokens_cache_read), _sane(used.input_tokens_cache_write)
    return Usage(
        calls=1,
        input_tokens=_sane(used.input_tokens) + cached + written,
        cached_tokens=cached,
        output_tokens=_sane(used.output_tokens),
    )


def _tells(output: ModelOutput) -> bool:
    """Whether the reply says what it took; every request is read, so 0 tokens is no answer."""
    return output.usage is not None and usage_of(output).input_tokens > 0


def _sane(tokens: int | None) -> int:
    return min(max(0, tokens or 0), _MOST_TOKENS)


def seconds_for(tokens: int | None) -> float:
    """The deadline of a call that may write so many tokens."""
    return CALL_SECONDS + SECONDS_PER_TOKEN * (tokens or 0)


def with_limits(model: Model) -> Model:
    """The model, whose client repeats nothing by itself, and has limits.

    It takes no more than MOST_BYTES, and follows nobody to another host; how often it asks is
    counted here. Clients of other libraries than OpenAI's, Anthropic's and their kin have no place
    for that: those that make one for each call are let go to their provider's own address alone.

    Raises:
        InputError: For such a client and another address.
    """
    if provider(model) in UNBOUNDED and model.api.base_url:
        problem = "its client has no limit on an answer, and follows a server to any other"
        mend = "ask it at its provider's own address, or a server of yours as openai-api/NAME/MODEL"
        raise InputError(str(model), problem, mend)
    client = model.api.client if isinstance(model.api, WithClient) else None
    if isinstance(client, _Repeating):
        client.max_retries = 0
    hooks = getattr(getattr(client, "_client", None), "event_hooks", None)
    if hooks and _bounded not in hooks["response"]:
        hooks["request"].append(_asked_plainly)
        hooks["response"] += [_stays, _bounded]
    return model


async def _asked_plainly(request: "_Message") -> None:
    """A request for an answer that is packed in a way whose size shows as it is unpacked."""
    request.headers["Accept-Encoding"] = ", ".join(_PACKED)


async def _stays(response: "_Message") -> None:
    """No answer that leads to another host; to the same one, or to it by TLS, it is followed."""
    to = response.headers.get("Location")
    if not to or not response.has_redirect_location:
        return
    asked = urlsplit(str(response.url))
    target = urlsplit(urljoin(str(response.url), to))
    if (target.scheme, target.netloc) == (asked.scheme, asked.netloc):
        return
    if (asked.scheme, target.scheme, target.netloc) != ("http", "https", asked.netloc):
        raise ElsewhereError(f"it sends on to {target.scheme}://{target.netloc}, another host")


async def _bounded(response: "_Message") -> None:
    """An answer whose body ends in an error when it is too much, packed or not."""
    packed = response.headers.get("Content-Encoding", "").strip().lower()
    if packed not in ("", "identity", *_PACKED):
        raise TooMuchError(f"an answer packed as {packed[:20]!r}, which was not asked for")
    parts = response.aiter_bytes

    async def counted(*size: int) -> AsyncIterator[bytes]:
        left = MOST_BYTES
        async for part in parts(*size):
            left -= len(part)
            if left < 0:
                raise TooMuchError(f"an answer of more than {MOST_BYTES >> 20} MiB")
            yield part

    response.aiter_bytes = counted


class _Message(Protocol):
    """A request or answer of any library like httpx."""

    url: object
    has_redirect_location: bool
    headers: MutableMapping[str, str]
    aiter_bytes: Callable[..., AsyncIterator[bytes]]


@runtime_checkable
class _Repeating(Protocol):
    """A client of OpenAI's, Anthropic's or Groq's."""

    max_retries: int
