"""Does a report say what its sources say? Made again from them, it must come out the same.

    unbacked(path.read_text(), recomputed)      # one sentence per line that nothing backs
    altered(path.parent, pages)                 # files beside it that are not made from it

Nothing in a report is exempt, words as little as numbers: a verdict turned round by hand has no
number in it. So whoever signs a report signs what anybody with its sources can repeat.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from argo_audit.outside.caps import read_whole
from argo_audit.report.differing_words import Same, same_runs

_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*%?")
_LONGEST = 120  # characters of a quoted line


def unbacked(written: str, recomputed: str) -> list[str]:
    """One sentence per line of `written` that differs from what its sources give, in order.

    Where lines differ in numbers alone, those are named.
    """
    ours, theirs = written.split("\n"), recomputed.split("\n")
    return [
        problem
        for start, end, first, last in _differing(ours, theirs)
        for problem in _problems(start, ours[start:end], theirs[first:last])
    ]


def _differing(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Which lines stand in the place of which."""
    i = k = 0
    for run in (*same_runs(ours, theirs), Same(len(ours), len(theirs), 0)):
        if run.size or run.ours == len(ours):
            if (run.ours, run.theirs) != (i, k):
                yield i, run.ours, k, run.theirs
            i, k = run.ours + run.size, run.theirs + run.size


def altered(folder: Path, made: Mapping[str, str]) -> list[str]:
    """One sentence per file, by its name in `folder`, that is there and is not as it was made."""
    return [
        f"{folder / name}: not made from this report"
        for name, text in made.items()
        if (folder / name).is_file() and not _holds(folder / name, text.encode())
    ]


def _holds(file: Path, content: bytes) -> bool:
    """Whether that is what is in a file; one of another size is not read."""
    return file.stat().st_size == len(content) and read_whole(file) == content


def _problems(start: int, ours: Sequence[str], theirs: Sequence[str]) -> Iterator[str]:
    for number, (said, true) in enumerate(zip_longest(ours, theirs), start + 1):
        if said is None:
            yield f"line {start + len(ours)}: after it is missing “{_cut(true)}”"
        elif true is None:
            yield f"line {number}: nothing backs “{_cut(said)}”"
        else:
            yield f"line {number}: {_difference(said, true)}"


def _difference(said: str, true: str) -> str:
    if _NUMBER.sub("0", said) != _NUMBER.sub("0", true):
        return f"says “{_cut(said)}”, its sources give “{_cut(true)}”"
    pairs = zip(_NUMBER.findall(said), _NUMBER.findall(true), strict=True)
    told = (f"{ours} where its sources give {theirs}" for ours, theirs in pairs if ours != theirs)
    return f"{'; '.join(told)}, in “{_cut(said)}”"


def _cut(line: str) -> str:
    text = " ".join(line.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
