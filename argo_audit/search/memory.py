"""A search's memory: where it writes as it goes, and what it finds there after an interruption.

    recall = Recall(memory)
    recall.done                        # steps that are on record as a whole
    recall.claim(step, proposals)      # the attempt on record for each of them, or None

A search is a function of its record: given the attempts of a step it makes the same random choices
and writes the same prompts for the next. So a search that was killed goes through its record again
instead of saving its state, and what is on record is neither judged nor written twice. Where a
machine does not repeat itself (sampling on a GPU), a step that was not finished may bring other
rubrics: those are judged and added, and none is lost.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

from argo_audit.errors import RunFolderError
from argo_audit.records import Attempt, Measurement, PolicyPrompt, Step, Weighing
from argo_audit.roles import Proposal
from argo_audit.search.feedback import is_short
from argo_audit.search.journal import Journal

TEMPLATE = "template"
"""Author of the policy prompts that no model has rewritten."""


class Memory(Protocol):
    """Where a search writes; each call appends records, durably."""

    run: str

    @property
    def journal(self) -> Journal:
        """All records, those from before an interruption included."""

    def add(self, *records: PolicyPrompt | Attempt | Step | Measurement | Weighing) -> None:
        """Append records."""

    def progress(self, step: int, best: Attempt | None) -> None:
        """Called after each step with the number of steps done and the best attempt so far."""

    def go_on(self) -> bool:
        """Asked before each new step; False ends the search there, with what it has."""


class Recall:
    """What a memory held when the search began."""

    def __init__(self, memory: Memory):
        journal = memory.journal
        self._run = memory.run
        self.done = len(journal.steps)
        self._attempts = defaultdict[int, list[Attempt]](list)
        self._prompts = defaultdict[int, dict[int, PolicyPrompt]](dict)
        for attempt in journal.attempts:
            self._attempts[attempt.step].append(attempt)
        for prompt in journal.prompts:
            self._prompts[prompt.step][prompt.variant] = prompt
        self._weighings = defaultdict[int, list[Weighing]](list)
        for weighing in journal.weighings:
            self._weighings[weighing.step].append(weighing)
        self._measured = Counter(map(_what, journal.measurements))

    def attempts(self, step: int) -> list[Attempt]:
        """The attempts on record of a step."""
        return list(self._attempts[step])

    def weighings(self, step: int) -> list[Weighing]:
        """What lines weighed in a step, in the order in which they were asked."""
        return list(self._weighings[step])

    def claim(self, step: int, proposals: Iterable[Proposal]) -> list[Attempt | None]:
        """The attempt on record for each proposal; each attempt answers for one proposal."""
        waiting = defaultdict[tuple[int, str], list[Attempt]](list)
        for attempt in self._attempts[step]:
            waiting[attempt.prompt_variant, attempt.rubric.text].append(attempt)
        found = (waiting[proposal.prompt_variant, proposal.text] for proposal in proposals)
        return [attempts.pop(0) if attempts else None for attempts in found]

    def prompts(self, step: int, drafts: Sequence[str]) -> dict[int, PolicyPrompt]:
        """The prompts on record of a step, by variant.

        Raises RunFolderError when a template now writes another prompt than it did then: attempts,
        data or code are not what they were, and a continuation would be another search.
        """
        known = self._prompts[step]
        for variant, prompt in known.items():
            if prompt.author == TEMPLATE and prompt.text != drafts[variant]:
                raise RunFolderError(
                    f"{self._run}: step {step} would not ask what it asked before, so the search "
                    "cannot go on.\n  Remedy: use the version of argo-audit that began it, or "
                    "start anew in another folder"
                )
        return dict(known)

    @property
    def is_short(self) -> bool:
        """Whether the policy was asked in short: begun so, a search goes on so."""
        known = (prompt for of_step in self._prompts.values() for prompt in of_step.values())
        return any(prompt.author == TEMPLATE and is_short(prompt.text) for prompt in known)

    def unrecorded(self, measurements: Iterable[Measurement]) -> list[Measurement]:
        """Those that are not on record; each one on record stands for one."""
        found = []
        for measurement in measurements:
            if self._measured[_what(measurement)]:
                self._measured[_what(measurement)] -= 1
            else:
                found.append(measurement)
        return found


def writable(proposals: Iterable[Proposal]) -> list[Proposal]:
    """With what UTF-8 cannot hold (lone surrogates) replaced by a question mark in their texts."""
    return [p._replace(text=p.text.encode("utf-8", "replace").decode("utf-8")) for p in proposals]


def _what(measurement: Measurement) -> tuple[str, str, str]:
    return measurement.rubric_id, measurement.split, measurement.label_source
