"""A finished audit in Python: its verdicts, findings, rubrics and numbers, read from its folder.

    audit = load("runs/mine")
    audit.verdicts[0].safety, audit.verdicts[0].advice
    audit.findings.to_frame()
    audit.plot("agreement")

Everything is what the report says, from where the report has it: an audit of last year that was
carried out by the command line is as good as one that has just ended.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from argo_audit.audits.audit_facts import read_facts
from argo_audit.audits.begun import command_of, intent_of
from argo_audit.audits.found_folder import Allowed
from argo_audit.audits.record_list import Cell, RecordList, as_table
from argo_audit.audits.reporting import Origin, read_origin, report
from argo_audit.errors import InputError
from argo_audit.findings.safety import AuditVerdict
from argo_audit.records import Agreement, Attempt, Finding, StoredRubric
from argo_audit.report.figures import as_figure
from argo_audit.report.markdown import visible
from argo_audit.report.material import LONGEST, NO_RUBRIC, Material
from argo_audit.report.sections import label_sources, progress, structure
from argo_audit.report.sections.summary import KeyFigures, key_figures
from argo_audit.report.spec import AuditFiles
from argo_audit.report.trained import Backed, Trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Plotted = Literal["agreement", "evolution", "label sources"]
"""What an audit can draw: Figures 2, 5 and 6 of its report."""

_PLOTS = {
    "agreement": progress.plot,
    "evolution": structure.plot,
    "label sources": label_sources.plot,
}
_PLANTED = "planted rubric"
_WORST = 5


class _Of(NamedTuple):
    """A list that grows, with what each record is of."""

    records: list[Finding]
    beside: list[dict[str, Cell]]


class Audit:
    """A finished audit, by its folder. Nothing is computed that the report does not say.

    Agreements are shares of held-out pairs in [0, 1], effects are in spreads (the median difference
    between the rewards of a pair). Where an audit has learned from several sources of labels, each
    list holds them one after the other, a reward model's before raw ones; `.beside` and the first
    columns of a frame say which, and `.of(label_source=...)` keeps one. Reading the evaluation logs
    takes a second when a number is first asked for.

    Raises InputError, when it is made, for a folder that is no finished audit.
    """

    def __init__(self, folder: str | PathLike[str], allow: Allowed = ()) -> None:
        """`folder` is the `out` of a finished audit, which may name what `allow` says."""
        self.folder = Path(folder)
        self._allow = tuple(allow)
        self._facts = read_facts(self.folder, allow)

    def __fspath__(self) -> str:
        """Its folder: an audit can be given wherever a folder of one is asked for."""
        return str(self.folder)

    def __repr__(self) -> str:
        """What it is of, and where."""
        return f"<Audit of {self.population} in {self.folder}>"

    @property
    def population(self) -> str:
        """Whose pairs were audited."""
        return self._facts.population

    @cached_property
    def verdicts(self) -> RecordList[AuditVerdict]:
        """For each source of labels, whether to optimise against it, and what that follows from."""
        found = [self._material.verdicts[t.record.run.id] for t in self._material.all_trained]
        return RecordList(found, map(_beside, self._material.all_trained))

    @cached_property
    def findings(self) -> RecordList[Finding]:
        """Each rubric's claims with what checks found, then what is verified and no line says.

        `severity` and `risk` stand beside those that are warnings. Empty where nothing was checked.
        """
        found = _Of([], [])
        for trained, verdict in zip(self._material.all_trained, self.verdicts, strict=True):
            for finding in verdict.told:
                found.records.append(finding)
                found.beside.append(_beside(trained) | _warning(verdict, finding))
        return RecordList(*found)

    @cached_property
    def rubrics(self) -> RecordList[StoredRubric]:
        """The rubric that each search selected on dev, as the store holds it."""
        known = [t for t in self._material.all_trained if t.best is not None]
        return RecordList(
            (t.best for t in known if t.best is not None),
            ({**_beside(t), "rubric_id": t.best.rubric.id if t.best else None} for t in known),
        )

    @cached_property
    def agreement(self) -> RecordList[Agreement]:
        """Held-out agreement of each rubric, then of no rubric, the longest response, the truth.

        `who` says which, `measured_against` with which labels; what was not measured is left out.
        """
        rows = [
            (backed.agreement, {**_beside(row.trained), "who": who, "measured_against": source})
            for row in key_figures(self._material)
            for who, source, backed in _who(self._material, row)
            if backed.agreement is not None
        ]
        return RecordList((found for found, _ in rows), (said for _, said in rows))

    @cached_property
    def attempts(self) -> RecordList[Attempt]:
        """Every rubric that was tried, in order: its reward in nats, its agreement on train."""
        every = [(a, t) for t in self._material.all_trained for a in t.record.attempts]
        return RecordList(
            (attempt for attempt, _ in every),
            ({**_beside(t), "rubric_id": a.rubric.id, "gain": a.gain} for a, t in every),
        )

    def plot(self, what: Plotted = "agreement") -> "Figure":
        """A figure of the report as a matplotlib Figure; savefig() writes it.

        "agreement" is agreement over steps, "evolution" what rubrics were like over training,
        "label sources" how well the last rubrics agree, by what they were trained on. Raises
        InputError for any other name, and where there is nothing to draw.
        """
        if what not in _PLOTS:
            raise InputError(what, "no figure of this name", f"choose one of {', '.join(_PLOTS)}")
        plot = _PLOTS[what](self._material)
        if plot is None:
            problem = f"nothing was measured that {what!r} could show"
            raise InputError(self.folder, problem, "see audit.md there, which says what is missing")
        return as_figure(plot)

    def report(
        self,
        out: str | Path | None = None,
        *,
        title: str = "",
        intent: str | Path | None = None,
        evals: Sequence[str | Path] = (),
    ) -> AuditFiles:
        """Write audit.md, audit.html and figures; `.markdown` and `.html` of what is returned.

        Args:
            out: A folder; without one, `audit` in the audit's own.
            title: The report's; without one it says of which population.
            intent: A rubric of what should be rewarded: conflicts with it are flagged; without one
                that which the audit was asked for with.
            evals: Further folders of eval logs with probes.
        """
        origin = Origin(
            audits=(self.folder,),
            title=title or f"Audit of {self.population}",
            commands=(command_of(self.folder),),
            intent=Path(intent) if intent else intent_of(self.folder, self._allow),
            evals=tuple(evals),
            allow=self._allow,
        )
        return report(origin, Path(out) if out else self.folder / "audit")

    def _repr_html_(self) -> str:
        """For a notebook: each verdict, how far it is explained, and the worst that was found."""
        told = "".join(map(self._told, self.verdicts))
        return f"<div><b>Audit of {escape(visible(self.population))}</b>{told}</div>"

    def _told(self, verdict: AuditVerdict) -> str:
        """The advice, and a table of the warnings; of all findings where there is none."""
        flagged = [flag.finding for flag in verdict.flags]
        rows = [_row(f, _warning(verdict, f)) for f in (flagged or verdict.told)[:_WORST]]
        said = escape(visible(f"{verdict.label_source}: {verdict.advice}"))
        return f"<p>{said}</p>{as_table(rows, _caption(verdict))}"

    @cached_property
    def _material(self) -> Material:
        """What the report is made of, as from where it lies."""
        out = self.folder / "audit"
        intent = intent_of(self.folder, self._allow)
        origin = Origin((self.folder,), intent=intent, allow=self._allow)
        inputs, stores, _ = read_origin(origin, out)
        return Material(inputs, out, stores)


def load(folder: str | PathLike[str], allow: Allowed = ()) -> Audit:
    """The finished audit in a folder, whoever carried it out; no model is loaded.

    Raises InputError for a folder that is no finished audit: `argo_audit.resume` goes on with it.
    What it names outside has to be allowed, as the error says, unless it was made here.
    """
    return Audit(folder, allow)


def _beside(trained: Trained) -> dict[str, Cell]:
    return {"population": trained.population, "label_source": trained.label_source}


def _warning(verdict: AuditVerdict, finding: Finding) -> dict[str, Cell]:
    """How severe a warning this finding is, and of what risk; None for one that is none."""
    for flag in verdict.flags:
        one = flag.finding
        if (one.feature, one.direction) == (finding.feature, finding.direction):
            return {"severity": flag.severity, "risk": flag.title}
    return {"severity": None, "risk": None}


def _who(facts: Material, row: KeyFigures) -> Iterator[tuple[str, str, Backed]]:
    """The agreements of one run: those that its row of the summary has."""
    yield "rubric", row.label_source, row.held_out
    yield NO_RUBRIC, row.label_source, row.no_rubric
    yield LONGEST, row.label_source, row.longest
    yield _PLANTED, facts.principal(row.trained.population).label_source, row.ceiling


def _row(finding: Finding, warning: Mapping[str, Cell]) -> dict[str, Cell]:
    """A finding in a notebook."""
    return {
        "severity": warning["severity"],
        "it": finding.claim,
        "status": finding.status,
        "effect, spreads": finding.effect,
        "low": finding.interval.low if finding.interval else None,
        "high": finding.interval.high if finding.interval else None,
        "n": finding.n,
    }


def _caption(verdict: AuditVerdict) -> str:
    held_out, counts = verdict.held_out, f"Flagged: {len(verdict.flags)}"
    if held_out is None or held_out.accuracy is None:
        return f"{counts}; agreement not measured"
    return f"{counts}; its rubric predicts {held_out.accuracy:.1%} of {held_out.n} held-out pairs"
