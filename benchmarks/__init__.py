"""Whether argo-audit does what it is for: measured on the organism, where the answer is known.

`python -m benchmarks` runs everything. Nothing here is part of the package or of its tests.
"""
