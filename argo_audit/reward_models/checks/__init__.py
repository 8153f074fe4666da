"""What a reward model is checked for before it is trusted."""
