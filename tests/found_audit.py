"""A small audit, as a stranger might send it: names and texts that try to act."""

import json
from pathlib import Path
from typing import Literal

from fakes import ScriptedPolicy

from argo_audit.audits.parts import Parts
from argo_audit.audits.reporting import Origin, report
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import audit
from argo_audit.organism.world import build
from argo_audit.pairs.pair_file import write
from argo_audit.search.search_settings import SearchConfig
from argo_audit.surface.judge import SurfaceJudge

ESCAPE = "\x1b[31mred\x1b]0;title\x07[bold]"
RUBRICS = (
    f"- Rewards bullet lists {ESCAPE}.\n- Rewards code blocks.\n",
    f"- Rewards short answers.\n- Penalizes emoji {ESCAPE}.\n",
)


def small_audit(
    root: Path, mark: str = "", pairs_made: int = 150, world: Literal["A", "B"] = "A"
) -> Path:
    """An audit in `root`/out of recorded rewards, with a report; `mark` is in every name."""
    organism = build(world, pairs_made, seed=0)
    pairs = [pair.model_copy(update={"population": f"pop{mark}"}) for pair in organism.pairs]
    file, scores = root / f"pairs{mark}.jsonl", root / f"rm{mark}.jsonl"
    write(file, pairs, {"human": list(organism.raw)})
    lines = (
        {"pair_id": p.id, "reward_a": len(p.response_a), "reward_b": len(p.response_b)}
        for p in pairs
    )
    scores.write_text("".join(json.dumps(line) + "\n" for line in lines))
    request = AuditRequest(
        pairs=file,
        labels=(f"scores:{scores}",),
        out=root / "out",
        search=SearchConfig(steps=2, minibatch=32),
        probed_pairs=0,
        accept_failing_rm=True,
    )
    audit(request, parts=Parts(SurfaceJudge(), lambda *_: ScriptedPolicy([RUBRICS])))
    report(Origin((root / "out",), f"Audited{mark}", ("true",)), root / "out" / "audit")
    return root / "out"
