"""ARGO: the search for the rubric under which a judge prefers what a reward model prefers."""
