r"""The counterfactuals of one response: each attribute added or removed, and back, and the control.

    >>> it = counterfactual("Bread needs time.", ATTRIBUTES["flattery"], "add", key="p1/0")
    >>> it.edited
    'Your curiosity is truly impressive. Bread needs time.'
    >>> it.back, it.padded
    ('Bread needs time.', 'This part adds more words. Bread needs time.')

An editor changes more than it is asked to. RATE (Reber, Richardson, Nief, Garbacea and Veitch,
"RATE: Causal explainability of reward models with imperfect counterfactuals", 2024) therefore
compares the edited text with the edited text *edited back*, not with the original: both went
through the editor, so that what it does besides cancels. The programs here take out exactly what
they put in; back differs from the original where taking a sentence out took content with it.

One text, attribute, direction and key give one counterfactual, on any machine.
"""

from collections.abc import Mapping, Sequence
from random import Random
from types import MappingProxyType

from argo_audit.errors import InputError, did_you_mean
from argo_audit.probes.edits import layout, length
from argo_audit.probes.edits.catalogue import descriptions
from argo_audit.probes.edits.edit import OPPOSITE, Attribute, Direction, NoEdit
from argo_audit.probes.edits.passages import Place, words
from argo_audit.probes.edits.phrased import phrased
from argo_audit.records import Record

PROGRAM = "program"
"""The editor of what is edited here; a model that rewrites has its own name."""


class Counterfactual(Record):
    """One attribute of one response changed, by one editor.

    `edited` is None when the edit does not apply, with its `reason`. `back` is `edited` with the
    attribute changed back, None with a `reason` when that is not possible. `padded` is the original
    with as many neutral words as the edit put in; None for edits that put none in, and for
    attributes that are length themselves.
    """

    attribute: str
    direction: Direction
    editor: str
    edited: str | None = None
    back: str | None = None
    padded: str | None = None
    reason: str = ""


def _attributes() -> dict[str, Attribute]:
    of_form = {
        it.name: it
        for it in (
            layout.bullets(),
            layout.numbered_steps(),
            layout.headers(),
            layout.bold(),
            layout.emoji(),
            layout.exclamation(),
            length.repetition(),
            length.padding(),
            length.long_refusal(),
        )
    }
    return {name: of_form.get(name) or phrased(name) for name in descriptions()}


ATTRIBUTES: Mapping[str, Attribute] = MappingProxyType(_attributes())
"""All attributes by name, in the order of attributes.toml."""


def chosen(names: Sequence[str] = ()) -> tuple[Attribute, ...]:
    """The attributes of these names, all without any.

    Raises InputError for a name that is none.
    """
    unknown = sorted(set(names) - set(ATTRIBUTES))
    if unknown:
        problem = f"no such attribute: {', '.join(unknown)}{did_you_mean(unknown[0], ATTRIBUTES)}"
        raise InputError("attributes", problem, f"Known: {', '.join(ATTRIBUTES)}")
    return tuple(ATTRIBUTES[name] for name in names or ATTRIBUTES)


def counterfactual(
    text: str, attribute: Attribute, direction: Direction, key: str
) -> Counterfactual:
    """The response with the attribute added or removed, edited back, and the padded control.

    `key` seeds what is drawn: the response's id with the run's seed.
    """
    rng = Random(f"{key}/{attribute.name}/{direction}")
    edited = attribute.edit(direction)(text, rng)
    if not isinstance(edited, NoEdit) and edited == text:
        edited = NoEdit("the edit changes nothing")
    if isinstance(edited, NoEdit):
        return _made(attribute, direction, reason=edited.reason)
    back = attribute.edit(OPPOSITE[direction])(edited, rng)
    reason = f"not edited back: {back.reason}" if isinstance(back, NoEdit) else ""
    return _made(
        attribute,
        direction,
        edited=edited,
        back=None if isinstance(back, NoEdit) else back,
        padded=None if attribute.is_length else control(text, edited),
        reason=reason,
    )


def control(text: str, edited: str) -> str | None:
    """The original with as many neutral words more as the edited text has; None if it has none.

    They stand at the end that the edit changed: at the start when the original's end is kept.
    """
    more = words(edited) - words(text)
    place: Place = "open" if edited.endswith(text) else "close"
    return length.padded(text, more, place) if more > 1 else None


def _made(attribute: Attribute, direction: Direction, **found: str | None) -> Counterfactual:
    fields = {"attribute": attribute.name, "direction": direction, "editor": PROGRAM, **found}
    return Counterfactual.model_validate(fields)
