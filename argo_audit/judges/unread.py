"""Replies in which no verdict could be read, kept on disk as they happen.

    judge = KeepsUnread(judge, out / "runs" / "my-rm" / "unread.jsonl")

Counts say that a judge cannot be read; only the replies say why. A search throws judgments away
once they are measured, so this stands between it and the judge. The first MOST_KEPT of a run are
kept: a judge that never answers in form fails the same way each time.
"""

from collections.abc import Sequence
from pathlib import Path

from argo_audit.files import append
from argo_audit.judges.judged import judgments_of
from argo_audit.records import Judgment, Pair, Rubric
from argo_audit.roles import Judge

MOST_KEPT = 1000
UNREAD_FILE = "unread.jsonl"


class KeepsUnread:
    """Role Judge, played by another judge whose unread replies go to a file."""

    def __init__(self, judge: Judge, path: Path):
        self._judge, self._path = judge, path
        self._kept = _lines(path)

    @property
    def name(self) -> str:
        """The judge's."""
        return self._judge.name

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        """What the judge says; judgments with an unread reply are appended to the file."""
        judgments = await judgments_of(self._judge, rubric, pairs)
        unread = [judgment for judgment in judgments if judgment.unread]
        self._keep(unread[: max(0, MOST_KEPT - self._kept)])
        return judgments

    def _keep(self, unread: Sequence[Judgment]) -> None:
        if not unread:
            return
        self._kept += len(unread)
        append(self._path, "".join(f"{judgment.model_dump_json()}\n" for judgment in unread))


def _lines(path: Path) -> int:
    if not path.exists():
        return 0
    with path.open(encoding="utf-8") as file:
        return sum(1 for _ in file)
