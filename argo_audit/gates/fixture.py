"""The gates as a test calls them: each says what it claims, and the test's end decides.

    def test_ships(gate):
        gate.no_worse_than("main", labels="human")
        gate.bias("flattery", at_most=0.25)

Nothing is raised for a claim that does not hold: a test decides all of its claims at once when it
ends, for who reads a failure wants to see all of them. What cannot be measured at all is raised at
once, as an ArgoError.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from argo_audit.errors import GateError
from argo_audit.gates import gate_claims as claims
from argo_audit.gates.approved import accepted
from argo_audit.gates.baselines import (
    PACKAGES,
    Baseline,
    Baselines,
    NewBaseline,
    changed,
    check_comparable,
    machine,
)
from argo_audit.gates.decisions import LEAST_PROMPTS, Bounds, decide
from argo_audit.gates.defaults import found
from argo_audit.gates.edited import MOST_PAIRS, Probe
from argo_audit.gates.gate_claims import SLACK, TOLERANCE, Found
from argo_audit.gates.gated_model import Data, GatedModel, Held
from argo_audit.gates.quoted import quoted
from argo_audit.probes.edits.edit import Direction
from argo_audit.records import HUMAN, Label
from argo_audit.reward_models.soft_labels import paid_in, pin
from argo_audit.reward_models.versions import installed

BASELINE = "baseline:"
"""Before the name of a baseline, where a reward model could stand too."""


class Written(NamedTuple):
    """A gate that was not held because baselines are recorded, and what was done in its place."""

    gate: str
    said: str


class Gate:
    """The gates of one test; `found` is what they found, in order."""

    def __init__(self, subject: GatedModel, *, update: bool = False) -> None:
        """Of a reward model; with `update`, baselines are recorded and not compared with."""
        self.subject = subject
        self.found: list[Found | Written] = []
        self._update = update

    def agreement(
        self,
        *,
        at_least: float,
        rubric: str | None = None,
        labels: str | None = None,
        pairs: str | None = None,
    ) -> Found:
        """The reward model prefers what a rubric's judge, or a source of labels, prefers.

        Args:
            at_least: The share of pairs on the same side, in [0, 1]; chance is 0.5.
            rubric: "<reward model>@<version>" of the store, or a path that ends in .md.
            labels: A label source of the pairs, in the place of a rubric.
            pairs: A file of pairs; None: those of gates.toml.
        """
        bounds = claims.claimed(Bounds(at_least=at_least))
        held, data = self.subject.held(labels, rubric), self.subject.data(pairs)
        return self._add(claims.agreement(self.subject, data, held, bounds))

    def no_worse_than(
        self,
        baseline: str,
        *,
        slack: float = SLACK,
        rubric: str | None = None,
        labels: str | None = None,
        pairs: str | None = None,
    ) -> Found | Written:
        """Agreement has not fallen by more than `slack` since the baseline, on the same pairs.

        It is held to `labels` ("human" without any) or to a rubric. Raises GateError when there is
        no baseline, or when it is of other pairs or another judge.
        """
        source = HUMAN if labels is None and rubric is None else labels
        held, data = self.subject.held(source, rubric), self.subject.data(pairs)
        if self._update:
            return self._record(baseline, data, held)
        before = self._baseline(baseline, data, held)
        compared = claims.worse(self.subject, data, held, before.labels(), slack)
        return self._add(_since(compared, f"no worse than {baseline}", before))

    def bias(
        self,
        attribute: str,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
        direction: Direction = "add",
        pairs: str | None = None,
        most_pairs: int = MOST_PAIRS,
    ) -> Found:
        """Putting one attribute into responses is not worth more, or less, than this.

        Args:
            attribute: A name of edits/attributes.toml, such as "flattery".
            at_most: The highest mean change of reward, in units of the reward model's spread.
            at_least: The lowest, for what must not be penalised; or both.
            direction: "remove" takes it out of responses that have it.
            pairs: A file of pairs whose responses are edited.
            most_pairs: How many of them, evenly spaced.
        """
        bounds = {attribute: Bounds(at_least=at_least, at_most=at_most)}
        probe = Probe(most_pairs, direction)
        return self._add(*claims.biases(self.subject, self.subject.data(pairs), bounds, probe))

    def no_new_findings(
        self,
        audit: str,
        *,
        reward_model: str | None = None,
        larger_than: float = TOLERANCE,
        wider: Mapping[str, float] | None = None,
        pairs: str | None = None,
        most_pairs: int = MOST_PAIRS,
    ) -> list[Found]:
        """No attribute is worth more than `larger_than` spreads that the audit has not verified.

        Every attribute that can be edited is a claim: within both bounds, or on one side only where
        the audit has verified that the reward model rewards or penalises it. `audit` is its folder
        or audit.md, `reward_model` the one it speaks of, where it speaks of several; `wider` has
        attributes with a bound of their own in the place of `larger_than`. Attributes that too few
        responses can take are named in the notes. Raises GateError when all are.
        """
        known = accepted(Path(found(audit, self.subject.folder)), reward_model)
        bounds = claims.unfound(known, larger_than, wider or {})
        return self._several(bounds, pairs, Probe(most_pairs))

    def drift(
        self, previous_rm: str, *, at_most: float, pairs: str | None = None
    ) -> Found | Written:
        """At most this share of preferences is another than under `previous_rm`.

        That is a reward model, or the rewards of a baseline: "baseline:main". While baselines are
        recorded nothing is compared with one.
        """
        data = self.subject.data(pairs)
        if not previous_rm.startswith(BASELINE):
            before: Mapping[str, Label] = self.subject.labels(data, previous_rm)
            return self._add(claims.drift(self.subject, data, before, at_most))
        name = previous_rm.removeprefix(BASELINE)
        if self._update:
            return self._wrote("drift", f"from baseline {name}: nothing was compared")
        recorded = self._baseline(name, data, None)
        compared = claims.drift(self.subject, data, recorded.labels(), at_most)
        return self._add(_since(compared, compared.gate, recorded))

    def conforms(
        self,
        *,
        intent: str,
        tolerance: float = TOLERANCE,
        pairs: str | None = None,
        most_pairs: int = MOST_PAIRS,
    ) -> list[Found]:
        """The reward model pays for nothing that the intent forbids, nor against what it asks for.

        `intent` is a rubric of what is wanted, as a path. Each attribute that its lines speak of
        and that can be edited is a claim; other lines are named in the notes, and so are attributes
        that too few responses can take. Raises GateError when nothing is left to test.
        """
        bounds, untested = claims.intended(self.subject.rubric(intent).text, tolerance)
        if not bounds:
            raise GateError(
                f"{intent}: no line of it speaks of an attribute that can be edited\n"
                "  Remedy: see what is read with `argo-audit read`, and hold the reward model to "
                "the intent with agreement(rubric=...)"
            )
        notes = [f"{len(untested)} lines of the intent were not tested: {quoted(untested)}"]
        return self._several(bounds, pairs, Probe(most_pairs), notes if untested else [])

    def _several(
        self,
        bounds: Mapping[str, Bounds],
        pairs: str | None,
        probe: Probe,
        notes: Sequence[str] = (),
    ) -> list[Found]:
        """A claim for each attribute that enough responses can take; the first has the notes.

        One that cannot be tested is no reason to stop a release, and none to be silent either.
        """
        every = list(claims.biases(self.subject, self.subject.data(pairs), bounds, probe))
        tested = [one for one in every if one.evidence.prompts >= LEAST_PROMPTS]
        if not tested:
            raise GateError(
                f"no attribute could be put into responses to {LEAST_PROMPTS} prompts: nothing was "
                "tested\n  Remedy: give the gate more pairs, pairs=..., and a higher most_pairs"
            )
        few = [
            one.gate.removeprefix("bias: ") for one in every if one.evidence.prompts < LEAST_PROMPTS
        ]
        said = f"not tested, fewer than {LEAST_PROMPTS} prompts have a response for it: "
        notes = [*notes, *([said + ", ".join(few)] if few else [])]
        tested[0] = tested[0]._replace(notes=(*tested[0].notes, *notes))
        self.found += tested
        return tested

    def _add(self, one: Found) -> Found:
        self.found.append(one)
        return one

    @property
    def _baselines(self) -> Baselines:
        return Baselines(self.subject.folder / self.subject.settings.baselines)

    def _baseline(self, name: str, data: Data, held: Held | None) -> Baseline:
        baseline = self._baselines.latest(name)
        check_comparable(baseline, data, held or baseline.held)
        return baseline

    def _record(self, name: str, data: Data, held: Held) -> Written:
        """Record what the reward model pays now; a baseline that says the same already stays."""
        model, labels = self.subject.model(data), self.subject.labels(data)
        agrees = claims.agreement(self.subject, data, held, Bounds(at_least=0.0))
        decision = decide(agrees.evidence, agrees.bounds)
        new = NewBaseline(
            reward_model=model.name,
            rm_fingerprint=pin(model, paid_in(labels.values())),
            data_fingerprint=data.file.fingerprint,
            pairs=Path(data.place).name,
            held=held,
            agreement=decision.mean,
            interval=decision.interval,
            packages=installed(*PACKAGES),
            machine=machine(),
            rewards={i: label.rewards for i, label in labels.items() if label.rewards},
        )
        baselines = self._baselines
        number = baselines.write(name, new).number
        said = f"baseline {baselines.path(name, number)}, nothing was compared"
        return self._wrote(f"no worse than {name}", said)

    def _wrote(self, gate: str, said: str) -> Written:
        written = Written(gate, said)
        self.found.append(written)
        return written


def _since(one: Found, name: str, baseline: Baseline) -> Found:
    """The claim with what there is to know of the baseline that it was compared with."""
    notes = (f"baseline {baseline.number:04d}, {baseline.reward_model}", *changed(baseline))
    return one._replace(gate=name, notes=(*one.notes, *notes))
