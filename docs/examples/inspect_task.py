"""An Inspect task of one's own: how often do people prefer what a simple rule prefers?

    inspect eval docs/examples/inspect_task.py --model none -T pairs=pairs.jsonl

Samples, solvers, scorers and metrics are those of `argo_audit.evals`, so that its numbers come with
intervals over prompts, and with what could not be judged. It joins the package as a module of
argo_audit/evals/tasks with a `results` that reads its logs back, a line in SUITE of `suite`, its
name in `inspect_registry`, and a thin file in tasks/.
"""

from inspect_ai import Task, task

from argo_audit.evals.assembly import dataset
from argo_audit.evals.judging import LONGEST_RESPONSE, SHORTEST_RESPONSE, apply_rules
from argo_audit.evals.labelled_pairs import load_pairs
from argo_audit.evals.scoring import agrees


@task
def length_only(pairs: str, labels: str = "human") -> Task:
    """The longer and the shorter response, held to one source of labels."""
    world = load_pairs(pairs, (labels,))
    rules = (LONGEST_RESPONSE, SHORTEST_RESPONSE)
    return Task(
        dataset=dataset(world.pairs, world.labels, location=world.path),
        solver=apply_rules(rules),
        scorer=agrees(rules, [labels], measures=["agreement"]),
    )
