"""Section 5, Figure 5: phases of training, what rubrics looked like in each, and their length.

section(facts).blocks
"""

from collections.abc import Sequence

from argo_audit.findings.curves import WINDOWS, gain, windows
from argo_audit.findings.evolution import LIX, PARTS, Mean, Stage, stages
from argo_audit.findings.phases import GAIN, SHORTEST, Correlation, Phases, length_effect, phases
from argo_audit.report.figures import Plot, StagePanel, drawn, evolution_figure
from argo_audit.report.markdown import (
    NOT_MEASURED,
    Section,
    escape,
    fence,
    link,
    number,
    signed,
    table,
    together,
    visible,
)
from argo_audit.report.material import ATTEMPTS, MEASUREMENTS, Material
from argo_audit.report.names import plain_population, population_name, sentence_case
from argo_audit.report.trained import Trained

TITLE = "How rubrics evolved (Figure 5)"

_SAMPLE = 30  # attempts per window; a third of training has three windows
_THIRDS = 3
_EXCERPT_LINES = 24
_EXCERPT = 1500  # characters
_NOTE = (
    "Means over a random sample of the attempts in a phase or third of the steps, good and bad, "
    "with 95% intervals (bootstrap over steps). "
    "*Criteria* counts bias lines too; *caps* are gates that name the highest score they leave; "
    f"*{LIX}* says how hard a text reads (words per sentence plus the percentage of words of more "
    "than six letters). Of the 50 attempts of a phase that are best on train, its excerpt is the "
    "one whose counts are nearest to the phase's means."
)
_CUT = (
    "Cut at the change points of {measure}, a mean per step ({of} of {steps} steps have one): the "
    "levels that fit best, as many as Schwarz's criterion with McQuarrie's correction says, each "
    f"of at least {SHORTEST} such steps. {{said}} The levels were cut to differ: on new data they "
    "would lie closer together. A steady climb is cut into steps too."
)
_LENGTH = ("Run", "Rubrics", "Steps", "Length and agreement", "The same at equal step")
_LENGTH_NOTE = (
    "Spearman's rank correlation of the number of words with held-out agreement, over the distinct "
    "rubrics that were measured, which are the best of their windows on train; in brackets 95% "
    "intervals (bootstrap over steps). Both change over training, hence the partial correlation "
    "given the step."
)


def section(facts: Material) -> Section:
    """The figure, then phases with excerpts, and thirds, for each population; then length."""
    cut = _trained(facts)
    shown = _plot(cut)
    if shown is None:
        return Section(TITLE, ["Nothing was tried: not measured."])
    drawing = drawn("figure-5", shown)
    blocks = [drawing.image, _NOTE]
    for trained, found in cut:
        blocks += _of_phases(facts, trained, found) if found else []
        blocks += [f"### Training thirds of {population_name(trained.population)}"]
        files = facts.recorded(trained.record, ATTEMPTS)
        blocks += [f"From {files[0]}:"] if files else []
        blocks += [_table(_stages(trained, windows(trained.record.attempts, _THIRDS)))]
    blocks += ["### Length and agreement", _LENGTH_NOTE, _length(facts)]
    return Section(TITLE, blocks, (drawing,))


def plot(facts: Material) -> Plot | None:
    """What the rubrics of each population were like over training; None where nothing was tried."""
    return _plot(_trained(facts))


def _plot(cut: Sequence[tuple[Trained, Phases | None]]) -> Plot | None:
    panels = [_panel(trained, found) for trained, found in cut]
    return evolution_figure("How rubrics evolved", panels) if panels else None


def _trained(facts: Material) -> list[tuple[Trained, Phases | None]]:
    """The run that speaks for each population, and its phases."""
    known = [t for t in map(facts.principal, facts.populations) if t.record.attempts]
    return [(trained, phases(trained.record, trained.label_source)) for trained in known]


def _panel(trained: Trained, found: Phases | None) -> StagePanel:
    attempts = trained.record.attempts
    title = visible(sentence_case(plain_population(trained.population)))
    changes = [steps[0] for steps in found.steps[1:]] if found else []
    return StagePanel(title, stages(attempts, windows(attempts, WINDOWS), _SAMPLE), changes)


def _of_phases(facts: Material, trained: Trained, found: Phases) -> list[str]:
    """How training was cut, the table, and an excerpt of each phase."""
    cut = _stages(trained, found.steps)
    levels = [_level(mean, found.measure) for mean in found.levels]
    blocks = [f"### Training phases of {population_name(trained.population)}", _method(found)]
    blocks += [_table(cut, sentence_case(found.measure), levels)]
    return blocks + [block for stage in cut for block in _excerpt(facts, trained, stage)]


def _method(found: Phases) -> str:
    several = len(found.steps) - 1
    if found.of < 2 * SHORTEST:
        said = "Too few to look for a change."
    elif several:
        changes = f"{several} change{'s' if several > 1 else ''}"
        said = f"It found {changes} (the criterion is {found.evidence:.1f} lower than with none)."
    else:
        said = "It found no change: one phase."
    return _CUT.format(
        measure=found.measure.removesuffix(", %"),
        of=found.of,
        steps=found.steps[-1][-1] + 1,
        said=said,
    )


def _stages(trained: Trained, cut: Sequence[range]) -> list[Stage]:
    return stages(trained.record.attempts, cut, _SAMPLE * WINDOWS // _THIRDS)


def _level(mean: Mean, measure: str) -> str:
    return _mean(mean, 3) if measure == GAIN else _mean(mean, 1, 100)


def _length(facts: Material) -> str:
    return table(
        _LENGTH, ([facts.run_cell(t, MEASUREMENTS), *_of_length(t)] for t in facts.all_trained)
    )


def _of_length(trained: Trained) -> list[str]:
    found = length_effect(trained.record, trained.label_source)
    if found is None:
        return [NOT_MEASURED] * 4
    both = map(_correlation, (found.raw, found.at_equal_step))
    return [str(found.rubrics), str(found.steps), *both]


def _correlation(found: Correlation | None) -> str:
    if found is None:
        return NOT_MEASURED
    return together(signed(found.value, found.interval))


def _table(found: Sequence[Stage], measure: str = "", levels: Sequence[str] = ()) -> str:
    """A row per stage; with a column of its own for what stages were cut by."""
    more = [measure] if measure else []
    header = ["Steps", "Attempts", *more, *(part[:1].upper() + part[1:] for part in PARTS)]
    beside = [[level] for level in levels] or [[] for _ in found]
    return table(header, (_row(stage, own) for stage, own in zip(found, beside, strict=True)))


def _row(stage: Stage, level: Sequence[str]) -> list[str]:
    return [
        together(f"{stage.first} to {stage.last}"),
        together(f"{stage.sampled} of {stage.attempts:,}"),
        *level,
        *(_mean(stage.means[part]) for part in PARTS),
    ]


def _mean(mean: Mean, digits: int = 2, scale: float = 1) -> str:
    if mean.value is None:
        return NOT_MEASURED
    value = number(mean.value * scale, digits)
    if mean.interval is None:
        return value
    low, high = (number(end * scale, digits) for end in (mean.interval.low, mean.interval.high))
    return together(f"{value} [{low}, {high}]")


def _excerpt(facts: Material, trained: Trained, stage: Stage) -> tuple[str, str]:
    """Who wrote it and where it stands, then the beginning of the text."""
    shown, path = stage.shown, trained.record.folder / "attempts.jsonl"
    line = f"line {stage.shown_index + 1}"
    where = link(line, f"{facts.href(path)}#L{stage.shown_index + 1}") if path.is_file() else line
    text = _beginning(shown.rubric.text)
    whole = "" if text == visible(shown.rubric.text) else ", beginning"
    said = (
        f"Steps {stage.first} to {stage.last}: rubric {escape(shown.rubric.id)} of step "
        f"{shown.step}, gain on train {gain(shown):.3f}{whole} ({where} of attempts.jsonl):"
    )
    return said, fence(text, "rubric") if text.strip() else "An empty rubric."


def _beginning(text: str) -> str:
    lines = visible(text).split("\n")[:_EXCERPT_LINES]
    return "\n".join(lines)[:_EXCERPT]
