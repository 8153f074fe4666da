"""Replies in which no verdict could be read, kept on disk as they happen.

    judge = KeepsUnread(judge, out / "runs" / "my-rm" / "unread.jsonl")

Counts say that a judge cannot be read; only the replies say why. A search throws judgments away
once they are measured, so this stands between it and the judge. The first MOST_KEPT of a run are
kept: a judge that never answers in form fails the same way each time. A rubric on a pair is kept
once, so that what a kill made a search ask again is not there twice.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from argo_audit.errors import InputError, brief
from argo_audit.files import append, cut
from argo_audit.judges.judged import judgments_of
from argo_audit.outside.caps import read_lines
from argo_audit.records import Judgment, Pair, Rubric
from argo_audit.roles import Judge

MOST_KEPT = 1000
UNREAD_FILE = "unread.jsonl"


class KeepsUnread:
    """Role Judge, played by another judge whose unread replies go to a file."""

    def __init__(self, judge: Judge, path: Path):
        self._judge, self._path = judge, path
        self._kept = _kept(path)

    @property
    def name(self) -> str:
        """The judge's."""
        return self._judge.name

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        """What the judge says; judgments with an unread reply are appended to the file."""
        judgments = await judgments_of(self._judge, rubric, pairs)
        unread = {_what(judgment): judgment for judgment in judgments if judgment.unread}
        fresh = [judgment for what, judgment in unread.items() if what not in self._kept]
        self._keep(fresh[: max(0, MOST_KEPT - len(self._kept))])
        return judgments

    def _keep(self, unread: Sequence[Judgment]) -> None:
        if not unread:
            return
        self._kept.update(map(_what, unread))
        append(self._path, "".join(f"{judgment.model_dump_json()}\n" for judgment in unread))


def _what(judgment: Judgment) -> tuple[str, str]:
    return judgment.rubric_id, judgment.pair_id


def _kept(path: Path) -> set[tuple[str, str]]:
    """What is kept already; a line that a kill tore off is cut off."""
    if not path.is_file():
        return set()
    lines = list(read_lines(path))
    if lines and not lines[-1].endswith(b"\n"):
        cut(path, path.stat().st_size - len(lines.pop()))
    try:
        return {_what(Judgment.model_validate_json(line)) for line in lines}
    except ValidationError as error:
        remedy = "remove the file: nothing is computed from it"
        raise InputError(path, f"not unread replies ({brief(error)})", remedy) from error
