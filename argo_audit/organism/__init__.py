"""The embedded world: populations with planted preferences, so that every answer is known."""
