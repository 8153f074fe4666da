"""A judge's name and the URLs of its servers -> the Inspect models that play it.

    open_models("openai/gpt-5-mini")
    open_models("vllm/Qwen/Qwen3-8B", ["http://gpu1:8000/v1", "http://gpu2:8000/v1"])

Several URLs are one model behind as many servers (data parallel). Inspect 0.3.285 keeps one server
per name of a vLLM model in a process, so of `vllm/...` models with different URLs all would talk to
the first: the others go through its `openai-api` provider, which speaks the same protocol.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit

from inspect_ai.model import GenerateConfig, Model, get_model

from argo_audit.errors import ArgoError, InputError, UnavailableInputError
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.outside.credentials import redacted

IN_PROCESS = ("argo", "argo-hf")
"""Providers whose models run here: free of charge, and better off seeing all calls at once."""

_FREE = (*IN_PROCESS, "mockllm")
_VLLM = "vllm/"
_MARKUP = re.compile(r"\[/?(?:bold|blue)\]")
_OWN = (
    "api.openai.com", "api.anthropic.com", "api.groq.com", "api.mistral.ai", "api.x.ai",
    "generativelanguage.googleapis.com", "openrouter.ai", "api.together.xyz", "api.fireworks.ai",
)  # fmt: skip
_STARTED = ("vllm", "sglang")  # where nobody names a server, Inspect starts one on any free port
_ANY_URL = "INSPECT_EVAL_MODEL_BASE_URL"
_NO_KEY = "inspectai"  # what Inspect's own vllm provider sends where none is set


def open_models(
    spec: str, urls: Sequence[str] = (), settings: JudgeSettings | None = None
) -> list[Model]:
    """One model per URL, the first of them named `spec`; without URLs the one that `spec` names.

    Raises InputError when Inspect knows no such model, or lacks its package or key.
    """
    in_flight = (settings or JudgeSettings()).in_flight
    first, *rest = urls or [""]
    with opening(spec, "judge", "argo/surface, openai/gpt-5-mini"):
        models = [_open(spec, first, in_flight)]
        # in Inspect all of these share one limit of connections
        shared = in_flight * max(1, len(rest))
        return models + [_open(_compatible(spec), url, shared) for url in rest]


@contextmanager
def opening(spec: str, role: str, examples: str) -> Iterator[None]:
    """Turn what Inspect misses (a provider, its package, its key) into an InputError."""
    try:
        yield
    except ArgoError:
        raise
    except Exception as error:  # what Inspect misses has no public class
        said = " ".join(_MARKUP.sub("", str(error)).split()).removeprefix("ERROR: ")
        remedy = f"supply what is missing, or name a model as Inspect does: {examples}, vllm/…"
        unknown = isinstance(error, ValueError)  # no such provider, whatever is installed
        kind = InputError if unknown else UnavailableInputError
        raise kind(spec, f"cannot be opened as the {role}: {said}", remedy) from error


def reopened(model: Model) -> Model:
    """The same model with a client of its own.

    A client of an API belongs to the event loop that first used it: in another one it finds its
    connections dead. A model without a client is returned as it is.
    """
    if is_free(model):
        return model
    return get_model(
        str(model),
        config=model.config,
        base_url=model.explicit_base_url,
        api_key=model.api.api_key,
        memoize=False,
        **model.model_args,
    )


def provider(model: Model) -> str:
    """The part of a model's name before the first slash, such as "vllm"."""
    return str(model).partition("/")[0]


def address_of(model: Model) -> str:
    """Where a model is asked, without credentials; "" at its provider's own address.

    Two servers may have models of one name, so what either says is kept under its address too.
    """
    url = _url(model).rstrip("/")
    return "" if urlsplit(url).hostname in _OWN else redacted(url)


def _url(model: Model) -> str:
    """As it was given, else as its client has it, else as the environment does."""
    api, named = model.api, provider(model)
    if model.explicit_base_url:
        return model.explicit_base_url
    if named not in _STARTED:
        client = api.client if isinstance(api, WithClient) else None
        if found := api.base_url or (str(client.base_url) if isinstance(client, _Placed) else ""):
            return found
    prefixes = ("XAI", "GROK") if named == "grok" else (named.upper().replace("-", "_"),)
    names = (*(f"{prefix}_BASE_URL" for prefix in prefixes), _ANY_URL)
    return next((url for name in names if (url := os.environ.get(name, ""))), "")


def in_process(model: Model) -> bool:
    """Whether the model's weights, or what it has instead, are in this process."""
    return provider(model) in IN_PROCESS


def is_free(model: Model) -> bool:
    """Whether a call costs neither money nor another machine's time."""
    return provider(model) in _FREE


def _open(spec: str, url: str, in_flight: int) -> Model:
    config = GenerateConfig(max_connections=in_flight)
    if not url:
        return get_model(spec, config=config)
    if spec.startswith(_VLLM):  # its URL is part of the cache's key from the first call on
        return get_model(spec, config=config, base_url=url, lazy_init=False)
    key = os.environ.get("VLLM_API_KEY", _NO_KEY) if spec.startswith("openai-api/vllm/") else None
    return get_model(spec, config=config, base_url=url, api_key=key)


def _compatible(spec: str) -> str:
    return f"openai-api/{spec}" if spec.startswith(_VLLM) else spec


@runtime_checkable
class WithClient(Protocol):
    """A model of Inspect's that is asked through a client of its provider's."""

    client: object


@runtime_checkable
class _Placed(Protocol):
    """A client of OpenAI's, Anthropic's or Groq's."""

    base_url: object
