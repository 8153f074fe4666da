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
from typing import Annotated

import typer

from argo_audit import __version__
from argo_audit.audit.markdown import visible
from argo_audit.cli.organism_commands import organism_app
from argo_audit.cli.rm_commands import check_rm_command, train_rm_command
from argo_audit.cli.store_commands import read_command, store_app
from argo_audit.cli.terminal import (
    OutOption,
    PairsOption,
    SeedOption,
    brief,
    console,
    say,
)
from argo_audit.errors import ArgoError, InputError
from argo_audit.policies.settings import PolicySettings
from argo_audit.records import Record
from argo_audit.reward_models.settings import RewardModelSettings
from argo_audit.search import SearchConfig

INTERRUPTED = 130
_TABLES: Mapping[str, type[Record]] = {
    "search": SearchConfig,
    "policy": PolicySettings,
    "reward_model": RewardModelSettings,
}
Steps = Annotated[int | None, typer.Option(min=1, help="RL steps per search.")]

app = typer.Typer(
    help="What does our reward model actually reward? Learn it in words, publish the audit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(store_app, name="store")
app.add_typer(organism_app, name="organism")
app.command("read")(read_command)
app.command("check-rm")(check_rm_command)
app.command("train-rm")(train_rm_command)


def main() -> None:
    """Run the command line; an ArgoError becomes its message and exit code 1."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app()
    except ArgoError as error:
        typer.secho(f"error: {visible(str(error))}", fg="red", err=True)
        sys.exit(1)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            typer.echo("interrupted; what was tried so far is in attempts.jsonl", err=True)
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
    policy: Annotated[str, typer.Option(help="embedded, or any causal LM.")] = "embedded",
    store: Annotated[
        str | None,
        typer.Option(
            help="Store for the rubrics (any fsspec URL). Default: rubric_store in --out."
        ),
    ] = None,
    steps: Steps = None,
    seed: SeedOption = 0,
    rm_temperature: Annotated[
        float, typer.Option(min=1e-6, help="Divides reward differences before the sigmoid.")
    ] = 1.0,
    config: Annotated[
        Path | None, typer.Option(help="TOML file with tables search, policy, reward_model.")
    ] = None,
    accept_failing_rm: Annotated[
        bool, typer.Option("--accept-failing-rm", help="Audit a reward model that fails a check.")
    ] = False,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Leave out unusable lines, and count them.")
    ] = False,
    answer_key: Annotated[
        Path | None, typer.Option(help="Folder of an organism, to compare with what was planted.")
    ] = None,
) -> None:
    """Learn what a reward model (or a set of labels) rewards, evaluate it, write the audit."""
    from argo_audit.cli.audit import audit
    from argo_audit.cli.report import report
    from argo_audit.cli.request import AuditRequest
    from argo_audit.cli.tables import summary
    from argo_audit.cli.watch import Display

    settings = _config(config)
    given = {} if steps is None else {"steps": steps}
    request = AuditRequest(
        pairs=pairs,
        labels=tuple(labels),
        out=out,
        judge=judge,
        policy=policy,
        store=store,
        search=settings.search.model_copy(update=given),
        policy_settings=settings.policy,
        rm_temperature=rm_temperature,
        reward_model=settings.reward_model,
        accept_failing_rm=accept_failing_rm,
        seed=seed,
        skip_invalid=skip_invalid,
        answer_key=answer_key,
    )
    with Display(console) as display:
        watch = display.lane(pairs.name, ("read", *["search"] * len(labels), "evaluate"))
        facts = audit(request, watch)
    files = report([out], out / "audit", f"Audit of {facts.population}", [_command_line()])
    console.print(summary([out]))
    say(f"audit: {files.markdown}\n       {files.html}")


@app.command("report")
def report_command(
    audits: Annotated[list[Path], typer.Argument(help="--out folders of finished audits.")],
    out: OutOption,
    title: Annotated[str, typer.Option(help="The report's title.")] = "Audit",
) -> None:
    """Write one report over one or more audits, populations side by side; loads no model."""
    from argo_audit.cli.report import report

    files = report(audits, out, title, [_command_line()])
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
    from argo_audit.cli.demo import DemoConfig, demo
    from argo_audit.cli.tables import summary
    from argo_audit.cli.watch import Display

    config = DemoConfig(seed=seed)
    if pairs is not None:
        config = config._replace(pairs=pairs)
    if steps is not None:
        config = config._replace(search=config.search.model_copy(update={"steps": steps}))
    folder = out or _next_folder(Path("runs"), "demo")
    with Display(console) as display:
        finished = demo(folder, config, display)
    console.print(summary([folder / name for name in finished.facts]))
    say(
        f"rubrics: {folder / 'rubric_store'}\n"
        f"audit:   {finished.files.markdown}\n         {finished.files.html}"
    )


@app.command("version")
def version_command() -> None:
    """Print the version."""
    say(__version__)


class _Config(Record):
    """The file of --config."""

    search: SearchConfig = SearchConfig()
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
