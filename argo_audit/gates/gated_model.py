"""What is gated: a reward model, opened, checked and asked once however many gates there are.

    subject = GatedModel("reward_model", GateSettings(pairs="pairs.jsonl.gz"), Path("."))
    data = subject.data(None)                    # the pairs of the settings
    subject.labels(data)["p1"].rewards           # what it pays, by pair
    subject.reference(data, Held(labels="human")).p_a

What a reward model is held to is a `Held`: labels of the pairs' file, or a rubric under a judge.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from argo_audit.audits.given_parts import give
from argo_audit.errors import GateError, UnavailableError
from argo_audit.evals.subject import default_store, load_rubric
from argo_audit.gates.defaults import GateSettings, found, located
from argo_audit.gates.edited import Probe, Remembering, probed
from argo_audit.judges.judged import judgments_of
from argo_audit.judges.opening import open_judge
from argo_audit.kinds import lent
from argo_audit.pairs.pair_file import PairFile, labels_of, read
from argo_audit.probes.edits.edit import Attribute
from argo_audit.probes.probe import Probed, check_live
from argo_audit.records import Label, Record, Rubric
from argo_audit.reward_models.by_name import (
    RewardModelUse,
    checked,
    has_gpu,
    open_reward_model,
)
from argo_audit.reward_models.soft_labels import label_pairs
from argo_audit.roles import Judge, RewardModel
from argo_audit.stats.agreement import agreeing

_NO_MATTER = {"in_flight", "retries", "cache"}  # to what a judge prefers


class Held(Record):
    """What a reward model is held to: a source of labels, or a rubric and who judges by it."""

    labels: str = ""
    rubric: str = ""
    rubric_id: str = ""
    judge: str = ""

    def __str__(self) -> str:
        """As a sentence names it."""
        return f"labels {self.labels!r}" if self.labels else f"rubric {self.rubric}, {self.judge}"


@dataclass(frozen=True)
class Data:
    """Pairs as they were read, and where from."""

    file: PairFile
    place: str

    @cached_property
    def prompts(self) -> dict[str, str]:
        """Pair id -> prompt, the cluster for intervals."""
        return {pair.id: pair.prompt_key for pair in self.file.pairs}


class Reference(NamedTuple):
    """What is preferred by whatever the reward model is held to: P(A) by pair id.

    Under a rubric the reward model's side is the label and the judge is held to it, as everywhere.
    """

    held: Held
    preferences: Mapping[str, float]

    def agrees(self, labels: Mapping[str, Label]) -> dict[str, float]:
        """1 where the reward model is on the same side, 0 where not, by pair.

        A label without a side leaves its pair out; who is held to it gets half a point for a tie.
        """
        ids = [pair_id for pair_id in self.preferences if pair_id in labels]
        paid = np.array([labels[pair_id].p_a for pair_id in ids])
        said = np.array([self.preferences[pair_id] for pair_id in ids])
        sided = (paid if self.held.rubric else said) != 0.5
        found = zip(ids, agreeing(said, paid), sided, strict=True)
        return {pair_id: float(value) for pair_id, value, counts in found if counts}


@dataclass
class GatedModel:
    """A reward model with everything that was found out about it; `folder` is where paths start.

    `given` are the objects that it and the judge may be.
    """

    spec: str
    settings: GateSettings
    folder: Path
    given: Sequence[RewardModel | Judge] = ()
    _data: dict[str, Data] = field(default_factory=dict)
    _models: dict[str, RewardModel] = field(default_factory=dict)
    _labels: dict[tuple[str, str], dict[str, Label]] = field(default_factory=dict)
    _references: dict[tuple[str, Held], Reference] = field(default_factory=dict)
    _asked: dict[str, Remembering] = field(default_factory=dict)

    def data(self, pairs: str | None) -> Data:
        """The pairs of a file, None: those of the settings. Raises GateError and InputError."""
        given = pairs or self.settings.pairs
        if given is None:
            raise GateError(
                "a gate without pairs\n  Remedy: give it pairs=..., or write pairs = ... at the "
                "top of gates.toml"
            )
        place = found(given, self.folder)
        if place not in self._data:
            self._data[place] = Data(read(place), place)
        return self._data[place]

    def model(self, data: Data | None, spec: str | None = None) -> RewardModel:
        """The reward model (or another one), once it has passed its checks on some of the pairs.

        Without pairs the checks have their own texts alone. Recorded scores belong to their pairs,
        so they are opened for each file of those.
        """
        spec = located(spec, self.folder) if spec else self.spec
        key = f"{spec}\n{data.place}" if data and spec.startswith("scores:") else spec
        if key not in self._models:
            self._require()
            use = RewardModelUse(
                settings=self.settings.reward_model, accept_failing=self.settings.accept_failing_rm
            )
            pairs, chosen = (data.file.pairs, data.file.chosen) if data else ((), None)
            with self._lent():
                model = open_reward_model(spec, use.settings, pairs, chosen)
            checked(model, pairs, use)
            self._models[key] = model
        return self._models[key]

    def labels(self, data: Data, spec: str | None = None) -> dict[str, Label]:
        """What the reward model (or another one) prefers, by pair id."""
        key = data.place, spec or ""
        if key not in self._labels:
            labels = label_pairs(self.model(data, spec), data.file.pairs)
            self._labels[key] = {label.pair_id: label for label in labels}
        return self._labels[key]

    def held(self, labels: str | None, rubric: str | None) -> Held:
        """What a gate's words name. Raises GateError unless they name one thing."""
        if (labels is None) == (rubric is None):
            raise GateError(
                "a gate that is held to labels and a rubric, or to neither\n"
                '  Remedy: give it one: labels="human" or rubric="<reward model>@<version>"'
            )
        if rubric is None:
            return Held(labels=labels or "")
        text = self.rubric(rubric).text
        return Held(rubric=rubric, rubric_id=Rubric(text=text).id, judge=self._judged_by)

    def rubric(self, name: str) -> Rubric:
        """A rubric by its reference into the store or its path."""
        store = found(self.settings.store, self.folder) if self.settings.store else default_store()
        return Rubric(text=load_rubric(found(name, self.folder), store).text)

    def reference(self, data: Data, held: Held) -> Reference:
        """What labels or the judge prefer on the pairs; asked once."""
        key = data.place, held
        if key not in self._references:
            self._references[key] = Reference(held, self._preferences(data, held))
        return self._references[key]

    def probed(
        self, data: Data, attributes: Sequence[Attribute], asked: Probe
    ) -> tuple[Probed, ...]:
        """Responses with edits of the attributes, and what they are paid; see `probes`.

        Raises RewardModelError for recorded scores.
        """
        model = self.model(data)
        check_live(model)
        known = self._asked.setdefault(data.place, Remembering(model))
        return probed(known, data.file.pairs, attributes, asked)

    def _preferences(self, data: Data, held: Held) -> dict[str, float]:
        if held.rubric:
            said = asyncio.run(judgments_of(self._judge, self.rubric(held.rubric), data.file.pairs))
            return {one.pair_id: one.p_a for one in said if one.p_a is not None}
        labels = labels_of(data.file, held.labels, data.place)
        return {label.pair_id: label.p_a for label in labels}

    @property
    def _judged_by(self) -> str:
        """The judge, with whatever it is asked otherwise than by default: that judges otherwise."""
        changed = self.settings.judge_settings.model_dump(exclude_defaults=True, exclude=_NO_MATTER)
        asked = ", ".join(f"{name}={value}" for name, value in changed.items())
        return f"{self.settings.judge} ({asked})" if asked else self.settings.judge

    @cached_property
    def _judge(self) -> Judge:
        with self._lent():
            return open_judge(self.settings.judge, self.settings.judge_settings)

    @contextmanager
    def _lent(self) -> Iterator[None]:
        """The objects of these gates are known while one is opened, and no longer."""
        with lent():
            for part in self.given:
                give(part)
            yield

    def _require(self) -> None:
        if "gpu" in self.settings.needs and not has_gpu():
            raise UnavailableError(
                "no CUDA device, and gates.toml says that this reward model needs one\n"
                "  Remedy: run the gates on a machine with a GPU"
            )
