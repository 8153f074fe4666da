"""The command line: the only room where concrete parts meet."""

from argo_audit.cli.commands import main

__all__ = ["main"]
