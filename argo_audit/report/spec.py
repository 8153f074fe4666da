"""The report as a whole: assemble `audit.md`, render `audit.html` from it, write both or neither.

    files = write_audit(inputs, Path("out/audit"), Path("rubric_store"))
    files.markdown, files.html, files.figures

Everything is written into a folder beside `out_dir` first and checked there (`check_audit`); only
an audit without problems takes the place of an earlier one. Its date is that of its newest run, so
that the same inputs give the same bytes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argo_audit.errors import ArgoError
from argo_audit.files import remove_parts, staged
from argo_audit.findings.inputs import AuditInputs
from argo_audit.records import VERSION
from argo_audit.report.check import check_audit
from argo_audit.report.markdown import Drawing, Section, escape, link, slug, with_front_matter
from argo_audit.report.material import Material
from argo_audit.report.page import page
from argo_audit.report.sections import (
    biases,
    evidence,
    progress,
    provenance,
    recovery,
    repeat,
    shown,
    sources,
    structure,
    summary,
    verdict,
)
from argo_audit.report.sections import criteria as compare
from argo_audit.report.sections import label_sources as labels
from argo_audit.report.sections.summary import KeyFigures, key_figures
from argo_audit.report.trained import Trained

SECTIONS: Sequence[Callable[[Material], Section]] = (
    summary.section,
    biases.section,
    provenance.section,
    progress.section,
    compare.section,
    shown.section,
    structure.section,
    labels.section,
    recovery.section,
    evidence.section,
    repeat.section,
    provenance.settings,
    sources.section,
)


@dataclass(frozen=True)
class AuditFiles:
    """Where an audit was written."""

    markdown: Path
    html: Path
    figures: tuple[Path, ...]


def write_audit(inputs: AuditInputs, out_dir: Path, *stores: Path) -> AuditFiles:
    """Write `audit.md`, `audit.html` and `figures/*.svg` into `out_dir`.

    `stores` are the roots of the stores that hold `inputs.stored`; links lead there, and to the
    runs' folders, relative to `out_dir`. Raises ArgoError, and writes nothing, when the audit does
    not hold against its own check.
    """
    with staged(out_dir) as folder:
        made = documents(inputs, out_dir, *stores)
        (folder / "figures").mkdir()
        for name, text in made.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
        if problems := check_audit(folder / "audit.md", *stores, to_be_in=out_dir):
            listed = "\n".join(f"  - {problem}" for problem in problems)
            remedy = "  Remedy: run `argo-audit store verify`, then report this as a bug"
            raise ArgoError(f"{out_dir}: the audit does not hold:\n{listed}\n{remedy}")
        (out_dir / "figures").mkdir(parents=True, exist_ok=True)
        remove_parts(out_dir.glob(".*"))
        markdown, html, *figures = ((folder / name).replace(out_dir / name) for name in made)
    return AuditFiles(markdown, html, tuple(figures))


def documents(inputs: AuditInputs, out_dir: Path, *stores: Path) -> dict[str, str]:
    """Every file of the audit in `out_dir` by its name, markdown and page first; none is written.

    Raises as `Material`.
    """
    markdown, drawings = assemble(Material(inputs, out_dir, stores))
    svgs = {f"figures/{drawing.name}.svg": drawing.svg for drawing in drawings}
    return {"audit.md": markdown, "audit.html": page(markdown, svgs)} | svgs


def assemble(facts: Material) -> tuple[str, tuple[Drawing, ...]]:
    """The markdown report and its figures."""
    sections = [section(facts) for section in SECTIONS]
    contents = "\n".join(f"- {link(s.title, f'#{slug(s.title)}')}" for s in sections)
    key = [verdict.KEY] if facts.all_trained else []
    blocks = [f"# {escape(facts.inputs.title)}", _lead(facts), *key, contents]
    for section in sections:
        blocks += [f"## {section.title}", *section.blocks]
    drawings = tuple(drawing for section in sections for drawing in section.drawings)
    return with_front_matter(_fields(facts), "\n\n".join(blocks) + "\n"), drawings


def _lead(facts: Material) -> str:
    runs = len(facts.all_trained)
    return (
        f"Rubrics were learned from {runs} run{'s' if runs != 1 else ''}: a policy writes "
        "rubrics, a fixed judge applies them, and what is kept is the rubric under which the judge "
        "prefers what the labels prefer. All numbers are from held-out pairs unless they say so."
    )


def _fields(facts: Material) -> dict[str, Any]:
    """The report for machines."""
    ends = [t.record.run.ended or t.record.run.started for t in facts.all_trained]
    return {
        "title": facts.inputs.title,
        "date": max(ends).isoformat() if ends else None,
        "argo_audit": VERSION,
        "made_from": dict(facts.inputs.made_from),
        "runs": [_run(trained) for trained in facts.all_trained],
        "key_figures": [_figures(row) for row in key_figures(facts)],
        "verdicts": verdict.fields(facts),
    }


def _run(trained: Trained) -> dict[str, Any]:
    run, best = trained.record.run, trained.best
    keys = ("id", "population", "label_source", "judge", "policy", "seed", "outcome")
    fields = {key: getattr(run, key) for key in (*keys, "data_fingerprint", "rm_fingerprint")}
    return fields | {
        "attempts": len(trained.record.attempts),
        "rubric": best.rubric.id if best else None,
        "reward_model": best.reward_model if best else None,
        "version": best.version if best else None,
    }


def _figures(row: KeyFigures) -> dict[str, Any]:
    best, held_out = row.trained.best, row.held_out.agreement
    bounds = held_out.accuracy_interval if held_out else None
    return {
        "run": row.trained.record.run.id,
        "rubric": best.rubric.id if best else None,
        "measured_against": row.label_source,
        "dev": _rounded(best.dev.accuracy if best else None),
        "held_out": _rounded(row.held_out.accuracy),
        "interval": [round(bounds.low, 6), round(bounds.high, 6)] if bounds else None,
        "kl": _rounded(held_out.kl if held_out else None),
        "pairs": held_out.n if held_out else None,
        "no_rubric": _rounded(row.no_rubric.accuracy),
        "longest_response": _rounded(row.longest.accuracy),
        "ceiling": _rounded(row.ceiling.accuracy),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
