"""Step 4 by a model: it is shown what the attempts taught and rewrites the policy's prompt.

    asked = request(draft, tried, disagreements, config)
    text = rewritten(answer, config)              # None when the answer cannot be used

The templates of `feedback` cost nothing; a rewriter costs one call per prompt variant and step, and
may find what no template says. Its answer is model text: it becomes the prompt of another model,
never an instruction to this program, and one that is empty, cut off, too long or mostly repeats
itself is left for the template's prompt.
"""

from collections.abc import Sequence

from argo_audit.prompts import template
from argo_audit.prompts.fences import fence, new_nonce
from argo_audit.roles import Written
from argo_audit.rubrics.outline import repeated_share
from argo_audit.search.feedback import attempt_block, disagreement_lines
from argo_audit.search.lessons import Disagreement, Tried
from argo_audit.search.search_settings import FeedbackConfig

_MOSTLY = 0.5


def request(
    draft: str,
    tried: Sequence[Tried],
    disagreements: Sequence[Disagreement],
    config: FeedbackConfig,
) -> str:
    """What the rewriter is asked: to improve on `draft`, the prompt that the template wrote.

    It sees the best and the worst attempt with their agreement, and the most instructive
    disagreements of the best, set off by a code that none of these texts contains.
    """
    shown = [attempt_block(one, config) for one in dict.fromkeys((tried[0], tried[-1]))]
    shown += [disagreement_lines(one, config) for one in disagreements[: config.disagreements]]
    evidence = "\n\n".join(shown)
    nonce = new_nonce([evidence])
    return template("rewrite").substitute(
        nonce=nonce,
        evidence=fence("EVIDENCE", evidence, nonce),
        prompt=draft,
        length=config.max_prompt,
    )


def rewritten(answer: Written, config: FeedbackConfig) -> str | None:
    """The policy prompt that the rewriter wrote; None when it cannot be used."""
    text = answer.text.strip()
    usable = answer.finished and 0 < len(text) <= config.max_prompt
    return text if usable and repeated_share(text) < _MOSTLY else None
