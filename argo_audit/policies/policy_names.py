"""What a policy is called: the embedded writer, a folder, a hub id, or a model that is sampled.

A hub id and a model that Inspect knows are written alike. Where a name can only be Inspect's, the
message says how to have it write without being trained.
"""

import re
from importlib.resources import files
from pathlib import Path

from argo_audit import kinds
from argo_audit.errors import InputError, did_you_mean
from argo_audit.policies.policy_settings import SAMPLE

EMBEDDED = "embedded"
"""The rubric writer that comes with the organism."""

TRAINED = "trained"
"""The kind of a bare name: a causal LM that is trained."""

TAUGHT_FILE = "writer.json"
"""In the folder of a rubric writer: how it was taught, on prompts that show attempts alone."""

_OF_INSPECT = re.compile(
    r"openai/(?!gpt-oss)|google/gemini|openai-api/|anthropic/|azureai/|bedrock/|mistral/|grok/|groq/"
    r"|together/|fireworks/|openrouter/|perplexity/|cloudflare/|ollama/|sglang/|vllm/|hf/|argo-hf/"
    r"|mockllm/"
)
"""Names that no causal LM has on the hub; `openai/gpt-oss-20b` and `google/gemma-3-1b-it` do."""


def policy_model(spec: str) -> str:
    """The folder of the embedded rubric writer for `embedded`, else a model's folder or hub id.

    A policy of another kind keeps its name. Raises InputError for a folder without a model, and
    for a name of Inspect's; whether the hub knows an id shows later.
    """
    kind, _ = kinds.split("policies", spec, TRAINED)
    if kind == EMBEDDED:
        return str(files("argo_audit.organism").joinpath("embedded_writer"))
    if kind == TRAINED:
        _check_trainable(spec)
    return spec


def reads_pairs(policy: str) -> bool:
    """Whether a policy of that name can make use of pairs, as any language model can.

    The organism's rubric writers cannot: their folders have the record of what they were taught.
    """
    try:
        return not Path(policy, TAUGHT_FILE).is_file()
    except OSError:  # a name that no file can have
        return True


def _check_trainable(spec: str) -> None:
    path = Path(spec)
    near = "" if "/" in spec or path.exists() else did_you_mean(spec, kinds.known("policies"))
    if near:
        raise InputError(spec, f"no policy is called so{near}", "write it so, or name another")
    if not path.exists() and _OF_INSPECT.match(spec):
        problem = "a model behind an API, or one that Inspect serves, cannot be trained here"
        raise InputError(spec, problem, f"have it write without being trained: {SAMPLE}{spec}")
    if (path.exists() or spec.count("/") > 1) and not (path / "config.json").is_file():
        remedy = "name `embedded`, a folder with a causal LM, or a hub id: organisation/model"
        raise InputError(spec, "no model is in this folder", remedy)
