"""What moved in a store, as tables: what `argo-audit drift` prints.

sheets = drift("rubric_store")
"""

from collections.abc import Sequence
from pathlib import Path

from argo_audit.audits.found_folder import enter
from argo_audit.errors import InputError
from argo_audit.files import Folder, is_url, join
from argo_audit.findings.alignments import counted, line_up
from argo_audit.findings.drift import (
    Labels,
    Move,
    changes,
    families,
    label_moves,
    rubric_moves,
)
from argo_audit.findings.stances import feature_name
from argo_audit.pairs.pair_file import PairFile, read
from argo_audit.records import Label, Pair, StoredRubric
from argo_audit.report.compare_sheets import line
from argo_audit.report.markdown import accuracy, points
from argo_audit.report.sections.shown import probability
from argo_audit.report.sheets import Sheet
from argo_audit.rubrics.outline import outline
from argo_audit.store import HELD_OUT, RubricStore, ref, slug
from argo_audit.surface.contrast import MeasuredPairs, measured

_VERSIONS = ("version", "created", "trained on", "lines", "dev", "held-out")
_LINES = ("", "before", "after", "alike", "rank", "weight")
_MOVES = ("feature", "before", "after", "change", "q")
_LEAN = (
    "Lean: the share of pairs on which {who} sides with the response that has more of a feature, "
    "minus the share on which it sides with the other, in points; the change is paired, with its "
    "95% interval over prompts. q: after Benjamini and Hochberg. {left} of {all} features did not "
    "move at q = 0.05. {pairs} pairs of {prompts} prompts."
)


def drift(root: str, wanted: str = "", pairs: str | None = None) -> list[Sheet]:
    """What moved between the versions of a store's rubrics, for each family of reward models.

    Args:
        root: A store: a folder or an fsspec URL.
        wanted: Only families whose name holds this.
        pairs: A file; all versions are held to its pairs, by default to those that the store has
            for the family.

    Returns:
        Tables of text for each family: its versions with their agreement (percent, 95% intervals),
        lines that changed, and preferences that moved (in points, with q-values).

    Raises:
        StoreError: When the store cannot be read.
        InputError: When it has no such family, or for a file that cannot be read.
    """
    if not is_url(root):
        enter(Path(root))
    found = families(RubricStore(root).list())
    chosen = {name: versions for name, versions in found.items() if wanted in name}
    if not chosen:
        there = ", ".join(found) or "nothing"
        raise InputError(root, f"no family {wanted!r}", f"choose among those it holds: {there}")
    given = read(pairs) if pairs else None
    return [
        sheet
        for name, own in chosen.items()
        for sheet in _family(name, own, [given] if given else _held_out(root, own))
    ]


def _family(name: str, versions: Sequence[StoredRubric], files: Sequence[PairFile]) -> list[Sheet]:
    rows = [
        (
            ref(version),
            f"{version.created:%Y-%m-%d %H:%M}",
            version.label_source,
            str(len(outline(version.rubric.text))),
            accuracy(version.dev),
            accuracy(version.held_out),
        )
        for version in versions
    ]
    sheets = [Sheet(f"{name}: versions", _VERSIONS, rows, "Agreement as stored, 95% intervals.")]
    pairs, labels = _together(files)
    on = measured(pairs)
    for before, after in changes(versions):
        sheets += [_lines(before, after), *_moved(before, after, on, labels)]
    return sheets


def _held_out(root: str, versions: Sequence[StoredRubric]) -> list[PairFile]:
    """The held-out pairs that the store has for the family."""
    folders = dict.fromkeys(slug(version.reward_model) for version in versions)
    return [
        read(join(root, folder, HELD_OUT))
        for folder in folders
        if HELD_OUT in Folder(join(root, folder)).entries()
    ]


def _together(files: Sequence[PairFile]) -> tuple[list[Pair], Labels]:
    """Every pair once, and all the labels."""
    pairs: dict[str, Pair] = {}
    labels: dict[str, dict[str, Label]] = {}
    for file in files:
        pairs = {pair.id: pair for pair in file.pairs} | pairs
        for source, own in file.labels.items():
            labels.setdefault(source, {}).update({label.pair_id: label for label in own})
    return list(pairs.values()), {source: list(own.values()) for source, own in labels.items()}


def _title(before: StoredRubric, after: StoredRubric) -> str:
    return f"{ref(before)} to {ref(after)}"


def _lines(before: StoredRubric, after: StoredRubric) -> Sheet:
    rows = line_up(before.rubric.text, after.rubric.text)
    changed = [line(row) for row in rows if row.standing != "shared"]
    return Sheet(
        f"{_title(before, after)}: lines that changed", _LINES, changed, f"{counted(rows)}."
    )


def _moved(
    before: StoredRubric, after: StoredRubric, on: MeasuredPairs, labels: Labels
) -> list[Sheet]:
    """What the judge leans to, and the reward models themselves where both labelled the pairs."""
    title = _title(before, after)
    if not on.pairs:
        said = "Not measured: the store has no held-out pairs of this family. Name some: --pairs."
        return [Sheet(f"{title}: preferences that moved", _MOVES, [], said)]
    moves = rubric_moves(before.rubric.text, after.rubric.text, on)
    sheets = [_sheet(f"{title}: preferences that moved", moves, on, "the surface judge")]
    sources = before.label_source, after.label_source
    if sources[0] != sources[1] and all(source in labels for source in sources):
        moves = label_moves(labels[sources[0]], labels[sources[1]], on)
        name = f"{sources[0]} to {sources[1]}: preferences of the reward models that moved"
        sheets.append(_sheet(name, moves, on, "the reward model"))
    return sheets


def _sheet(title: str, moves: Sequence[Move], on: MeasuredPairs, who: str) -> Sheet:
    clear = [move for move in moves if move.clear]
    prompts = len({pair.prompt_key for pair in on.pairs})
    pairs = max((move.change.n for move in moves), default=0)
    said = _LEAN.format(
        who=who, left=len(moves) - len(clear), all=len(moves), pairs=pairs, prompts=prompts
    )
    return Sheet(title, _MOVES, [_move(move) for move in clear], said)


def _move(move: Move) -> tuple[str, ...]:
    leans = map(points, (move.before, move.after))
    change = points(move.after - move.before, move.change.interval)
    return feature_name(move.feature), *leans, change, probability(move.q_value)
