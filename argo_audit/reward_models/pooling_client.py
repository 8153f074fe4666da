"""HTTP to one or several servers that pool: vLLM's `/classify` and `/pooling`, or their like.

    client = PoolingClient("my-rm", ["http://gpu1:8000", "http://gpu2:8000"], settings)
    client.served                                       # Served(root="org/my-rm", max_length=4096)
    client.outputs({"input": [[1, 2, 3]]}, expected=1)  # [0.73]

Requests take turns among the servers, and one that a server could not take (no connection, 429,
5xx) goes to the next after a wait that doubles. What cannot get better by waiting is an error at
once: another model, a refused key, an answer that is not one finite number per conversation.
"""

import math
import os
import weakref
from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple

import httpx
from pydantic import BaseModel, Field, ValidationError
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
)

from argo_audit.errors import RewardModelError, UnavailableModelError
from argo_audit.reward_models.reward_model_settings import RewardModelSettings

_ENDPOINTS = ("/classify", "/pooling")
_TOO_MANY = 429
_LONGEST_WAIT = 30.0  # seconds
_SPEC = "served:NAME@http://HOST:PORT[,...]"
_SHOWN = 300  # characters of a server's message


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
        self._http = httpx.Client(headers=headers, timeout=settings.timeout)
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
                _PoolingAnswer.model_validate_json(answer.content).data, key=lambda r: r.index
            )
        except ValidationError as error:
            raise self._unusable(
                endpoint, f"not a pooling answer: {answer.text[:_SHOWN]}"
            ) from error
        if [row.index for row in rows] != list(range(expected)):
            seen = f"{len(rows)} rewards for {expected} conversations"
            raise self._unusable(endpoint, f"{seen}, or not numbered from 0")
        return [self._output(endpoint, row) for row in rows]

    def _output(self, endpoint: str, row: "_PoolingRow") -> float:
        outputs = row.probs or row.data
        if len(outputs) != 1:
            raise self._unusable(endpoint, f"{len(outputs)} outputs for a conversation, not one")
        if outputs[0] is None or not math.isfinite(outputs[0]):
            raise self._unusable(endpoint, f"a reward that is not finite: {outputs[0]}")
        return outputs[0]

    def _describe(self, endpoint: str) -> Served:
        """What `/v1/models` says; a server without that page says nothing."""
        url = endpoint.rpartition("/")[0] + "/v1/models"
        try:
            _, answer = self._request("GET", url=url)
        except _NotFoundError:
            return Served("", None)
        try:
            models = {card.id: card for card in _Models.model_validate_json(answer.content).data}
        except ValidationError as error:
            raise self._unusable(url, f"not a list of models: {answer.text[:_SHOWN]}") from error
        served = ", ".join(models) or "none"
        if self.model not in models:
            raise RewardModelError(
                f"{url}: no model {self.model!r} is served here, but {served}\n"
                f"  Remedy: name what is served: {_SPEC}"
            )
        card = models[self.model]
        return Served(card.root or "", card.max_model_len)

    def _request(
        self, method: str, body: dict[str, Any] | None = None, url: str = ""
    ) -> tuple[str, httpx.Response]:
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
                f"{target}: no answer in {self._settings.attempts} attempts, at last: {busy}\n"
                "  Remedy: see that the server runs and look at its log; raise attempts or timeout "
                "of [reward_model] if it is only slow"
            ) from busy
        raise AssertionError("tenacity ends with an answer or an error")

    def _once(self, method: str, url: str, body: dict[str, Any] | None) -> httpx.Response:
        try:
            answer = self._http.request(method, url, json=body)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
            raise RewardModelError(f"{url}: not a URL: {error}\n  Remedy: {_SPEC}") from error
        except httpx.TransportError as error:
            raise _BusyError(f"{type(error).__name__}: {error}") from error
        if answer.status_code == _TOO_MANY or answer.is_server_error:
            raise _BusyError(f"status {answer.status_code} {_message(answer)}", answer)
        if not answer.is_success:
            raise self._refused(url, answer)
        return answer

    def _wait(self, state: RetryCallState) -> float:
        """Seconds until the next attempt: what the server asks for, at least twice the last."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, _BusyError) else 0.0
        backoff = wait_exponential(self._settings.backoff, max=_LONGEST_WAIT)
        return max(backoff(state), min(asked, _LONGEST_WAIT))

    def _refused(self, url: str, answer: httpx.Response) -> RewardModelError:
        message = _message(answer)
        said = f"{url}: refused with status {answer.status_code} {message}"
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            remedy = f"set {self._settings.api_key} to its key"
            return UnavailableModelError(f"{said}\n  Remedy: {remedy}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return _NotFoundError(f"{said}\n  Remedy: check model and URL: {_SPEC}")
        if "context length" in message or "too long" in message:
            return TooLongError(f"{said}\n  Remedy: set max_length of [reward_model]")
        return RewardModelError(
            f"{said}\n  Remedy: serve it for pooling: vllm serve MODEL --runner pooling"
        )

    def _unusable(self, url: str, problem: str) -> RewardModelError:
        return RewardModelError(
            f"{url}: {problem}\n  Remedy: serve a reward model with one output for pooling "
            "(vllm serve MODEL --runner pooling), and look at the server's log"
        )


class _BusyError(Exception):
    """What may be better at the next attempt."""

    def __init__(self, message: str, answer: httpx.Response | None = None) -> None:
        super().__init__(message)
        asked = answer.headers.get("retry-after", "") if answer is not None else ""
        self.retry_after = float(asked) if asked.isdigit() else 0.0


class _NotFoundError(RewardModelError):
    """Status 404: another model, or another kind of server."""


class _PoolingRow(BaseModel):
    index: int
    probs: list[float | None] = Field(default_factory=list)
    data: list[float | None] = Field(default_factory=list)


class _PoolingAnswer(BaseModel):
    data: list[_PoolingRow]


class _Card(BaseModel):
    id: str
    root: str | None = None
    max_model_len: int | None = None


class _Models(BaseModel):
    data: list[_Card]


def _endpoint(url: str) -> str:
    """The URL to post to."""
    plain = url.rstrip("/")
    return plain if plain.endswith(_ENDPOINTS) else f"{plain.removesuffix('/v1')}{_ENDPOINTS[0]}"


def _message(answer: httpx.Response) -> str:
    return " ".join(answer.text.split())[:_SHOWN]
