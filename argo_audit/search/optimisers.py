"""The searches there are, by name: `argo`, the paper's, `lead`, by line, and others to compare.

    winners = open_search("argo")(policy, judge, data, config, memory, rewriter)

A search looks for the rubric under which the judge prefers what the labels prefer, and returns the
best of each stretch of training, in order, as measured on dev and held-out pairs. What it tries is
put into `memory` as it happens: an audit is reported, resumed and paid for by that record. A
package adds one by an entry point of the group `argo_audit.searches` whose object is called with
what stands behind the colon of `KIND:WHAT` and returns the search.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from argo_audit import kinds
from argo_audit.roles import Judge, Policy, Writer
from argo_audit.search.argo import argo
from argo_audit.search.gepa_package import check_installed
from argo_audit.search.gepa_search import gepa
from argo_audit.search.lead import lead
from argo_audit.search.memory import Memory
from argo_audit.search.search_settings import ARGO, SearchConfig
from argo_audit.search.selection import SearchData, Winner
from argo_audit.search.simple_searches import best_of_n, logistic


@runtime_checkable
class Search(Protocol):
    """One way of searching; see the module for what it owes."""

    def __call__(
        self,
        policy: Policy,
        judge: Judge,
        data: SearchData,
        config: SearchConfig,
        memory: Memory,
        rewriter: Writer | None = None,
    ) -> Sequence[Winner]:
        """The winners, in the order of training; none where no rubric had a readable verdict."""


def open_search(spec: str = ARGO) -> Search:
    """The search of that name. Raises InputError when nobody knows it."""
    search = kinds.opened("searches", spec)
    if not isinstance(search, Search):
        raise kinds.refused("searches", search)
    return search


def open_argo(_: str) -> Search:
    """The search `argo`: the paper's four steps."""
    return argo


def open_lead(_: str) -> Search:
    """The search `lead`: lines proposed, asked, weighed, written and raced."""
    return lead


def open_gepa(_: str) -> Search:
    """The search `gepa`: whole rubrics evolved by reflection, by the package of that name."""
    check_installed()
    return gepa


def open_best_of_n(_: str) -> Search:
    """The search `best-of-n`: the best of what an untrained policy writes."""
    return best_of_n


def open_logistic(_: str) -> Search:
    """The search `logistic`: lines asked alone, and a regression."""
    return logistic
