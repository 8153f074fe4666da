"""`argo-audit check-rm` and `argo-audit train-rm`: reward models before an audit.

    argo-audit train-rm --pairs pairs.jsonl --base org/small-lm --lora-rank 8 --out my-rm
    argo-audit check-rm my-rm --served my-rm@http://localhost:8000 --pairs pairs.jsonl

`check-rm` ends with 0 when all that a model of this kind can be checked for has passed, 2 when a
check failed or nothing could be looked at, 3 when nothing failed and something was not looked at
that could be (`--not-checked=tell` ends with 0 then), 1 when it could not be run. What nobody can
see in a model of this kind, such as the weights behind a server, is told and ends with 0: its
owner could never mend it, and would leave all checks unmade with one option.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from argo_audit.cli.audit_command import TABLES
from argo_audit.cli.options import takes
from argo_audit.cli.terminal import (
    FormatOption,
    OutOption,
    PairsOption,
    SkipInvalidOption,
    console,
    row,
    say,
)
from argo_audit.records import HUMAN, Conformance, Settings
from argo_audit.reward_models.checks.told import remedies, soundness
from argo_audit.reward_models.reward_model_settings import RewardModelSettings
from argo_audit.reward_models.training_settings import TrainingConfig

FAILED, NOT_CHECKED = 2, 3


class _Asked(Settings):
    """What `check-rm` takes of an audit's file of `--config`, and what unmade checks are to it."""

    reward_model: RewardModelSettings = RewardModelSettings()
    """How a reward model is loaded or asked."""
    not_checked: Literal["fail", "tell"] = "fail"
    """What a check ends in that could not look and could have: exit code 3, or a line."""


@takes(_Asked, tables={"reward_model": "reward_model"}, others=tuple(TABLES))
def check_rm_command(
    asked: _Asked,
    model: Annotated[
        str,
        typer.Argument(help="Folder or hub id; also served:NAME@URL, dpo:POLICY|REFERENCE."),
    ],
    served: Annotated[
        str | None, typer.Option(help="The same model behind a server: NAME@URL[,URL...].")
    ] = None,
    pairs: Annotated[
        str | None, typer.Option(help="Pairs to ask about and to measure the cut share on.")
    ] = None,
    format: FormatOption = None,
    out: Annotated[Path | None, typer.Option(help="JSON file for the result.")] = None,
) -> None:
    """Check that a reward model is loaded and asked as it should be.

    Ends with 2 when a check fails, and with 3 when one could have looked and was not let.
    """
    from argo_audit.files import write_whole
    from argo_audit.pairs.hub import open_dataset
    from argo_audit.pairs.pair_file import read
    from argo_audit.reward_models.by_name import open_reward_model
    from argo_audit.reward_models.checks.conformance import check_reward_model

    file = read(pairs, format=format, hub=open_dataset) if pairs else None
    given, chosen = (file.pairs, file.chosen) if file else ((), None)
    people = file.labels.get(HUMAN, ()) if file else ()
    opened = open_reward_model(model, asked.reward_model, given, chosen)
    twin = open_reward_model(f"served:{served}", asked.reward_model) if served else None
    report = check_reward_model(opened, given, twin, people)
    console.print(_table(report))
    if out is not None:
        write_whole(out, report.model_dump_json(indent=1) + "\n")
    failed = f"{len(report.failed)} of {len(report.checks)} checks failed"
    say(f"{report.reward_model}: {failed}: {soundness(report)}")
    for line in remedies(report.missed):
        say(f"  not checked, and could be: {line}")
    if code := _exit_code(report, asked.not_checked):
        raise typer.Exit(code)


@takes(TrainingConfig)
def train_rm_command(
    config: TrainingConfig,
    pairs: PairsOption,
    out: OutOption,
    labels: Annotated[str, typer.Option(help="Label source of the file to train on.")] = "human",
    format: FormatOption = None,
    skip_invalid: SkipInvalidOption = False,
) -> None:
    """Train a Bradley-Terry reward model on the train pairs of a file; safetensors in --out."""
    from argo_audit.audits.rm_training import train_reward_model
    from argo_audit.pairs.hub import open_dataset
    from argo_audit.pairs.pair_file import read

    file = read(pairs, format=format, skip_invalid=skip_invalid, hub=open_dataset)
    if file.skipped:
        say(f"{file.origin}: left out {len(file.skipped)}, the first at {file.skipped[0]}")
    for sentence in file.told:
        say(f"{file.origin}: {sentence}")
    record = train_reward_model(file, out, labels=labels, **config.model_dump(exclude_unset=True))
    left_out = f", {record.over_length} too long" if record.over_length else ""
    shares = (("train labels", record.train_accuracy), ("held-out", record.held_out_accuracy))
    agrees = ", ".join(
        f"{'no' if share is None else f'{share:.1%} of'} {name}" for name, share in shares
    )
    say(
        f"{out}: trained on {record.trained_on} pairs{left_out} in {record.seconds:.0f} s; "
        f"agrees with {agrees}"
    )


def _exit_code(report: Conformance, not_checked: str) -> int:
    if report.failed or not any(check.outcome == "pass" for check in report.checks):
        return FAILED
    return NOT_CHECKED if report.missed and not_checked == "fail" else 0


def _table(report: Conformance) -> Table:
    """One row per check; why a tolerance is as it is stands in the JSON of those that passed."""
    spread = "" if report.spread is None else f", spread {report.spread:.3g}"
    title = f"{report.reward_model}: {report.pairs} pairs{spread}"
    table = Table(title=title, box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in ("check", "outcome", "measured", "tolerance", "why"):
        table.add_column(column, overflow="fold")
    for check in report.checks:
        numbers = (check.measured, check.tolerance)
        shown = ("" if value is None else f"{value:.3g}" for value in numbers)
        row(
            table,
            check.name,
            check.outcome,
            *shown,
            "" if check.outcome == "pass" else check.detail,
        )
    return table
