"""Section 2: what was audited and how, so that a number can be traced; and, last, all settings.

    section(facts).blocks
    settings(facts).blocks

One column per run: what was judged by whom on which data, at what cost. A search can also fail by
writing nothing, or the same thing again and again; how often it did stands here, since a good best
rubric hides it.
"""

import json
from collections.abc import Callable, Mapping

from argo_audit.findings.evolution import Collapse, collapse
from argo_audit.findings.inputs import RunRecord
from argo_audit.records import Agreement, Usage
from argo_audit.report.markdown import (
    NOT_MEASURED,
    Section,
    escape,
    link,
    number,
    percent,
    table,
)
from argo_audit.report.material import ATTEMPTS, MEASUREMENTS, RUN, Material
from argo_audit.report.names import label_name, population_name, run_name
from argo_audit.report.sections import judge_check
from argo_audit.report.sections import reward_model_checks as conformance
from argo_audit.report.sections.summary import with_interval
from argo_audit.report.trained import Backed, Trained

_SETTINGS = "Settings and packages"
_SHORT = 16
_LAST = 3  # the last third of a search is reported by itself

_FIELDS: Mapping[str, Callable[[Trained], str]] = {
    "Run": lambda t: escape(t.record.run.id),
    "Outcome": lambda t: escape(t.record.run.outcome),
    "Labels": lambda t: label_name(t.label_source),
    "Reward model fingerprint": lambda t: _short(t.record.run.rm_fingerprint),
    "Data fingerprint": lambda t: _short(t.record.run.data_fingerprint),
    "Judge": lambda t: escape(t.record.run.judge),
    "Policy": lambda t: escape(t.record.run.policy),
    "Seed": lambda t: str(t.record.run.seed),
    "Judge temperature": lambda t: _of(t, lambda a: number(a.temperature)),
    "Clip": lambda t: _of(t, lambda a: f"{a.clip:g}"),
    "Train pairs judged per step": lambda t: _minibatch(t.record),
    "Dev pairs": lambda t: _of(t, _pairs),
    "Held-out pairs": lambda t: _pairs(t.best.held_out) if t.best else NOT_MEASURED,
    "Steps": lambda t: str(len({a.step for a in t.record.attempts})),
    "Attempts": lambda t: f"{len(t.record.attempts):,}",
    "Judge calls in training": lambda t: f"{_training(t).calls:,}",
    "Judge tokens in training": lambda t: f"{_training(t).tokens:,}",
    "Judge calls in selection": lambda t: _used(t, "judge, selection"),
    "Rubrics sampled": lambda t: _used(t, "policy"),
    "Prompts rewritten by a model": lambda t: _used(t, "rewriter"),
    "Interruptions": lambda t: str(len(t.record.run.resumed)),
    "Started": lambda t: f"{t.record.run.started:%Y-%m-%d %H:%M:%S %Z}".strip(),
    "Time": lambda t: _duration(t.record),
    "Lines cut off by an interruption": lambda t: str(t.record.cut_off),
}
_NOTHING = "none"
_LOST: Mapping[str, Callable[[Trained], str]] = {
    "Judge calls that gave no verdict": lambda t: _lost(_judging(t)),
    "Judge calls spared by kept answers": lambda t: _count(_judging(t).saved),
    "Requests to the judge repeated": lambda t: _count(_judging(t).repeated),
}
"""Rows that are there where it happened in any run."""

_COLLAPSE_NOTE = (
    "Shares of all attempts. *Without criteria*: some text, but no line that could be a list item "
    "or a table row. *Repeating*: at least half of its three-word runs occurred earlier in it."
)
_COLLAPSE = ("Run", "Attempts", "Distinct", "Empty", "Without criteria", "Repeating")


def section(facts: Material) -> Section:
    """Data and cost of each run, the logs that were read, and the collapse report."""
    runs = facts.all_trained
    if not runs:
        return Section("What was audited and how", ["No run was given: nothing to report."])
    header = ["", *(run_name(trained) for trained in runs)]
    rows = [[name, *map(show, runs)] for name, show in _FIELDS.items()]
    lost = [[name, *map(show, runs)] for name, show in _LOST.items()]
    rows += [row for row in lost if set(row[1:]) != {_NOTHING}]
    rows.append(["Recorded in", *(_records(facts, trained.record) for trained in runs)])
    blocks = [table(header, rows), *map(escape, facts.inputs.taken), *conformance.blocks(facts)]
    blocks += judge_check.blocks(facts)
    blocks += ["### Evaluation logs", _logs(facts)]
    blocks += ["### Did the search collapse?"]
    blocks += [_COLLAPSE_NOTE, table(_COLLAPSE, _collapses(facts))]
    return Section("What was audited and how", blocks)


def settings(facts: Material) -> Section:
    """The whole configuration of each run: long, so it comes last."""
    runs = facts.all_trained
    if not runs:
        return Section(_SETTINGS, ["No run was given: nothing to report."])
    header = ["", *(facts.run_cell(trained, RUN) for trained in runs)]
    return Section(_SETTINGS, [table(header, _settings(facts))])


def _short(fingerprint: str) -> str:
    """The beginning of a fingerprint; the whole of it is in the front matter and in run.json."""
    shown = escape(fingerprint[:_SHORT])
    return f"{shown}…" if len(fingerprint) > _SHORT else shown or "none"


def _of(trained: Trained, show: Callable[[Agreement], str]) -> str:
    """What the selected rubric was measured with on dev."""
    return show(trained.best.dev) if trained.best else NOT_MEASURED


def _used(trained: Trained, phase: str) -> str:
    """Calls of a phase; known once the run has ended."""
    usage = trained.record.run.used.get(phase)
    return f"{usage.calls:,}" if usage else NOT_MEASURED


def _training(trained: Trained) -> Usage:
    """What judging took in training: lines that were asked, and whole attempts."""
    record = trained.record
    return record.asked_lines + Usage.total(attempt.usage for attempt in record.attempts)


def _judging(trained: Trained) -> Usage:
    """All that judging took, in training and in selection."""
    selection = Usage.total(measured.usage for measured in trained.record.measurements)
    return _training(trained) + selection


def _count(count: int) -> str:
    return f"{count:,}" if count else _NOTHING


def _lost(usage: Usage) -> str:
    return ", ".join(f"{count:,} {cause}" for cause, count in usage.lost.items()) or _NOTHING


def _pairs(agreement: Agreement | None) -> str:
    if agreement is None:
        return NOT_MEASURED
    lost = f", {agreement.unparsed} without a verdict" if agreement.unparsed else ""
    partly = f", {agreement.incomplete} read in part" if agreement.incomplete else ""
    return f"{agreement.n} of {agreement.prompts} prompts{lost}{partly}"


def _minibatch(record: RunRecord) -> str:
    sizes = sorted({a.train.n + a.train.unparsed for a in record.attempts})
    if not sizes:
        return NOT_MEASURED
    return str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"


def _duration(record: RunRecord) -> str:
    if record.run.ended is None:
        return "did not end"
    return f"{(record.run.ended - record.run.started).total_seconds():.0f} s"


def _records(facts: Material, record: RunRecord) -> str:
    return ", ".join(facts.recorded(record, RUN, ATTEMPTS, MEASUREMENTS)) or "no file"


def _settings(facts: Material) -> list[list[str]]:
    """Every leaf of the runs' configurations, and every package; one row each."""
    columns = [_leaves(t.record.run.config) | t.record.run.packages for t in facts.all_trained]
    names = dict.fromkeys(name for column in columns for name in column)
    return [[escape(name), *(escape(c.get(name, "-")) for c in columns)] for name in names]


def _leaves(config: Mapping[str, object], path: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, dict) and value:
            found |= _leaves(value, f"{path}{key}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            found[f"{path}{key}"] = text
    return found


def _logs(facts: Material) -> str:
    if not facts.inputs.evaluations:
        return "No evaluation log was given: held-out numbers are those of the runs and the store."
    header = ("Rubric", "Population", "Labels", "Held-out", "Judge", "Estimator", "Status", "Log")
    rows = [
        [
            escape(log.rubric_ref or "no rubric"),
            population_name(log.population),
            label_name(log.label_source),
            with_interval(Backed(log.agreement)),
            *map(escape, (log.judge, log.estimator, log.status)),
            log_name(facts, log.log),
        ]
        for log in facts.inputs.evaluations
    ]
    unfinished = any(log.status != "success" for log in facts.inputs.evaluations)
    note = "\n\nLogs that did not end in success are listed and not used." if unfinished else ""
    return table(header, rows) + note


def log_name(facts: Material, name: str) -> str:
    """The log's name with a link to its file, or its URL, which no browser could follow."""
    href = facts.log_href(name)
    return link(name, href) if href else escape(str(facts.inputs.log_files.get(name, name)))


def _collapses(facts: Material) -> list[list[str]]:
    rows = []
    for trained in facts.all_trained:
        attempts = trained.record.attempts
        steps = max((attempt.step for attempt in attempts), default=-1) + 1
        last = [a for a in attempts if a.step * _LAST >= steps * (_LAST - 1)]
        rows.append([facts.run_cell(trained), *_shares(collapse(attempts))])
        rows.append(["its last third", *_shares(collapse(last))])
    return rows


def _shares(found: Collapse | None) -> list[str]:
    if found is None:
        return ["0", *[NOT_MEASURED] * 4]
    shares = (found.distinct, found.empty, found.without_criteria, found.repeating)
    return [f"{found.attempts:,}", *map(percent, shares)]
