"""`argo-audit demo`: the whole main job on the embedded world."""

from pathlib import Path
from typing import Annotated

import typer

from argo_audit.audits.demo_settings import DemoConfig
from argo_audit.cli.options import takes
from argo_audit.cli.terminal import console, resumable, say


@takes(DemoConfig, names={"search.steps": ("--steps", "--search.steps")})
def demo_command(
    config: DemoConfig,
    out: Annotated[
        Path | None, typer.Option("--out", help="New folder; default runs/demo-NNNN.")
    ] = None,
) -> None:
    """The whole main job on the embedded world: no GPU, key or network."""
    from argo_audit.audits.demo import demo
    from argo_audit.cli.tables import tell
    from argo_audit.cli.watch import Display

    folder = out or _next_folder(Path("runs"), "demo")
    with resumable(folder / "A", folder / "B"), Display(console) as display:
        finished = demo(folder, config, display.lane)
    tell([folder / name for name in finished.facts])
    say(
        f"rubrics: {folder / 'rubric_store'}\n"
        f"audit:   {finished.files.markdown}\n         {finished.files.html}"
    )


def _next_folder(root: Path, name: str) -> Path:
    taken = [int(p.name.rpartition("-")[2]) for p in root.glob(f"{name}-[0-9]*")]
    return root / f"{name}-{max(taken, default=0) + 1:04d}"
