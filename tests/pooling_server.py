"""A pooling server in this process: it speaks vLLM's shapes, and fails as it is told to.

with PoolingServer(reward) as server:
    ServedRewardModel("rm", [server.url]).reward([conversation])
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, NamedTuple, Self


class Raw(NamedTuple):
    """An answer byte by byte: parts with a pause before each; `bare` has no header but theirs."""

    parts: Sequence[bytes]
    headers: Mapping[str, str]
    status: int = 200
    pause: float = 0.0
    bare: bool = False


Reply = tuple[int, dict[str, Any] | str] | Raw
HANG_UP = (0, "")  # no answer: the connection is closed
HOLD = (1, "")  # no answer until the server ends
Answer = Callable[[dict[str, Any]], Reply]


class PoolingServer:
    """Serves `reward` of token ids, or of messages; `plan` replaces its first answers.

    With `ignores_flag` it squashes outputs whatever it is told. `asked` are the bodies it was sent.
    """

    def __init__(
        self,
        reward: Callable[[Any], float],
        *,
        model: str = "rm",
        card: dict[str, Any] | None = None,
        plan: Sequence[Answer] = (),
        ignores_flag: bool = False,
    ) -> None:
        self.asked: list[dict[str, Any]] = []
        self.ended = Event()
        self.keys: list[str | None] = []
        self.reward, self.model = reward, model
        self.ignores_flag = ignores_flag
        self._card = {"id": model, "root": "org/rm", "max_model_len": 64} | (card or {})
        self._plan, self._lock = list(plan), Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._http.shutdown()
        self._http.server_close()

    def plan(self, *answers: Answer) -> None:
        self._plan.extend(answers)

    def answer(self, path: str, body: dict[str, Any]) -> Reply:
        with self._lock:
            self.asked.append(body)
            planned = self._plan.pop(0) if self._plan else None
        if planned is not None:
            return planned(body)
        if body["model"] != self.model:
            return 404, {"error": {"message": f"The model `{body['model']}` does not exist."}}
        inputs = body["input"] if "input" in body else [body["messages"]]
        rows = [self._row(path, body, i, one) for i, one in enumerate(inputs)]
        return 200, {"object": "list", "data": rows}

    def models(self) -> tuple[int, dict[str, Any]]:
        return 200, {"object": "list", "data": [self._card]}

    def _row(self, path: str, body: dict[str, Any], index: int, one: Any) -> dict[str, Any]:
        reward = self.reward(one)
        if self.ignores_flag or body.get("use_activation", True):
            reward = 1 / (1 + math.exp(-reward))
        if path == "/pooling":
            return {"index": index, "object": "pooling", "data": [reward]}
        return {"index": index, "label": "LABEL_0", "probs": [reward], "num_classes": 1}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else the client waits 40 ms for the body
            disable_nagle_algorithm = True  # or each answer waits for the header's receipt

            def do_GET(self) -> None:
                status, answer = server.models()
                self.say(status, answer)

            def do_POST(self) -> None:
                server.keys.append(self.headers["Authorization"])
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = server.answer(self.path, json.loads(body))
                if isinstance(answer, Raw):
                    send(self, answer, server.ended)
                else:
                    self.say(*answer)

            def say(self, status: int, answer: dict[str, Any] | str) -> None:
                if status == HOLD[0]:
                    server.ended.wait()
                if status in (HANG_UP[0], HOLD[0]):
                    self.close_connection = True
                    return
                text = answer if isinstance(answer, str) else json.dumps(answer)
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Retry-After", "0")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def send(handler: BaseHTTPRequestHandler, answer: Raw, ended: Event) -> None:
    """Send it as it stands, until who asked has gone or the server ends."""
    if not answer.bare:
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(sum(map(len, answer.parts))))
        handler.end_headers()
    with suppress(OSError):
        for part in answer.parts:
            ended.wait(answer.pause)
            handler.wfile.write(part)
    handler.close_connection = answer.bare
