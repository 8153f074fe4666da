"""Numbers only: claims, the checks of them, findings, and what moved."""
