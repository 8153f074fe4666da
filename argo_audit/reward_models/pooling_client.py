"""HTTP to one or several servers that pool: vLLM's `/classify` and `/pooling`, or their like.

    client = PoolingClient("my-rm", ["http://gpu1:8000", "http://gpu2:8000"], settings)
    client.served                                       # Served(root="org/my-rm", max_length=4096)
    client.outputs({"input": [[1, 2, 3]]}, expected=1)  # [0.73]

Requests take turns among the servers, and one that a server could not take (no connection, 429,
5xx) goes to the next after a wait that doubles. What cannot get better by waiting is an error at
once: another model, a refused key, an answer that is not one finite number per conversation. A
server's word is checked: a truth value, a number in quotes or one that no float32 holds is no
reward, and `answers` bounds size and time. What a server says of a key is never repeated.
"""

import math
import os
import weakref
from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple

import httpx
from pydantic import ValidationError
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
)

from argo_audit.errors import RewardModelError, UnavailableModelError, brief
from argo_audit.outside.credentials import redacted
from argo_audit.reward_models.answers import (
    Answer,
    BadAnswerError,
    Bounded,
    LateAnswerError,
    password,
    shown,
)
from argo_audit.reward_models.pooling_shapes import ModelList, PoolingAnswer, PoolingRow
from argo_audit.reward_models.reward_model_settings import RewardModelSettings

_ENDPOINTS = ("/classify", "/pooling")
_TOO_MANY = 429
_LONGEST_WAIT = 30.0  # seconds
_SPEC = "served:NAME@http://HOST:PORT[,...]"
_SHOWN = 300  # characters of a server's message
_UNPACKED = {"Accept-Encoding": "identity"}
_LARGEST = 1e6  # a head is a dot product: rewards are units, sometimes tens


class Served(NamedTuple):
    """What a server says of its model: where it was loaded from, and tokens it reads."""

    root: str
    max_length: int | None


class TooLongError(RewardModelError):
    """The server refused a conversation because it has too many tokens."""


class PoolingClient:
    """Asks servers of one model; usable from several threads."""

    def __init__(self, model: str, urls: Sequence[str], settings: RewardModelSettings) -> None:
        """Connect to every server and see what it serves.

        A URL is a server's root, or ends in the endpoint to ask, `/classify` (without either) or
        `/pooling`. Raises RewardModelError when a server cannot be reached, does not serve
        `model`, or servers serve it differently.
        """
        self.model = model
        self._settings = settings
        key = os.environ.get(settings.api_key)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._secrets = [secret for secret in (key, *map(password, urls)) if secret]
        http = httpx.Client(headers=headers | _UNPACKED, timeout=settings.timeout)
        self._http = Bounded(http, settings.timeout)
        weakref.finalize(self, self._http.close)  # a reward model has no end of its own
        self._turn = count()
        self._endpoints = [_endpoint(url) for url in urls]
        found = {self._describe(endpoint) for endpoint in self._endpoints}
        if len(found) > 1:
            raise RewardModelError(
                f"{model}: the servers differ in what they serve: {sorted(map(str, found))}\n"
                "  Remedy: give only servers that were started with the same model and length"
            )
        (self.served,) = found

    def outputs(self, body: dict[str, Any], expected: int) -> list[float]:
        """The model's one output for each input of a request, in order.

        Raises TooLongError when the server finds an input too long, RewardModelError for any
        other answer that is not `expected` finite numbers.
        """
        endpoint, answer = self._request("POST", {"model": self.model} | body)
        try:
            rows = sorted(
                PoolingAnswer.model_validate_json(answer.content).data, key=lambda r: r.index
            )
        except ValidationError as error:
            problem = f"not a pooling answer ({brief(error)}): {self._message(answer)}"
            raise self._unusable(endpoint, problem) from error
        if [row.index for row in rows] != list(range(expected)):
            seen = f"{len(rows)} rewards for {expected} conversations"
            raise self._unusable(endpoint, f"{seen}, or not numbered from 0")
        return [self._output(endpoint, row) for row in rows]

    def _output(self, endpoint: str, row: PoolingRow) -> float:
        outputs = row.probs or row.data
        if len(outputs) != 1:
            raise self._unusable(endpoint, f"{len(outputs)} outputs for a conversation, not one")
        if outputs[0] is None or not math.isfinite(outputs[0]):
            raise self._unusable(endpoint, f"a reward that is not finite: {outputs[0]}")
        if abs(outputs[0]) > _LARGEST:
            raise self._unusable(endpoint, f"a reward that no model computes: {outputs[0]:g}")
        return outputs[0]

    def _describe(self, endpoint: str) -> Served:
        """What `/v1/models` says; a server without that page says nothing."""
        url = endpoint.rpartition("/")[0] + "/v1/models"
        try:
            _, answer = self._request("GET", url=url)
        except _NotFoundError:
            return Served("", None)
        try:
            models = {card.id: card for card in ModelList.model_validate_json(answer.content).data}
        except ValidationError as error:
            raise self._unusable(url, f"not a list of models: {self._message(answer)}") from error
        served = ", ".join(models) or "none"
        if self.model not in models:
            raise RewardModelError(
                f"{shown(url)}: no model {self.model!r} is served here, but {served}\n"
                f"  Remedy: name what is served: {_SPEC}"
            )
        card = models[self.model]
        return Served(card.root or "", card.max_model_len)

    def _request(
        self, method: str, body: dict[str, Any] | None = None, url: str = ""
    ) -> tuple[str, Answer]:
        """The endpoint that answered, and its answer; the next endpoint is tried after each wait.

        Without a `url`, requests begin at each endpoint in turn.
        """
        first = next(self._turn)
        retrying = Retrying(
            stop=stop_after_attempt(self._settings.attempts),
            wait=self._wait,
            retry=retry_if_exception_type(_BusyError),
            reraise=True,
        )
        try:
            for attempt in retrying:
                turn = first + attempt.retry_state.attempt_number - 1
                target = url or self._endpoints[turn % len(self._endpoints)]
                with attempt:
                    return target, self._once(method, target, body)
        except _BusyError as busy:
            raise UnavailableModelError(
                f"{shown(target)}: no answer in {self._settings.attempts} attempts, at last: "
                f"{self._redacted(str(busy))}\n"
                "  Remedy: see that the server runs and look at its log; raise attempts or timeout "
                "of [reward_model] if it is only slow"
            ) from busy
        raise AssertionError("tenacity ends with an answer or an error")

    def _once(self, method: str, url: str, body: dict[str, Any] | None) -> Answer:
        try:
            answer = self._http.ask(method, url, body)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
            problem = f"{shown(url)}: not a URL: {self._redacted(str(error))}"
            raise RewardModelError(f"{problem}\n  Remedy: {_SPEC}") from error
        except BadAnswerError as error:
            raise self._unusable(url, str(error)) from error
        except (httpx.RequestError, LateAnswerError) as error:
            raise _BusyError(f"{type(error).__name__}: {error}") from error
        if answer.status == _TOO_MANY or httpx.codes.is_server_error(answer.status):
            said = f"status {answer.status} {self._message(answer)}"
            raise _BusyError(said, answer.retry_after)
        if not httpx.codes.is_success(answer.status):
            raise self._refused(url, answer)
        return answer

    def _wait(self, state: RetryCallState) -> float:
        """Seconds until the next attempt: what the server asks for, at least twice the last."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, _BusyError) else 0.0
        backoff = wait_exponential(self._settings.backoff, max=_LONGEST_WAIT)
        return max(backoff(state), min(asked, _LONGEST_WAIT, self._settings.timeout))

    def _refused(self, url: str, answer: Answer) -> RewardModelError:
        message = self._message(answer)
        said = f"{shown(url)}: refused with status {answer.status} {message}"
        if answer.status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            remedy = f"set {self._settings.api_key} to its key"
            return UnavailableModelError(f"{said}\n  Remedy: {remedy}")
        if answer.status == httpx.codes.NOT_FOUND:
            return _NotFoundError(f"{said}\n  Remedy: check model and URL: {_SPEC}")
        if "context length" in message or "too long" in message:
            return TooLongError(f"{said}\n  Remedy: set max_length of [reward_model]")
        return RewardModelError(
            f"{said}\n  Remedy: serve it for pooling: vllm serve MODEL --runner pooling"
        )

    def _unusable(self, url: str, problem: str) -> RewardModelError:
        return RewardModelError(
            f"{shown(url)}: {problem}\n  Remedy: serve a reward model with one output for pooling "
            "(vllm serve MODEL --runner pooling), and look at the server's log"
        )

    def _message(self, answer: Answer) -> str:
        """The beginning of what a server says, on one line."""
        said = "".join(c if c.isprintable() else " " for c in answer.text[: 10 * _SHOWN])
        return self._redacted(" ".join(said.split()))[:_SHOWN]

    def _redacted(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return redacted(text)


class _BusyError(Exception):
    """What may be better at the next attempt."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class _NotFoundError(RewardModelError):
    """Status 404: another model, or another kind of server."""


def _endpoint(url: str) -> str:
    """The URL to post to."""
    plain = url.rstrip("/")
    return plain if plain.endswith(_ENDPOINTS) else f"{plain.removesuffix('/v1')}{_ENDPOINTS[0]}"
