"""Edits of one response that add or remove one attribute: by program, without any model."""
