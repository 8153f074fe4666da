"""`argo-audit compare`, `diff` and `drift`: rubrics and populations side by side, and over time."""

from pathlib import Path
from typing import Annotated

import typer

from argo_audit.cli.terminal import STORE_HELP, StoreOption
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
PairsOption = Annotated[
    str | None,
    typer.Option(
        "--pairs", help="Pairs for rubrics that are named alone. Default: those in the store."
    ),
]


def compare_command(  # noqa: PLR0913 - a command's parameters are its command line
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
    pairs: PairsOption = None,
    markdown: MarkdownOption = False,
) -> None:
    """Compare rubrics line by line, and populations by what they are shown and what they prefer."""
    from argo_audit.audits.compare import CompareOptions, compare
    from argo_audit.cli.tables import show

    show(
        compare(names, CompareOptions(store, judge, tuple(rm or ()), logs, pairs)),
        markdown=markdown,
    )


def diff_command(  # noqa: PLR0913 - a command's parameters are its options
    first: Annotated[str, typer.Argument(help="<reward model>@<version>.")],
    second: Annotated[str, typer.Argument(help="Another version for the same reward model.")],
    store: StoreOption = None,
    judge: JudgeOption = None,
    logs: LogsOption = None,
    pairs: PairsOption = None,
    markdown: MarkdownOption = False,
) -> None:
    """Compare two versions of a reward model's rubric: lines, and agreement on the same pairs."""
    from argo_audit.audits.compare import CompareOptions, compare
    from argo_audit.cli.tables import show

    models = [slug(name.rpartition("@")[0] or name) for name in (first, second)]
    if models[0] != models[1]:
        remedy = "argo-audit compare takes any two"
        raise InputError(f"{first}, {second}", "not two versions for one reward model", remedy)
    show(compare([first, second], CompareOptions(store, judge, (), logs, pairs)), markdown=markdown)


def drift_command(
    root: Annotated[str | None, typer.Argument(help=STORE_HELP)] = None,
    family: Annotated[str, typer.Option(help="Only families whose name holds this.")] = "",
    pairs: PairsOption = None,
    markdown: MarkdownOption = False,
) -> None:
    """Show which preferences moved between the versions of a store's rubrics, per reward model."""
    from argo_audit.audits.moved import drift
    from argo_audit.cli.tables import show
    from argo_audit.evals.subject import default_store

    show(drift(root or default_store(), family, pairs), markdown=markdown)
