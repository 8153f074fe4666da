"""What searches by line ask for: lines on pairs, and the races of the rubrics written.

    LeadArithmetic().work(sized, given).judged         # judgments of one round

Lines that are asked together count as one judgment of a pair, as they do in `arithmetic`.
"""

from collections.abc import Iterator
from itertools import pairwise, product

from argo_audit.search.rendering import LENGTHS
from argo_audit.search.search_settings import LeadConfig, SearchConfig
from argo_audit.search.sizes import Given, Sized, Work

_SIZES = (
    (384, 64, 32, 3), (256, 48, 32, 3), (192, 48, 16, 3), (128, 32, 16, 3), (96, 32, 16, 3),
    (64, 24, 8, 3), (48, 16, 8, 2), (48, 16, 8, 1),
)  # fmt: skip
"""Pairs asked on, new lines of a round, pairs of a race's first heat, heats."""

_NAMES = ("pairs", "lines", "race", "heats")
_ROUNDS = (3, 2, 1)


class LeadArithmetic:
    """Of `lead`: in each round new lines on more and more pairs, then a race."""

    def work(self, sized: Sized, given: Given, steps: int | None = None) -> Work:
        """A round whose stages all leave as many lines as they may, and a race of every form."""
        lead = self._asked(sized.search.lead)
        variants = len(sized.search.feedback.variants)
        steps = lead.rounds if steps is None else steps
        lines = asked_of(lead, self._lines_per_call(given), given.train)
        return Work(
            steps=steps,
            judged=lines + raced_of(lead, given.train),
            lines=lines,
            written=sized.rubrics_per_prompt * variants,
            rewrites=0,
            selection=steps * (given.dev + given.held_out),
        )

    def smaller(self, sized: Sized, given: Given) -> Iterator[Sized]:
        """Fewer rounds, pairs and lines, unless the user has set how lines are asked."""
        if "lead" in given.fixed:
            return
        sizes = [self._of(sized, rounds, *size) for size, rounds in product(_SIZES, _ROUNDS)]
        order = sorted(dict.fromkeys(sizes), key=lambda one: self._total(one, given), reverse=True)
        whole = self._total(sized, given)
        yield from (one for one in order if self._total(one, given) < whole)

    def _lines_per_call(self, given: Given) -> int:
        return given.lines_per_call

    def _asked(self, lead: LeadConfig) -> LeadConfig:
        return lead

    def _of(self, sized: Sized, rounds: int, *size: int) -> Sized:
        lead, wanted = sized.search.lead, {"rounds": rounds} | dict(zip(_NAMES, size, strict=True))
        update = {name: min(value, getattr(lead, name)) for name, value in wanted.items()}
        return sized._replace(search=_with(sized.search, lead.model_copy(update=update)))

    def _total(self, sized: Sized, given: Given) -> int:
        work = self.work(sized, given)
        return work.steps * work.judged + work.selection


class LogisticArithmetic(LeadArithmetic):
    """Of `logistic`: one round, each line alone on all pairs."""

    def _lines_per_call(self, given: Given) -> int:
        return 1

    def _asked(self, lead: LeadConfig) -> LeadConfig:
        return once(lead)


def once(lead: LeadConfig) -> LeadConfig:
    """One round in which no line is dropped early, and rubrics are judged in one heat."""
    update = {"rounds": 1, "first": lead.pairs, "least": lead.lines, "heats": 1}
    return lead.model_copy(update=update)


def raced_of(lead: LeadConfig, train: int) -> int:
    """Judgments of a race: every form that can be written, two loose ones, the winner before."""
    alive, judged, done = 2 * len(LENGTHS) + 3, 0, 0
    for heat in range(lead.heats):
        end = min(lead.race * 2**heat, train)
        judged += alive * (end - done)
        alive, done = -(-alive // 2), end
    return judged


def asked_of(lead: LeadConfig, lines_per_call: int, train: int) -> int:
    """Judgments of a round's lines; in later rounds those of before are asked on more pairs."""
    alive, judged, ends = lead.lines, 0, [0, min(lead.first, train)]
    most = min(lead.pairs, train)
    while ends[-1] < most:
        ends.append(min(2 * ends[-1], most))
    for before, end in pairwise(ends):
        judged += (end - before) * -(-alive // lines_per_call)
        alive = max(lead.least, -(-alive // 2))
    again = 2 * lead.first * -(-lead.least // lines_per_call)
    return judged + (again if lead.rounds > 1 else 0)


def _with(search: SearchConfig, lead: LeadConfig) -> SearchConfig:
    return search.model_copy(update={"lead": lead})
