"""A store of two organisms whose reward models label each other's pairs: all answers are known.

    world = build_crossed(tmp_path / "store")
    world["A"].manifest, world["A"].planted_rubric

The reward models `rm-a` and `rm-b` prefer exactly what was planted in A and in B. Each has two
rubrics: one that says what was planted, and before it one that turns the strongest wish round.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from audit_world import agreement

from argo_audit.organism.manifest import planted_rubric
from argo_audit.organism.populations import PlantedPreference
from argo_audit.organism.world import Population, build, planted_labels
from argo_audit.pairs.pair_file import write
from argo_audit.records import Label, Rubric
from argo_audit.store import HELD_OUT, NewRubric, RubricStore, slug

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def build_crossed(root: Path, pairs: int = 60) -> dict[str, Population]:
    """Write the store; the populations by the letters that reward models and runs have."""
    worlds = {"A": build("A", pairs), "B": build("B", pairs)}
    store = RubricStore(root)
    for letter, world in worlds.items():
        name = f"rm-{letter.lower()}"
        for day, text in enumerate((turned_rubric(world), world.planted_rubric)):
            store.append(
                NewRubric(
                    rubric=Rubric(text=text),
                    reward_model=name,
                    label_source=name,
                    parent=day or None,
                    run="made",
                    judge="argo/surface",
                    created=START + timedelta(days=day),
                    dev=agreement(0.6 + day / 10, interval=True),
                    held_out=agreement(0.55 + day / 10, interval=True),
                )
            )
        labels = {f"rm-{other.lower()}": labelled(world, worlds[other]) for other in worlds}
        write(root / slug(name) / HELD_OUT, world.pairs, labels)
    return worlds


def labelled(world: Population, wishes: Population) -> list[Label]:
    """What another population prefers of a world's pairs."""
    source = f"rm-{wishes.name[-1]}"
    found = planted_labels(world.manifest, world.pairs, wishes.manifest.spec.preferences)
    return [label.model_copy(update={"source": source}) for label in found]


def turned_rubric(world: Population) -> str:
    """The planted rubric with its strongest preference turned round."""
    first, *rest = world.manifest.spec.preferences
    contrary: PlantedPreference = first.model_copy(
        update={"direction": "penalises" if first.direction == "rewards" else "rewards"}
    )
    return planted_rubric([contrary, *rest])
