"""Section 8: what the audit cannot say, and the commands that make it again.

section(facts).blocks
"""

import shlex

from argo_audit.audit.facts import Facts, Trained
from argo_audit.audit.markdown import Section, escape, fence
from argo_audit.store import ref

TITLE = "Limits and how to repeat"

_LIMITS = (
    "A rubric predicts the labels of these pairs; that a criterion is what causes them needs "
    "pairs in which only that criterion differs.",
    "The pairs come from one population each. On other prompts, or other responses to these "
    "prompts, the same reward model may prefer otherwise.",
    "One rubric speaks for a whole population, so preferences that differ between kinds of "
    "prompts are averaged.",
    "Agreement depends on the judge, its temperature and how its probability was estimated. "
    "Compare numbers only where these are equal.",
    "A run has one seed. Intervals are over prompts (or, where it says so, over rubrics), not over "
    "seeds.",
)


def section(facts: Facts) -> Section:
    """Limits, the notes that came with the inputs, and commands."""
    limits = [*_LIMITS, *map(escape, facts.inputs.notes)]
    commands = [*facts.inputs.commands, *_commands(facts)]
    blocks = ["\n".join(f"- {limit}" for limit in limits), "### Commands"]
    if not facts.inputs.commands:
        blocks.append("The command that made this audit was not recorded.")
    return Section(TITLE, [*blocks, *([fence("\n".join(commands), "bash")] if commands else [])])


def _commands(facts: Facts) -> list[str]:
    """One evaluation per selected rubric, then the store's own check; run from the audit."""
    store = facts.relative(facts.store_root)
    known = [trained for trained in facts.all_trained if trained.best]
    return [_evaluation(trained, store) for trained in known] + (
        [shlex.join(["argo-audit", "store", "verify", store])] if known else []
    )


def _evaluation(trained: Trained, store: str) -> str:
    rubric = f"rubric={ref(trained.best)}" if trained.best else ""
    task = ["inspect", "eval", "argo_audit/rubric_agreement"]
    model = trained.record.run.judge
    return shlex.join([*task, "-T", rubric, "-T", f"store={store}", "--model", model])
