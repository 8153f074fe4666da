"""Inspect evaluations of rubrics: what `tasks/` assembles, and how their logs are read back."""
