"""The command line: words and tables for a terminal; the job is in `audits`."""

from argo_audit.cli.commands import main

__all__ = ["main"]
