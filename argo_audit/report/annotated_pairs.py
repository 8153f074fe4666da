"""Annotated pairs: held-out pairs with everybody's preference, as Feedback Forensics reads them.

    export = annotated_pairs((Exported(pairs, "rm-a", labels, judges),), "Audit", created)
    path.write_text(export.to_json())        # feedback-forensics -d audit.json

The format is the annotated pairs JSON, version 2.0, of Inverse Constitutional AI (rdnfn/icai,
src/inverse_cai/data/annotated_pairs_format.py) as the loader of Feedback Forensics 0.5.0 takes it
(src/feedback_forensics/data/loader.py): annotators by id, a comparison with an annotation per
annotator. Two things are that loader's: the annotator it holds all others to must have the id
DEFAULT_ANNOTATOR, and what it lists by itself are annotators of the type "principle". So the labels
that each population was learned from are the default, and every surface feature is a principle,
for the response that has more of it: the app then measures, per feature, how strongly labels go
along with it. Preferences are letters there; a tie, an unreadable verdict, and a pair that does not
differ in a feature have none, with the reason. How sure a label is, is lost.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import md5
from typing import Literal, NamedTuple

from pydantic import Field

from argo_audit.findings.stances import feature_name
from argo_audit.prompts.fences import render_messages
from argo_audit.records import HUMAN, VERSION, Label, Message, Pair, Record, fingerprint
from argo_audit.report.names import plain_label
from argo_audit.surface.contrast import measured, prefers_more
from argo_audit.surface.features import FEATURES

FORMAT = "2.0"

PRINCIPLE = "principle"
"""The type of annotators that Feedback Forensics lists by itself."""

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_DEFAULT_NAME = "Default annotator from original dataset (from column `preferred_text`)"


def _id(text: str) -> str:
    """How the format makes ids of annotators; md5 as an identifier, not for security."""
    return md5(text.encode(), usedforsecurity=False).hexdigest()[:8]


DEFAULT_ANNOTATOR = _id(_DEFAULT_NAME)
"""The id that Feedback Forensics knows the default annotator by."""


class Annotator(Record):
    """Who prefers; the app shows `name`, and of a principle its description."""

    name: str
    description: str
    type: str


class Annotation(Record):
    """A preference, or why there is none."""

    pref: Literal["a", "b"] | None
    no_pref_reason: str | None = None


class Response(Record):
    """A response; other keys are allowed by the format, and not used."""

    text: str


class Comparison(Record):
    """A pair with its annotations by the annotators' ids."""

    id: str
    prompt: str
    response_a: Response
    response_b: Response
    annotations: dict[str, Annotation]
    metadata: dict[str, str]


class Metadata(Record):
    """What the file is."""

    version: str = FORMAT
    description: str
    created_at: str
    dataset_name: str
    default_annotator: str = DEFAULT_ANNOTATOR
    available_metadata_keys_per_comparison: tuple[str, ...]


class AnnotatedPairs(Record):
    """A file in the format."""

    metadata: Metadata
    annotators: dict[str, Annotator] = Field(min_length=1)
    comparisons: tuple[Comparison, ...]

    def to_json(self) -> str:
        """The file's text."""
        return self.model_dump_json(indent=1) + "\n"


class Said(NamedTuple):
    """What somebody prefers: P(A) by pair id, None where no verdict could be read."""

    annotator: Annotator
    p_a: Mapping[str, float | None]


class Exported(NamedTuple):
    """A population: its pairs, the source that was learned from, all labels, and all judges."""

    pairs: Sequence[Pair]
    label_source: str
    labels: Mapping[str, Sequence[Label]]
    judges: Sequence[Said]


def annotated_pairs(
    populations: Sequence[Exported], name: str, created: datetime | None = None
) -> AnnotatedPairs:
    """All pairs of the populations; of a pair in several of them the first one's labels count.

    Who prefers nothing anywhere is left out. Without `created` the file has no date.
    """
    default = _default(populations)
    said = [dict(_everybody(population, default)) for population in populations]
    comparisons = _comparisons(populations, said)
    used = {key for one in comparisons for key, it in one.annotations.items() if it.pref}
    used.add(DEFAULT_ANNOTATOR)
    annotators = {key: it.annotator for own in said for key, it in own.items() if key in used}
    return AnnotatedPairs(
        metadata=Metadata(
            description=f"Held-out pairs of an audit by argo-audit {VERSION}",
            created_at=created.astimezone(UTC).strftime(_TIME) if created else "",
            dataset_name=name,
            available_metadata_keys_per_comparison=_keys(comparisons),
        ),
        annotators=annotators,
        comparisons=tuple(_only(one, used) for one in comparisons),
    )


def _default(populations: Sequence[Exported]) -> Annotator:
    sources = dict.fromkeys(plain_label(one.label_source) for one in populations)
    names = ", ".join(sources)
    said = f"The labels that a rubric was learned from: {names}"
    return Annotator(name=names, description=said, type="label source")


def _everybody(population: Exported, default: Annotator) -> Iterator[tuple[str, Said]]:
    """Who says something of the population's pairs, by id."""
    for source, labels in population.labels.items():
        known = {label.pair_id: label.p_a for label in labels}
        name, kind = plain_label(source), "human" if source == HUMAN else "reward model"
        own = Annotator(name=name, description=f"Labels: {name}", type=kind)
        if source == population.label_source:
            yield DEFAULT_ANNOTATOR, Said(default, known)
        else:
            yield _id_of(own), Said(own, known)
    for said in (*population.judges, *_features(population.pairs)):
        yield _id_of(said.annotator), said


def _id_of(annotator: Annotator) -> str:
    """Of its description where the format does so, else of its type and name."""
    if annotator.type == PRINCIPLE:
        return _id(annotator.description)
    return _id(f"{annotator.type} {annotator.name}")


def _comparisons(
    populations: Sequence[Exported], said: Sequence[Mapping[str, Said]]
) -> list[Comparison]:
    """Every pair once, with the annotations of all populations that it is in."""
    found: dict[str, Comparison] = {}
    for population, own in zip(populations, said, strict=True):
        for pair in population.pairs:
            new = _comparison(pair, own)
            old = found.get(new.id, new)
            merged = {"annotations": new.annotations | old.annotations}
            found[new.id] = old.model_copy(update=merged)
    return list(found.values())


def _features(pairs: Sequence[Pair]) -> Iterator[Said]:
    """Every surface feature: it prefers the response that has more of it."""
    on = measured(pairs)
    columns = prefers_more(on.first, on.second).T.tolist()
    for feature, column in zip(FEATURES, columns, strict=True):
        p_a = {pair.id: said for pair, said in zip(pairs, column, strict=True)}
        name = feature_name(feature)
        said = f"Select the response that has more {name}"
        yield Said(Annotator(name=name, description=said, type=PRINCIPLE), p_a)


def _comparison(pair: Pair, everybody: Mapping[str, Said]) -> Comparison:
    prompt = _text(pair.prompt)
    return Comparison(
        id=fingerprint("\x1e".join((prompt, pair.response_a, pair.response_b)), 16),
        prompt=prompt,
        response_a=Response(text=pair.response_a),
        response_b=Response(text=pair.response_b),
        annotations={
            key: _annotation(said.p_a[pair.id], said.annotator.type)
            for key, said in everybody.items()
            if pair.id in said.p_a
        },
        metadata={"population": pair.population, "pair": pair.id}
        | {f"slice {kind}": value for kind, value in pair.slices.items()},
    )


def _text(prompt: Sequence[Message]) -> str:
    """A prompt of one message is its text, any other a conversation with its roles."""
    return prompt[0].content if len(prompt) == 1 else render_messages(prompt)


def _annotation(p_a: float | None, kind: str) -> Annotation:
    if p_a is None:
        return Annotation(pref=None, no_pref_reason="invalid")
    if p_a == 0.5:
        reason = "not_applicable" if kind == PRINCIPLE else "tie"
        return Annotation(pref=None, no_pref_reason=reason)
    return Annotation(pref="a" if p_a > 0.5 else "b")


def _only(comparison: Comparison, used: set[str]) -> Comparison:
    kept = {key: it for key, it in comparison.annotations.items() if key in used}
    return comparison.model_copy(update={"annotations": kept})


def _keys(comparisons: Iterable[Comparison]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for one in comparisons for key in one.metadata))
