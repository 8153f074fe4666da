"""Preference pairs: read them from a file, and write them.

    file = read("pairs.jsonl.gz")
    labels = labels_of(file, "soft:Skywork-Reward-Llama-3.1-8B", "pairs.jsonl.gz")
    write("mine.jsonl", file.pairs, file.labels)

Two formats of JSON lines, gzipped or not, told apart by the first line that is an object:

- native: the fields of `Pair` and `"labels": {source: {"p_a": 0.7, "rewards": [1.2, 0.3]}}`;
- numbered: `response_1` becomes A; `label` (P(response_1 preferred), null for none) becomes the
  source "human", `soft[NAME]` the source "soft:NAME", with the rewards in `meta` beside it.

The first faulty line stops the reading, because a file that is read in part is another data set;
whoever wants the rest says so, and every line left out is listed.
"""

import gzip
import json
import uuid
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

from pydantic import ConfigDict, Field, JsonValue, ValidationError, model_validator
from pydantic_core import from_json

from argo_audit.errors import InputError
from argo_audit.files import is_url, read_bytes, reason, remedy
from argo_audit.records import Label, Message, Pair, Probability, Record

_KEPT_META = ("set", "category", "subset", "label_source")
"""What becomes a slice. Entries that belong to one response (`model_1`) do not: slices stay as
they are when the letters are exchanged."""


@dataclass(frozen=True, slots=True)
class PairFile:
    """A file of pairs as it was read.

    `pairs` are in file order; `labels` maps a source to its labels, in file order, for the pairs
    it labelled. `fingerprint` is the SHA-256 (64 hex digits) of the content: the order of the
    lines, the format and the compression do not change it. `skipped` holds "line N: why".
    """

    pairs: tuple[Pair, ...]
    labels: Mapping[str, tuple[Label, ...]]
    fingerprint: str
    skipped: tuple[str, ...]


class _Target(Record):
    p_a: Probability
    rewards: tuple[float, float] | None = None


class _Line(Pair):
    """A line of the native format."""

    labels: dict[str, _Target] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _comparable(self) -> Self:
        if not self.response_a.strip():
            raise ValueError("the first response is empty")
        if not self.response_b.strip():
            raise ValueError("the second response is empty")
        if self.response_a == self.response_b:
            raise ValueError("the two responses are identical")
        return self

    def to_line(self) -> "_Line":
        return self

    def to_pair(self) -> Pair:
        return Pair(**{name: getattr(self, name) for name in Pair.model_fields})

    def to_json(self) -> str:
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True)


class _Numbered(Record):
    """A line of the numbered format."""

    model_config = ConfigDict(extra="ignore")

    id: str
    prompt: tuple[Message, ...]
    response_1: str
    response_2: str
    label: Probability | None = None
    soft: dict[str, Probability | None] = Field(default_factory=dict)
    meta: dict[str, JsonValue] = Field(default_factory=dict)
    split: str | None = None

    def to_line(self) -> _Line:
        slices = {key: self._meta_text(key) for key in _KEPT_META} | {"split": self.split or ""}
        content = {
            "id": self.id,
            "prompt": self.prompt,
            "response_a": self.response_1,
            "response_b": self.response_2,
            "population": self._meta_text("population") or self._meta_text("set"),
            "slices": {key: text for key, text in slices.items() if text},
            "labels": self._targets(),
        }
        return _Line.model_validate(content, strict=True)

    def _meta_text(self, key: str) -> str:
        entry = self.meta.get(key)
        return entry if isinstance(entry, str) else ""

    def _targets(self) -> dict[str, dict[str, object]]:
        """Not validated yet: the rewards come from `meta`, which may hold anything."""
        targets: dict[str, dict[str, object]] = {}
        if self.label is not None:
            targets["human"] = {"p_a": self.label}
        for name, p_a in self.soft.items():
            if p_a is not None:
                targets[f"soft:{name}"] = {"p_a": p_a, "rewards": self._rewards(name)}
        return targets

    def _rewards(self, name: str) -> tuple[JsonValue, JsonValue] | None:
        rewards = (self.meta.get(f"reward_{name}_1"), self.meta.get(f"reward_{name}_2"))
        return None if None in rewards else rewards


def read(path: str | Path, *, skip_invalid: bool = False) -> PairFile:
    """Read a file of pairs.

    With `skip_invalid`, lines that are wrong in themselves (malformed, missing or wrong fields,
    empty or identical responses, an id seen before) are left out and listed. What is wrong with
    the file as a whole (missing, truncated, not UTF-8, no usable line) is always an error.

    Raises:
        InputError: With the file, the line where there is one, and a remedy.
    """
    file = path
    texts = _texts(file)
    row = _row_type(texts)
    lines: dict[str, _Line] = {}
    skipped: list[str] = []
    for number, text in texts:
        try:
            line = row.model_validate_json(text, strict=True).to_line()
            if line.id in lines:
                raise ValueError(f"the id {line.id!r:.80} was seen before: ids must be unique")
        except ValueError as error:
            if not skip_invalid:
                raise InputError(file, _problem(error), _remedy(row), number) from error
            skipped.append(f"line {number}: {_problem(error)}")
        else:
            lines[line.id] = line
    if not lines:
        problem = f"no line holds a usable pair ({skipped[0]})"
        raise InputError(file, problem, _remedy(row))
    return _pair_file(lines.values(), skipped)


def labels_of(file: PairFile, source: str, path: str | Path) -> tuple[Label, ...]:
    """The labels of one source, in file order; pairs it did not label are not among them.

    Raises:
        InputError: When the file (named by `path`) has no labels of that source.
    """
    if source not in file.labels:
        known = ", ".join(map(repr, sorted(file.labels)))
        remedy = f"Choose one of: {known}." if known else "Add labels: the file has none at all."
        raise InputError(path, f"no labels from the source {source!r}", remedy)
    return file.labels[source]


def write(path: str | Path, pairs: Sequence[Pair], labels: Mapping[str, Sequence[Label]]) -> None:
    """Write pairs, and the labels of these pairs, in the native format; gzipped for `.gz`.

    The same content gives the same bytes, and a reader sees the old file or the new one, never
    a part. Raises ValueError, before anything is written, for a pair that `read` would refuse.
    """
    targets: dict[str, dict[str, _Target]] = {pair.id: {} for pair in pairs}
    for source, of_source in labels.items():
        for label in of_source:
            if label.pair_id in targets:
                target = _Target(p_a=label.p_a, rewards=label.rewards)
                targets[label.pair_id][source] = target
    if len(targets) < len(pairs):
        raise ValueError("two pairs have the same id")
    lines = (_Line(**dict(pair), labels=targets[pair.id]).to_json() for pair in pairs)
    content = "".join(f"{line}\n" for line in lines).encode()
    file = Path(path)
    _replace(file, gzip.compress(content, mtime=0) if file.suffix == ".gz" else content)


def _pair_file(lines: Iterable[_Line], skipped: Iterable[str]) -> PairFile:
    by_id = sorted(lines, key=lambda line: line.id)
    labels: dict[str, list[Label]] = {}
    for line in lines:
        for source, target in line.labels.items():
            label = Label(pair_id=line.id, source=source, **dict(target))
            labels.setdefault(source, []).append(label)
    return PairFile(
        pairs=tuple(line.to_pair() for line in lines),
        labels={source: tuple(of_source) for source, of_source in labels.items()},
        fingerprint=sha256("\n".join(line.to_json() for line in by_id).encode()).hexdigest(),
        skipped=tuple(skipped),
    )


def _texts(file: str | Path) -> list[tuple[int, str]]:
    """The lines that are not blank, with their numbers from 1."""
    texts = []
    for number, line in enumerate(_content(file).removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise InputError(file, "not UTF-8 text", "Save it as UTF-8.", number) from error
        if text.strip():
            texts.append((number, text))
    if not texts:
        raise InputError(file, "the file is empty", "Write one pair as JSON on each line.")
    return texts


def _content(file: str | Path) -> bytes:
    """What is in a file of this machine or behind an fsspec URL, unzipped."""
    try:
        content = read_bytes(file)
        if str(file).endswith(".gz") or content.startswith(b"\x1f\x8b"):
            return gzip.decompress(content)
    except FileNotFoundError as error:
        raise InputError(file, "there is no such file", "Check the path.") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        problem = f"not a whole gzip file ({error})"
        raise InputError(file, problem, "Copy or download it again.") from error
    except OSError as error:
        problem = f"cannot be read ({error.strerror or reason(error)})"
        mend = remedy(file, error) if is_url(file) else "Give a file you may read."
        raise InputError(file, problem, mend) from error
    return content


def _row_type(texts: Iterable[tuple[int, str]]) -> type[_Line] | type[_Numbered]:
    for _, text in texts:
        try:
            row = from_json(text)
        except ValueError:
            continue
        if isinstance(row, dict):
            return _Numbered if "response_1" in row else _Line
    return _Line


def _problem(error: ValueError) -> str:
    """What is wrong, without the text that is wrong: model text does not enter messages."""
    if not isinstance(error, ValidationError):
        return str(error)
    details = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(_detail(detail["loc"], detail["msg"]) for detail in details[:3])


def _detail(place: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ").replace(" at line 1 column", " at column")
    return f"{'.'.join(map(str, place))!r:.120}: {message}" if place else message


def _remedy(row: type[_Line] | type[_Numbered]) -> str:
    responses = "response_1, response_2" if row is _Numbered else "response_a, response_b"
    return (
        f"A line needs id, prompt [{{role, content}}], {responses}. Mend or remove it, or leave "
        "such lines out with --skip-invalid."
    )


def _replace(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{uuid.uuid4().hex}.part")
    try:
        part.write_bytes(content)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
