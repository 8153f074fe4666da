"""What a search takes at most, by the arithmetic of its method.

    work = expected("lead", SearchConfig(), rubrics=24, train=560, lines_per_call=8)
    work.steps, work.judged, work.line_calls, work.selected

A search of an installed package is taken to be as long as `argo`.
"""

from itertools import pairwise
from typing import NamedTuple

from argo_audit.search.rendering import LENGTHS
from argo_audit.search.search_settings import ARGO, LEAD, LOGISTIC, LeadConfig, SearchConfig


class Work(NamedTuple):
    """Of one search: `steps`, and in each of them `judged` pairs under rubrics and `line_calls`.

    `selected` is how many rubrics are measured on dev and held-out at its end.
    """

    steps: int
    judged: int
    line_calls: int
    selected: int


def steps_of(optimiser: str, config: SearchConfig) -> int:
    """How many steps a search takes at most."""
    if optimiser in (LEAD, LOGISTIC):
        return config.lead.rounds if optimiser == LEAD else 1
    return config.steps + (config.lead.rounds if _is_warm(optimiser, config) else 0)


def expected(
    optimiser: str, config: SearchConfig, rubrics: int, train: int, lines_per_call: int
) -> Work:
    """At most; `rubrics` are written in a step, `train` pairs are there."""
    steps = steps_of(optimiser, config)
    if optimiser == LOGISTIC:
        once = {"first": config.lead.pairs, "least": config.lead.lines, "heats": 1}
        lead = config.lead.model_copy(update=once)
        return Work(steps, _raced(lead, train), _asked(lead, 1), steps)
    if optimiser == LEAD:
        return Work(steps, _raced(config.lead, train), _asked(config.lead, lines_per_call), steps)
    selected = min(config.windows * config.top, steps * rubrics)
    return Work(steps, rubrics * min(config.minibatch, train), 0, selected)


def _is_warm(optimiser: str, config: SearchConfig) -> bool:
    return optimiser == ARGO and config.warm_start


def _raced(lead: LeadConfig, train: int) -> int:
    """Judgments of a race: every form that can be written, and the winner before."""
    alive, judged, done = 2 * len(LENGTHS) + 1, 0, 0
    for heat in range(lead.heats):
        end = min(lead.race * 2**heat, train)
        judged += alive * (end - done)
        alive, done = -(-alive // 2), end
    return judged


def _asked(lead: LeadConfig, lines_per_call: int) -> int:
    """Calls of a round whose stages all leave as many lines as they may."""
    alive, calls, ends = lead.lines, 0, [0, lead.first]
    while ends[-1] < lead.pairs:
        ends.append(min(2 * ends[-1], lead.pairs))
    for before, end in pairwise(ends):
        calls += 2 * (end - before) * -(-alive // lines_per_call)
        alive = max(lead.least, -(-alive // 2))
    again = 2 * 2 * lead.first * -(-lead.least // lines_per_call)  # on more pairs, in later rounds
    return calls + (again if lead.rounds > 1 else 0)
