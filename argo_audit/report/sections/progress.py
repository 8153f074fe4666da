"""Section 3, Figure 2: agreement over steps, and what choosing among prompt variants gains.

section(facts).drawings[0].svg, plot(facts)
"""

from collections.abc import Sequence

from argo_audit.findings.curves import TOP, VariantGain, Window, curve, variant_gain
from argo_audit.report.figures import CurvePanel, Plot, drawn, progress_figure
from argo_audit.report.markdown import NOT_MEASURED, Section, number, percent, table, together
from argo_audit.report.material import ATTEMPTS, MEASUREMENTS, Material
from argo_audit.report.names import panel_title, population_name
from argo_audit.report.sections import searches
from argo_audit.report.trained import Trained

TITLE = "Agreement over steps (Figure 2)"

_WINDOWS = (
    "Steps",
    "Rubrics",
    "Gain on train, nats",
    "Dev, mean",
    "Dev, max",
    "Held-out, mean",
    "Held-out, max",
    "Held-out of the best on dev",
)
_GAINS = (
    "Run",
    "Steps",
    "Best variant above the mean, nats",
    "By chance: mean",
    "By chance: 95th percentile",
    "p",
)
_NOTE = (
    f"Each window of steps is represented by its top {TOP} distinct rubrics by their gain on "
    "train: the policy reward above what a judge earns who always says 0.5. A maximum over "
    "held-out numbers is chosen on held-out pairs and therefore too high; the last column is "
    "chosen on dev and is not."
)
_GAIN_NOTE = (
    "Within a step the policy is asked with several prompts. The gain is the mean over steps of "
    "the best variant's mean policy reward minus the mean over variants. The best of several means "
    "is above their mean by luck alone, so beside it stands the same number with each step's "
    "rubrics dealt to its variants at random (999 times)."
)


def section(facts: Material) -> Section:
    """One panel and one table per population, then the gain from prompt variants."""
    measured = _curves(facts)
    shown = _plot(measured)
    drawings = (drawn("figure-2", shown),) if shown else ()
    blocks = [*(drawing.image for drawing in drawings), _NOTE]
    for trained, windows in measured:
        files = facts.recorded(trained.record, ATTEMPTS, MEASUREMENTS)
        blocks += [f"### Steps of {population_name(trained.population)}", _table(windows)]
        blocks += [f"From {' and '.join(files)}."] if files else []
    blocks += searches.blocks(facts)
    blocks += ["### Gain from prompt variants", _GAIN_NOTE, _gains(facts)]
    return Section(TITLE, blocks, drawings)


def plot(facts: Material) -> Plot | None:
    """A panel for each population that was measured; None without any."""
    return _plot(_curves(facts))


def _plot(curves: Sequence[tuple[Trained, list[Window]]]) -> Plot | None:
    panels = [
        CurvePanel(panel_title(trained.population, trained.label_source), windows)
        for trained, windows in curves
        if any(map(_is_measured, windows))
    ]
    return progress_figure("Agreement over steps", panels) if panels else None


def _curves(facts: Material) -> list[tuple[Trained, list[Window]]]:
    return [(t, curve(t.record, t.label_source)) for t in map(facts.principal, facts.populations)]


def _is_measured(window: Window) -> bool:
    return bool(window.dev.accuracies or window.held_out.accuracies)


def _table(windows: list[Window]) -> str:
    if not windows:
        return "Nothing was tried: not measured."
    return table(_WINDOWS, map(_row, windows))


def _row(window: Window) -> list[str]:
    dev, held_out = window.dev, window.held_out
    return [
        together(f"{window.first} to {window.last}"),
        str(max(len(dev.accuracies), len(held_out.accuracies))),
        number(window.train, 3),
        *map(percent, (dev.mean, dev.max, held_out.mean, held_out.max, window.selected)),
    ]


def _gains(facts: Material) -> str:
    if not facts.all_trained:
        return "No run was given: not measured."
    rows = [(facts.run_cell(t), variant_gain(t.record.attempts)) for t in facts.all_trained]
    return table(_GAINS, ([name, *_gain(gain)] for name, gain in rows))


def _gain(gain: VariantGain | None) -> list[str]:
    if gain is None:
        return ["0", *[NOT_MEASURED] * 4]
    values = (gain.observed, gain.null_mean, gain.null_high)
    return [str(gain.steps), *(number(value, 4) for value in values), number(gain.p_value, 3)]
