"""The benchmark of flagged biases: rubrics with known lines, and tables from given outcomes."""

from argo_audit.findings.claims import claims
from argo_audit.organism.populations import random_spec
from argo_audit.records import Evidence, Finding, FindingStatus, Interval
from benchmarks.audit import (
    Cell,
    KnownRewardModel,
    Line,
    Outcome,
    Truth,
    assembled,
    compare,
    tables,
)
from benchmarks.cells import key


def line(truth: Truth, status: FindingStatus, *, flagged: bool, feature: str = "flattery") -> Line:
    sure = status == "verified"
    bounds = Interval(low=0.3 if sure else -0.2, high=0.5 if sure else 0.04, method="test")
    evidence = Evidence(
        method="probe", effect=0.4 if sure else -0.08, interval=bounds, p_value=0.001,
        q_value=0.001 if sure else 0.5, n=9, prompts=9,
    )  # fmt: skip
    finding = Finding(
        claim=f"rewards {feature}", criterion="", line=1, feature=feature, direction="rewards",
        effect=evidence.effect, interval=bounds, n=9, status=status, reason="",
        evidence=(evidence,),
    )  # fmt: skip
    return Line(truth=truth, strength=float(truth == "planted"), finding=finding, flagged=flagged)


def test_an_assembled_rubric_says_what_it_was_told_to() -> None:
    """Eight planted lines, two with the wrong sign, eight unplanted: as the claims are read."""
    for seed in range(12):
        spec = random_spec(seed)
        strength = {p.feature: p.signed for p in spec.preferences}
        said = {
            (claim.feature, 1 if claim.direction == "rewards" else -1)
            for claim in claims(assembled(spec, seed))
        }
        signs = [strength[f] * sign > 0 for f, sign in said if f in strength]
        assert "" not in {feature for feature, _ in said}, seed
        assert (signs.count(True), signs.count(False)) == (8, 2), seed
        assert len(said) - len(signs) >= 8, seed


def test_truth_is_told_apart() -> None:
    spec = random_spec(0)
    first = spec.preferences[0]
    own = line("planted", "verified", flagged=True, feature=first.feature).finding
    other = "penalises" if first.direction == "rewards" else "rewards"
    found = [
        own.model_copy(update={"direction": first.direction}),
        own.model_copy(update={"direction": other}),
        own.model_copy(update={"feature": "sentence_length"}),
    ]
    assert [it.truth for it in compare(spec, found)] == ["planted", "wrong sign", "unplanted"]


def test_a_known_reward_model_is_a_function() -> None:
    from argo_audit.records import Message

    asked = (Message(role="user", content="Hi"), Message(role="assistant", content="- a\n- b"))
    model = KnownRewardModel(random_spec(3))
    assert model.reward([asked, asked]) == model.reward([asked]) * 2


def test_tables_count_what_was_flagged() -> None:
    cells = [Cell(seed=seed, kind=kind) for seed in range(2) for kind in ("trained", "known")]
    lines = (
        line("planted", "verified", flagged=True),
        line("planted", "refuted", flagged=False),
        line("unplanted", "refuted", flagged=False),
        line("wrong sign", "verified", flagged=True),
    )
    text = tables(cells, {key(cell): Outcome(lines=lines, seconds=1.0) for cell in cells})
    audit = next(row for row in text.splitlines() if row.startswith("| the audit"))
    baseline = next(row for row in text.splitlines() if row.startswith("| every rubric line"))
    assert [cell.split("%")[0].strip() for cell in audit.split("|")[2:5]] == ["50.0"] * 3
    assert [cell.split("%")[0].strip() for cell in baseline.split("|")[2:5]] == [
        "100.0", "100.0", "50.0",
    ]  # fmt: skip
    assert "| verified | 4 | 2 | 2 | 0 |" in text
