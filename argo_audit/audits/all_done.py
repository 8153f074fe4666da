"""Whether an audit of elsewhere is done: then nothing outside is needed to go on with it.

    is_done_elsewhere(Path("laptop/out"))

Elsewhere is another place, or where it is another user began it.
"""

from pathlib import Path

from argo_audit.audits.audit_facts import FACTS_FILE, RUNS, AuditFacts, read_facts
from argo_audit.audits.begun import has_moved, is_anothers, label_specs, was_asked
from argo_audit.audits.found_folder import Allowed
from argo_audit.errors import ArgoError
from argo_audit.files import Folder
from argo_audit.search.journal import read_run
from argo_audit.search.run_folder import COMPLETED
from argo_audit.store import HELD_OUT, ref


def is_done_elsewhere(out: Path, allow: Allowed = ()) -> bool:
    """Whether nothing is left to do of the audit in `out`, which was moved or is another user's.

    Raises InputError for a store or logs elsewhere that have to be asked for again.
    """
    if not (out / FACTS_FILE).is_file() or not (has_moved(out) or is_anothers(out, allow)):
        return False
    facts = read_facts(out, allow)
    there = (out / HELD_OUT).is_file() and Folder(facts.logs(out)).is_there()
    return there and _is_of_its_runs(out, facts)


def _is_of_its_runs(out: Path, facts: AuditFacts) -> bool:
    """Whether every search that was asked for came to its end, and the facts are of what it stored.

    Of one that stored twice they are of the last.
    """
    try:
        runs = [read_run(folder) for folder in (out / RUNS).iterdir()]
        store = facts.store(out)
        stored = [store.get(name) for name in facts.stored]
        own = {one.run: ref(one) for found in stored for one in store.list(found.reward_model)}
    except (ArgoError, OSError):
        return False
    last = {run.id: own.get(run.id) for run in runs}
    ended = all(run.outcome == COMPLETED and was_asked(out, run) for run in runs)
    return ended and len(runs) == len(label_specs(out)) and {*last.values()} == {*facts.stored}
