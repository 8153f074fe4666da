"""The report's figures as SVG that is readable on light and dark pages, and the same every time.

    plot = progress_figure("Agreement over steps", panels)
    drawn("figure-2", plot).svg                # for the report
    as_figure(plot)                            # a matplotlib figure, for a notebook

Texts are text (not outlines), so that they can be searched, read aloud and set in the reader's
font. Lines have mid-tones that stand out on white and on black; everything else has the colour of
the page's text, which the SVG chooses by the reader's colour scheme. Ids are prefixed with the
figure's name, because several figures share one HTML page. matplotlib is loaded only here and only
when something is drawn; no window system is touched.
"""

import math
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from io import StringIO
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

from argo_audit.findings.curves import Window
from argo_audit.findings.evolution import PARTS, Stage
from argo_audit.report.markdown import NOT_MEASURED, Drawing, percent, visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Draw = Callable[["Figure"], None]

COLOURS = ("#2f81c7", "#d9730d", "#2a9d6f", "#9a6dd7", "#c2528b")

_INK = "#123456"  # stands for the page's text colour until the SVG is finished
_STYLE: dict[Any, Any] = {  # matplotlib's type for the keys is a list of all 300 of them
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "argo-audit",
    "font.family": "sans-serif",
    "font.size": 10.0,
    "axes.titlesize": 11.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.15,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "lines.linewidth": 2.0,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK
    ),
    "grid.color": _INK,
}
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.6, 0.1, 0.45, 1.0  # margins in inches; the legend is below
_NEAR, _APART = {"wspace": 0.06, "hspace": 0.4}, {"wspace": 0.35}  # in panel sizes
_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_PAGE = (
    "#{name}{{color:#24292f;max-width:100%;height:auto}}"
    "@media (prefers-color-scheme:dark){{#{name}{{color:#d5dae0}}}}"
)


@dataclass(frozen=True)
class Plot:
    """A figure before it is drawn: what it shows in words, its size in inches, and how.

    Two plots `of` the same numbers are equal, so that a figure is drawn once.
    """

    description: str
    size: tuple[float, float]
    draw: Draw = field(compare=False)
    of: str


class CurvePanel(NamedTuple):
    """One population: the windows of its run."""

    title: str
    windows: Sequence[Window]


class HistogramPanel(NamedTuple):
    """Held-out accuracies of the final top 50, by what they were trained on."""

    title: str
    samples: Mapping[str, Sequence[float]]


class StagePanel(NamedTuple):
    """One population: its rubrics' parts over training, and the steps at which phases change."""

    title: str
    stages: Sequence[Stage]
    changes: Sequence[int] = ()


def progress_figure(title: str, panels: Sequence[CurvePanel]) -> Plot:
    """Figure 2: mean and max of the top 50 over steps, on dev and on held-out pairs."""

    def draw(figure: "Figure") -> None:
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False, gridspec_kw=_NEAR)[0]
        for axis, panel in zip(axes, panels, strict=True):
            _progress(axis, panel)
        axes[0].set_ylabel("agreement (%)")
        _legend(figure, axes[0])

    shown = "; ".join(f"{panel.title}, {_ends(panel.windows)}" for panel in panels)
    return Plot(f"{title}: {shown}", (4.6 * len(panels), 4.0), draw, repr(panels))


def evolution_figure(title: str, panels: Sequence[StagePanel]) -> Plot:
    """Figure 5: the mean of each part of a rubric over steps; dotted where phases change."""

    def draw(figure: "Figure") -> None:
        axes = figure.subplots(1, len(PARTS), squeeze=False, gridspec_kw=_APART)[0]
        for axis, part in zip(axes, PARTS, strict=True):
            _evolution(axis, part, panels)
        axes[0].set_ylabel("mean per rubric")
        _legend(figure, axes[0])

    shown = "; ".join(f"{panel.title}{_changes(panel)}" for panel in panels)
    text = f"{title}: mean number of {', '.join(PARTS)} per rubric over steps, for {shown}"
    return Plot(text, (1.84 * len(PARTS), 3.0), draw, repr(panels))


def histogram_figure(title: str, panels: Sequence[HistogramPanel]) -> Plot:
    """Figure 6: histograms of held-out agreement on one scale; dashed lines are means."""
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    bins = _bins([x for panel in panels for values in panel.samples.values() for x in values])

    def draw(figure: "Figure") -> None:
        axes = figure.subplots(
            rows, columns, sharey=True, sharex=True, squeeze=False, gridspec_kw=_NEAR
        )
        for axis, panel in zip_longest(axes.flat, panels):
            if panel is None:
                axis.set_axis_off()
            else:
                _histogram(axis, panel, bins)
        for axis in axes[:, 0]:
            axis.set_ylabel("rubrics")
        for axis in axes[-1]:
            axis.set_xlabel("held-out agreement (%)")
        _legend(figure, axes[0, 0])

    shown = "; ".join(f"{panel.title}, {_means(panel.samples)}" for panel in panels)
    size = (4.6 * columns, 2.5 * rows + 0.9)
    return Plot(f"{title}: {shown}", size, draw, repr(panels))


def _progress(axis: "Axes", panel: CurvePanel) -> None:
    steps = [(window.first + window.last) / 2 for window in panel.windows]
    for split, dash in (("held-out", "-"), ("dev", "--")):
        spreads = [w.held_out if split == "held-out" else w.dev for w in panel.windows]
        for what, colour in (("max", COLOURS[1]), ("mean", COLOURS[0])):
            values = [s.max if what == "max" else s.mean for s in spreads]
            shown = [None if value is None else 100 * value for value in values]
            _line(axis, steps, shown, colour, f"{what} of top 50, {split}", dash)
    axis.set_title(panel.title)
    axis.set_xlabel("step")


def _evolution(axis: "Axes", part: str, panels: Sequence[StagePanel]) -> None:
    for panel, colour in zip(panels, COLOURS * len(panels), strict=False):
        steps = [(stage.first + stage.last) / 2 for stage in panel.stages]
        means = [stage.means[part] for stage in panel.stages]
        _line(axis, steps, [m.value for m in means], colour, panel.title)
        known = [(x, m.interval) for x, m in zip(steps, means, strict=True) if m.interval]
        low, high = [i.low for _, i in known], [i.high for _, i in known]
        axis.fill_between([x for x, _ in known], low, high, color=colour, alpha=0.2, linewidth=0)
        for change in panel.changes:
            axis.axvline(change, color=colour, linestyle=":", linewidth=1)
    axis.set_title(part)
    axis.set_xlabel("step")
    axis.set_ylim(bottom=0)


def _changes(panel: StagePanel) -> str:
    steps = " and ".join(map(str, panel.changes))
    return f", whose phases change at {steps}" if steps else ""


def _histogram(axis: "Axes", panel: HistogramPanel, bins: Sequence[float]) -> None:
    for (name, values), colour in zip(panel.samples.items(), COLOURS, strict=False):
        shown = [100 * value for value in values]
        axis.hist(shown, bins=bins, color=colour, alpha=0.6, label=name)
        if shown:
            axis.axvline(sum(shown) / len(shown), color=colour, linestyle="--")
    axis.set_title(panel.title)


def _bins(accuracies: Sequence[float]) -> list[float]:
    """Edges one point apart that hold all of `accuracies`, in percent."""
    low, high = math.floor(100 * min(accuracies)), math.floor(100 * max(accuracies)) + 1
    return [float(edge) for edge in range(low, high + 1)]


def _line(
    axis: "Axes",
    steps: Sequence[float],
    values: Sequence[float | None],
    colour: str,
    label: str,
    dash: str = "-",
) -> None:
    """A line through what was measured."""
    known = [(x, y) for x, y in zip(steps, values, strict=True) if y is not None]
    x, y = [x for x, _ in known], [y for _, y in known]
    marker = "o" if len(known) == 1 else ""
    axis.plot(x, y, color=colour, label=label, linestyle=dash, marker=marker)


def _legend(figure: "Figure", axis: "Axes") -> None:
    """One legend for all panels, under them."""
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=2)


def _ends(windows: Sequence[Window]) -> str:
    means = [window.held_out.mean for window in windows if window.held_out.mean is not None]
    if not means:
        return NOT_MEASURED
    first, last = percent(means[0]), percent(means[-1])
    return f"mean held-out agreement {first} at first, {last} at last"


def _means(samples: Mapping[str, Sequence[float]]) -> str:
    known = {name: sum(values) / len(values) for name, values in samples.items() if values}
    return ", ".join(f"{name} mean {percent(m)}" for name, m in known.items()) or NOT_MEASURED


@lru_cache(maxsize=16)
def drawn(name: str, plot: Plot) -> Drawing:
    """A plot as the report shows it, in its style, which nobody else's matplotlib sees.

    A report that is made and then verified is drawn once.
    """
    import matplotlib

    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # The reader's fonts set the text: a letter that matplotlib's own lacks is no problem.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        text = StringIO()
        _filled(plot).savefig(text, format="svg", transparent=True, metadata=_METADATA)
    return Drawing(
        name, plot.description, _finish(text.getvalue(), name, visible(plot.description))
    )


def as_figure(plot: Plot) -> "Figure":
    """A plot as a matplotlib figure, its texts in black, for whoever draws it."""
    import matplotlib

    inked = {key: "black" if value == _INK else value for key, value in _STYLE.items()}
    with matplotlib.rc_context(inked):
        return _filled(plot)


def _filled(plot: Plot) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=plot.size)
    width, height = plot.size  # the layout engine would draw everything once more to do this
    figure.subplots_adjust(_LEFT / width, _BOTTOM / height, 1 - _RIGHT / width, 1 - _TOP / height)
    plot.draw(figure)
    return figure


def _finish(svg: str, name: str, description: str) -> str:
    """A standalone SVG that can also stand in a page: named, described, its ids its own."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", body).replace(_INK, "currentColor")
    root, rest = body.split(">", 1)
    label = f'{root} id="{name}" role="img" aria-labelledby="{name}-desc"'
    style = f"<style>{_PAGE.format(name=name)}</style>"
    return f'{label}><desc id="{name}-desc">{escape(description)}</desc>{style}{rest}'
