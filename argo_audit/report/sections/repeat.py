"""Section 8: what the audit cannot say, and the commands that make it again.

section(facts).blocks
"""

import json
import shlex

from argo_audit.judges.opening import NO_MODEL, is_inspects
from argo_audit.report.markdown import Section, escape, fence
from argo_audit.report.material import Material
from argo_audit.report.trained import Trained
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


def section(facts: Material) -> Section:
    """Limits, the notes that came with the inputs, and commands."""
    limits = [*_LIMITS, *map(escape, facts.inputs.notes)]
    commands = [*facts.inputs.commands, *_commands(facts)]
    blocks = ["\n".join(f"- {limit}" for limit in limits), "### Commands"]
    if not facts.inputs.commands:
        blocks.append("The command that made this audit was not recorded.")
    return Section(TITLE, [*blocks, *([fence("\n".join(commands), "bash")] if commands else [])])


def _commands(facts: Material) -> list[str]:
    """One evaluation per selected rubric, then each store's own check; run from the audit."""
    known = [trained for trained in facts.all_trained if trained.best]
    stores = dict.fromkeys(facts.relative(t.store) for t in known if t.store)
    checks = (["argo-audit", "store", "verify", store] for store in stores)
    return [shlex.join(words) for words in (*(_evaluation(facts, t) for t in known), *checks)]


def _evaluation(facts: Material, trained: Trained) -> list[str]:
    settings = {
        "rubric": ref(trained.best) if trained.best else None,
        "store": facts.relative(trained.store) if trained.store else None,
        "pairs": facts.relative(trained.record.held_out) if trained.record.held_out else None,
    }
    given = (part for key, value in settings.items() if value for part in ("-T", f"{key}={value}"))
    task = ["inspect", "eval", "argo_audit/rubric_agreement"]
    judge = trained.record.run.judge
    if is_inspects(judge):
        return [*task, *given, "--model", judge]
    return [*task, *given, "-T", f"judge={json.dumps({'name': judge})}", "--model", NO_MODEL]
