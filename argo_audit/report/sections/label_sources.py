"""Section 6, Figure 6: does training on the reward model's labels beat training on raw labels?

    section(facts).blocks

The paper's figure does not say which labels the raw-trained rubrics are scored on; here every
rubric is scored on both, and the reward model itself stands beside them.
"""

from collections.abc import Mapping, Sequence

from argo_audit.findings.alignments import Standing, counted, line_up
from argo_audit.findings.curves import TOP, Spread, final, mean_difference, spread_interval
from argo_audit.records import HUMAN
from argo_audit.report.figures import HistogramPanel, Plot, drawn, histogram_figure
from argo_audit.report.markdown import (
    NOT_MEASURED,
    Section,
    escape,
    linked,
    percent,
    points,
    table,
    together,
)
from argo_audit.report.material import MEASUREMENTS, Material
from argo_audit.report.names import label_name, panel_title, population_name
from argo_audit.report.sections.side_by_side import quoted_rows
from argo_audit.report.sections.summary import with_interval
from argo_audit.report.trained import Trained

TITLE = "Reward model labels beside raw labels (Figure 6)"

_NOTE = (
    f"Bars count the top {TOP} rubrics at the end of training by their held-out agreement, dashed "
    "lines are means; tables give the rubric that was selected on dev, then the mean at the end of "
    "training, whose interval is over these rubrics."
)
_OVER_RUBRICS = (
    "A difference *over rubrics* stands in for the pair by pair difference where that is not among "
    "the inputs. It resamples the rubrics at the end of training: it says how sure the difference "
    "is for this sample of pairs and one run of each kind, not for other pairs or other seeds."
)
_TOLD: Sequence[Standing] = ("turned", "only second", "only first", "moved", "shared")
_OTHER = (
    "Lines are paired as under *Line by line*; of lines that share words, those in bold are not in "
    "the other. What is turned, or only in the rubric of raw labels, noise may have put there, or "
    "people whom the reward model does not follow."
)


def section(facts: Material) -> Section:
    """The histograms, then the 2x2 and the difference of each population that has both runs."""
    both, shown = _both(facts), plot(facts)
    if not both:
        text = "Not measured: no population was trained on a reward model's and on raw labels."
        return Section(TITLE, [text])
    drawings = (drawn("figure-6", shown),) if shown else ()
    blocks = [*(drawing.image for drawing in drawings), _NOTE, _OVER_RUBRICS]
    for population in both:
        blocks += [f"### Labels of {population_name(population)}", _table(facts, population)]
        blocks += [_difference(facts, population, source) for source in _sources(facts, population)]
        blocks += _said(facts, population)
    return Section(TITLE, blocks, drawings)


def _sources(facts: Material, population: str) -> list[str]:
    """The labels that the population's runs were trained on."""
    return list(dict.fromkeys(t.label_source for t in facts.trained(population)))


def _said(facts: Material, population: str) -> list[str]:
    """Both rubrics; first what the raw-trained one says that the other does not say."""
    first, *_, last = facts.trained(population)
    title = f"#### What the rubric of raw labels says otherwise, {population_name(population)}"
    if last.label_source != HUMAN or not (first.best and last.best):
        return [title, "No rubric was selected in both runs: nothing to compare."]
    rows = sorted(line_up(first.text, last.text), key=lambda row: _TOLD.index(row.standing))
    kinds = f"First: trained on {label_name(first.label_source)}; second: trained on raw labels."
    blocks = [title, f"{kinds} Of their lines {counted(rows)}. {_OTHER}"]
    return [*blocks, *([quoted_rows(rows, first, last)] if rows else [])]


def plot(facts: Material) -> Plot | None:
    """How the best at the end agree, by what they were trained on; None without several runs."""
    found = [
        HistogramPanel(panel_title(population, source), samples)
        for population in _both(facts)
        for source in facts.label_sources(population)
        if any((samples := _final(facts, population, source)).values())
    ]
    title = f"Held-out agreement of the top {TOP} at the end of training"
    return histogram_figure(title, found) if found else None


def _both(facts: Material) -> list[str]:
    """The populations with a run on a reward model's labels and one on raw labels."""
    return [p for p in facts.populations if len(facts.trained(p)) > 1]


def _final(facts: Material, population: str, source: str) -> Mapping[str, tuple[float, ...]]:
    return {
        _kind(facts, trained): final(trained.record, source).accuracies
        for trained in facts.trained(population)
    }


def _kind(facts: Material, trained: Trained) -> str:
    """What a run was trained on, in words that all populations share."""
    if trained.label_source == HUMAN:
        return "trained on raw labels"
    is_first = trained == facts.principal(trained.population)
    return f"trained on {'the reward model' if is_first else trained.label_source}"


def _table(facts: Material, population: str) -> str:
    sources = facts.label_sources(population)
    header = ["Trained on", *(f"Against {label_name(source)}" for source in sources)]
    trained = facts.trained(population)
    rows = [[f"{label_name(t.label_source)}, selected", *_selected(facts, t)] for t in trained]
    rows += [[_ended(facts, t), *_end(facts, t)] for t in trained]
    own = facts.rm_on_raw(population)
    itself = [with_interval(own) if source == HUMAN else "-" for source in sources]
    return table(header, [*rows, ["The reward model's own labels", *itself]])


def _selected(facts: Material, trained: Trained) -> list[str]:
    sources = facts.label_sources(trained.population)
    return [with_interval(facts.held_out(trained, source)) for source in sources]


def _ended(facts: Material, trained: Trained) -> str:
    files = facts.recorded(trained.record, MEASUREMENTS)
    return ", ".join([f"{label_name(trained.label_source)}, end of training", *files])


def _end(facts: Material, trained: Trained) -> list[str]:
    spreads = [final(trained.record, source) for source in facts.label_sources(trained.population)]
    return [_mean(spread) for spread in spreads]


def _mean(spread: Spread) -> str:
    count = len(spread.accuracies)
    mean = together(percent(spread.mean, spread_interval(spread)))
    return f"mean {mean} of {count}" if count else NOT_MEASURED


def _difference(facts: Material, population: str, source: str) -> str:
    """RM-trained minus raw-trained against the labels of one source."""
    first, *_, last = facts.trained(population)
    against = f"against {label_name(source)}"
    said = f"Trained on {label_name(first.label_source)} minus trained on raw labels, {against}"
    paired = facts.inputs.differences.get(population)
    if paired and source == first.label_source:
        method = f"pair by pair, {paired.interval.method}, p = {paired.p_value:.3g}, n = {paired.n}"
        found = points(paired.estimate, paired.interval, " points")
        return f"{said}: {linked(found, facts.kept_href(population))} ({escape(method)})."
    ours, theirs = (final(trained.record, source) for trained in (first, last))
    interval = mean_difference(ours, theirs)
    if last.label_source != HUMAN or not (interval and ours.mean and theirs.mean):
        return f"{said}: not measured."
    found = points(ours.mean - theirs.mean, interval, " points")
    return f"{said}: {found} (over rubrics, {escape(interval.method)})."
