"""`argo-audit compare` and `argo-audit diff`: rubrics and populations side by side."""

from pathlib import Path
from typing import Annotated

import typer

from argo_audit.cli.terminal import StoreOption
from argo_audit.errors import InputError
from argo_audit.store import slug

JudgeOption = Annotated[
    str | None,
    typer.Option(help="Who judges; default: the audits' judge, argo/surface for stored rubrics."),
]
MarkdownOption = Annotated[bool, typer.Option("--markdown", help="Print markdown.")]
LogsOption = Annotated[
    Path | None,
    typer.Option(help="Keep the eval logs here. Default: crossed in the first audit's folder."),
]


def compare_command(
    names: Annotated[
        list[str],
        typer.Argument(help="Two or more: folders of audits, <reward model>@<version>, .md files."),
    ],
    store: StoreOption = None,
    judge: JudgeOption = None,
    rm: Annotated[
        list[str] | None,
        typer.Option("--rm", help="Reward models that label all pairs, for stored rubrics."),
    ] = None,
    logs: LogsOption = None,
    markdown: MarkdownOption = False,
) -> None:
    """Compare rubrics line by line, and populations by what they are shown and what they prefer."""
    from argo_audit.cli.compare import Options, compare
    from argo_audit.cli.sheets import show

    show(compare(names, Options(store, judge, tuple(rm or ()), logs)), markdown=markdown)


def diff_command(
    first: Annotated[str, typer.Argument(help="<reward model>@<version>.")],
    second: Annotated[str, typer.Argument(help="Another version for the same reward model.")],
    store: StoreOption = None,
    judge: JudgeOption = None,
    logs: LogsOption = None,
    markdown: MarkdownOption = False,
) -> None:
    """Compare two versions of a reward model's rubric: lines, and agreement on the same pairs."""
    from argo_audit.cli.compare import Options, compare
    from argo_audit.cli.sheets import show

    models = [slug(name.rpartition("@")[0] or name) for name in (first, second)]
    if models[0] != models[1]:
        remedy = "argo-audit compare takes any two"
        raise InputError(f"{first}, {second}", "not two versions for one reward model", remedy)
    show(compare([first, second], Options(store, judge, (), logs)), markdown=markdown)
