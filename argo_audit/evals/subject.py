"""What an evaluation is about: rubrics, the pairs they are judged on, the labels they are held to.

    subject = load_subject("organism-a@3", labels="human,organism-a")
    subject.facts.rubric_id, subject.facts.temperature, len(subject.pairs)

Everything left open follows from the rubric: a stored rubric knows its reward model, that model's
folder holds its held-out pairs, and the judge temperature is the one fitted on dev when the rubric
was selected, never on the pairs that are reported. So `inspect eval argo_audit/rubric_agreement`
needs no argument right after installation.
"""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from argo_audit.errors import InputError, brief
from argo_audit.evals.labelled_pairs import Names, found_from_here, load_pairs, names
from argo_audit.files import join, read_bytes
from argo_audit.pairs.pair_file import population_of, read
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


class RubricFacts(Record):
    """A rubric by what is known of it; `reward_model` is the folder of a stored one.

    `temperature` is the one fitted on dev when it was selected, 1 for a rubric that was not.
    """

    ref: str
    text: str
    train_label_source: str | None = None
    reward_model: str = ""
    temperature: float = 1.0


def default_store() -> str:
    """The root of the rubric store: $ARGO_STORE, else ./rubric_store, else the one shipped.

    The shipped store lies beside the package in a checkout and inside it when installed.
    """
    if root := os.environ.get("ARGO_STORE"):
        return root
    package = Path(str(files("argo_audit")))
    here = Path(found_from_here("rubric_store"))
    places = (here, package.parent / "rubric_store", package / "rubric_store")
    return str(next((place for place in places if place.is_dir()), places[-1]))


def load_subject(  # noqa: PLR0913 - what a task's command line says of its subject
    rubric: str,
    *,
    pairs: str | None = None,
    labels: Names = None,
    store: str | None = None,
    temperature: float | None = None,
    rms: Names = None,
    rm_settings: Mapping[str, Any] | None = None,
) -> Subject:
    """Read rubric, pairs and labels; what is None follows from the rubric.

    Args:
        rubric: A reference into the store ("<reward model>" or "<reward model>@<version>"), a
            path or URL that ends in .md, or "" for the judge's own taste.
        pairs: A file of pairs, or its URL; None is the held-out pairs of the stored rubric's
            reward model.
        labels: Label sources, as a list or with commas between; None is the reward models to ask,
            else the stored rubric's reward model, or every source of the file for any other rubric.
        store: The root of the rubric store; None is `default_store()`.
        temperature: Divides the judge's log-odds; None is the one fitted on the stored rubric's
            dev pairs, else 1.
        rms: Reward models that label the pairs, named as `reward_models.by_name` reads them.
        rm_settings: How they are asked, as RewardModelUse has it.

    Raises:
        InputError: When a file cannot be used or has no labels of a source.
        StoreError: When the store has no such rubric.
        RewardModelError: When a reward model cannot be opened, asked or trusted.
    """
    root = store or default_store()
    known = load_rubric(rubric, root)
    path = pairs or held_out_file(known, root)
    sources = names(labels)
    if not sources and not rms and known.reward_model:
        sources = _default_sources(known, path)
    world = load_pairs(path, sources, rms, rm_settings)
    facts = SubjectFacts(
        rubric_id=Rubric(text=known.text).id,
        rubric_ref=known.ref,
        rubric_text=known.text,
        train_label_source=known.train_label_source,
        population=population_of(world.pairs),
        label_sources=tuple(world.labels),
        temperature=known.temperature if temperature is None else temperature,
        pairs_file=world.path,
        pairs_fingerprint=world.fingerprint,
    )
    return Subject(facts, world.pairs, world.labels)


def load_rubric(rubric: str, root: str) -> RubricFacts:
    """A rubric by its reference, its path, or "" for none. Raises InputError and StoreError."""
    text, stored = _load_rubric(rubric, root)
    if stored is None:
        return RubricFacts(ref=rubric, text=text.text)
    return RubricFacts(
        ref=ref(stored),
        text=text.text,
        train_label_source=stored.label_source,
        reward_model=stored.reward_model,
        temperature=stored.dev.temperature,
    )


def load_rubrics(given: Names, root: str) -> dict[str, RubricFacts]:
    """Rubrics by their references; those of one reference, of several stores, by their places."""
    places = names(given)
    found = [load_rubric(place, root) for place in places]
    taken = Counter(rubric.ref for rubric in found)
    return {
        rubric.ref if taken[rubric.ref] == 1 else place: rubric
        for place, rubric in zip(places, found, strict=True)
    }


def held_out_file(rubric: RubricFacts, root: str) -> str:
    """Where the held-out pairs of a stored rubric lie. Raises InputError for any other rubric."""
    if not rubric.reward_model:
        remedy = "Name a file of pairs: -T pairs=<file>."
        raise InputError(rubric.ref or "(no rubric)", "it is not from the store", remedy)
    return join(root, slug(rubric.reward_model), HELD_OUT)


def _load_rubric(rubric: str, root: str) -> tuple[Rubric, StoredRubric | None]:
    if not rubric:
        return Rubric(text=""), None
    if not rubric.endswith(".md"):
        stored = RubricStore(root).get(rubric)
        return stored.rubric, stored
    text = _read_text(found_from_here(rubric))
    if not text.startswith("---\n"):
        return Rubric(text=text), None
    stored = from_document(text)
    return stored.rubric, stored


def _read_text(path: str | Path) -> str:
    try:
        return read_bytes(path).decode().replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        remedy = "Give the path of a rubric in UTF-8, or a reference into the rubric store."
        raise InputError(path, f"the rubric cannot be read ({brief(error)})", remedy) from error


def _default_sources(rubric: RubricFacts, path: str) -> tuple[str, ...]:
    known = rubric.reward_model in read(found_from_here(path)).labels
    source = rubric.reward_model if known else rubric.train_label_source
    return (source,) if source else ()
