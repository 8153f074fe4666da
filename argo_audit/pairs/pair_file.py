"""Preference pairs: read them from a file or the hub, and write them.

    file = read("pairs.jsonl.gz")
    file = read("votes.csv", format="arena-55k", skip_invalid=True)
    labels = labels_of(file, "human", "votes.csv")
    write("mine.jsonl", file.pairs, file.labels)

The formats are in `pair_formats`; which one a file is in is named, or follows from the columns of
its first row that is in any.

The first faulty row stops the reading, because a file that is read in part is another data set;
whoever wants the rest says so, and every row left out is listed.
"""

import gzip
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal

from argo_audit.errors import InputError, did_you_mean
from argo_audit.files import is_url, write_whole_bytes
from argo_audit.pairs.formats.containers import Rows, open_rows
from argo_audit.pairs.formats.labelled import LabelledPair, Target
from argo_audit.pairs.formats.registry import detect
from argo_audit.pairs.formats.rows import PairFormat
from argo_audit.pairs.images import admit, admit_remote
from argo_audit.pairs.recognition import problem, recognised, remedy
from argo_audit.pairs.votes import Gathered
from argo_audit.records import HUMAN, Label, Pair

HUB = "hf:"
Hub = Callable[[str], Rows]
"""Opens what follows "hf:" in the name of a data set; `argo_audit.pairs.hub` is the real one."""

SOFT = "soft:"
"""Before the names of the annotators of the numbered format; it may be left out."""

_SHOWN_UNUSED = 12
_LABEL_FIELDS = set(Label.model_fields)
_DRAWN = (
    "{} says which response is better, not which is A: A was drawn from each pair's text, so name "
    "responses by chosen and rejected, or by the letters of the pairs that are written"
)


@dataclass(frozen=True, slots=True)
class PairFile:
    """A file of pairs as it was read.

    `pairs` are in file order; `labels` maps a source to its labels, in file order, for the pairs
    it labelled. `fingerprint` is the SHA-256 (64 hex digits) of the content: the order of the
    rows, the format and the compression do not change it. `skipped` holds "line N: why". `origin`
    is the path, or the data set at its commit; `format` is the name of the format. `unused` names
    what rows hold and nothing reads (columns, and what is deeper: "chosen[].weight"), 100 names at
    most; `notes` say what was done to rows that needed it.
    """

    pairs: tuple[Pair, ...]
    labels: Mapping[str, tuple[Label, ...]]
    fingerprint: str
    skipped: tuple[str, ...]
    origin: str = field(default="", compare=False)
    format: str = field(default="", compare=False)
    unused: tuple[str, ...] = field(default=(), compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def chosen(self) -> dict[str, Literal["A", "B"]]:
        """The letter of the response that people prefer, or the file's only source; by pair id."""
        sources = self.labels if len(self.labels) == 1 else [HUMAN]
        labels = (label for source in sources for label in self.labels.get(source, ()))
        return {
            label.pair_id: "A" if label.p_a > 0.5 else "B" for label in labels if label.p_a != 0.5
        }

    @property
    def told(self) -> tuple[str, ...]:
        """What a summary says of the reading, beside the lines left out: a sentence each."""
        return (*self.notes, *([f"not read: {_listed(self.unused)}"] if self.unused else []))


def read(
    path: str | Path,
    *,
    format: str | None = None,
    skip_invalid: bool = False,
    hub: Hub | None = None,
    allow_remote_images: bool = False,
) -> PairFile:
    """Read pairs from a local file, or from a data set of the hub ("hf:ORG/NAME@REVISION:SPLIT").

    With `skip_invalid`, rows that are wrong in themselves (malformed, missing or wrong fields,
    empty or identical responses, no shared prompt, an id of another pair) are left out and listed.
    What is wrong with the file as a whole (missing, truncated, not UTF-8, no usable row) is always
    an error.

    Several rows on one pair are votes: its label is their mean. A pair keeps the id that the file
    gives it where no other has it, and otherwise is known by its content. `hub` opens data sets of
    the hub; without one they are refused.

    Nothing that the file names is opened here, and later no more than `images` says: with
    `allow_remote_images` its pictures may be fetched when a judge is shown them.

    Raises:
        InputError: With the file, the line where there is one, and a remedy.
    """
    with _open(str(path), hub) as rows:
        chosen, texts = recognised(rows, format)
        gathered = Gathered(chosen.ours, rows.beside)
        for number, text in texts:
            fault = _taken(gathered, chosen, text, where := f"{rows.unit} {number}")
            if fault is not None and not skip_invalid:
                raise rows.error(problem(fault, chosen), remedy(chosen), number) from fault
            gathered.skipped += [f"{where}: {problem(fault, chosen)}"] if fault else []
        if not gathered.lines:
            why = f" ({gathered.skipped[0]})" if gathered.skipped else ""
            raise rows.error(f"no {rows.unit} holds a usable pair{why}", remedy(chosen))
    file = _pair_file(gathered, rows.origin, chosen)
    if allow_remote_images:
        admit_remote(_images(file.pairs))
    return file


def labels_of(file: PairFile, source: str, path: str | Path) -> tuple[Label, ...]:
    """The labels of one source, in file order; pairs it did not label are not among them.

    "soft:NAME" and "NAME" are one source where the file has only one of them.

    Raises:
        InputError: When the file (named by `path`) has no labels of that source.
    """
    other = source.removeprefix(SOFT) if source.startswith(SOFT) else f"{SOFT}{source}"
    found = file.labels.get(source) or file.labels.get(other)
    if found is None:
        known = ", ".join(map(repr, sorted(file.labels)))
        remedy = f"Choose one of: {known}." if known else "Add labels: the file has none at all."
        near = did_you_mean(source, file.labels)
        raise InputError(path, f"no labels from the source {source!r}{near}", remedy)
    return found


def population_of(pairs: Iterable[Pair]) -> str:
    """The populations that pairs come from, with commas between; "unnamed" where none says."""
    return ", ".join(sorted({pair.population for pair in pairs} - {""})) or "unnamed"


def write(path: str | Path, pairs: Sequence[Pair], labels: Mapping[str, Sequence[Label]]) -> None:
    """Write pairs, and the labels of these pairs, in the native format; gzipped for `.gz`.

    The same content gives the same bytes, and a reader sees the old file or the new one, never
    a part. Raises ValueError, before anything is written, for a pair that `read` would refuse.
    """
    targets: dict[str, dict[str, Target]] = {pair.id: {} for pair in pairs}
    for source, of_source in labels.items():
        for label in of_source:
            if label.pair_id in targets:
                target = Target(p_a=label.p_a, rewards=label.rewards)
                targets[label.pair_id][source] = target
    if len(targets) < len(pairs):
        raise ValueError("two pairs have the same id")
    lines = (LabelledPair(**dict(pair), labels=targets[pair.id]).to_json() for pair in pairs)
    content = "".join(f"{line}\n" for line in lines).encode()
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole_bytes(file, gzip.compress(content, mtime=0) if file.suffix == ".gz" else content)


@contextmanager
def _open(path: str, hub: Hub | None) -> Iterator[Rows]:
    if not path.startswith(HUB):
        with open_rows(path, lambda row: detect(row) is not None) as rows:
            yield rows
        return
    if hub is None:
        remedy = "Give it to --pairs of argo-audit, or a local file here."
        raise InputError(path, "data sets of the hub are not read here", remedy)
    yield hub(path.removeprefix(HUB))


def _taken(gathered: Gathered, chosen: PairFormat, text: str, where: str) -> ValueError | None:
    """Take what a row gives; what is wrong with it, where something is."""
    try:
        gathered.take(chosen.read(text), where)
    except ValueError as error:
        return error
    return None


def _pair_file(gathered: Gathered, origin: str, chosen: PairFormat) -> PairFile:
    lines, notes = gathered.finished()
    digest = _fingerprint(lines)
    labels: dict[str, list[Label]] = {}
    pairs: list[Pair] = []
    lines.reverse()
    while lines:  # taken away as they are turned over, so that none is in memory twice
        line = lines.pop()
        for source, target in line.labels.items():
            content = {"pair_id": line.id, "source": source, **dict(target)}
            label = Label.model_construct(_LABEL_FIELDS, **content)  # validated already
            labels.setdefault(source, []).append(label)
        pairs.append(line.to_pair())
    _admit_images(pairs, origin)
    return PairFile(
        pairs=tuple(pairs),
        labels={source: tuple(of_source) for source, of_source in labels.items()},
        fingerprint=digest,
        skipped=tuple(gathered.skipped),
        origin=origin,
        format=chosen.name,
        unused=tuple(gathered.unused),
        notes=(*notes, *([_DRAWN.format(chosen.name)] if chosen.drawn else [])),
    )


def _admit_images(pairs: Iterable[Pair], origin: str) -> None:
    """Those below the file's folder may be opened; a file behind a URL has no folder here."""
    if not origin.startswith(HUB) and not is_url(origin):
        admit(_images(pairs), Path(origin).parent)


def _images(pairs: Iterable[Pair]) -> Iterator[str]:
    return (image for pair in pairs for message in pair.prompt for image in message.images)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"{name!r:.60}" for name in names[:_SHOWN_UNUSED])
    more = len(names) - _SHOWN_UNUSED
    return f"{shown} and {more} more" if more > 0 else shown


def _fingerprint(lines: Sequence[LabelledPair]) -> str:
    digest = sha256()
    for position, line in enumerate(sorted(lines, key=lambda line: line.id)):
        digest.update(("\n" if position else "").encode() + line.to_json().encode())
    return digest.hexdigest()
