"""The rounds of a search by line: what happens between a policy's proposals and its pay.

    rounds = Rounds(panel, data, config, memory)
    prompts = rounds.prompts(policy)                  # what the policy is shown
    pay = rounds.take(0, proposals)                   # asked, weighed, written, raced, on record
    rounds.finalists[-1].rubric                       # the winner of the last race

A round is a function of the record as any step of a search is: lines and attempts on record are not
proposed, written or raced again, and their answers are asked of a judge that keeps them.
"""

import time
from collections.abc import Sequence
from random import Random

import numpy as np

from argo_audit.pairs.near_duplicates import components
from argo_audit.pairs.splits import clusters
from argo_audit.policies.policy_names import reads_pairs
from argo_audit.records import Attempt, Pair, WeighedLine, Weighing
from argo_audit.roles import Policy, Proposal
from argo_audit.search.asked_lines import AskedLines, AskedStage
from argo_audit.search.contrasts import SoFar, proposing_prompts
from argo_audit.search.feedback import policy_prompts
from argo_audit.search.memory import Memory, Recall
from argo_audit.search.panel import Panel
from argo_audit.search.payment import Payment, Taken
from argo_audit.search.proposing import ProposedLine, distinct, lines_of, without_copies
from argo_audit.search.racing import Heats, Raced, race
from argo_audit.search.rendering import Weight, forms, written
from argo_audit.search.search_settings import SearchConfig
from argo_audit.search.selection import SearchData
from argo_audit.search.shown_pairs import Seen

_ASKED_AT_MOST = 0.6
"""Share of the train pairs on which lines are asked; rubrics race on the others."""

_TOO_FEW = 32
_CLEARLY, _HARDLY = 1.5, 1.0  # standard errors
_GAIN = 0.002  # nats a pair by which the fit has to improve, or the rounds are over


class Rounds:
    """What was proposed, asked, weighed and raced so far."""

    def __init__(self, panel: Panel, data: SearchData, config: SearchConfig, memory: Memory):
        self._panel, self._data, self._config, self._memory = panel, data, config, memory
        self._recall = Recall(memory)
        self._payment = Payment(panel, data, config, memory.run)
        seen, self._racers = self._divided()
        self._asked = AskedLines(panel, seen, _families(seen.pairs), config.lead, config.seed)
        self.finalists: list[Attempt] = []
        self._losses: list[float] = []
        self._rubric = ""

    @property
    def over(self) -> bool:
        """Whether the last round has shown that another one would gain nothing."""
        loss = self._losses
        return len(loss) > 1 and loss[-2] - loss[-1] < _GAIN and not self._asked.found_new

    def prompts(self, policy: Policy) -> list[str]:
        """What the policy is shown, to propose lines for the next round.

        One that reads no pairs is asked for any rubric: it has lines too.
        """
        feedback = self._config.feedback
        variants = len(feedback.variants)
        if not self._config.lead.contrasts or not reads_pairs(policy.name):
            explore = feedback.model_copy(update={"variants": ("explore",) * variants})
            return policy_prompts([], (), explore, Random(self._config.seed))
        return self._with_pairs(variants)

    def _with_pairs(self, variants: int) -> list[str]:
        seen, step = self._asked.asked_on(), len(self._losses)
        so_far = SoFar(self._rubric, self._asked.said()) if self._rubric else None
        shown = seen if so_far else self._asked.seen
        seed = self._config.seed + step
        return proposing_prompts(shown, so_far, self._config.lead, variants, seed)

    def take(self, step: int, proposals: Sequence[Proposal]) -> list[float]:
        """One round, from the policy's answers to what each is paid."""
        new = self._new_lines(step, proposals)
        self._losses.append(self._losses[-1] if self._losses else float(np.log(2)))
        for number, stage in enumerate(self._asked.round(new)):
            self._close_stage(step, number, stage)
        self._close_race(step)
        return self._pay(proposals)

    def replay(self, step: int) -> None:
        """A round that is on record as a whole; nobody is paid."""
        self.take(step, ())

    def _new_lines(self, step: int, proposals: Sequence[Proposal]) -> list[ProposedLine]:
        """Those of the record where the step has any; else what is proposed and not known yet."""
        recorded = self._recall.weighings(step)
        if recorded:
            known = {line.text for line in self._asked.known}
            return [ProposedLine(w.text, w.name) for w in recorded[0].lines if w.text not in known]
        offered = [line for text in self._offered() for line in lines_of(text)]
        proposed = [line for one in proposals for line in lines_of(one.text)]
        found = distinct([*offered, *proposed], self._asked.known)
        fresh, _ = without_copies(found, self._data.splits["train"])
        return fresh[: self._config.lead.lines]

    def _offered(self) -> Sequence[str]:
        """Rubrics of before, whose lines are offered in the first round."""
        return () if self._losses else self._data.known

    def _close_stage(self, step: int, number: int, stage: AskedStage) -> None:
        weights = self._asked.weights()
        self._rubric = written(_by_size(weights)) if weights else ""
        self._losses[-1] = stage.weighed.loss
        if number < len(self._recall.weighings(step)):
            return
        both = zip(stage.lines, *(column.tolist() for column in stage.weighed[:3]), strict=True)
        lines = tuple(
            WeighedLine(text=line.text, name=line.name, weight=w, stability=s, z=z)
            for line, w, s, z in both
        )
        self._memory.add(
            Weighing(
                run=self._memory.run,
                step=step,
                pairs=stage.pairs,
                lines=lines,
                rubric=self._rubric,
                usage=stage.usage,
                saved=stage.saved,
            )
        )

    def _close_race(self, step: int) -> None:
        """The best of the rubrics that can be written now and of the winner before."""
        known = {attempt.rubric.text: attempt for attempt in self._recall.attempts(step)}
        texts = self._written()
        if self.finalists:
            texts.append(self.finalists[-1].rubric.text)
        if not texts:
            return
        if set(texts) <= known.keys():
            best = next(iter(known.values()))
        else:
            best = self._raced(step, texts)
        self.finalists.append(best)
        self._rubric = best.rubric.text

    def _written(self) -> list[str]:
        """The rubrics that can be written, in the order in which they are preferred."""
        loose = [written(lines) for lines in self._asked.loose()]
        return [*forms(self._asked.weights()), *loose]

    def _noise(self) -> float:
        """How clearly a rubric has to be better than one that is preferred.

        Less clearly where so few lines count that they hardly make a rubric.
        """
        return _CLEARLY if self._asked.count >= self._config.min_criteria else _HARDLY

    def _raced(self, step: int, texts: Sequence[str]) -> Attempt:
        started, lead = time.monotonic(), self._config.lead
        pairs = self._fresh(step)
        labels = self._data.labels_for(pairs, self._data.source)
        heats = Heats(lead.race, lead.heats, self._config.clip, self._noise())
        raced = race(self._panel, texts, pairs, labels, heats)
        seconds = (time.monotonic() - started) / len(raced)
        attempts = [self._attempt(step, variant, one, seconds) for variant, one in enumerate(raced)]
        self._memory.add(*attempts)
        return attempts[0]

    def _attempt(self, step: int, variant: int, one: Raced, seconds: float) -> Attempt:
        proposal, taken = Proposal(variant, one.text), Taken(one.said.usage, seconds)
        return self._payment.attempt(step, proposal, one.labels, one.said, taken)

    def _fresh(self, step: int) -> list[Pair]:
        """Pairs for the race of that step; each race begins with others, as long as there are."""
        pairs, lead = self._racers, self._config.lead
        length = lead.race * 2 ** (lead.heats - 1)
        start = (step * length) % len(pairs)
        return [*pairs[start:], *pairs[:start]][:length]

    def _divided(self) -> tuple[Seen, list[Pair]]:
        """The labelled train pairs: those on which lines are asked, and those to race on."""
        labels = self._data.labels[self._data.source]
        pairs = [pair for pair in self._data.splits["train"] if pair.id in labels]
        Random(self._config.seed).shuffle(pairs)
        cut = round(_ASKED_AT_MOST * len(pairs))
        racers = pairs[cut:] if len(pairs) - cut >= _TOO_FEW else pairs
        target = np.array([labels[pair.id].p_a for pair in pairs[:cut]], dtype=np.float64)
        return Seen(pairs[:cut], target), racers

    def _pay(self, proposals: Sequence[Proposal]) -> list[float]:
        """By how much the lines of each proposal that were kept move a pair, over all its lines."""
        worth = {one.line.text: one.size for one in self._asked.weights()}
        floor = -self._config.floor
        paid = []
        for proposal in proposals:
            texts = [line.text for line in lines_of(proposal.text)]
            paid.append(sum(worth.get(t, 0.0) for t in texts) / len(texts) if texts else floor)
        return paid


def _by_size(weights: Sequence[Weight]) -> list[Weight]:
    return sorted(weights, key=lambda one: -one.size)


def _families(pairs: Sequence[Pair]) -> list[str]:
    """For each pair its prompt's family: prompts that nearly say the same are one."""
    keys = list(clusters(pairs).values())
    texts = {pair.prompt_key: "\n".join(turn.text for turn in pair.prompt) for pair in pairs}
    order = sorted(texts)
    first = components([texts[key] for key in order])
    family = {key: order[place] for key, place in zip(order, first, strict=True)}
    return [family[key] for key in keys]
