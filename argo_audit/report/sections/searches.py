"""Within section 3: what both searches of a run with a warm start reached, beside each other.

blocks(facts)             # nothing where no run had one
"""

from argo_audit.findings.warm_starts import SearchPart, parts_of
from argo_audit.report.markdown import percent, table, together
from argo_audit.report.material import LONGEST, MEASUREMENTS, Material
from argo_audit.report.sections.summary import with_interval
from argo_audit.report.trained import Backed, Trained
from argo_audit.search.selection import CLEARLY

_HEADER = (
    "Run",
    "Search",
    "Steps",
    "Judge calls",
    "On dev",
    "Held-out [95% interval]",
    "Longest response",
    "Published",
)
_NOTE = (
    "These runs began by line (`lead`) and went on by RL (`argo`) from what that had found. Of "
    "each part the best rubric on dev, against the labels that the run was trained on; measuring "
    "on dev and held-out pairs is among the calls. The rubric of `lead` stays published unless "
    f"another is better on dev by {CLEARLY:g} standard errors over prompts, pair by pair."
)


def blocks(facts: Material) -> list[str]:
    """A heading, what is compared, and a row for each search of each such run."""
    rows = [
        _row(facts, trained, part)
        for trained in facts.all_trained
        for part in parts_of(trained.record, _published(trained))
    ]
    return ["### Both searches beside each other", _NOTE, table(_HEADER, rows)] if rows else []


def _row(facts: Material, trained: Trained, part: SearchPart) -> list[str]:
    longest = facts.baseline(trained.population, trained.label_source, LONGEST)
    return [
        facts.run_cell(trained, MEASUREMENTS),
        f"`{part.search}`",
        together(f"{part.first} to {part.last}"),
        f"{part.calls:,}",
        percent(part.dev.accuracy if part.dev else None),
        with_interval(Backed(part.held_out)),
        percent(longest.accuracy),
        "yes" if part.rubric_id in _published(trained) else "no",
    ]


def _published(trained: Trained) -> tuple[str, ...]:
    return (trained.best.rubric.id,) if trained.best else ()
