"""The export: what Feedback Forensics needs in a file, and who prefers what in it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from argo_audit.records import Label, Message, Pair
from argo_audit.report.annotated_pairs import (
    DEFAULT_ANNOTATOR,
    PRINCIPLE,
    AnnotatedPairs,
    Annotator,
    Exported,
    Said,
    annotated_pairs,
)

PROMPT = (Message(role="user", content="Name two teas."),)
PAIRS = (
    Pair(id="p1", prompt=PROMPT, response_a="- Assam\n- Ceylon", response_b="Assam."),
    Pair(
        id="p2",
        prompt=PROMPT,
        response_a="Green.",
        response_b="- Green\n- Black",
        slices={"k": "v"},
    ),
    Pair(id="p3", prompt=(*PROMPT, *PROMPT), response_a="Black.", response_b="White."),
)


def labels(source: str, *p_a: float) -> tuple[Label, ...]:
    return tuple(
        Label(pair_id=pair.id, p_a=p, source=source) for pair, p in zip(PAIRS, p_a, strict=False)
    )


def said(name: str, *p_a: float | None) -> Said:
    annotator = Annotator(name=name, description="A rubric", type="judge")
    return Said(annotator, {pair.id: p for pair, p in zip(PAIRS, p_a, strict=True)})


ONE = Exported(
    pairs=PAIRS,
    label_source="rm",
    labels={"human": labels("human", 1.0, 0.5), "rm": labels("rm", 0.8, 0.3, 0.6)},
    judges=(said("judge with rm@1", 0.9, None, 0.5), said("says nothing", 0.5, 0.5, 0.5)),
)


@pytest.fixture(scope="module")
def made() -> AnnotatedPairs:
    return annotated_pairs((ONE,), "Teas", datetime(2026, 3, 1, 12, tzinfo=UTC))


def of(made: AnnotatedPairs, name: str) -> list[str | None]:
    """What an annotator prefers, or why it does not; None where it says nothing."""
    (key,) = (key for key, one in made.annotators.items() if one.name == name)
    found = [comparison.annotations.get(key) for comparison in made.comparisons]
    return [one.pref or one.no_pref_reason if one else None for one in found]


def test_the_file_has_what_the_loader_of_feedback_forensics_asks_for(made: AnnotatedPairs) -> None:
    """As data/loader.py of feedback-forensics 0.5.0 reads a file of version 2."""
    file: dict[str, Any] = json.loads(made.to_json())
    assert file["metadata"]["version"].split(".")[0] == "2"
    assert file["metadata"]["created_at"] == "2026-03-01T12:00:00Z"
    assert file["metadata"]["default_annotator"] == DEFAULT_ANNOTATOR == "ba751e7b"
    assert DEFAULT_ANNOTATOR in file["annotators"]
    columns = {key for comparison in file["comparisons"] for key in comparison["annotations"]}
    assert columns == set(file["annotators"])  # one without a column is a KeyError there
    for annotator in file["annotators"].values():
        assert annotator["description"]
    ids = [comparison["id"] for comparison in file["comparisons"]]
    assert len(set(ids)) == len(PAIRS)
    for comparison in file["comparisons"]:
        assert comparison["response_a"]["text"]
        assert comparison["response_b"]["text"]
        known = set(file["metadata"]["available_metadata_keys_per_comparison"])
        assert set(comparison["metadata"]) <= known
        assert not known & {"prompt", "comparison_id", "text_a", "text_b", "weight"}
        for annotation in comparison["annotations"].values():
            assert annotation["pref"] in ("a", "b") or annotation["no_pref_reason"]
    assert AnnotatedPairs.model_validate_json(made.to_json()) == made


def test_everybody_prefers_what_they_prefer(made: AnnotatedPairs) -> None:
    assert of(made, "rm") == ["a", "b", "a"]
    assert of(made, "raw labels") == ["a", "tie", None]
    assert of(made, "judge with rm@1") == ["a", "invalid", "tie"]
    assert of(made, "bullets") == ["a", "b", "not_applicable"]
    bullets = next(one for one in made.annotators.values() if one.name == "bullets")
    assert bullets.type == PRINCIPLE
    assert bullets.description == "Select the response that has more bullets"


def test_who_prefers_nothing_is_left_out(made: AnnotatedPairs) -> None:
    names = {one.name for one in made.annotators.values()}
    assert "says nothing" not in names
    assert "tables" not in names


def test_a_conversation_keeps_its_roles_and_a_pair_its_slices(made: AnnotatedPairs) -> None:
    assert made.comparisons[0].prompt == "Name two teas."
    assert made.comparisons[2].prompt.count("[user]") == 2
    assert made.comparisons[1].metadata == {"population": "", "pair": "p2", "slice k": "v"}


def test_several_populations_share_a_file_and_a_pair_that_both_hold() -> None:
    other = Exported(PAIRS[:1], "rm-b", {"rm-b": labels("rm-b", 0.1)}, ())
    made = annotated_pairs((ONE, other), "Both")
    assert len(made.comparisons) == len(PAIRS)
    assert made.annotators[DEFAULT_ANNOTATOR].name == "rm, rm-b"
    assert of(made, "rm, rm-b") == ["a", "b", "a"]
    turned = annotated_pairs((other, ONE), "Both")
    assert of(turned, "rm-b, rm") == ["b", "b", "a"]
    assert made.metadata.created_at == ""


def test_the_same_file_every_time(made: AnnotatedPairs) -> None:
    again = annotated_pairs((ONE,), "Teas", datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert again.to_json() == made.to_json()
