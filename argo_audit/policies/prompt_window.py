"""What of a policy prompt a model has room for.

    window = Window(tokenizer, tokens=4096 - 1024)
    window.fit(prompt)              # Windowed(text, tokens): whole, or with its middle left out

A prompt carries what earlier attempts taught, so it grows with them. TRL cuts no prompt, and a
model asked beyond its context writes nonsense (or vLLM refuses), so a prompt that is too long loses
its middle: what is asked stands at its beginning and at its end. Each cut is logged.
"""

import logging
from typing import Any, NamedTuple

from argo_audit.errors import InputError

_GAP = "\n[…]\n"
_logger = logging.getLogger(__name__)


class Windowed(NamedTuple):
    """A policy prompt as the model reads it, and its length in tokens with the chat template."""

    text: str
    tokens: int


class Window:
    """Room for `tokens` tokens of prompt, as `tokenizer` and its chat template count them.

    Raises InputError when nothing of a prompt would fit.
    """

    def __init__(self, tokenizer: Any, tokens: int):
        self._tokenizer, self._room = tokenizer, tokens
        if self._length(_GAP) > tokens:
            raise InputError(
                tokenizer.name_or_path,
                f"its context leaves {max(tokens, 0)} tokens for a prompt beside the rubric",
                "lower max_rubric_tokens, raise vllm_max_model_length, or take another policy",
            )

    def fit(self, prompt: str) -> Windowed:
        """The prompt, less as much of its middle as it takes to fit."""
        tokens = self._length(prompt)
        if tokens <= self._room:
            return Windowed(prompt, tokens)
        low, high = (
            0,
            len(prompt) - 1,
        )  # characters kept: `low` of them fit, more than `high` do not
        while low < high:
            middle = (low + high + 1) // 2
            fits = self._length(_shortened(prompt, middle)) <= self._room
            low, high = (middle, high) if fits else (low, middle - 1)
        short = _shortened(prompt, low)
        _logger.warning(
            "a policy prompt of %d tokens was cut to %d of its %d characters; there is room for %d",
            tokens, low, len(prompt), self._room,
        )  # fmt: skip
        return Windowed(short, self._length(short))

    def _length(self, prompt: str) -> int:
        conversation = [{"role": "user", "content": prompt}]
        encoded = self._tokenizer.apply_chat_template(
            conversation, add_generation_prompt=True, tokenize=True, return_dict=True
        )
        return len(encoded["input_ids"])


def _shortened(prompt: str, kept: int) -> str:
    """`kept` characters of the prompt, half of its beginning and half of its end."""
    return prompt[: kept - kept // 2] + _GAP + prompt[len(prompt) - kept // 2 :]
