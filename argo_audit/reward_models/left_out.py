"""Whether all of a checkpoint was loaded: its own code, and every weight that it holds.

    refuse_own_code(folder, config, trusted=False)         # auto_map names a class that did not run
    unused(report)                                         # ("gate.weight",)

A checkpoint may name Python code of its authors (`auto_map`). For an architecture that transformers
knows too, loading without that code takes the built-in class, drops what only the authors' class
uses, and pays other rewards without a word. So that is refused, and weights that nothing uses are
a failed check: the same loss where no code is named.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from transformers import PretrainedConfig

from argo_audit.errors import RewardModelError

_HARMLESS = re.compile(r"(^|\.)(lm_head|inv_freq|position_ids|masked_bias|attn\.bias)(\.|$)")
"""The head of the language model that a reward model began from, and buffers of old versions."""

_REMEDY = (
    "read that code, then set trust_remote_code = true of [reward_model] to run it; or score the "
    "pairs as its authors do, and audit scores:FILE"
)


def refuse_own_code(
    folder: Path, config: PretrainedConfig, task: str, *, trusted: bool, dropped: Iterable[str] = ()
) -> None:
    """Raise RewardModelError for a checkpoint whose own class was left out.

    It is left out where it is named for the `task` ("AutoModelForSequenceClassification"), or for
    any model while weights of the checkpoint were `dropped`.
    """
    named: Mapping[str, str] = getattr(config, "auto_map", None) or {}
    models = {kind: where for kind, where in named.items() if kind.startswith("AutoModel")}
    lost = list(dropped)
    if trusted or not models or (task not in models and not lost):
        return
    where = models.get(task) or next(iter(models.values()))
    without = f", and {len(lost)} weights without it, first {lost[0]}" if lost else ""
    raise RewardModelError(
        f"{folder}: it names code of its own ({where}), which was not run: a built-in class would "
        f"be loaded in its place{without}\n  Remedy: {_REMEDY}"
    )


def unused(report: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Weights that the loaded model has no use for, of a loading report of transformers."""
    return tuple(sorted(key for key in report["unexpected_keys"] if not _HARMLESS.search(key)))
