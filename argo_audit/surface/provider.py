"""The surface judge as an Inspect model: `inspect eval ... --model argo/surface`.

It is asked like any model, with a judge prompt, and finds rubric, prompt and responses by their
fences. It answers like any model: reasoning, then the line `Verdict: A` or `Verdict: B`, and on
request log-probabilities with both letters at the verdict. So whatever asks a real judge can be
tried on this one. A prompt without two fenced responses gets an answer without a verdict, which
is what a judge that cannot read gives.

Usage counts four characters as a token: an estimate, for there is no tokenizer.
"""

import math
import re

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    Logprob,
    Logprobs,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    TopLogprob,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from argo_audit.errors import InputError, did_you_mean
from argo_audit.prompts.fences import last_request, read_fences
from argo_audit.records import Rubric
from argo_audit.surface.judge import NAME, explain

_PROVIDER = NAME.partition("/")[0]
_CONNECTIONS = 1_000
_CHARACTERS_PER_TOKEN = 4
_CODED = re.compile(r"\n(Verdict [0-9a-f]+:) X\s*\Z")
_NOTHING_TO_JUDGE = (
    "I compare two responses that stand in fences named RESPONSE A and RESPONSE B. "
    "This prompt has none, so there is no verdict."
)


class SurfaceAPI(ModelAPI):
    """Inspect's provider of `argo/surface`, and of nothing else: the log names what was asked."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
    ) -> None:
        """Raises InputError for another name than that of the one judge there is."""
        spec = f"{_PROVIDER}/{model_name}"
        if spec != NAME:
            near = did_you_mean(spec, [NAME])
            raise InputError(spec, f"there is no such judge{near}", f"write {NAME}")
        super().__init__(model_name, base_url, api_key, config=config or GenerateConfig())

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """The judgment of the pair that is fenced in the conversation."""
        asked = "\n".join(message.text for message in input)
        fenced = read_fences(asked)
        reply, logprobs = _NOTHING_TO_JUDGE, None
        if {"RESPONSE A", "RESPONSE B"} <= fenced.keys():
            explanation = explain(
                Rubric(text=fenced.get("RUBRIC", "")),
                last_request(fenced.get("PROMPT", "")),
                fenced["RESPONSE A"],
                fenced["RESPONSE B"],
            )
            reply = _in_the_form_asked(explanation.text, asked)
            logprobs = _logprobs(reply, explanation.p_a) if config.logprobs else None
        return ModelOutput(
            model=NAME,
            choices=[
                ChatCompletionChoice(
                    message=ChatMessageAssistant(content=reply, model=NAME, source="generate"),
                    stop_reason="stop",
                    logprobs=logprobs,
                )
            ],
            usage=_usage(asked, reply),
        )

    def max_connections(self) -> int:
        """Calls are computed here and wait for nobody."""
        return _CONNECTIONS


def _in_the_form_asked(reply: str, asked: str) -> str:
    """The reply with the code that a question asks for where a text shown says "Verdict: A" too."""
    code = _CODED.search(asked)
    reasons, _, letter = reply.rpartition("Verdict:")
    return f"{reasons}{code[1]}{letter}" if code else reply


def _logprobs(reply: str, p_a: float) -> Logprobs:
    """Two tokens: the text before the letter, which was certain, and the letter."""
    logprobs = {"A": math.log(p_a), "B": math.log1p(-p_a)}
    ranked = sorted(logprobs, key=lambda letter: -logprobs[letter])
    alternatives = [TopLogprob(token=letter, logprob=logprobs[letter]) for letter in ranked]
    letter = reply[-1]
    verdict = Logprob(token=letter, logprob=logprobs[letter], top_logprobs=alternatives)
    return Logprobs(content=[Logprob(token=reply[:-1], logprob=0.0), verdict])


def _usage(asked: str, reply: str) -> ModelUsage:
    read, written = (math.ceil(len(text) / _CHARACTERS_PER_TOKEN) for text in (asked, reply))
    return ModelUsage(input_tokens=read, output_tokens=written, total_tokens=read + written)
