"""A chat server in this process: it speaks OpenAI's protocol, and fails in the order it is told.

with ChatServer([status(401, "no such key")]) as server:
    get_model("openai-api/test/judge", base_url=server.url, api_key="k", memoize=False)
"""

import contextlib
import json
from collections.abc import Callable, Iterable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, NamedTuple, Self

Body = dict[str, Any]


class Told(NamedTuple):
    """What the server does with one request; `drip` is the pause between two bytes."""

    status: int
    body: str
    type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    drip: float = 0.0


HANG = Told(0, "")  # no answer until the server ends
HTML = Told(200, "<html><body>Just a moment...</body></html>", "text/html")
HALF = Told(200, '{"id": "x", "object": "chat.completion", "choices": [{"index": 0, "mess')
EMPTY_OBJECT = Told(200, "{}")


def status(code: int, message: str, /, **fields: str) -> Told:
    """An error in OpenAI's form; `fields` are further ones of it, as `code`."""
    error = {"message": message, "type": None, "param": None, "code": None} | fields
    return Told(code, json.dumps({"error": error}))


def said(
    text: str | None,
    *,
    stop: str = "stop",
    reasoning: str = "",
    logprobs: dict[str, float] | None = None,
) -> Told:
    """A reply; `logprobs` are those of its last character, the verdict's letter."""
    message = {"role": "assistant", "content": text}
    message |= {"reasoning_content": reasoning} if reasoning else {}
    choice: Body = {"index": 0, "message": message, "finish_reason": stop, "logprobs": None}
    if logprobs and text:
        top = [{"token": t, "logprob": lp, "bytes": None} for t, lp in logprobs.items()]
        tokens = [
            {"token": text[:-1], "logprob": 0.0, "bytes": None, "top_logprobs": []},
            {"token": text[-1], "logprob": -0.1, "bytes": None, "top_logprobs": top},
        ]
        choice["logprobs"] = {"content": tokens, "refusal": None}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    reply = {"id": "x", "object": "chat.completion", "created": 1, "model": "judge"}
    return Told(200, json.dumps(reply | {"choices": [choice], "usage": usage}))


VERDICT = said("Shorter.\nVerdict: A")
Answer = Told | Callable[[Body], Told]


class ChatServer:
    """Gives the answers of `plan` in order, and `then` to all later requests.

    `asked` are the bodies it was sent; `most` is how many were under way at once.
    """

    def __init__(self, plan: Iterable[Answer] = (), then: Answer = VERDICT) -> None:
        self.asked: list[Body] = []
        self.most = 0
        self.ended = Event()
        self._plan, self._then = iter(list(plan)), then
        self._lock, self._open = Lock(), 0
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self) -> Self:
        Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._http.shutdown()
        self._http.server_close()

    def answer(self, body: Body) -> Told:
        with self._lock:
            self.asked.append(body)
            self._open += 1
            self.most = max(self.most, self._open)
            told = next(self._plan, self._then)
        return told if isinstance(told, Told) else told(body)

    def plan(self, *answers: Answer) -> None:
        """Give these answers next, before `then`."""
        self._plan = iter(answers)

    def closed(self) -> None:
        with self._lock:
            self._open -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else the client waits 40 ms for the body

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                told = server.answer(json.loads(body))
                try:
                    _say(self, told, server.ended)
                finally:
                    server.closed()

            def handle(self) -> None:
                with contextlib.suppress(OSError):  # the caller may have gone
                    super().handle()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def _say(handler: BaseHTTPRequestHandler, told: Told, ended: Event) -> None:
    if told.status == HANG.status:
        ended.wait()
        handler.close_connection = True
        return
    data = told.body.encode("latin-1" if told.headers else "utf-8")  # headers may say it is packed
    handler.send_response(told.status)
    headers = (("Content-Type", told.type), ("Content-Length", str(len(data))), *told.headers)
    for name, value in headers:
        handler.send_header(name, value)
    handler.end_headers()
    step = 1 if told.drip else len(data)
    for at in range(0, len(data), step or 1):
        handler.wfile.write(data[at : at + step])
        if told.drip and ended.wait(told.drip):
            return


def repeated(told: Told, times: int) -> Sequence[Told]:
    """The same answer several times."""
    return [told] * times
