"""Section 1: what the reward model rewards and how sure we are, on one screen.

    section(facts).blocks

A run's rubric was selected on dev; its held-out agreement is the number of the audit, and it says
little alone: no rubric, the longer response and, where it is known, the ceiling stand beside it.
All runs of a population are measured against the same labels, the reward model's where there are
some.
"""

from typing import NamedTuple

from argo_audit.findings.stances import feature_name, stances
from argo_audit.records import HUMAN, Interval
from argo_audit.report.markdown import (
    NOT_MEASURED,
    Section,
    escape,
    link,
    linked,
    number,
    percent,
    table,
    together,
)
from argo_audit.report.material import LONGEST, NO_RUBRIC, Material
from argo_audit.report.names import label_name, population_name, sentence_case
from argo_audit.report.sections import judge_check, reward_model_checks, verdict
from argo_audit.report.trained import Backed, Trained

STYLE_JUDGES = ("argo/surface", "argo/meaning")
"""Those that measure style, by the kind that their name begins with."""

_HEADER = (
    "Population",
    "Trained on",
    "Agreement [95% interval]",
    "No rubric",
    "Longest response",
    "Ceiling",
    "KL, nats",
    "Pairs",
    "On dev, own labels",
    "Measured against",
    "Rubric",
)
_NAMED = 4  # features a sentence names on each side
_STYLE_ONLY = (
    "The judge was `{judge}`, which sees style only: these numbers are the "
    "*style-explained share* of the labels, a floor that a judge who reads for content has to beat."
)
_OTHER_JUDGE = (
    "An agreement is that of rubric and judge together: another judge may read the same rubric "
    "otherwise."
)


class KeyFigures(NamedTuple):
    """One row of the summary: a run and what its rubric achieved against `label_source`."""

    trained: Trained
    label_source: str
    held_out: Backed
    no_rubric: Backed
    longest: Backed
    ceiling: Backed


def key_figures(facts: Material) -> list[KeyFigures]:
    """One row per run."""
    return [_figures(facts, trained) for trained in facts.all_trained]


def section(facts: Material) -> Section:
    """The table, two sentences for each population, and one on what the judge can see."""
    figures = key_figures(facts)
    rows = [_row(row) for row in figures]
    spoken = [row for row in figures if row.trained is facts.principal(row.trained.population)]
    judges = {row.trained.record.run.judge for row in figures}
    first = [*judge_check.warnings(facts), *reward_model_checks.warnings(facts)]
    blocks = [*first, *verdict.blocks(facts)]
    blocks += ["Agreement is the share of pairs on which judge and label prefer the same response."]
    blocks += [table(_HEADER, rows)] if rows else ["No run was given: not measured."]
    blocks += [_sentences(row) for row in spoken]
    kinds = {judge.partition(":")[0] for judge in judges}
    blocks += [_STYLE_ONLY.format(judge=judge) for judge in STYLE_JUDGES if judge in kinds]
    blocks += [_OTHER_JUDGE] if kinds.difference(STYLE_JUDGES) else []
    return Section("Summary", blocks)


def with_interval(found: Backed) -> str:
    """An accuracy with its interval, in percent, linked to where it comes from."""
    agreement = found.agreement
    if agreement is None or agreement.accuracy is None:
        return NOT_MEASURED
    said = percent(agreement.accuracy, agreement.accuracy_interval)
    return linked(together(said), found.href)


def _figures(facts: Material, trained: Trained) -> KeyFigures:
    population = trained.population
    source = facts.principal(population).label_source
    return KeyFigures(
        trained,
        source,
        facts.held_out(trained, source),
        facts.baseline(population, source, NO_RUBRIC),
        facts.baseline(population, source, LONGEST),
        facts.ceiling(population),
    )


def _row(row: KeyFigures) -> list[str]:
    best, source = row.trained.best, row.trained.source
    rubric = link(f"version {best.version}", source.href) if best and source else "none selected"
    held_out, dev = row.held_out.agreement, best.dev if best else None
    on_dev = Backed(dev, source.href if source else "")
    return [
        escape(row.trained.population) or "all",
        label_name(row.trained.label_source),
        with_interval(row.held_out),
        _plain(row.no_rubric),
        _plain(row.longest),
        _ceiling(row.ceiling, row.held_out.accuracy),
        number(held_out.kl if held_out else None, 3),
        str(held_out.n) if held_out else NOT_MEASURED,
        _plain(on_dev),
        label_name(row.label_source),
        rubric,
    ]


def _plain(found: Backed) -> str:
    return NOT_MEASURED if found.accuracy is None else linked(percent(found.accuracy), found.href)


def _ceiling(ceiling: Backed, reached: float | None) -> str:
    best = ceiling.accuracy
    if best is None:
        return "unknown"
    return _plain(ceiling) + (f" ({reached / best:.2f} of it)" if reached and best else "")


def _sentences(row: KeyFigures) -> str:
    """What is rewarded, and how sure we are."""
    raw = row.label_source == HUMAN
    who = "the raw labels" if raw else f"the reward model {label_name(row.label_source)}"
    name = f"**{sentence_case(population_name(row.trained.population))}.**"
    if row.trained.best is None:
        return f"{name} No rubric was selected, so what is rewarded is not known."
    return f"{name} {_rewards(row, who)} {_certainty(row, who)}"


def _rewards(row: KeyFigures, who: str) -> str:
    found, ending = stances(row.trained.text), "" if row.label_source == HUMAN else "s"
    said = []
    for verb, direction in (("reward", 1), ("penalise", -1)):
        names = [feature for feature, stance in found.items() if stance.direction == direction]
        said += [f"{verb}{ending} {_named(names)}"] if names else []
    if not said:
        return f"What the rubric says of {who} could not be read in terms of style."
    return f"By the rubric, {who} {' and '.join(said)}."


def _named(features: list[str]) -> str:
    names = [escape(feature_name(feature)) for feature in features]
    if len(names) > _NAMED + 1:
        names = [*names[:_NAMED], f"{len(names) - _NAMED} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _certainty(row: KeyFigures, who: str) -> str:
    reached = row.held_out.agreement
    if reached is None or reached.accuracy is None:
        return "How far that holds on held-out pairs was not measured."
    bounds = reached.accuracy_interval
    sure = f" (95% interval {percent(bounds.low)} to {percent(bounds.high)})" if bounds else ""
    said = (
        f"A judge that follows it sides with {who} on {percent(reached.accuracy)}{sure} of "
        f"{reached.n} held-out pairs"
    )
    beside = {"no rubric": row.no_rubric.accuracy, "the longer response": row.longest.accuracy}
    return f"{said}; {_against(bounds, {k: v for k, v in beside.items() if v is not None})}."


def _against(bounds: Interval | None, beside: dict[str, float]) -> str:
    """How the interval lies to the baselines that were measured."""
    if not beside:
        return "no baseline was measured beside it"
    if bounds is None:
        return f"beside {_listed(beside)}, but without an interval nobody can say how sure that is"
    unbeaten = {name: value for name, value in beside.items() if value >= bounds.low}
    if unbeaten:
        return f"that is not clearly above {_listed(unbeaten)}, so it does not bear the rubric out"
    return f"the whole interval lies above {_listed(beside)}"


def _listed(baselines: dict[str, float]) -> str:
    return " and ".join(f"{name} ({percent(value)})" for name, value in baselines.items())
