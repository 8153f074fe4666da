"""The section of evidence as readers see it, and the links that lead to it."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from audit_world import World, build_world
from fakes import PlantedRewardModel
from syrupy.assertion import SnapshotAssertion
from test_audit_spec import GoldenMarkdown

from argo_audit.findings.examples import MOST
from argo_audit.findings.inputs import AuditInputs
from argo_audit.organism.world import build
from argo_audit.pairs.pair_file import write
from argo_audit.probes.edits.counterfactuals import chosen
from argo_audit.probes.probe import probe, responses_of
from argo_audit.report.check import check_audit
from argo_audit.report.markdown import anchor
from argo_audit.report.material import Material
from argo_audit.report.sections import evidence
from argo_audit.report.spec import write_audit
from argo_audit.reward_models.soft_labels import label_pairs
from argo_audit.surface.features import FEATURES, measure


def likes(response: str) -> float:
    """Bullets, and noise."""
    worth = float(measure("", response)[FEATURES.index("bullets")])
    return worth + Random(response).gauss(0, 0.2)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A run with held-out pairs, the first of which were probed."""
    made = build_world(tmp_path_factory.mktemp("world"), steps=3, group=1)
    pairs, model = build("A", 150, 5).pairs, PlantedRewardModel(likes, name="rm-a")
    file = made.store_root.parent / "held-out.jsonl.gz"
    write(file, pairs, {"rm-a": label_pairs(model, pairs)})
    probed = probe(model, responses_of(pairs[:16]), chosen(("bullets",)))
    run = replace(made.inputs.runs[0], held_out=file)
    return World(replace(made.inputs, runs=(run,), probed={"rm-a": probed}), made.store_root)


@pytest.fixture(scope="module")
def facts(world: World) -> Material:
    return Material(world.inputs, world.store_root.parent / "audit", (world.store_root,))


def test_the_pairs_behind_the_findings(facts: Material, snapshot: SnapshotAssertion) -> None:
    text = "\n\n".join(evidence.section(facts).blocks) + "\n"
    assert text == snapshot(extension_class=GoldenMarkdown)


def test_every_shown_finding_is_linked_from_where_it_is_told(world: World) -> None:
    files = write_audit(world.inputs, world.store_root.parent / "report", world.store_root)
    assert check_audit(files.markdown, world.store_root) == []
    text = files.markdown.read_text(encoding="utf-8")
    headings = [line for line in text.split("\n") if line.startswith("#### Pairs on ")]
    assert 0 < len(headings) <= MOST
    for heading in headings:
        assert f"[pairs](#{anchor(heading.removeprefix('#### '))})" in text


def test_what_is_not_shown_has_no_link(facts: Material) -> None:
    (trained,) = facts.all_trained
    checked = facts.checked[trained.record.run.id]
    assert evidence.reference(facts, trained, checked.shown[0])
    untold = checked.shown[0].model_copy(update={"feature": "emoji-free"})
    assert evidence.reference(facts, trained, untold) == ""


def test_without_held_out_pairs_there_is_nothing_to_show(world: World, tmp_path: Path) -> None:
    bare = replace(world.inputs, runs=(replace(world.inputs.runs[0], held_out=None),))
    facts = Material(bare, tmp_path, (world.store_root,))
    assert evidence.section(facts).blocks == [
        "Nothing was verified or refuted: there are no pairs to show."
    ]
    (trained,) = facts.all_trained
    shown = Material(world.inputs, tmp_path, (world.store_root,)).checked
    (finding, *_) = next(iter(shown.values())).shown
    assert evidence.reference(facts, trained, finding) == ""
    assert evidence.section(Material(AuditInputs("Nothing", ()), tmp_path, ())).blocks
