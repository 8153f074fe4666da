"""Section 5, Figure 5: gates, caps, weights, criteria and length over training.

section(facts).blocks
"""

from argo_audit.audit.curves import WINDOWS, gain
from argo_audit.audit.evolution import PARTS, Mean, Stage, stages
from argo_audit.audit.facts import Facts, Trained, plain_population, population_name, sentence_case
from argo_audit.audit.figures import StagePanel, evolution_figure
from argo_audit.audit.markdown import Section, escape, fence, link, number, table, together, visible

TITLE = "How rubrics evolved (Figure 5)"

_SAMPLE = 30  # attempts per window; a third of training has three windows
_THIRDS = 3
_EXCERPT_LINES = 24
_EXCERPT = 1500  # characters
_NOTE = (
    "Means over a random sample of the attempts in a third of the steps, good and bad, with 95% "
    "intervals (bootstrap over steps). "
    "*Criteria* counts bias lines too; *caps* are gates that name the highest score they leave. "
    "Each excerpt is the attempt of its third with the highest gain on train."
)


def section(facts: Facts) -> Section:
    """The figure, then a table and three excerpts for each population."""
    known = [t for t in map(facts.principal, facts.populations) if t.record.attempts]
    if not known:
        return Section(TITLE, ["Nothing was tried: not measured."])
    panels = [
        StagePanel(
            visible(sentence_case(plain_population(trained.population))),
            stages(trained.record.attempts, WINDOWS, _SAMPLE),
        )
        for trained in known
    ]
    drawing = evolution_figure("figure-5", "How rubrics evolved", panels)
    blocks = [drawing.image, _NOTE]
    for trained in known:
        found = stages(trained.record.attempts, _THIRDS, _SAMPLE * WINDOWS // _THIRDS)
        name = population_name(trained.population)
        blocks += [f"### Training thirds of {name}", _table(found)]
        blocks += [block for stage in found for block in _excerpt(facts, trained, stage)]
    return Section(TITLE, blocks, (drawing,))


def _table(found: list[Stage]) -> str:
    header = ["Steps", "Attempts", *(part.capitalize() for part in PARTS)]
    return table(header, map(_row, found))


def _row(stage: Stage) -> list[str]:
    means = [_mean(stage.means[part]) for part in PARTS]
    return [
        together(f"{stage.first} to {stage.last}"),
        together(f"{stage.sampled} of {stage.attempts:,}"),
        *means,
    ]


def _mean(mean: Mean) -> str:
    if mean.interval is None:
        return number(mean.value)
    low, high = number(mean.interval.low), number(mean.interval.high)
    return together(f"{number(mean.value)} [{low}, {high}]")


def _excerpt(facts: Facts, trained: Trained, stage: Stage) -> tuple[str, str]:
    """Who wrote it and where it stands, then the beginning of the text."""
    best, path = stage.best, trained.record.folder / "attempts.jsonl"
    line = f"line {stage.best_index + 1}"
    where = link(line, f"{facts.href(path)}#L{stage.best_index + 1}") if path.is_file() else line
    text = _beginning(best.rubric.text)
    whole = "" if text == visible(best.rubric.text) else ", beginning"
    said = (
        f"Steps {stage.first} to {stage.last}: rubric {escape(best.rubric.id)} of step "
        f"{best.step}, gain on train {gain(best):.3f}{whole} ({where} of attempts.jsonl):"
    )
    return said, fence(text, "rubric") if text.strip() else "An empty rubric."


def _beginning(text: str) -> str:
    lines = visible(text).split("\n")[:_EXCERPT_LINES]
    return "\n".join(lines)[:_EXCERPT]
