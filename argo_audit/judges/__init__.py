"""Judges: any Inspect model, and the embedded surface judge."""
