"""The pairs behind a finding: which edits and which held-out pairs a reader is shown, and why.

    wanted, left_out = shown_features(assessment)
    found = examples(wanted, probed, held_out_pairs, labels)
    found["bullets"][0].typical.having        # a response with bullets, cut

A number is believed when it can be looked at, and a best case can be found for anything. So each
check of a feature shows two by rule: the *typical* one is paid nearest to the middle (the mean of
all edits; the median of the pairs looked at), the *counter* one is paid furthest to the other side
of nothing than the check's effect, where there is one. Of edits all count; of pairs that quarter in
which the feature differs most, at least LEAST, since elsewhere other features decide. Ties go to
the first by id. Texts are cut when they are chosen: what is kept does not grow with the data.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean, median
from typing import Literal, NamedTuple

import numpy as np

from argo_audit.findings.assessment import Assessment
from argo_audit.findings.probed import Observation, Paid, observations
from argo_audit.findings.slopes import Compared
from argo_audit.probes.probe import Probed
from argo_audit.records import Evidence, Finding, Label, Message, Pair
from argo_audit.surface.features import FEATURES

MOST = 6
"""Features that are shown of one rubric."""

LEAST = 8
"""Pairs looked at, if there are as many."""

LONGEST, BEFORE = 500, 120
"""Characters of a text that are shown, and how many of them come before the first difference."""

LONGEST_PROMPT = 300

Method = Literal["probe", "slope"]


class Example(NamedTuple):
    """Two responses that differ in a feature, each cut, with what it is paid.

    `worth` is what having more of the feature is paid, in spreads; `p_having` is the label's
    preference for the response that has more, None of edits. The prompt is cut too, and "" where
    it is not known.
    """

    id: str
    prompt: str
    without: Paid
    having: Paid
    worth: float
    p_having: float | None = None


class Examples(NamedTuple):
    """Of one check: `against` of the `of` looked at are paid the other way than its effect."""

    method: Method
    typical: Example
    counter: Example | None
    against: int
    of: int


class HeldOut(NamedTuple):
    """Pairs with what is compared of them; `labels` are those that `compared` was made with."""

    pairs: Sequence[Pair]
    labels: Sequence[Label]
    compared: Compared


class _Candidate(NamedTuple):
    id: str
    worth: float
    make: Callable[[], Example]


def shown_features(found: Assessment) -> tuple[list[Finding], int]:
    """One finding for each feature that is shown, and how many more there would have been.

    The flagged come first, then the verified, then the refuted, the larger effect first.
    """
    order = {"verified": 0, "refuted": 1}
    rest = [f for f in found.findings if f.status in order and f.evidence]
    rest += [f for f in found.beyond if f.status == "verified"]
    rest.sort(key=lambda f: (order[f.status], -abs(f.effect or 0.0)))
    distinct: dict[str, Finding] = {}
    for finding in (*(flag.finding for flag in found.flags), *rest):
        distinct.setdefault(finding.feature, finding)
    return list(distinct.values())[:MOST], max(0, len(distinct) - MOST)


def examples(
    findings: Sequence[Finding], probed: Sequence[Probed], held_out: HeldOut
) -> dict[str, tuple[Examples, ...]]:
    """By feature, what is shown of each of its checks."""
    prompts = {pair.id: pair.prompt for pair in held_out.pairs}
    edits: dict[str, list[_Candidate]] = {finding.feature: [] for finding in findings}
    for one in observations(probed):
        if one.feature in edits:
            edits[one.feature].append(_edit(one, prompts))
    return {
        finding.feature: tuple(_chosen(finding, edits[finding.feature], held_out))
        for finding in findings
    }


def _chosen(finding: Finding, edits: Sequence[_Candidate], held_out: HeldOut) -> Iterator[Examples]:
    for evidence in finding.evidence:
        if evidence.method == "probe" and edits:
            yield _of(evidence, edits, fmean(one.worth for one in edits))
        elif evidence.method == "slope":
            pairs = _pairs(finding.feature, held_out)
            yield _of(evidence, pairs, median(one.worth for one in pairs))


def _of(evidence: Evidence, candidates: Sequence[_Candidate], middle: float) -> Examples:
    """The typical and the counter example of one check."""
    side = 1 if evidence.effect >= 0 else -1
    typical = min(candidates, key=lambda one: (abs(one.worth - middle), one.id))
    others = [one for one in candidates if side * one.worth < 0]
    counter = min(others, key=lambda one: (side * one.worth, one.id), default=None)
    return Examples(
        evidence.method,
        typical.make(),
        counter.make() if counter and counter != typical else None,
        len(others),
        len(candidates),
    )


def _edit(one: Observation, prompts: Mapping[str, Sequence[Message]]) -> _Candidate:
    edit, response = one.paid.edit, one.response

    def make() -> Example:
        without, having = one.sides
        texts = cut(without.text, having.text)
        sides = Paid(texts[0], without.reward), Paid(texts[1], having.reward)
        return Example(
            response.response_id, _prompt(prompts.get(response.pair_id, ())), *sides, one.worth
        )

    return _Candidate(
        f"{response.response_id} {edit.attribute} {edit.direction} {edit.editor}", one.worth, make
    )


def _pairs(feature: str, held_out: HeldOut) -> list[_Candidate]:
    """The pairs in which the feature differs most, as candidates."""
    label_of = {label.pair_id: label for label in held_out.labels}
    known = [pair for pair in held_out.pairs if pair.id in label_of]
    more = held_out.compared.features[:, FEATURES.index(feature)]
    differing = np.flatnonzero(more)
    count = max(LEAST, -(-len(differing) // 4))
    largest = sorted(differing.tolist(), key=lambda i: (-abs(more[i]), known[i].id))[:count]
    return [
        _pair(known[i], label_of[known[i].id], float(more[i]), float(held_out.compared.pay[i]))
        for i in largest
    ]


def _pair(pair: Pair, label: Label, more: float, pay: float) -> _Candidate:
    """`more` is how much more of the feature A has, `pay` what A is paid more, in spreads."""
    worth = pay if more > 0 else -pay

    def make() -> Example:
        texts = cut(pair.response_a, pair.response_b)
        a, b = (Paid(t, r) for t, r in zip(texts, label.rewards or (None, None), strict=True))
        without, having = (b, a) if more > 0 else (a, b)
        p_having = label.p_a if more > 0 else 1 - label.p_a
        return Example(pair.id, _prompt(pair.prompt), without, having, worth, p_having)

    return _Candidate(pair.id, worth, make)


def cut(first: str, second: str) -> tuple[str, str]:
    """Both texts cut to LONGEST characters, from shortly before where they come to differ."""
    both = enumerate(zip(first, second, strict=False))
    same = next((i for i, (a, b) in both if a != b), min(len(first), len(second)))
    start = first.rfind(" ", 0, same - BEFORE) + 1 if same > 2 * BEFORE else 0
    return _from(first, start), _from(second, start)


def _from(text: str, start: int) -> str:
    before, after = "… " if start else "", " …" if len(text) > start + LONGEST else ""
    return f"{before}{text[start : start + LONGEST]}{after}"


def _prompt(messages: Sequence[Message]) -> str:
    """The last message, and how many came before it."""
    if not messages:
        return ""
    said = messages[-1].content
    earlier = f"({len(messages) - 1} messages, then) " if len(messages) > 1 else ""
    return f"{earlier}{said[:LONGEST_PROMPT]}{' …' if len(said) > LONGEST_PROMPT else ''}"
