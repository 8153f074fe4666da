"""A local judge that reads each pair once, as an Inspect model: `argo-hf/<folder or hub id>`.

    argo-audit audit --judge argo-hf/HuggingFaceTB/SmolLM2-1.7B-Instruct ...
    inspect eval argo_audit/rubric_agreement --model argo-hf//models/judge --max-connections 1000

For people without a server. Calls that wait together and share a prefix, up to the last
`cache_breakpoint` of the prompt, are answered as one batch (see `local_model`); without a
breakpoint each prompt is its own prefix, which k votes still share. Log-probabilities are exact and
of the token ids in `extra_body["logprob_token_ids"]`; `allowed_token_ids` restricts what may be
written; both as vLLM names them. A conversation that ends with the assistant's turn is continued.

What stands in a message never becomes a control token: the chat template is rendered around
placeholders and tokenised by itself, contents with special tokens split. Servers tokenise the
conversation as one text and cannot do this.

torch and transformers are imported when a model is opened, here and in `local_model` alone: the one
place in this room that needs them. `-M device=cuda -M dtype=bfloat16 -M batch_tokens=16384` reach
`local_model.load`. No tools, no images, no top_p or stop sequences.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    Content,
    ContentText,
    GenerateConfig,
    Logprob,
    Logprobs,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    TopLogprob,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from argo_audit.errors import JudgeError, UnavailableJudgeError, brief

if TYPE_CHECKING:
    from argo_audit.judges.local_model import Reply, Request

_CONNECTIONS = 100_000
_LINGER = 0.01  # seconds in which calls gather before the first batch
_MAX_NEW = 1024
_TEXTS_REMEMBERED = 4096
_PLACE = "ARGO-CONTENT-{}-HERE"

Ids = tuple[int, ...]


@dataclass
class _Waiting:
    """A call that waits for its batch."""

    request: "Request"
    reply: "Reply | None" = None
    error: Exception | None = None


class LocalAPI(ModelAPI):
    """Inspect's provider of `argo-hf/...`."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008 - as Inspect's own providers
        **model_args: Any,
    ):
        super().__init__(model_name, base_url, api_key, [], config)
        self.local, self._tokenizer = _load(model_name, model_args)
        self._waiting: dict[Ids, list[_Waiting]] = {}
        self._lock = anyio.Lock()
        self._ids = lru_cache(_TEXTS_REMEMBERED)(self._encode)
        self._pieces = lru_cache(_TEXTS_REMEMBERED)(self._render)

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """The reply to a conversation, computed together with others that wait."""
        prefix, suffix = self.prompt_ids(input)
        waiting = _Waiting(_request(suffix, config))
        self._waiting.setdefault(prefix, []).append(waiting)
        await anyio.sleep(_LINGER)
        async with self._lock:
            if waiting.reply is None and waiting.error is None:
                await self._answer(prefix, waiting)
        if waiting.reply is None:
            raise RuntimeError(f"{self.model_name}: {waiting.error}") from waiting.error
        return self._output(len(prefix) + len(suffix), waiting.reply, waiting.request, config)

    async def tokenize(self, text: str) -> list[int]:
        """The text's token ids, special tokens split."""
        return list(self._ids(text))

    def max_connections(self) -> int:
        """All: the more calls wait together, the fewer prefixes are computed."""
        return _CONNECTIONS

    def prompt_ids(self, messages: Sequence[ChatMessage]) -> tuple[Ids, Ids]:
        """The conversation's tokens, divided after the last cache breakpoint; neither is empty."""
        pieces = self._pieces(tuple(message.role for message in messages))
        ids, shared = list(pieces[0]), 0
        for message, after in zip(messages, pieces[1:], strict=True):
            for part in _texts(message.content):
                ids += self._ids(part.text)
                shared = len(ids) if part.cache_breakpoint else shared
            ids += after
        shared = min(shared or len(ids), len(ids) - 1)
        return tuple(ids[:shared]), tuple(ids[shared:])

    async def _answer(self, prefix: Ids, own: _Waiting) -> None:
        """Answer every waiting call with this prefix; whoever holds the lock does it for all."""
        batch = [own, *(w for w in self._waiting.pop(prefix, []) if w is not own)]
        requests = [waiting.request for waiting in batch]
        try:
            replies = await anyio.to_thread.run_sync(self.local.answer, prefix, requests)
        except Exception as error:  # noqa: BLE001 - told to each of the callers
            for waiting in batch:
                waiting.error = error
            return
        for waiting, reply in zip(batch, replies, strict=True):
            waiting.reply = reply

    def _render(self, roles: tuple[str, ...]) -> list[Ids]:
        """What the chat template writes before, between and after the messages, as tokens."""
        places = [_PLACE.format(i) for i in range(len(roles))]
        if self._tokenizer.chat_template is None:
            rendered = "\n\n".join(places) + ("" if roles[-1] == "assistant" else "\n\n")
        else:
            turns = [{"role": r, "content": p} for r, p in zip(roles, places, strict=True)]
            goes_on = roles[-1] == "assistant"
            rendered = self._tokenizer.apply_chat_template(
                turns,
                tokenize=False,
                add_generation_prompt=not goes_on,
                continue_final_message=goes_on,
            )
        pieces, rest = [], rendered
        for place in places:
            before, _, rest = rest.partition(place)
            pieces.append(before)
        texts = [*pieces, rest]
        return [tuple(self._tokenizer(text, add_special_tokens=False).input_ids) for text in texts]

    def _encode(self, text: str) -> Ids:
        encoded = self._tokenizer(text, add_special_tokens=False, split_special_tokens=True)
        return tuple(encoded.input_ids)

    def _output(
        self, length: int, reply: "Reply", request: "Request", config: GenerateConfig
    ) -> ModelOutput:
        written = [step.token for step in reply.steps]
        text = self._tokenizer.decode(written, skip_special_tokens=True)
        message = ChatMessageAssistant(content=text, model=self.model_name, source="generate")
        choice = ChatCompletionChoice(
            message=message,
            stop_reason="stop" if reply.finished else "max_tokens",
            logprobs=self._logprobs(reply, request) if config.logprobs else None,
        )
        usage = ModelUsage(
            input_tokens=length - reply.cached,
            input_tokens_cache_read=reply.cached,
            output_tokens=len(written),
            total_tokens=length + len(written),
        )
        return ModelOutput(model=self.model_name, choices=[choice], usage=usage)

    def _logprobs(self, reply: "Reply", request: "Request") -> Logprobs:
        names = [self._tokenizer.decode([token]) for token in request.watched]
        return Logprobs(
            content=[
                Logprob(
                    token=self._tokenizer.decode([step.token]),
                    logprob=step.logprob,
                    top_logprobs=[
                        TopLogprob(token=name, logprob=logprob)
                        for name, logprob in zip(names, step.watched, strict=True)
                    ],
                )
                for step in reply.steps
            ]
        )


def _load(model_name: str, model_args: dict[str, Any]) -> tuple[Any, Any]:
    try:
        from argo_audit.judges.local_model import load
    except ImportError as error:
        raise UnavailableJudgeError(
            f"a judge in this process needs {error.name}, which the base install leaves out.\n"
            "  Remedy: pip install 'argo-audit[train]'"
        ) from error
    try:
        return load(model_name, **model_args)
    except (OSError, ValueError) as error:
        raise JudgeError(
            f"the judge {model_name} cannot be loaded ({brief(error):.300}).\n"
            "  Remedy: name a folder or a hub id of a causal LM in safetensors"
        ) from error


def _request(suffix: Ids, config: GenerateConfig) -> "Request":
    from argo_audit.judges.local_model import Request

    extra = config.extra_body or {}
    return Request(
        suffix=suffix,
        max_new=config.max_tokens or _MAX_NEW,
        temperature=1.0 if config.temperature is None else config.temperature,
        seed=config.seed or 0,
        allowed=tuple(extra.get("allowed_token_ids", ())),
        watched=tuple(extra.get("logprob_token_ids", ())),
    )


def _texts(content: str | list[Content]) -> list[ContentText]:
    if isinstance(content, str):
        return [ContentText(text=content)]
    return [part for part in content if isinstance(part, ContentText)]
