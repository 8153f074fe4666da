"""The part of an audit in which its reward models are asked about edited responses.

    probe_reward_models(request, prepared, watch)

A rubric's line is a claim until the reward model was asked, so an audit asks those that can score
new text: some of the held-out pairs are edited, and the log of the task `bias_probe` lies beside
the other logs, where the report finds it. Recorded scores and raw labels cannot be asked.
"""

from collections.abc import Callable
from random import Random

import inspect_ai

from argo_audit.audits.labels import LabelSource
from argo_audit.audits.preparing import Prepared
from argo_audit.audits.request import AuditRequest
from argo_audit.evals.assembly import EVAL_SETTINGS, untold
from argo_audit.evals.logs import unfinished
from argo_audit.evals.tasks.bias_probe import Probing, find_probes, probe_task
from argo_audit.files import Folder
from argo_audit.reward_models.by_name import can_be_asked, open_reward_model
from argo_audit.store import HELD_OUT


def probe_reward_models(
    request: AuditRequest, prepared: Prepared, told: Callable[[int, int], None]
) -> None:
    """One log per reward model that can be asked; what is on record is not asked again.

    `told` hears how many of how many are done. Raises ArgoError when a probe does not end well.
    """
    sources = zip(request.labels, prepared.sources, strict=True)
    live = [(spec, source) for spec, source in sources if can_be_asked(spec)]
    if not request.probed_pairs or not live:
        return
    there = Folder(request.log_root).is_there()
    known = find_probes(request.log_root) if there else {}
    for done, (spec, source) in enumerate(live):
        told(done, len(live))
        if source.name not in known:
            _probe(request, prepared, spec, source)
    told(len(live), len(live))


def _probe(request: AuditRequest, prepared: Prepared, spec: str, source: LabelSource) -> None:
    held_out = prepared.splits["held-out"]
    pairs = Random(request.seed).sample(held_out, min(request.probed_pairs, len(held_out)))
    facts = {
        "pairs_file": str(request.out / HELD_OUT),
        "reward_model_fingerprint": source.fingerprint,
    }
    model = open_reward_model(spec, request.reward_model)
    task = probe_task(model, pairs, Probing(seed=request.seed), facts)
    with untold():
        (log,) = inspect_ai.eval(task, model="none", log_dir=request.log_root, **EVAL_SETTINGS)
    if log.status != "success":
        raise unfinished(log, request.log_root)
