"""Regression gates of reward models: pass, fail or inconclusive, on an interval."""
