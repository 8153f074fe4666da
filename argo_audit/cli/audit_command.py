"""`argo-audit audit` and `argo-audit resume`: the main job, with its progress and its report."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from argo_audit.audits.request import AuditRequest
from argo_audit.cli.options import takes
from argo_audit.cli.terminal import (
    AllowOption,
    AllowRemoteImagesOption,
    BudgetOption,
    MovedModelsOption,
    YesOption,
    asking,
    console,
    resumable,
    say,
)

if TYPE_CHECKING:  # a command imports what it needs, when it is called
    from argo_audit.audits.audit_facts import AuditFacts
    from argo_audit.audits.run import Watch

TABLES = {
    "search": "search",
    "judge": "judge_settings",
    "policy": "policy_settings",
    "reward_model": "reward_model",
}
"""The tables of `--config`, and the fields of a request that they fill."""

_NAMES = {
    "judge_urls": ("--judge-url",),
    "judge.reads": ("--judge-reads", "--judge.reads"),
    "optimiser": ("--search", "--optimiser"),
    "search.steps": ("--steps", "--search.steps"),
}


@takes(AuditRequest, tables=TABLES, names=_NAMES, whole=True)
def audit_command(
    request: AuditRequest,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what it would take, and do nothing.")
    ] = False,
    yes: YesOption = False,
    allow_remote_images: AllowRemoteImagesOption = False,
) -> None:
    """Learn what a reward model (or a set of labels) rewards, evaluate it, write the audit."""
    if dry_run:
        _plan(request)
        return
    from argo_audit.audits.run import audit

    _shown(request.out, request, lambda watch: audit(request, watch, sure=asking(yes=yes)))


def resume_command(
    out: Annotated[Path, typer.Argument(help="Output folder of an audit that was interrupted.")],
    budget: BudgetOption = None,
    pairs: Annotated[
        str | None, typer.Option(help="Where its pairs lie now, if not where they lay.")
    ] = None,
    rm: MovedModelsOption = None,
    allow_remote_images: AllowRemoteImagesOption = False,
    allow: AllowOption = None,
) -> None:
    """Go on with an audit that was interrupted, at any moment, or that its budget ended."""
    from argo_audit.audits.all_done import is_done_elsewhere
    from argo_audit.audits.begun import read_request
    from argo_audit.audits.from_elsewhere import Again
    from argo_audit.audits.named_by_request import intent_alone, named_by
    from argo_audit.audits.price import Budget
    from argo_audit.audits.run import resume

    given = Budget.parse(budget) if budget else None
    allowed = tuple(allow or ())
    again = Again(pairs, tuple(rm or ()))
    uses = intent_alone if is_done_elsewhere(out, allowed) else named_by
    request = read_request(out, allowed, uses, again)

    def work(watch: "Watch") -> "AuditFacts":
        return resume(out, watch, budget=given, allow=allowed, again=again)

    _shown(out, request, work, allowed)


def _plan(request: AuditRequest) -> None:
    from argo_audit.audits.afford import BudgetTooSmallError, affordable
    from argo_audit.audits.budget import prices_of
    from argo_audit.audits.parts import check_names
    from argo_audit.audits.plan import ASSUMPTIONS, plan_audit
    from argo_audit.audits.preparing import policy_settings
    from argo_audit.cli.plan_table import plan_sentences, plan_table

    check_names(request)
    request = request.decided()
    small: BudgetTooSmallError | None = None
    try:
        sized = affordable(request)
    except BudgetTooSmallError as error:
        if error.smallest is None:
            raise
        small, sized = error, error.smallest
    plan, prices = plan_audit(sized, policy_settings(sized)), prices_of(sized)
    console.print(plan_table(plan, prices, sized.budget, sized.judge_settings.retries))
    say(ASSUMPTIONS)
    if small is not None:
        raise small
    for sentence in plan_sentences(request, sized, plan, prices):
        say(sentence)


def _shown(
    out: Path,
    request: AuditRequest,
    work: "Callable[[Watch], AuditFacts]",
    allow: tuple[str, ...] = (),
) -> None:
    """Carry out an audit with its progress on the terminal, then write its report."""
    from argo_audit.audits.begun import command_of
    from argo_audit.audits.reporting import Origin, report
    from argo_audit.cli.tables import tell
    from argo_audit.cli.watch import Display
    from argo_audit.files import written_to

    with resumable(out), Display(console) as display:
        phases = ("read", *["search"] * len(request.labels), "evaluate", "probe")
        facts = work(display.lane(Path(request.pairs).name, phases))
    title, commands = f"Audit of {facts.population}", (command_of(out),)
    elsewhere = f"argo-audit report {shlex.quote(str(out))} --out FOLDER"
    with written_to(out, elsewhere):
        files = report(Origin((out,), title, commands, request.intent, allow=allow), out / "audit")
    tell([out], allow)
    for sentence in facts.notes:
        say(f"{facts.population}: {sentence}")
    say(f"audit: {files.markdown}\n       {files.html}")
