"""Statistics of pairs and prompts: intervals, estimates, agreement, alpha, change points."""
