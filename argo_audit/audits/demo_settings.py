"""Size of the demo: small, frozen, and free of what the demo runs.

DemoConfig(pairs=600, search=SearchConfig(steps=6))
"""

from pydantic import Field

from argo_audit.records import Settings
from argo_audit.search.search_settings import SearchConfig


class DemoConfig(Settings):
    """Size of the demo; the same code with larger numbers is a real study."""

    pairs: int = Field(default=3400, ge=150)
    """Pairs per population."""
    share: float = Field(default=0.08, gt=0, lt=0.5)
    """Share of the pairs that select rubrics; as many are reported on."""
    search: SearchConfig = SearchConfig(steps=6, windows=3, top=30, warm_start=True)
    """What a search does: rounds by line, then RL that goes on from their rubric."""
    label_agreement: float = Field(default=0.675, ge=0.51, le=1)
    """How often one raw label agrees with the planted preference."""
    seed: int = 0
    """Seed of every random choice."""
    workers: int = Field(default=2, ge=1)
    """Processes; each population runs in one of its own."""
    probed_pairs: int = Field(default=24, ge=0)
    """Held-out pairs whose responses are edited, some 150 texts each; 0 for none."""
