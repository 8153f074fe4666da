"""Checkpoints of a policy in training that are recognisably whole.

    seal(folder / "checkpoint-12", step=12)     # last of all
    newest(folder, done=13)                     # Checkpoint(step=12, path=...), or None

A process may be killed while it writes a checkpoint, or while it removes an old one. So a seal is
written after everything else and names each file with its size: a folder is whole when all of them
are there. The trained policy is sealed in the same way, in `folder` itself: then there is nothing
left to train. (A killed process is meant, not a power cut: files are not synced to the disk.)
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import NamedTuple

from pydantic import ValidationError

from argo_audit.errors import RunFolderError
from argo_audit.files import remove_parts, write_whole
from argo_audit.outside.caps import RECORD, read_whole
from argo_audit.records import Record

SEAL = "whole.json"
_CHECKPOINTS = "checkpoint-*"
_NUMBERS_ONLY = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"  # goes before what a caller of torch.load asks for


class Checkpoint(NamedTuple):
    """A policy after so many whole steps."""

    step: int
    path: Path


class _Seal(Record):
    """What a sealed folder holds: file sizes in bytes by path."""

    step: int
    files: dict[str, int]


def seal(path: Path, step: int) -> None:
    """Declare `path` to be whole: the policy after `step` steps.

    What a process that was killed left of a seal goes first, and is no part of what is whole.
    """
    remove_parts(path.glob(".*"))
    kept = [entry for entry in path.iterdir() if not entry.match(_CHECKPOINTS)]
    files = [file for entry in kept for file in (entry, *entry.rglob("*")) if file.is_file()]
    sizes = {str(file.relative_to(path)): file.stat().st_size for file in files}
    sizes.pop(SEAL, None)
    write_whole(path / SEAL, _Seal(step=step, files=sizes).model_dump_json(indent=1))


def newest(folder: Path, done: int) -> Checkpoint | None:
    """The whole policy of most steps, at most `done` of them; the trained one lies in `folder`."""
    found = [whole for path in (*folder.glob(_CHECKPOINTS), folder) if (whole := _whole(path))]
    return max((c for c in found if c.step <= done), key=lambda c: c.step, default=None)


def remove_checkpoints(folder: Path, keep: Path | None = None) -> None:
    """Remove all checkpoints in `folder` but `keep`."""
    for path in folder.glob(_CHECKPOINTS):
        if path != keep:
            shutil.rmtree(path)


@contextmanager
def data_alone(checkpoint: Path | None) -> Iterator[None]:
    """While a checkpoint is gone on from, a pickle in it is read as numbers, whoever reads it.

    A run folder may be a stranger's, and a pickle runs what it likes. Raises RunFolderError for
    one that holds more than numbers.
    """
    before = os.environ.get(_NUMBERS_ONLY)
    os.environ[_NUMBERS_ONLY] = "1"
    try:
        yield
    except UnpicklingError as error:
        raise RunFolderError(
            f"{checkpoint}: a file in it is more than numbers, and loading it would run code\n"
            "  Remedy: if the folder is your own, remove the checkpoint and resume: the policy is "
            "trained from the one before; else trust nothing in it"
        ) from error
    finally:
        os.environ.pop(_NUMBERS_ONLY)
        if before is not None:
            os.environ[_NUMBERS_ONLY] = before


def _whole(path: Path) -> Checkpoint | None:
    """None when the folder has no seal, or not all that its seal names."""
    try:
        found = _Seal.model_validate_json(read_whole(path / SEAL, RECORD))
        sizes = {name: (path / name).stat().st_size for name in found.files}
    except (OSError, ValidationError):
        return None
    return Checkpoint(found.step, path) if sizes == found.files else None
