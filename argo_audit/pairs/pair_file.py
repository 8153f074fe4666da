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
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import from_json

from argo_audit.errors import InputError, did_you_mean, problems
from argo_audit.files import write_whole_bytes
from argo_audit.pairs.formats.containers import Numbered, Rows, open_rows
from argo_audit.pairs.formats.labelled import LabelledPair, PairFormat, Target, content_id
from argo_audit.pairs.formats.native import NATIVE
from argo_audit.pairs.formats.registry import FORMATS, detect, known_formats, named
from argo_audit.records import Label, Pair

HUB = "hf:"
Hub = Callable[[str], Rows]
"""Opens what follows "hf:" in the name of a data set; `argo_audit.pairs.hub` is the real one."""

_LOOKED_AT = 100
"""Rows that may be of no known format before one that is."""


@dataclass(frozen=True, slots=True)
class PairFile:
    """A file of pairs as it was read.

    `pairs` are in file order; `labels` maps a source to its labels, in file order, for the pairs
    it labelled. `fingerprint` is the SHA-256 (64 hex digits) of the content: the order of the
    rows, the format and the compression do not change it. `skipped` holds "line N: why". `origin`
    is the path, or the data set at its commit; `format` is the name of the format.
    """

    pairs: tuple[Pair, ...]
    labels: Mapping[str, tuple[Label, ...]]
    fingerprint: str
    skipped: tuple[str, ...]
    origin: str = field(default="", compare=False)
    format: str = field(default="", compare=False)


def read(
    path: str | Path,
    *,
    format: str | None = None,
    skip_invalid: bool = False,
    hub: Hub | None = None,
) -> PairFile:
    """Read pairs from a local file, or from a data set of the hub ("hf:ORG/NAME@REVISION:SPLIT").

    With `skip_invalid`, rows that are wrong in themselves (malformed, missing or wrong fields,
    empty or identical responses, no shared prompt, a pair or id seen before) are left out and
    listed. What is wrong with the file as a whole (missing, truncated, not UTF-8, no usable row)
    is always an error.

    A pair keeps the id that the file gives it where no other has it, and otherwise is known by its
    content. `hub` opens data sets of the hub; without one they are refused.

    Raises:
        InputError: With the file, the line where there is one, and a remedy.
    """
    rows = _open(str(path), hub)
    chosen, texts = _format(rows, format)
    lines: dict[str, LabelledPair] = {}
    numbers: dict[str, int] = {}
    skipped: list[str] = []
    for number, text in texts:
        try:
            line = chosen.read(text)
            key = line.id if chosen.ours else _content_id(line)
            if key in lines:
                raise ValueError(_seen_before(chosen, line, f"{rows.unit} {numbers[key]}"))
        except ValueError as error:
            if not skip_invalid:
                raise rows.error(_problem(error, chosen), _remedy(chosen), number) from error
            skipped.append(f"{rows.unit} {number}: {_problem(error, chosen)}")
        else:
            lines[key], numbers[key] = line, number
    if not lines:
        why = f" ({skipped[0]})" if skipped else ""
        raise rows.error(f"no {rows.unit} holds a usable pair{why}", _remedy(chosen))
    found = lines.values() if chosen.ours else _with_unique_ids(lines)
    return _pair_file(list(found), skipped, rows.origin, chosen.name)


def labels_of(file: PairFile, source: str, path: str | Path) -> tuple[Label, ...]:
    """The labels of one source, in file order; pairs it did not label are not among them.

    Raises:
        InputError: When the file (named by `path`) has no labels of that source.
    """
    if source not in file.labels:
        known = ", ".join(map(repr, sorted(file.labels)))
        remedy = f"Choose one of: {known}." if known else "Add labels: the file has none at all."
        near = did_you_mean(source, file.labels)
        raise InputError(path, f"no labels from the source {source!r}{near}", remedy)
    return file.labels[source]


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


def _open(path: str, hub: Hub | None) -> Rows:
    if not path.startswith(HUB):
        return open_rows(path)
    if hub is None:
        remedy = "Give it to --pairs of argo-audit, or a local file here."
        raise InputError(path, "data sets of the hub are not read here", remedy)
    return hub(path.removeprefix(HUB))


def _format(rows: Rows, name: str | None) -> tuple[PairFormat, Numbered]:
    """The format by name or by the first row that is in any, and all rows."""
    if name is not None:
        if (chosen := named(name)) is None:
            near = did_you_mean(name, (known.name for known in FORMATS))
            problem = f"there is no format {name!r:.40}{near}"
            raise rows.error(problem, f"Formats and what they need: {known_formats()}.")
        return chosen, rows.texts
    first_object: tuple[int, list[str]] | None = None
    looked_at: list[tuple[int, str]] = []
    for number, text in rows.texts:
        looked_at.append((number, text))
        row = _object(text)
        if row is not None and (chosen := detect(row)) is not None:
            return chosen, chain(looked_at, rows.texts)
        if row is not None and first_object is None:
            first_object = (number, list(row))
        if len(looked_at) == _LOOKED_AT:
            break
    if first_object is not None:
        raise _unrecognised(rows, *first_object)
    return NATIVE, chain(looked_at, rows.texts)


def _object(text: str) -> dict[str, object] | None:
    try:
        row = from_json(text)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _unrecognised(rows: Rows, number: int, columns: Sequence[str]) -> InputError:
    seen = ", ".join(f"{column!r:.40}" for column in columns[:12]) or "none"
    more = f" and {len(columns) - 12} more" if len(columns) > 12 else ""
    problem = f"the format is not recognised; the columns are {seen}{more}"
    remedy = f"Rename columns, or name a format with --format. Known are: {known_formats()}."
    return rows.error(problem, remedy, number)


def _content_id(line: LabelledPair) -> str:
    return content_id(line.prompt, (line.response_a, line.response_b))


def _seen_before(chosen: PairFormat, line: LabelledPair, where: str) -> str:
    if chosen.ours:
        return f"the id {line.id!r:.80} was seen before: ids must be unique"
    return f"the same prompt and responses as in {where}"


def _with_unique_ids(lines: Mapping[str, LabelledPair]) -> Iterable[LabelledPair]:
    """Lines by content id; an id that several give, or that looks like a content id, is dropped."""
    uses = Counter(line.id for line in lines.values())
    for key, line in lines.items():
        keeps = line.id == key or (uses[line.id] == 1 and line.id not in lines)
        yield line if keeps else line.model_copy(update={"id": key})


def _pair_file(
    lines: Sequence[LabelledPair], skipped: Sequence[str], origin: str, format_name: str
) -> PairFile:
    labels: dict[str, list[Label]] = {}
    for line in lines:
        for source, target in line.labels.items():
            label = Label(pair_id=line.id, source=source, **dict(target))
            labels.setdefault(source, []).append(label)
    return PairFile(
        pairs=tuple(line.to_pair() for line in lines),
        labels={source: tuple(of_source) for source, of_source in labels.items()},
        fingerprint=_fingerprint(lines),
        skipped=tuple(skipped),
        origin=origin,
        format=format_name,
    )


def _fingerprint(lines: Sequence[LabelledPair]) -> str:
    digest = sha256()
    for position, line in enumerate(sorted(lines, key=lambda line: line.id)):
        digest.update(("\n" if position else "").encode() + line.to_json().encode())
    return digest.hexdigest()


def _problem(error: ValueError, chosen: PairFormat) -> str:
    """What is wrong, without the text that is wrong: model text does not enter messages."""
    if not isinstance(error, ValidationError):
        return str(error)
    found = problems(error, chosen.row, quote=False)[:3]
    return "; ".join(f"{one.where!r:.120}: {one.what}" if one.where else one.what for one in found)


def _remedy(chosen: PairFormat) -> str:
    return (
        f"Read as {chosen.name}, which needs {', '.join(chosen.columns)}: name another format with "
        "--format, mend or remove what is wrong, or leave such lines out with --skip-invalid."
    )
