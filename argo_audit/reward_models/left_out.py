"""Whether all of a checkpoint was loaded: its own code, and every weight that it holds.

    refuse_own_code(folder, config, trusted=False)         # auto_map names a class that did not run
    unused(report)                                         # ("gate.weight",)

A checkpoint may name Python code of its authors (`auto_map`). For an architecture that transformers
knows too, loading without that code takes the built-in class, drops what only the authors' class
uses, and pays other rewards without a word. So that is refused, and weights that nothing uses are
a failed check, in files that nothing opens too: the same loss where no code is named.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import transformers
from transformers import PretrainedConfig, PreTrainedModel

from argo_audit.errors import RewardModelError

_HARMLESS = re.compile(r"(^|\.)(lm_head|inv_freq|position_ids|masked_bias|attn\.bias)(\.|$)")
"""The head of the language model that a reward model began from, and buffers of old versions."""

_STANDARD = ("model", "adapter_model", "consolidated")  # the last is a copy, as Mistral's
_PICKLED = ("*.bin", "*.pt", "*.pth")
_HEAD = re.compile(r"head|value|score|reward|regress", re.IGNORECASE)

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


def files_beside(folder: Path) -> set[str]:
    """Files of weights that transformers does not look for: a head in `value_head.safetensors`."""
    standard = {path.name for name in _STANDARD for path in folder.glob(f"{name}*.safetensors")}
    others = {path.name for path in folder.glob("*.safetensors")} - standard
    pickled = {path.name for kind in _PICKLED for path in folder.glob(kind)}
    return others | {name for name in pickled if _HEAD.search(name)}


def class_left_out(model: PreTrainedModel) -> str:
    """The class that a checkpoint names, where transformers knows none of that name."""
    named = [str(name) for name in model.config.architectures or ()]
    if not named or type(model).__name__ in named or any(hasattr(transformers, n) for n in named):
        return ""
    return named[0]
