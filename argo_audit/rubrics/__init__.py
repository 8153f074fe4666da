"""Rubrics as texts: outlined, edited, aligned line by line, and which of their lines helped."""
