"""The labels of an audit on disk, so that an interrupted one need not score its pairs again.

    kept = LabelRecords(Path("out"))
    kept.put("rm:my-model", source)           # out/labels/rm-my-model-1f2e3d4c.json.gz
    kept.get("rm:my-model")                   # the same; None for labels that are not there

A reward model behind a server is slow or costs money, and one that changed between two halves of a
search would make it a search for nothing.
"""

import gzip
from pathlib import Path

from argo_audit.audits.parts import LabelSource
from argo_audit.errors import RunFolderError
from argo_audit.files import write_whole_bytes
from argo_audit.store import slug


class LabelRecords:
    """The files of `labels/` in an audit's folder."""

    def __init__(self, out: Path):
        self._folder = out / "labels"

    def get(self, spec: str) -> LabelSource | None:
        """The labels on record for a spec. Raises RunFolderError for a file that is damaged."""
        path = self._path(spec)
        if not path.is_file():
            return None
        try:
            return LabelSource.model_validate_json(gzip.decompress(path.read_bytes()))
        except (OSError, EOFError, ValueError) as error:
            raise RunFolderError(
                f"{path} cannot be read ({type(error).__name__})\n"
                "  Remedy: remove it, and the pairs are labelled again"
            ) from error

    def put(self, spec: str, source: LabelSource) -> None:
        """Record labels; those on record stay."""
        path = self._path(spec)
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole_bytes(path, gzip.compress(source.model_dump_json().encode(), mtime=0))

    def _path(self, spec: str) -> Path:
        return self._folder / f"{slug(spec)}.json.gz"
