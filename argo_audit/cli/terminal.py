"""What the commands share: the console, options, and how text, errors and agreement are shown.

Names and rubrics come from files and models. Nothing in them is markup to the terminal: `say` and
`row` show them as they are, with control characters spelled out.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from argo_audit.pairs.formats.registry import FORMATS
from argo_audit.report.markdown import visible

console = Console()

STORE_HELP = (
    "Root of the rubric store (any fsspec URL). Default: $ARGO_STORE, ./rubric_store, else the "
    "one shipped."
)
StoreOption = Annotated[str | None, typer.Option("--store", help=STORE_HELP)]
OutOption = Annotated[Path, typer.Option("--out", help="New folder for everything written.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of every random choice.")]
PairsOption = Annotated[
    str,
    typer.Option(
        "--pairs",
        help="Preference pairs: a file (.jsonl, .json, .csv, .parquet, also .gz) or a data set of "
        "the hub, hf:ORG/NAME@REVISION:SPLIT.",
    ),
]
FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        help=f"Format of the pairs: {', '.join(known.name for known in FORMATS)}. Default: what "
        "their columns say.",
    ),
]
SkipInvalidOption = Annotated[
    bool, typer.Option("--skip-invalid", help="Leave out unusable lines, and count them.")
]


def say(text: str) -> None:
    """Print text as it is: no markup, no wrapping, no control characters."""
    typer.echo(visible(text))


def row(table: Table, *cells: str) -> None:
    """Add a row of text as it is to a table."""
    table.add_row(*(Text(visible(cell)) for cell in cells))
