r"""An edit of one's own: an attribute, how it is put in, and how it is taken out again.

    >>> it = counterfactual("Bread needs time.", SIGNATURE, "add", key="p1/a")
    >>> (it.edited, it.back)
    ('Bread needs time.\n\nYours, the baker.', 'Bread needs time.')
    >>> counterfactual("Bread needs time.", SIGNATURE, "remove", key="p1/a").reason
    'it is not there'

    probe(reward_model, responses_of(pairs), [SIGNATURE])      # what a reward model pays for it

It joins by its name in `counterfactuals` and a table in attributes.toml, which says what it means.
An attribute that is sentences, such as flattery, is that table alone.
"""

from random import Random

from argo_audit.probes.edits.counterfactuals import counterfactual
from argo_audit.probes.edits.edit import NOT_THERE, THERE, Attribute, NoEdit

_SIGNATURE = "\n\nYours, the baker."


def _add(text: str, rng: Random) -> str | NoEdit:
    return THERE if text.endswith(_SIGNATURE) else text + _SIGNATURE


def _remove(text: str, rng: Random) -> str | NoEdit:
    return text.removesuffix(_SIGNATURE) if text.endswith(_SIGNATURE) else NOT_THERE


SIGNATURE = Attribute("signature", "a signature at the end", _add, _remove)

__all__ = ["SIGNATURE", "counterfactual"]
