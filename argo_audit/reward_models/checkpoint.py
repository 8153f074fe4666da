"""Checkpoints on disk: find one, read its tokenizer, fingerprint it.

    folder, name = locate("Skywork/Skywork-Reward-V2-Qwen3-0.6B", revision="main")
    name                                      # "Skywork/Skywork-Reward-V2-Qwen3-0.6B@<commit>"

A hub id is pinned to a commit and downloaded first, then everything is read from that folder: name
and weights cannot drift apart, and pickled weights are never even fetched.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from argo_audit.errors import RewardModelError, brief

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_WEIGHTS = "*.safetensors"
_HUB_FILES = ["*.json", "*.jinja", "*.model", "*.txt"]
_FINGERPRINTED = (
    "*.safetensors",
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
)


def locate(
    checkpoint: str | Path,
    revision: str | None = None,
    *,
    with_code: bool = False,
    with_weights: bool = True,
) -> tuple[Path, str]:
    """The checkpoint's folder and its name: the folder's, or `<hub id>@<commit>`.

    Raises RewardModelError when it is neither a folder nor reachable on the hub; `revision` (of a
    hub id), `with_code` (fetch the Python files that it ships) and `with_weights` leave a folder as
    it is.
    """
    from huggingface_hub import snapshot_download

    folder = Path(checkpoint)
    if folder.is_dir():
        return folder, folder.resolve().name
    wanted = [*_HUB_FILES, *["*.py"] * with_code, *[_WEIGHTS] * with_weights]
    try:
        snapshot = snapshot_download(
            str(checkpoint), revision=revision, allow_patterns=wanted, ignore_patterns=["*/*"]
        )
    except (OSError, ValueError) as error:
        raise RewardModelError(
            f"{checkpoint}: no such folder, and not reachable as a hub id: {brief(error)}\n"
            "  Remedy: check the spelling, or download the checkpoint and give its folder"
        ) from error
    return Path(snapshot), f"{checkpoint}@{Path(snapshot).name}"


def fingerprint_folder(folder: Path) -> str:
    """SHA-256 over weights, configuration, tokenizer and chat template (64 hex digits)."""
    total = hashlib.sha256()
    files = {path for pattern in _FINGERPRINTED for path in folder.glob(pattern)}
    for path in sorted(files):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{path.name} {digest}\n".encode())
    return total.hexdigest()


def load_tokenizer(folder: Path, *, trust_remote_code: bool = False) -> "PreTrainedTokenizerBase":
    """The folder's tokenizer; RewardModelError when there is none, or it has no chat template."""
    from transformers import AutoTokenizer

    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=trust_remote_code
        )
    except (OSError, ValueError, ImportError) as error:
        raise RewardModelError(
            f"{folder}: its tokenizer cannot be read: {brief(error)}\n"
            "  Remedy: save the tokenizer beside the weights with save_pretrained"
        ) from error
    if not tokenizer.chat_template:
        raise RewardModelError(
            f"{folder}: its tokenizer has no chat template\n"
            "  Remedy: add the chat_template.jinja that the reward model was trained with"
        )
    return tokenizer


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Hold back transformers' load reports and progress bars, then restore its settings."""
    from transformers.utils import logging as transformers_logging

    verbosity = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(transformers_logging.ERROR)
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()
