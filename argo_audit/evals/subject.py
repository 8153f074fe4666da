"""What an evaluation is about: a rubric, the pairs it is judged on, the labels it is held to.

    subject = load_subject("organism-a@3", labels="human,organism-a")
    subject.facts.rubric_id, subject.facts.temperature, len(subject.pairs)

Everything left open follows from the rubric: a stored rubric knows its reward model, that model's
folder holds its held-out pairs, and the judge temperature is the one fitted on dev when the rubric
was selected, never on the pairs that are reported. So `inspect eval argo_audit/rubric_agreement`
needs no argument right after installation.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import argo_audit
from argo_audit.errors import InputError
from argo_audit.files import is_url, join, read_bytes
from argo_audit.pairs import PairFile, labels_of, population_of, read
from argo_audit.records import Label, Pair, Record, Rubric, StoredRubric
from argo_audit.store import HELD_OUT, RubricStore, from_document, ref, slug


class SubjectFacts(Record):
    """What the eval log says about the subject; enough to read the numbers years later."""

    rubric_id: str
    rubric_ref: str
    rubric_text: str
    train_label_source: str | None
    population: str
    label_sources: tuple[str, ...]
    temperature: float
    pairs_file: str
    pairs_fingerprint: str


@dataclass(frozen=True)
class Subject:
    """A rubric, the pairs that have a label of a chosen source, and those labels by source."""

    facts: SubjectFacts
    pairs: tuple[Pair, ...]
    labels: Mapping[str, tuple[Label, ...]]

    @property
    def rubric(self) -> Rubric:
        """The rubric that is evaluated."""
        return Rubric(text=self.facts.rubric_text)


def default_store() -> str:
    """The root of the rubric store: $ARGO_STORE, else ./rubric_store, else the one shipped.

    The shipped store lies beside the package in a checkout and inside it when installed.
    """
    if root := os.environ.get("ARGO_STORE"):
        return root
    package = Path(argo_audit.__file__).parent
    here = Path(_found("rubric_store"))
    places = (here, package.parent / "rubric_store", package / "rubric_store")
    return str(next((place for place in places if place.is_dir()), places[-1]))


def load_subject(
    rubric: str,
    *,
    pairs: str | None = None,
    labels: str | Sequence[str] | None = None,
    store: str | None = None,
    temperature: float | None = None,
) -> Subject:
    """Read rubric, pairs and labels; what is None follows from the rubric.

    Args:
        rubric: A reference into the store ("<reward model>" or "<reward model>@<version>"), a
            path or URL that ends in .md, or "" for the judge's own taste.
        pairs: A file of pairs, or its URL; None is the held-out pairs of the stored rubric's
            reward model.
        labels: Label sources, as a list or with commas between; None is the stored rubric's
            reward model, or every source of the file for any other rubric.
        store: The root of the rubric store; None is `default_store()`.
        temperature: Divides the judge's log-odds; None is the one fitted on the stored rubric's
            dev pairs, else 1.

    Raises:
        InputError: When a file cannot be used or has no labels of a source.
        StoreError: When the store has no such rubric.
    """
    root = store or default_store()
    text, stored = _load_rubric(rubric, root)
    path = _found(pairs) if pairs else _held_out_file(rubric, stored, root)
    file = read(path)
    sources = _chosen(labels) or _default_sources(stored, file)
    by_source = {source: labels_of(file, source, path) for source in sources}
    labelled = {label.pair_id for of_source in by_source.values() for label in of_source}
    judged = tuple(pair for pair in file.pairs if pair.id in labelled)
    dev_temperature = stored.dev.temperature if stored else 1.0
    facts = SubjectFacts(
        rubric_id=text.id,
        rubric_ref=rubric if stored is None else ref(stored),
        rubric_text=text.text,
        train_label_source=stored.label_source if stored else None,
        population=population_of(judged),
        label_sources=sources,
        temperature=dev_temperature if temperature is None else temperature,
        pairs_file=str(path),
        pairs_fingerprint=file.fingerprint,
    )
    return Subject(facts, judged, by_source)


def _load_rubric(rubric: str, root: str) -> tuple[Rubric, StoredRubric | None]:
    if not rubric:
        return Rubric(text=""), None
    if not rubric.endswith(".md"):
        stored = RubricStore(root).get(rubric)
        return stored.rubric, stored
    text = _read_text(_found(rubric))
    if not text.startswith("---\n"):
        return Rubric(text=text), None
    stored = from_document(text)
    return stored.rubric, stored


def _read_text(path: str | Path) -> str:
    try:
        return read_bytes(path).decode().replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        remedy = "Give the path of a rubric in UTF-8, or a reference into the rubric store."
        raise InputError(path, f"the rubric cannot be read ({error})", remedy) from error


def _held_out_file(rubric: str, stored: StoredRubric | None, root: str) -> str:
    if stored is None:
        remedy = "Name a file of pairs: -T pairs=<file>."
        raise InputError(rubric or "(no rubric)", "it is not from the store", remedy)
    return join(root, slug(stored.reward_model), HELD_OUT)


def _chosen(labels: str | Sequence[str] | None) -> tuple[str, ...]:
    names = labels.split(",") if isinstance(labels, str) else labels or ()
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def _default_sources(stored: StoredRubric | None, file: PairFile) -> tuple[str, ...]:
    if stored is None:
        return tuple(sorted(file.labels))
    return (stored.reward_model if stored.reward_model in file.labels else stored.label_source,)


def _found(path: str) -> str | Path:
    """A URL, or `path` from the working folder, else from the folder the command was given in.

    They differ because Inspect enters a task file's folder to load the task.
    """
    if is_url(path):
        return path
    given, typed = Path(path), Path(os.environ.get("PWD", "."), path)
    return typed if typed.exists() and not given.exists() else given
