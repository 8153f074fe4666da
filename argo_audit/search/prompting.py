"""The policy prompts of one step: the drafts of templates, rewritten where a model does that.

prompting = Prompting(panel, config, run="my-run")
prompting.prompts(step, {0: draft}, past.lessons(pairs))[0].author         # a model, or "template"
prompting.used                                                              # by the rewriter so far
"""

from collections.abc import Mapping

from argo_audit.records import PolicyPrompt, Usage
from argo_audit.search.lessons import Lessons
from argo_audit.search.memory import TEMPLATE
from argo_audit.search.panel import Panel
from argo_audit.search.rewriting import request, rewritten
from argo_audit.search.search_settings import SearchConfig


class Prompting:
    """Writes the policy prompts of a step, and counts what that takes."""

    def __init__(self, panel: Panel, config: SearchConfig, run: str):
        self._panel, self._config, self._run = panel, config, run
        self.used = Usage()

    def prompts(self, step: int, drafts: Mapping[int, str], learned: Lessons) -> list[PolicyPrompt]:
        """The drafts by variant as prompts, rewritten where a rewriter's answer can be used."""
        texts = self._rewritten(step, list(drafts.values()), learned)
        return [
            PolicyPrompt(
                run=self._run,
                step=step,
                variant=variant,
                text=text or draft,
                author=(text and self._panel.rewriter) or TEMPLATE,
            )
            for (variant, draft), text in zip(drafts.items(), texts, strict=True)
        ]

    def _rewritten(self, step: int, drafts: list[str], learned: Lessons) -> list[str | None]:
        """What the rewriter made of each draft; None where there is nothing to use."""
        feedback = self._config.feedback
        requests = [request(draft, *learned, feedback) for draft in drafts if learned.tried]
        answers = self._panel.rewrite(requests, self._config.seed + step)
        self.used += Usage.total(answer.usage for answer in answers)
        return [rewritten(answer, feedback) for answer in answers] or [None] * len(drafts)
