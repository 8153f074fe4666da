"""`argo-audit check-judge` and `argo-audit answers`: judges before an audit, and what they said.

    argo-audit check-judge openai/gpt-5-mini --prices prices.yaml
    argo-audit answers --prune-days 90

`check-judge` ends with 0 when the judge obeys, 2 when it does not, 1 when it could not be asked.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from argo_audit.cli.audit_command import TABLES
from argo_audit.cli.options import takes
from argo_audit.cli.terminal import console, row, say
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.records import Settings

if TYPE_CHECKING:
    from argo_audit.judges.judge_checks import JudgeFound

FAILED = 2


class _HowJudge(Settings):
    """What `check-judge` takes of an audit's file of `--config`."""

    judge: JudgeSettings = JudgeSettings()
    """How the judge is asked and read."""


@takes(_HowJudge, tables={"judge": "judge"}, others=tuple(TABLES))
def check_judge_command(
    asked: _HowJudge,
    model: Annotated[str, typer.Argument(help="A judge, as `audit --judge` takes it.")],
    judge_url: Annotated[
        list[str] | None, typer.Option(help="Servers of the judge, each a copy of it.")
    ] = None,
    probes: Annotated[
        int,
        typer.Option(
            help="Pairs it is asked about: 10 calls each, 22 by three votes.", min=6, max=144
        ),
    ] = 24,
    prices: Annotated[
        Path | None, typer.Option(help="Prices of models, before those that come with the package.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file for the result.")] = None,
) -> None:
    """Check that a judge does what rubrics ask of it; 2 when it does not."""
    from argo_audit.audits.judge_checking import check_judge
    from argo_audit.files import write_whole
    from argo_audit.judges.judge_checks import FICTION, LEAST

    found = check_judge(model, asked.judge, tuple(judge_url or ()), probes=probes)
    console.print(_table(found))
    say(_cost(found, prices))
    if out is not None:
        write_whole(out, found.model_dump_json(indent=1) + "\n")
    ways = [name for name in ("whole", "lines") if found.obeys([name])]
    if not ways:
        say(f"{found.judge} obeys below {LEAST:g} either way: {FICTION}")
        raise typer.Exit(FAILED)
    words = {"whole": "whole rubrics", "lines": "lines (--judge-reads lines)"}
    say(f"{found.judge} reads {' and '.join(words[name] for name in ways)}")


def answers_command(
    prune_days: Annotated[
        int | None, typer.Option(help="Remove answers older than so many days.", min=0)
    ] = None,
    judge: Annotated[
        str, typer.Option(help='Only those of the judge of this name, or "NAME at ADDRESS".')
    ] = "",
) -> None:
    """Say which answers of judges about lines are kept, or remove some of them.

    They are kept by a model's name and its server's address. A new checkpoint under the same name
    at the same address cannot be told from the old one: remove its answers first, with
    --prune-days 0 --judge NAME.
    """
    from argo_audit.judges.kept_answers import KeptAnswers, default_place

    kept = KeptAnswers(default_place())
    if prune_days is not None:
        say(f"{kept.prune(prune_days, judge):,} answers removed")
    table = Table(title=str(kept.place), box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("judge, and how it is asked", overflow="fold")
    table.add_column("answers", justify="right")
    for who, count in kept.told(judge):
        row(table, who, f"{count:,}")
    console.print(table)


def _table(found: "JudgeFound") -> Table:
    title = f"{found.judge}: {found.pairs} pairs whose truth is known"
    table = Table(title=title, box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in ("measured", "share", "95% interval", "n", "unread"):
        table.add_column(column, overflow="fold")
    for share in found.shares:
        mean = "" if share.mean is None else f"{share.mean:.2f}"
        limits = share.interval
        shown = f"{limits.low:.2f} to {limits.high:.2f}" if limits else "too little was read"
        row(table, share.name, mean, shown, str(share.n), str(share.unread))
    return table


def _cost(found: "JudgeFound", prices: Path | None) -> str:
    """What a call took, and how probabilities were read."""
    from argo_audit.audits.price import Spent, cost, known_prices

    calls = max(1, found.usage.calls)
    dollars = cost(Spent(found.judge, found.usage), known_prices(prices))
    money = f", ${dollars:.4f} in all" if dollars is not None else ""
    by = ", ".join(found.estimators) or "nothing that could be read"
    lost = "".join(f"; {count} {cause}" for cause, count in found.usage.lost.items())
    again = f" and {found.usage.repeated} requests that were refused or repeated"
    more = again if found.usage.repeated else ""
    return (
        f"{found.usage.calls} calls{more}, {found.usage.tokens / calls:,.0f} tokens each, of which "
        f"{found.usage.output_tokens / calls:,.0f} written{money}; probabilities from {by}{lost}"
    )
