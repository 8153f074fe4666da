"""GEPA as a rival: the package's own optimiser, with the embedded writer proposing.

    rubric = gepa_rival(policy, judge, data, config, notes, most=20_000)

Needs the package `gepa`, which nothing here depends on. A candidate is a rubric; a metric call is a
judgment, two calls; scores are agreement. The writer is shown the parent with the package's own
prompt to improve on it.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import numpy as np

from argo_audit.records import Step
from argo_audit.roles import Judge, Policy, Proposal
from argo_audit.search.feedback import policy_prompts
from argo_audit.search.lessons import Tried
from argo_audit.search.memory import Memory
from argo_audit.search.panel import open_panel
from argo_audit.search.payment import Payment, Taken
from argo_audit.search.search_settings import FeedbackConfig, SearchConfig
from argo_audit.search.selection import SearchData
from argo_audit.stats.agreement import agreeing

_VALIDATE = 64


def gepa_rival(
    policy: Policy, judge: Judge, data: SearchData, config: SearchConfig, notes: Memory, most: int
) -> str:
    """The rubric that is best on its validation pairs; raises ImportError without the package."""
    import gepa

    rng = Random(config.seed)
    train = [pair for pair in data.splits["train"] if pair.id in data.labels[data.source]]
    rng.shuffle(train)
    with open_panel(judge) as panel:
        payment = Payment(panel, data, config, notes.run)
        steps = iter(range(1_000_000))

        def scored(text: str, places: Sequence[int]) -> list[float]:
            step, pairs = next(steps), [train[place] for place in places]
            labels = data.labels_for(pairs, data.source)
            said = panel.judge([text], pairs)[text]
            target = np.array([label.p_a for label in labels])
            p_a = np.array([0.5 if one.p_a is None else one.p_a for one in said])
            right = agreeing(target, p_a)
            attempt = payment.attempt(step, Proposal(0, text), labels, said, Taken(said.usage, 0.0))
            # its best is by its own score on the validation pairs, and by no smaller batch
            own = float(right.mean()) if len(places) >= _VALIDATE else -1.0
            paid = own - (attempt.empty_kl or 0.0)
            notes.add(attempt.model_copy(update={"policy_reward": paid}))
            notes.add(Step(run=notes.run, step=step, attempts=1))
            return [float(one) for one in right]

        result = gepa.optimize(
            seed_candidate={"rubric": _written(policy, None, rng)},
            trainset=list(range(_VALIDATE, len(train))),
            valset=list(range(_VALIDATE)),
            adapter=_Adapter(scored),
            custom_candidate_proposer=lambda candidate, *_: {
                "rubric": _written(policy, candidate["rubric"], rng)
            },
            reflection_minibatch_size=8,
            max_metric_calls=most // 2,
            seed=config.seed,
            logger=_Quiet(),
            skip_perfect_score=False,
            raise_on_exception=True,
        )
    return str(result.best_candidate["rubric"])


class _Adapter:
    """What GEPA asks of a problem."""

    propose_new_texts = None

    def __init__(self, scored: Any):
        self._scored = scored

    def evaluate(
        self, batch: list[int], candidate: dict[str, str], capture_traces: bool = False
    ) -> Any:
        from gepa.core.adapter import EvaluationBatch

        scores = self._scored(candidate["rubric"], batch)
        traces = [{"place": place} for place in batch] if capture_traces else None
        return EvaluationBatch(outputs=scores, scores=scores, trajectories=traces)

    def make_reflective_dataset(self, candidate: Any, batch: Any, names: list[str]) -> Any:
        return {name: [{"Feedback": str(np.mean(batch.scores))}] for name in names}


class _Quiet:
    def log(self, *_: object) -> None:
        """Nobody listens."""


def _written(policy: Policy, parent: str | None, rng: Random) -> str:
    """A new rubric by the policy, from the parent where there is one."""
    variant = "improve" if parent else "explore"
    feedback = FeedbackConfig(variants=(variant,), elite=1)
    prompts = policy_prompts([Tried(parent, 0.6)] if parent else [], (), feedback, rng)
    found: list[str] = []

    def take(proposals: Sequence[Proposal]) -> list[float]:
        found.extend(p.text for p in proposals if p.finished and p.text != parent)
        return [0.0 for _ in proposals]

    given: Iterator[list[str]] = iter([prompts])
    policy.train(lambda: next(given, []), take, 1)
    return rng.choice(found) if found else parent or "- Rewards long answers\n"
