"""Preference pairs: read from files and the hub in any format, split by prompt."""
