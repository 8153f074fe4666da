"""What became of a call that failed, sorted: the one place that says what is done about it.

    failure = sort(error)
    failure.kind.way            # "retry", "fall back", "stop" or "unread"
    raise failure.stopped("judge openai/gpt-5-mini")

Every error of a provider ends in exactly one of four ways:

- retry: it may be gone in a minute (429, 5xx, no connection, no answer in time, a page of HTML);
- fall back: the model has no log-probabilities, and can be asked for votes instead;
- stop: no call will be better (key, payment, model, another host), and each one may cost;
- unread: this question cannot be answered (400, 413, 422), and asking again changes nothing.

Providers share no class of errors, so status, code and message are looked at, in that order, and
the provider's own word on what is transient is taken last. The message is what the provider said
and never the request, which Inspect puts before it: a prompt may say anything, "logprobs" too.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from argo_audit.errors import ArgoError, JudgeError, UnavailableError, UnavailableJudgeError
from argo_audit.outside.credentials import redacted

Way = Literal["retry", "fall back", "stop", "unread"]

MOST_WAIT = 120.0
"""Seconds that a server may ask us to wait, at most."""

_ALWAYS = 1_000_000
_RESUME = "then resume: answers that came are kept"


class Kind(NamedTuple):
    """A kind of failure; `again` is how often at most such a call is repeated."""

    cause: str
    way: Way
    remedy: str
    again: int = 0
    missing: bool = True
    """Whether it is something that is not there (a key, money, a server), not a wrong request."""


BUSY = Kind("rate limit", "retry", "ask less at once (in_flight)", _ALWAYS)
BROKEN = Kind("server error", "retry", "look at the server's log", _ALWAYS)
AWAY = Kind("no connection", "retry", "start its server, or correct its URL", _ALWAYS)
SLOW = Kind("no answer in time", "retry", "look at the server, or raise judge.deadline", 1)
GARBLED = Kind("no reply of a model", "retry", "check that the URL is that of the API", 2)
NO_LOGPROBS = Kind("no log-probabilities", "fall back", "set the estimator to votes", missing=False)
KEY = Kind("key refused", "stop", "give a key that is valid for this model")
MONEY = Kind("nothing left to pay with", "stop", "top up the account, or raise its limit")
MODEL = Kind("unknown model", "stop", "correct the model's name or its URL", missing=False)
MOVED = Kind("sent elsewhere", "stop", "give the URL that it is to be asked at", missing=False)
REFUSED = Kind("refused", "unread", "check what is asked, and the model's limits", missing=False)
FAILED = Kind("failed", "unread", "check that it is there, the key and the model's name")

KINDS = (BUSY, BROKEN, AWAY, SLOW, GARBLED, NO_LOGPROBS, KEY, MONEY, MODEL, MOVED, REFUSED, FAILED)

_BY_STATUS = {
    401: KEY,
    402: MONEY,
    403: KEY,
    404: MODEL,
    408: SLOW,
    409: BUSY,
    425: BUSY,
    429: BUSY,
}
_CLIENT, _SERVER = 400, 500
_ABOUT_LOGPROBS = re.compile(r"\b(?:top_)?log[ _-]?prob", re.IGNORECASE)
_BROKE = re.compile(
    r"insufficient_quota|billing_hard_limit|billing_not_active|account_deactivated"
    r"|insufficient (?:quota|credits?|balance|funds)|credit balance is too low"
    r"|exceeded your current quota(?!.*retry)",
    re.IGNORECASE | re.DOTALL,
)
_NO_KEY = re.compile(
    r"api[ _-]?key (?:is )?(?:not valid|invalid)|(?:invalid|incorrect) (?:x-)?api.?key",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model_not_found|not a valid model|(?:unknown|invalid|no such) model", re.IGNORECASE
)
_FLAGGED = re.compile(r"moderation|flagged|content (?:policy|filter|management)", re.IGNORECASE)
_WORDS: tuple[tuple[tuple[int, ...], re.Pattern[str], Kind], ...] = (
    ((400, 403, 404, 422, 501), _ABOUT_LOGPROBS, NO_LOGPROBS),
    ((400, 403, 429), _BROKE, MONEY),
    ((400,), _NO_KEY, KEY),
    ((400, 403), _NO_MODEL, MODEL),
    ((403,), _FLAGGED, REFUSED),
)
"""What a status means where its message has these words; the first that fits."""

_TIMEOUTS = re.compile(r"Timeout|DeadlineExceeded")
_CONNECTIONS = re.compile(r"Connect|ProtocolError|ReadError|WriteError")
_GARBLED = (ValueError, TypeError, LookupError, AttributeError)
_WRAPPERS = ("RetryError", "ModelGenerateError")
_SECONDS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")
_HEAD, _TAIL = 300, 150


ErrorKinds = tuple[type[ArgoError], type[ArgoError]]
"""Of something that is not there, and of something that is wrong."""

OF_A_MODEL: ErrorKinds = (UnavailableError, ArgoError)
OF_A_JUDGE: ErrorKinds = (UnavailableJudgeError, JudgeError)


class TooMuchError(ValueError):
    """An answer that no model gives: it is not read to its end."""


class ElsewhereError(ValueError):
    """A server that sends a request on to another: neither a key nor a prompt is given to that."""


class Failure(NamedTuple):
    """One call that failed: its kind, what the provider said, and how long it asks to wait."""

    kind: Kind
    said: str
    error: Exception
    wait: float = 0.0

    def stopped(self, who: str, why: str = "", kinds: ErrorKinds = OF_A_MODEL) -> ArgoError:
        """The error that ends the work: the cause, and how to go on; `who` is "the judge x"."""
        missing, wrong = kinds
        return (missing if self.kind.missing else wrong)(
            f"{who} {why or 'cannot be asked'}: {self.kind.cause} ({self.said}).\n"
            f"  Remedy: {self.kind.remedy}, {_RESUME}"
        )


def sort(error: Exception, is_transient: Callable[[Exception], bool] = lambda _: False) -> Failure:
    """What a call's error is, by what the provider told; `is_transient` is the provider's word."""
    told = _told(error)
    kind = _by_words(told) or _by_status(told) or _by_class(told.error)
    if kind.way == "unread" and told.status is None and is_transient(told.error):
        kind = BROKEN
    return Failure(kind, provider_said(error), error, _wait(told.error))


def provider_said(error: Exception) -> str:
    """What the provider said, on one line, with both ends of what is long; no request, no key."""
    told = _told(error)
    said = redacted(" ".join(told.message.split()))
    if len(said) > _HEAD + _TAIL:
        said = f"{said[:_HEAD]} […] {said[-_TAIL:]}"
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in said)
    status = f" {told.status}" if told.status else ""
    return f"{type(told.error).__name__}{status}: {plain}"


@contextmanager
def taken_apart() -> Iterator[None]:
    """Around a group of tasks: the one error that matters instead of a group of them."""
    try:
        yield
    except BaseExceptionGroup as group:
        found = worst(group)
    else:
        return
    raise found


def worst(error: BaseException) -> BaseException:
    """Of an error group one that a user can mend, else the first; any other error itself."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    found = [worst(one) for one in error.exceptions]
    order = (KeyboardInterrupt, SystemExit, ArgoError, BaseException)
    return next(one for kind in order for one in found if isinstance(one, kind))


class _Told(NamedTuple):
    """An error as its provider raised it, with what can be read off it."""

    error: Exception
    status: int | None
    code: str
    message: str


def _told(error: Exception) -> _Told:
    """Under the wrappers of Inspect's and of clients; of a body that has a message, the message."""
    while isinstance(cause := error.__cause__, Exception) and (
        type(error).__name__ in _WRAPPERS or isinstance(cause, TooMuchError | ElsewhereError)
    ):
        error = cause
    # each provider has classes of its own: what they share is how they name these
    status, body = (getattr(error, name, None) for name in ("status_code", "body"))
    fields = body if isinstance(body, dict) else {}
    fields = fields["error"] if isinstance(fields.get("error"), dict) else fields
    code = " ".join(str(fields[name]) for name in ("code", "type", "param") if fields.get(name))
    message = fields.get("message")
    if not isinstance(message, str) or not message:
        message = str(getattr(error, "provider_message", None) or error)
    return _Told(error, status if isinstance(status, int) else None, code, message)


def _by_words(told: _Told) -> Kind | None:
    said = f"{told.code} {told.message[: _HEAD * 2]}"
    found = (kind for among, words, kind in _WORDS if told.status in among and words.search(said))
    return next(found, None)


def _by_status(told: _Told) -> Kind | None:
    if told.status is None or told.status < _CLIENT:
        return None
    if told.status >= _SERVER:
        return BROKEN
    return _BY_STATUS.get(told.status, REFUSED)


def _by_class(error: Exception) -> Kind:
    """Of an error without a status: nobody answered, or not as a model does."""
    names = " ".join(kind.__name__ for kind in type(error).__mro__)
    if isinstance(error, ElsewhereError):
        return MOVED
    if isinstance(error, TimeoutError) or _TIMEOUTS.search(names):
        return SLOW
    if isinstance(error, OSError) or _CONNECTIONS.search(names):
        return AWAY
    garbled = isinstance(error, _GARBLED) or type(error).__name__ == "OpenAIResponseError"
    return GARBLED if garbled else FAILED


def _wait(error: Exception) -> float:
    """Seconds that the server asks to wait; its word is bounded, and no number is none."""
    headers = getattr(getattr(error, "response", None), "headers", None)
    asked = headers.get("retry-after") if headers is not None else None
    found = _SECONDS.fullmatch(asked) if isinstance(asked, str) else None
    return min(float(found[0]), MOST_WAIT) if found else 0.0
