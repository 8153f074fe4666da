"""The commands of `argo-audit`, one function each; what they do lies in the rooms below.

Exit codes: 0 done, 1 could not run (the message says why and how to mend it), 2 a problem found
(`store verify`) or a wrong command line, 130 interrupted.
"""

import os
import shlex
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from argo_audit import __version__
from argo_audit.audits.price import Budget
from argo_audit.cli.compare_commands import compare_command, diff_command, drift_command
from argo_audit.cli.eval_command import eval_command
from argo_audit.cli.export_command import export_command
from argo_audit.cli.follow import follow, followers, is_follower
from argo_audit.cli.gate_commands import gate_app
from argo_audit.cli.organism_commands import organism_app
from argo_audit.cli.rm_commands import check_rm_command, train_rm_command
from argo_audit.cli.store_commands import read_command, store_app
from argo_audit.cli.terminal import (
    FormatOption,
    OutOption,
    PairsOption,
    SeedOption,
    SkipInvalidOption,
    console,
    say,
)
from argo_audit.cli.verify_command import verify_command
from argo_audit.errors import ArgoError, InputError, brief
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.policies.policy_settings import PolicySettings
from argo_audit.records import Record
from argo_audit.report.markdown import visible
from argo_audit.reward_models.reward_model_settings import RewardModelSettings
from argo_audit.search.search_settings import SearchConfig

if TYPE_CHECKING:  # a command imports what it needs, when it is called
    from collections.abc import Callable

    from argo_audit.audits.audit_facts import AuditFacts
    from argo_audit.audits.request import AuditRequest
    from argo_audit.audits.run import Watch

INTERRUPTED = 130
PricesOption = Annotated[
    Path | None,
    typer.Option(help="Prices of models, YAML or JSON as for Inspect's --model-cost-config."),
]
BudgetOption = Annotated[
    str | None,
    typer.Option(help='End searches in time: "12.50" (dollars), "3e6 tokens", "20000 calls".'),
]
_TABLES: Mapping[str, type[Record]] = {
    "search": SearchConfig,
    "judge": JudgeSettings,
    "policy": PolicySettings,
    "reward_model": RewardModelSettings,
}
IntentOption = Annotated[
    Path | None,
    typer.Option(help="What the reward model should reward, as a rubric: conflicts are flagged."),
]
Steps = Annotated[int | None, typer.Option(min=1, help="RL steps per search.")]

app = typer.Typer(
    help="What does our reward model actually reward? Learn it in words, publish the audit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(store_app, name="store")
app.add_typer(organism_app, name="organism")
app.add_typer(gate_app, name="gate")
app.command("eval")(eval_command)
app.command("export")(export_command)
app.command("compare")(compare_command)
app.command("diff")(diff_command)
app.command("drift")(drift_command)
app.command("verify")(verify_command)
app.command("read")(read_command)
app.command("check-rm")(check_rm_command)
app.command("train-rm")(train_rm_command)


def main() -> None:
    """Run the command line; an ArgoError becomes its message and exit code 1."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if is_follower():
        follow()
        return
    try:
        with followers():
            app()
    except ArgoError as error:
        typer.secho(f"error: {visible(str(error))}", fg="red", err=True)
        sys.exit(1)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            typer.echo("interrupted; to go on: argo-audit resume OUT", err=True)
        raise


@app.command("audit")
def audit_command(  # noqa: PLR0913 - a command's parameters are its command line
    pairs: PairsOption,
    labels: Annotated[
        list[str],
        typer.Option(
            "--labels",
            help="What to learn from: rm:MODEL (folder or hub id), served:NAME@URL[,URL...], "
            "dpo:POLICY|REFERENCE, scores:FILE, human, soft:NAME. Repeat it to compare.",
        ),
    ],
    out: OutOption,
    judge: Annotated[
        str, typer.Option(help="argo/surface, or any Inspect model.")
    ] = "argo/surface",
    policy: Annotated[
        str,
        typer.Option(
            help="embedded, any causal LM, or sample:MODEL: an Inspect model that is not trained."
        ),
    ] = "embedded",
    judge_url: Annotated[
        list[str] | None,
        typer.Option(help="The judge's server, such as http://gpu1:8000/v1. Repeat for copies."),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            help="Store for the rubrics (any fsspec URL). Default: rubric_store in --out."
        ),
    ] = None,
    logs: Annotated[
        str | None, typer.Option(help="Eval logs (any fsspec URL). Default: logs in --out.")
    ] = None,
    steps: Steps = None,
    seed: SeedOption = 0,
    rm_temperature: Annotated[
        float, typer.Option(min=1e-6, help="Divides reward differences before the sigmoid.")
    ] = 1.0,
    config: Annotated[
        Path | None, typer.Option(help="TOML file with tables search, judge, policy, reward_model.")
    ] = None,
    format: FormatOption = None,
    skip_invalid: SkipInvalidOption = False,
    accept_failing_rm: Annotated[
        bool, typer.Option("--accept-failing-rm", help="Audit a reward model that fails a check.")
    ] = False,
    answer_key: Annotated[
        Path | None, typer.Option(help="Folder of an organism, to compare with what was planted.")
    ] = None,
    rewriter: Annotated[
        str | None, typer.Option(help="Inspect model that rewrites the policy prompts.")
    ] = None,
    intent: IntentOption = None,
    probed_pairs: Annotated[
        int, typer.Option(min=0, help="Held-out pairs whose responses are edited; 0 for none.")
    ] = 48,
    prices: PricesOption = None,
    budget: BudgetOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what it would take, and do nothing.")
    ] = False,
) -> None:
    """Learn what a reward model (or a set of labels) rewards, evaluate it, write the audit."""
    from argo_audit.audits.budget import prices_of
    from argo_audit.audits.plan import ASSUMPTIONS, plan_audit
    from argo_audit.audits.request import AuditRequest, policy_settings
    from argo_audit.audits.run import audit
    from argo_audit.cli.tables import plan_table

    settings = _config(config)
    given = {} if steps is None else {"steps": steps}
    request = AuditRequest(
        pairs=pairs,
        format=format,
        labels=tuple(labels),
        out=out,
        judge=judge,
        judge_urls=tuple(judge_url or ()),
        policy=policy,
        store=store,
        logs=logs,
        search=settings.search.model_copy(update=given),
        judge_settings=settings.judge,
        policy_settings=settings.policy,
        rm_temperature=rm_temperature,
        reward_model=settings.reward_model,
        accept_failing_rm=accept_failing_rm,
        seed=seed,
        skip_invalid=skip_invalid,
        answer_key=answer_key,
        rewriter=rewriter,
        intent=intent,
        probed_pairs=probed_pairs,
        prices=prices,
        budget=Budget.parse(budget) if budget else None,
    )
    if dry_run:
        console.print(plan_table(plan_audit(request, policy_settings(request)), prices_of(request)))
        say(ASSUMPTIONS)
        return
    _shown(out, request, lambda watch: audit(request, watch))


@app.command("resume")
def resume_command(
    out: Annotated[Path, typer.Argument(help="--out folder of an audit that was interrupted.")],
    budget: BudgetOption = None,
) -> None:
    """Go on with an audit that was interrupted, at any moment, or that its budget ended."""
    from argo_audit.audits.begun import read_request
    from argo_audit.audits.run import resume

    given = Budget.parse(budget) if budget else None
    _shown(out, read_request(out), lambda watch: resume(out, watch, budget=given))


@app.command("report")
def report_command(
    audits: Annotated[list[Path], typer.Argument(help="--out folders of finished audits.")],
    out: OutOption,
    title: Annotated[str, typer.Option(help="The report's title.")] = "Audit",
    intent: IntentOption = None,
    evals: Annotated[
        list[str] | None,
        typer.Option(help="More eval logs with probes; those in the audits are read anyway."),
    ] = None,
) -> None:
    """Write one report over one or more audits, populations side by side; loads no model."""
    from argo_audit.audits.reporting import Origin, report

    commands = (_command_line(),)
    files = report(Origin(tuple(audits), title, commands, intent, tuple(evals or ())), out)
    say(f"audit: {files.markdown}\n       {files.html}")


@app.command("demo")
def demo_command(
    out: Annotated[
        Path | None, typer.Option("--out", help="New folder; default runs/demo-NNNN.")
    ] = None,
    pairs: Annotated[int | None, typer.Option(min=150, help="Pairs per population.")] = None,
    steps: Steps = None,
    seed: SeedOption = 0,
) -> None:
    """The whole main job on the embedded world: no GPU, key or network."""
    from argo_audit.audits.demo import DemoConfig, demo
    from argo_audit.cli.tables import summary
    from argo_audit.cli.watch import Display

    config = DemoConfig(seed=seed)
    if pairs is not None:
        config = config._replace(pairs=pairs)
    if steps is not None:
        config = config._replace(search=config.search.model_copy(update={"steps": steps}))
    folder = out or _next_folder(Path("runs"), "demo")
    with Display(console) as display:
        finished = demo(folder, config, display.lane)
    console.print(summary([folder / name for name in finished.facts]))
    say(
        f"rubrics: {folder / 'rubric_store'}\n"
        f"audit:   {finished.files.markdown}\n         {finished.files.html}"
    )


@app.command("version")
def version_command() -> None:
    """Print the version."""
    say(__version__)


def _shown(out: Path, request: "AuditRequest", work: "Callable[[Watch], AuditFacts]") -> None:
    """Carry out an audit with its progress on the terminal, then write its report."""
    from argo_audit.audits.begun import command_of
    from argo_audit.audits.reporting import Origin, report
    from argo_audit.cli.tables import summary
    from argo_audit.cli.watch import Display

    with Display(console) as display:
        phases = ("read", *["search"] * len(request.labels), "evaluate", "probe")
        facts = work(display.lane(Path(request.pairs).name, phases))
    title, commands = f"Audit of {facts.population}", (command_of(out),)
    files = report(Origin((out,), title, commands, request.intent), out / "audit")
    console.print(summary([out]))
    say(f"audit: {files.markdown}\n       {files.html}")


class _Config(Record):
    """The file of --config."""

    search: SearchConfig = SearchConfig()
    judge: JudgeSettings = JudgeSettings()
    policy: PolicySettings = PolicySettings()
    reward_model: RewardModelSettings = RewardModelSettings()


def _config(path: Path | None) -> _Config:
    if path is None:
        return _Config()
    try:
        return _Config.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:  # of files, of TOML and of pydantic
        tables = (f"[{name}] {', '.join(table.model_fields)}" for name, table in _TABLES.items())
        raise InputError(path, brief(error), f"known are {'; '.join(tables)}") from error


def _next_folder(root: Path, name: str) -> Path:
    taken = [int(p.name.rpartition("-")[2]) for p in root.glob(f"{name}-[0-9]*")]
    return root / f"{name}-{max(taken, default=0) + 1:04d}"


def _command_line() -> str:
    """What was typed, for the report."""
    return shlex.join(["argo-audit", *sys.argv[1:]])
