"""`python -m argo_audit.cli`: what launchers of several processes start."""

from argo_audit.cli.commands import main

main()
