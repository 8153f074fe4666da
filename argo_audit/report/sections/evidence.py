"""The section of evidence: the pairs behind each finding, as they are.

    section(facts).blocks
    reference(facts, trained, finding)      # " ([pairs](#pairs-on-bullets-...))", or ""

Which pairs are shown is `examples`' rule, printed with them, so that nobody has to trust a choice.
Model text stands in code blocks, where it is data.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from argo_audit.findings.examples import LEAST, LONGEST, Example, Examples, Method
from argo_audit.findings.probed import Paid
from argo_audit.findings.stances import feature_name
from argo_audit.records import Finding
from argo_audit.report.markdown import (
    EDITED,
    Section,
    anchor,
    escape,
    link,
    linked,
    percent,
    quoted_block,
    together,
)
from argo_audit.report.material import Checked, Material
from argo_audit.report.names import label_name, population_name, run_name, sentence_case
from argo_audit.report.trained import Trained

TITLE = "Evidence: the pairs behind the findings"

_INFO: Mapping[Method, str] = MappingProxyType({"probe": EDITED, "slope": "response"})
"""Of the two texts of a probe the page marks what differs."""

_NOTE = (
    "Two of each check, by rule. *Typical*: paid nearest to the mean of all edits, or to the "
    "median of the pairs looked at. *Counter*: paid furthest the other way than the effect of the "
    "check, where any is. Of a probe all edits count; of a slope the pairs in which the feature "
    f"differs most (a quarter of those in which it differs, at least {LEAST}), in which other "
    "features differ too: the slope holds them equal, a single pair cannot. Pay is in spreads; "
    "that of an edit is beyond its words. What a probe compares is the edited response and the "
    f"same edited back. Texts are cut to {LONGEST} characters, around where they come to differ."
)


def section(facts: Material) -> Section:
    """The examples of every rubric that was checked."""
    blocks = []
    for trained in facts.all_trained:
        checked = facts.checked.get(trained.record.run.id)
        if checked is not None and checked.shown:
            blocks += [f"### {run_name(trained)}: pairs", *_blocks(facts, trained, checked)]
    if not blocks:
        return Section(TITLE, ["Nothing was verified or refuted: there are no pairs to show."])
    return Section(TITLE, [_NOTE, *blocks])


def reference(facts: Material, trained: Trained, finding: Finding) -> str:
    """A link to the finding's pairs, with a space before it; "" where none are shown."""
    checked = facts.checked.get(trained.record.run.id)
    if checked is None or finding.feature not in checked.examples:
        return ""
    return " " + link("pairs", f"#{anchor(_heading(trained, finding.feature))}")


def _heading(trained: Trained, feature: str) -> str:
    whose = f"{population_name(trained.population)}, {label_name(trained.label_source)}"
    return f"Pairs on {escape(feature_name(feature))}: {whose}"


def _blocks(facts: Material, trained: Trained, checked: Checked) -> Iterator[str]:
    if checked.left_out:
        yield (
            f"Shown are the flagged, then the verified, then the refuted, the larger effect first; "
            f"{checked.left_out} more are left out."
        )
    for finding in checked.shown:
        yield f"#### {_heading(trained, finding.feature)}"
        yield f"{sentence_case(finding.status)}: {escape(finding.claim)}."
        for shown in checked.examples[finding.feature]:
            yield from _check(shown, facts.evidence_href(trained, shown.method))


def _check(shown: Examples, href: str) -> Iterator[str]:
    name = linked(sentence_case(shown.method), href)
    what = "edits" if shown.method == "probe" else "pairs"
    yield from _example(shown, f"{name}, typical", shown.typical)
    if shown.counter is None:
        yield f"Counter examples: {shown.against} of {shown.of} {what}."
    else:
        counted = f"{name}, counter, one of {shown.against} in {shown.of} {what}"
        yield from _example(shown, counted, shown.counter)


def _example(shown: Examples, title: str, example: Example) -> Iterator[str]:
    prompt = f" Prompt: “{escape(example.prompt)}”" if example.prompt else ""
    worth = together(f"{round(example.worth, 2) + 0.0:+.2f} spreads")
    told = [f"{'having' if shown.method == 'probe' else 'more of'} it is paid {worth}"]
    if example.p_having is not None:
        told.append(f"the label prefers it with {percent(example.p_having)}")
    yield f"**{title}**: {', '.join(told)}.{prompt}"
    names = ("Without it", "With it") if shown.method == "probe" else ("Less of it", "More of it")
    yield "\n\n".join(
        quoted_block(f"**{name}**{_paid(side)}", side.text, _INFO[shown.method])
        for name, side in zip(names, (example.without, example.having), strict=True)
    )


def _paid(side: Paid) -> str:
    return "" if side.reward is None else f", paid {side.reward:+.3g}"
