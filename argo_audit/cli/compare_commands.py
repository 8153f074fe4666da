"""`argo-audit compare`, `diff` and `drift`: rubrics and populations side by side, and over time."""

from typing import Annotated

import typer

from argo_audit.audits.compare_settings import CompareOptions
from argo_audit.cli.fields import option
from argo_audit.cli.options import takes
from argo_audit.cli.terminal import RootArgument
from argo_audit.errors import InputError

MarkdownOption = Annotated[bool, typer.Option("--markdown", help="Print markdown.")]
PairsOption = Annotated[str | None, option(CompareOptions, "pairs")]


@takes(CompareOptions, names={"rms": ("--rm",)})
def compare_command(
    options: CompareOptions,
    names: Annotated[
        list[str],
        typer.Argument(help="Two or more: folders of audits, <reward model>@<version>, .md files."),
    ],
    markdown: MarkdownOption = False,
) -> None:
    """Compare rubrics line by line, and populations by what they are shown and what they prefer."""
    from argo_audit.audits.compare import compare
    from argo_audit.cli.tables import show

    show(compare(names, options), markdown=markdown)


@takes(CompareOptions, names={"rms": ("--rm",)})
def diff_command(
    options: CompareOptions,
    first: Annotated[str, typer.Argument(help="<reward model>@<version>.")],
    second: Annotated[str, typer.Argument(help="Another version for the same reward model.")],
    markdown: MarkdownOption = False,
) -> None:
    """Compare two versions of a reward model's rubric: lines, and agreement on the same pairs."""
    from argo_audit.audits.compare import compare
    from argo_audit.cli.tables import show
    from argo_audit.store import slug

    models = [slug(name.rpartition("@")[0] or name) for name in (first, second)]
    if models[0] != models[1]:
        remedy = "argo-audit compare takes any two"
        raise InputError(f"{first}, {second}", "not two versions for one reward model", remedy)
    show(compare([first, second], options), markdown=markdown)


def drift_command(
    root: RootArgument = None,
    family: Annotated[str, typer.Option(help="Only families whose name holds this.")] = "",
    pairs: PairsOption = None,
    markdown: MarkdownOption = False,
) -> None:
    """Show which preferences moved between the versions of a store's rubrics, per reward model."""
    from argo_audit.audits.moved import drift
    from argo_audit.cli.tables import show
    from argo_audit.evals.subject import default_store

    show(drift(root or default_store(), family, pairs), markdown=markdown)
