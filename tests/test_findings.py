"""Claims and findings: what a line claims, and which status follows from which checks."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_audit.findings.claims import Claim, claims, unsaid
from argo_audit.findings.findings import SMALLEST, adjusted, answer, findings, status
from argo_audit.records import Evidence, FindingStatus, Interval
from argo_audit.report.markdown import visible
from argo_audit.rubrics.outline import Direction

RUBRIC = """\
## Gates

| Gate | Rule |
|---|---|
| Citation Gate | Invented citations -> Overall <= 4 |

## Common Biases & Preferences Observed

The reward model appears to prefer:

- Bullet lists and code blocks.
- The colour of the sky.

It may penalize:

- Hedging.
"""


def evidence(
    effect: float, half: float = 0.05, p_value: float = 0.0001, method: str = "probe"
) -> Evidence:
    return Evidence(
        method="probe" if method == "probe" else "slope",
        effect=effect,
        interval=Interval(low=effect - half, high=effect + half, method="test"),
        p_value=p_value,
        n=100,
        prompts=50,
    )


def of(claim: Claim, **kinds: Evidence) -> FindingStatus:
    """The status of one claim, with a probe, a slope, both or none."""
    probed, sloped = (
        {claim.feature: kinds[kind]} if kind in kinds else {} for kind in ("probe", "slope")
    )
    (found,) = findings([claim], probed, sloped)
    return found.status


LIKES = Claim("bullets", "rewards", "Bullets.", 1)
CLEAR, FLAT = evidence(0.4), evidence(0.0, half=0.05, p_value=0.9)
WIDE, OPPOSITE = evidence(0.3, half=0.6, p_value=0.3), evidence(-0.4)


def test_every_line_is_a_claim_with_its_side_and_its_line() -> None:
    found = [(c.direction, c.feature, c.line) for c in claims(RUBRIC)]
    assert found == [
        ("penalises", "invented_citation", 5),
        ("rewards", "bullets", 11),
        ("rewards", "code", 11),
        ("rewards", "", 12),
        ("penalises", "hedging", 16),
    ]
    assert RUBRIC.splitlines()[11] == f"- {claims(RUBRIC)[3].quote}"


def test_a_text_without_lists_is_claimed_line_by_line() -> None:
    found = claims("Prefer short answers.\n\nBe the sky.")
    assert [(c.feature, c.direction, c.line) for c in found] == [
        ("length", "penalises", 1),
        ("", "rewards", 3),
    ]
    assert claims("") == ()


@given(st.text())
def test_any_text_has_claims_on_its_own_lines(text: str) -> None:
    lines = len(visible(text).split("\n"))
    assert all(0 < claim.line <= lines for claim in claims(text))


def test_what_a_rubric_does_not_speak_of_is_left() -> None:
    asked = (Claim("hedging", "rewards"), Claim("emoji", "rewards"))
    assert unsaid(claims(RUBRIC), asked) == (asked[1],)


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ({}, "untested"),
        ({"probe": CLEAR}, "verified"),
        ({"slope": CLEAR}, "verified"),
        ({"probe": CLEAR, "slope": CLEAR}, "verified"),
        ({"probe": CLEAR, "slope": WIDE}, "inconclusive"),
        ({"probe": CLEAR, "slope": OPPOSITE}, "inconclusive"),
        ({"probe": FLAT, "slope": CLEAR}, "inconclusive"),
        ({"probe": WIDE, "slope": WIDE}, "inconclusive"),
        ({"probe": FLAT, "slope": WIDE}, "refuted"),
        ({"probe": OPPOSITE}, "refuted"),
        ({"probe": OPPOSITE, "slope": FLAT}, "refuted"),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(value) or "none",
)
def test_status_follows_from_the_checks(
    kinds: dict[str, Evidence], expected: FindingStatus
) -> None:
    assert of(LIKES, **kinds) == expected


def test_a_sure_effect_too_small_to_matter_is_no_support() -> None:
    tiny = evidence(SMALLEST / 2, half=SMALLEST / 4)
    assert of(LIKES, probe=tiny) == "refuted"


def test_a_line_that_was_not_read_is_untested_and_says_why() -> None:
    (found,) = findings([Claim("", "rewards", "The sky.", 3)], {}, {})
    assert (found.status, found.effect, found.n) == ("untested", None, 0)
    assert "nothing that can be measured" in found.reason


def test_a_finding_reports_the_probe_first_and_keeps_both() -> None:
    slope = evidence(0.2, method="slope")
    (found,) = findings([LIKES], {"bullets": CLEAR}, {"bullets": slope})
    assert found.effect == CLEAR.effect
    assert [it.method for it in found.evidence] == ["probe", "slope"]
    assert found.reason == "the probe supports, the slope supports"


def test_many_claims_make_one_lucky_check_no_finding() -> None:
    lucky = evidence(0.3, half=0.29, p_value=0.04)
    nothing = {f"f{i}": evidence(0.05, half=0.3, p_value=0.5 + i / 100) for i in range(20)}
    many = findings(
        [LIKES, *(Claim(f, "rewards") for f in nothing)], {"bullets": lucky} | nothing, {}
    )
    assert of(LIKES, probe=lucky) == "verified"
    assert many[0].status == "inconclusive"


def test_what_nobody_claims_does_not_count_among_the_tests() -> None:
    known = {"bullets": evidence(0.3, p_value=0.04), "emoji": evidence(0.1, p_value=0.9)}
    assert adjusted(known, ["bullets"])["bullets"].q_value == pytest.approx(0.04)
    assert adjusted(known, known)["bullets"].q_value == pytest.approx(0.08)


effects = st.floats(-3, 3)
checks = st.builds(
    evidence, effects, st.floats(0.001, 3), st.floats(0, 1), st.sampled_from(["probe", "slope"])
)


@given(checks)
def test_a_claim_and_its_opposite_are_never_both_supported(check: Evidence) -> None:
    (known,) = adjusted({"f": check}, ["f"]).values()
    assert {answer(known, 1), answer(known, -1)} != {"supports"}


@given(st.lists(checks, max_size=2), st.sampled_from(get_args(Direction)))
def test_turning_all_signs_around_changes_no_status(
    given_: list[Evidence], direction: Direction
) -> None:
    sign = 1 if direction == "rewards" else -1
    known = [adjusted({"f": it}, ["f"])["f"] for it in given_]
    turned = [
        it.model_copy(
            update={
                "effect": -it.effect,
                "interval": Interval(low=-it.interval.high, high=-it.interval.low, method="test"),
            }
        )
        for it in known
    ]
    assert status([answer(it, sign) for it in known]) == status(
        [answer(it, -sign) for it in turned]
    )
