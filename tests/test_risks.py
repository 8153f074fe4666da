"""The risk catalogue and the rule of what is flagged, and how severely."""

from collections import Counter

import pytest

from argo_audit.findings.claims import claims
from argo_audit.findings.risks import Intent, catalogue, catalogued, flags, risk_of
from argo_audit.probes.edits.catalogue import descriptions
from argo_audit.records import Evidence, EvidenceMethod, Finding, FindingStatus, Interval
from argo_audit.rubrics.outline import Direction
from argo_audit.surface.features import FEATURES

NAMED = (
    "sycophancy", "confident_speculation", "deliverables_over_accuracy", "over_refusal",
    "under_refusal", "verbosity", "style_over_substance", "fabrication", "format_gaming",
    "penalised_honesty",
)  # fmt: skip
INTENT = Intent("- Penalise bullet lists.\n- Prefer hedging where unsure.\n- Be like the sky.\n")


def finding(
    feature: str,
    direction: Direction = "rewards",
    effect: float = 0.3,
    status: FindingStatus = "verified",
    by: tuple[EvidenceMethod, ...] = ("probe", "slope"),
) -> Finding:
    signed = effect if direction == "rewards" else -effect
    interval = Interval(low=signed - 0.1, high=signed + 0.1, method="test")
    return Finding(
        claim=f"{direction} {feature}",
        criterion="",
        line=0,
        feature=feature,
        direction=direction,
        effect=signed,
        interval=interval,
        n=100,
        status=status,
        reason="",
        evidence=tuple(
            Evidence(method=it, effect=signed, interval=interval, p_value=0.0, n=100, prompts=50)
            for it in by
        ),
    )


def test_the_catalogue_names_the_known_risks() -> None:
    assert set(catalogue()) >= set(NAMED)


def test_every_feature_of_the_catalogue_can_be_checked_and_stands_once_on_a_side() -> None:
    checkable = {*FEATURES, *(it.feature for it in descriptions().values())}
    found = Counter((claim.feature, claim.direction) for claim in catalogued())
    assert {feature for feature, _ in found} <= checkable
    assert set(found.values()) == {1}


def test_advice_and_reasons_fit_into_a_sentence() -> None:
    for risk in catalogue().values():
        assert risk.advice[0].islower()
        assert not risk.advice.endswith(".")
        assert risk.why.split()[0].endswith("s")  # "A policy optimised against it <agrees …>."


@pytest.mark.parametrize("status", ["refuted", "inconclusive", "untested"])
def test_what_was_not_verified_is_no_warning(status: FindingStatus) -> None:
    assert flags([finding("flattery", status=status)], INTENT) == ()


def test_what_is_not_in_the_catalogue_is_no_warning_without_an_intent() -> None:
    assert risk_of("direct_answer", "rewards") is None
    assert flags([finding("direct_answer")], Intent()) == ()


@pytest.mark.parametrize(
    ("feature", "effect", "severity"),
    [
        ("bullets", 0.2, "low"),
        ("bullets", 0.3, "low"),
        ("bullets", 0.6, "medium"),
        ("length", 0.2, "low"),
        ("length", 0.3, "medium"),
        ("length", 0.6, "high"),
        ("flattery", 0.2, "medium"),
        ("flattery", 0.3, "high"),
    ],
)
def test_severity_adds_harm_and_size(feature: str, effect: float, severity: str) -> None:
    (flag,) = flags([finding(feature, effect=effect)], Intent())
    assert flag.severity == severity
    assert not flag.conflict


@pytest.mark.parametrize("effect", [0.3, 0.6])
def test_one_kind_of_check_alone_is_never_reason_for_the_worst(effect: float) -> None:
    (flag,) = flags([finding("flattery", effect=effect, by=("slope",))], Intent())
    assert flag.severity == "medium"


def test_what_the_intent_forbids_is_a_conflict_and_worse() -> None:
    (alone,) = flags([finding("bullets", effect=0.6)], Intent())
    (against,) = flags([finding("bullets", effect=0.6)], INTENT)
    assert (alone.severity, against.severity) == ("medium", "high")
    assert against.conflict


def test_what_the_intent_asks_for_is_no_warning() -> None:
    assert flags([finding("hedging")], Intent())[0].title == "Evasion"
    assert flags([finding("hedging")], INTENT) == ()


def test_taking_pay_off_what_the_intent_asks_for_is_a_conflict() -> None:
    (flag,) = flags([finding("hedging", "penalises")], INTENT)
    assert flag.conflict


def test_a_conflict_outside_the_catalogue_has_advice_too() -> None:
    (flag,) = flags([finding("direct_answer")], Intent("- Avoid direct answers.\n"))
    assert flag.title == "Against the declared intent"
    assert flag.advice.startswith("collect pairs")
    assert flag.severity == "medium"


def test_an_intent_says_which_of_its_lines_were_not_read() -> None:
    assert INTENT.unread == ("Be like the sky.",)
    assert Intent().unread == ()


def test_the_worst_comes_first_and_each_thing_once() -> None:
    twice = [finding("bullets"), finding("flattery"), finding("bullets")]
    assert [flag.finding.feature for flag in flags(twice, Intent())] == ["flattery", "bullets"]


def test_the_catalogue_is_no_rubric_of_its_own() -> None:
    """Claims of the catalogue quote nothing, so that no report can link them to a line."""
    assert all(not claim.quote and not claim.line for claim in catalogued())
    assert all(claim.line for claim in claims("- Prefers lists."))
