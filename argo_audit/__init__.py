"""argo-audit: learn, in words, what a reward model rewards, and publish the audit."""

__version__ = "0.1.0"
