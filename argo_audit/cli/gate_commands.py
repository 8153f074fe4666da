"""`argo-audit gate init`: the first gates.toml of a reward model, written from its audit.

argo-audit gate init runs/my-rm --out gates.toml
pytest --gate-update && git add gates.toml baselines
"""

from pathlib import Path
from typing import Annotated

import typer

from argo_audit.cli.terminal import AllowOption, say
from argo_audit.errors import InputError

gate_app = typer.Typer(help="Regression gates of reward models.", no_args_is_help=True)


@gate_app.callback()
def _group() -> None:
    """Regression gates of reward models."""


@gate_app.command("init")
def gate_init(
    audit: Annotated[Path, typer.Argument(help="--out folder of a finished audit.")],
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("gates.toml"),
    rm: Annotated[
        str | None, typer.Option(help="The reward model. Default: the one that was audited.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Where its audit.md is. Default: in its own folder.")
    ] = None,
    allow: AllowOption = None,
) -> None:
    """Write a first gates.toml from a finished audit, by bounds that its reward model keeps.

    The reward model is asked, as the gates will ask it.
    """
    from argo_audit.files import write_new, written_to
    from argo_audit.gates.gate_start import first_gates

    if out.exists():
        raise InputError(out, "there is one already", "name another with --out, or remove it")
    first = first_gates(audit, out, rm, report, allow or ())
    with written_to(out.parent, "--out FILE"):
        out.parent.mkdir(parents=True, exist_ok=True)
        write_new(out, first.text)
    for line in first.moved:
        say(line)
    if first.holds_none:
        say(f"{out}: holds no gate yet, as said: audit more pairs, or name another with --rm")
        return
    say(f"{out}: now record the baseline with pytest --gate-update, and commit both")
