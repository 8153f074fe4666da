"""Counterfactuals written by a model: the attributes of `edits`, rewritten and rewritten back.

    rewriter = Rewriter(get_model(role="rewriter"), seed=0)
    await rewriter.counterfactuals(response, attributes)

A program puts a fixed sentence in; a model weaves the attribute into what is there, and changes
more than it was asked to. What it rewrites back is what it wrote, never the original, which it does
not see again: so its habits are in both texts that are compared (RATE, Reber et al., 2024).

Which direction applies is for the programs to say, by measurement, and costs no call. A refusal,
an unchanged text or a reply that was cut off is no edit and has its reason. Prompt and response are
model text: they stand between fences, and what the model answers is only ever scored.
"""

from collections.abc import Sequence
from random import Random
from typing import Final

from inspect_ai.model import GenerateConfig, Model, ModelOutput

from argo_audit.errors import ArgoError
from argo_audit.judges.failures import Failure
from argo_audit.judges.patience import (
    CUT_OFF,
    Outcome,
    Patience,
    answered,
    most_of,
    seconds_for,
    together,
    with_limits,
)
from argo_audit.judges.questions import shown
from argo_audit.probes.edits.catalogue import description
from argo_audit.probes.edits.counterfactuals import Counterfactual, control
from argo_audit.probes.edits.edit import DIRECTIONS, OPPOSITE, Attribute, Direction, NoEdit
from argo_audit.probes.edits.phrased import found
from argo_audit.probes.probe import Response
from argo_audit.prompts import template
from argo_audit.prompts.fences import fence, new_nonce, render_messages
from argo_audit.records import Message, fingerprint

NO_EDIT: Final = "NO EDIT"
_MAX_TEXT = 20_000
_MAX_TOKENS = 16_000  # of a reply whose length nobody limits: for its deadline
_REFUSALS = ("refusal", "long_refusal")  # of which a rewriter may write one


class Rewriter:
    """A model that edits responses; `name` is recorded as the editor of what it wrote."""

    def __init__(self, model: Model, seed: int = 0, patience: Patience | None = None):
        self.name = str(model)
        self._model, self._seed = with_limits(model), seed
        self._patience = patience or Patience(seconds=seconds_for(_MAX_TOKENS))
        self._stopped: ArgoError | None = None

    async def counterfactuals(
        self, response: Response, attributes: Sequence[Attribute]
    ) -> list[Counterfactual]:
        """Each attribute in both directions, of which at most one applies."""
        asked = [(attribute, way) for attribute in attributes for way in DIRECTIONS]
        return await together(*(self._counterfactual(response, *one) for one in asked))

    async def _counterfactual(
        self, response: Response, attribute: Attribute, direction: Direction
    ) -> Counterfactual:
        it = Counterfactual(attribute=attribute.name, direction=direction, editor=self.name)
        told = attribute.edit(direction)(response.text, Random(self._seed))
        if isinstance(told, NoEdit) and told.settled:
            return it.model_copy(update={"reason": told.reason})
        edited = await self._rewritten(response, response.text, attribute, direction)
        if isinstance(edited, NoEdit):
            return it.model_copy(update={"reason": edited.reason})
        back = await self._rewritten(response, edited, attribute, OPPOSITE[direction])
        unmade = isinstance(back, NoEdit)
        return it.model_copy(
            update={
                "edited": edited,
                "back": None if unmade else back,
                "padded": None if attribute.is_length else control(response.text, edited),
                "reason": f"not edited back: {back.reason}" if isinstance(back, NoEdit) else "",
            }
        )

    async def _rewritten(
        self, response: Response, text: str, attribute: Attribute, direction: Direction
    ) -> str | NoEdit:
        question = ask(response.prompt, text, attribute, direction)
        if isinstance(question, NoEdit):
            return question
        seed = int(fingerprint(f"{self._seed}/{response.id}/{attribute.name}/{direction}", 7), 16)
        outcome = await self._answered(question, GenerateConfig(seed=seed, max_retries=0))
        if isinstance(outcome.result, Failure):
            return NoEdit(f"the call failed: {outcome.result.said}")
        return read(outcome.result, text, attribute)

    async def _answered(self, question: str, config: GenerateConfig) -> Outcome:
        """Its reply, or why there is none. Raises ArgoError where no call will be answered."""
        if self._stopped:
            raise self._stopped

        async def call() -> ModelOutput:
            return await self._model.generate(question, config=config)

        patience = self._patience._replace(most=most_of(question, None))
        outcome = await answered(call, self._model, patience)
        if isinstance(outcome.result, Failure) and outcome.result.kind.way == "stop":
            self._stopped = outcome.result.stopped(f"the rewriter {self.name}")
            raise self._stopped
        return outcome


def ask(
    prompt: Sequence[Message], text: str, attribute: Attribute, direction: Direction
) -> str | NoEdit:
    """What the rewriter is asked; a text too long to be shown whole cannot be edited."""
    material = [shown(one, _MAX_TEXT) for one in (render_messages(prompt), text)]
    if material[1].cut:
        return NoEdit("it is too long for the rewriter")
    texts = [one.text for one in material]
    nonce = new_nonce(texts)
    fenced = (fence("PROMPT", texts[0], nonce), fence("RESPONSE", texts[1], nonce))
    return template("counterfactual").substitute(
        means=attribute.means,
        task=template(f"counterfactual_{direction}").template.strip(),
        nonce=nonce,
        material="\n\n".join(fenced),
    )


def read(output: ModelOutput, text: str, attribute: Attribute) -> str | NoEdit:
    """The edited response that the model answered, or why there is none."""
    said = output.completion.strip()
    refuses = _refuses(said) and not _refuses(text)
    reasons = {
        f"the rewriter's reply was cut off ({output.stop_reason})": output.stop_reason in CUT_OFF,
        "the rewriter made no edit": not said or said.upper().strip(".") == NO_EDIT,
        "the rewriter changed nothing": said.split() == text.split(),
        "the rewriter refused": refuses and attribute.name not in _REFUSALS,
    }
    why = next((reason for reason, applies in reasons.items() if applies), "")
    return NoEdit(why) if why else said


def _refuses(text: str) -> bool:
    return bool(found(text, description("refusal")))
