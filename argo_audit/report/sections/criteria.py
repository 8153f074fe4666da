"""Section 4, Figures 3 and 4: what the learned rubrics ask for, one population beside another.

    section(facts).blocks

Everything is quoted from the stored rubrics, line by line, with the line it stands on. What two
rubrics share cannot be seen from their words alone: they are set side by side by what the surface
reader takes them to reward or penalise, and line by line by words and features together.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, zip_longest

from argo_audit.findings.alignments import counted, line_up
from argo_audit.findings.stances import Stance, feature_name, stances, unread
from argo_audit.report.markdown import Section, escape, link, table
from argo_audit.report.material import Material
from argo_audit.report.names import population_name, run_name, sentence_case
from argo_audit.report.sections.side_by_side import quoted_rows
from argo_audit.report.trained import Trained
from argo_audit.rubrics.alignment import THRESHOLD
from argo_audit.rubrics.outline import Direction, Outline, outline

TITLE = "Criteria and biases (Figures 3 and 4)"

_LINES_NOTE = (
    "Lines are paired one to one so that they are together as much alike as possible (cosine of "
    "four-letter runs, or the share of style features that the surface reader finds in both, "
    f"whichever is more; at least {THRESHOLD}). *Turned*: one rewards what the other penalises. "
    "*Moved*: ranked elsewhere among the shared lines. Ranks go by weight, then by place. Of lines "
    "that share words, those in bold are not in the other."
)

_ORDER = {"opposite": 0, "shared": 1}  # then what only some rubrics speak of
_UNREAD = 5  # lines shown of what the reader could not read
_READ_NOTE = (
    "As the surface reader reads it; the line quoted is the heaviest on its feature. "
    "What it cannot read (content: truth, safety, relevance) is missing here and not absent there."
)


def section(facts: Material) -> Section:
    """The stored files, then criteria, biases and what is shared, a column per population."""
    known = [t for t in map(facts.principal, facts.populations) if t.best and t.source]
    if not known:
        return Section(TITLE, ["No rubric was selected: nothing to compare."])
    blocks = [f"- {_stored(trained)}" for trained in known]
    blocks = ["\n".join(blocks), "### Criteria (Figure 3)", _columns(known, _criteria, "criterion")]
    blocks += ["### Rewarded (Figure 4)", _columns(known, _biases("rewards"), "bias line")]
    blocks += ["### Penalised (Figure 4)", _columns(known, _biases("penalises"), "bias line")]
    if any(_no_side(outline(trained.text)) for trained in known):
        blocks += ["### Other biases (Figure 4)", _columns(known, _no_side, "bias line")]
    blocks += ["### Gates and caps", _columns(known, _gates, "gate")]
    title = "Shared and different" if len(known) > 1 else "Feature by feature"
    blocks += [f"### {title}", _READ_NOTE, _shared(known), *_not_read(known)]
    blocks += [block for pair in combinations(known, 2) for block in _lines(*pair)]
    return Section(TITLE, blocks)


def _lines(first: Trained, second: Trained) -> list[str]:
    names = " beside ".join(population_name(t.population) for t in (first, second))
    rows = line_up(first.text, second.text)
    said = f"{sentence_case(names)}: {counted(rows)}."
    return [f"### Line by line: {names}", _LINES_NOTE, said, quoted_rows(rows, first, second)]


def _stored(trained: Trained) -> str:
    best, source = trained.best, trained.source
    if best is None or source is None:
        return ""
    name = link(f"{best.reward_model}, version {best.version}", source.href)
    return f"{run_name(trained)}: {name}, rubric {escape(best.rubric.id)}"


def _columns(known: Sequence[Trained], lines_of: Callable[[Outline], list[int]], what: str) -> str:
    """Lines of each rubric in its own order, side by side."""
    columns = [_quotes(trained, lines_of(outline(trained.text))) for trained in known]
    if not any(columns):
        return f"No {what} was found in a selected rubric."
    return table(_header(known), zip_longest(*columns, fillvalue=""))


def _header(known: Sequence[Trained]) -> list[str]:
    return [sentence_case(population_name(trained.population)) for trained in known]


def _quotes(trained: Trained, lines: Sequence[int]) -> list[str]:
    source = trained.source
    own = [line for line in dict.fromkeys(lines) if line > 0]
    return [source.quote(trained.text, line) for line in own] if source else []


def _criteria(found: Outline) -> list[int]:
    return [criterion.line for criterion in found.criteria]


def _no_side(found: Outline) -> list[int]:
    """Bias lines whose heading and lead do not say whether they are liked."""
    return [bias.line for bias in found.biases if bias.direction is None]


def _biases(direction: Direction) -> Callable[[Outline], list[int]]:
    return lambda found: [bias.line for bias in found.biases if bias.direction == direction]


def _gates(found: Outline) -> list[int]:
    return [gate.line for gate in found.gates]


def _shared(known: Sequence[Trained]) -> str:
    """One row per feature: those on which rubrics differ in direction first, then shared ones."""
    read = [stances(trained.text) for trained in known]
    features = dict.fromkeys(feature for found in read for feature in found)
    if not features:
        return "The surface reader could read no line of a selected rubric."
    rows = [
        [_standing(feature, read, known), escape(feature_name(feature))]
        + [_cell(found.get(feature), trained) for found, trained in zip(read, known, strict=True)]
        for feature in features
    ]
    rows.sort(key=lambda row: _ORDER.get(row[0], len(_ORDER)))
    first = 0 if len(known) > 1 else 1  # where a rubric stands to others needs others
    return table(["", "Feature", *_header(known)][first:], (row[first:] for row in rows))


def _standing(feature: str, read: Sequence[Mapping[str, Stance]], known: Sequence[Trained]) -> str:
    sides = [found[feature].direction for found in read if feature in found]
    if len(set(sides)) > 1:
        return "opposite"
    if len(sides) == len(read) > 1:
        return "shared"
    names = [
        population_name(trained.population)
        for found, trained in zip(read, known, strict=True)
        if feature in found
    ]
    return f"only {', '.join(names)}"


def _cell(stance: Stance | None, trained: Trained) -> str:
    if stance is None or trained.source is None:
        return ""
    others = len(stance.lines) - 1
    more = f" and {others} more" if others else ""
    return f"{stance.verb}: {trained.source.quote(trained.text, stance.lines[0])}{more}"


def _not_read(known: Sequence[Trained]) -> list[str]:
    """How much of each rubric the comparison does not cover."""
    blocks = []
    for trained in known:
        left = unread(trained.text)
        if not left:
            continue
        shown = "; ".join(f"“{escape(text[:120])}”" for text in left[:_UNREAD])
        more = f" and {len(left) - _UNREAD} more" if len(left) > _UNREAD else ""
        name = sentence_case(population_name(trained.population))
        blocks.append(f"{name}: not read by the surface reader: {shown}{more}.")
    return blocks
