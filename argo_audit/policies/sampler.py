"""A rubric writer that is not trained: any Inspect model, asked again and again.

    policy = SamplerPolicy(InspectWriter(get_model("openai/gpt-5-mini", memoize=False)), 8, seed=0)
    policy.train(next_prompts, policy_reward, steps=20)

A search without weight updates, for those who have an API key and no GPU: what is learned from
earlier attempts reaches the model through its prompts alone (ARGO's step 4), the same prompts that
a trained policy gets. Nothing is remembered between steps, and the seeds of a step depend on the
search's seed and the step's number alone, so a search goes on where it stopped without any
checkpoint.

A chat model often wraps its answer in a code fence. That is how it hands text over, and read as
markdown it would hide every criterion, so a fence around the whole answer is taken off. Nothing
else is: which words before a rubric belong to it would be a guess, the reader of rubrics passes
over prose anyway, and the judge is shown what the model wrote.

Calls that fail are asked again as the judge's are (`judges.patience`). One that the provider
refuses is an empty answer; when none of the prompts is answered, or one cannot be, the search stops
with the cause, and goes on from there when it is resumed.
"""

import re
from collections.abc import Sequence

import anyio
from inspect_ai.model import CachePolicy, GenerateConfig, Model, ModelOutput

from argo_audit.judges.calls import place_scope
from argo_audit.judges.event_loop import open_loop
from argo_audit.judges.failures import Failure
from argo_audit.judges.patience import (
    CUT_OFF,
    MANY_TOKENS,
    Outcome,
    Patience,
    answered,
    most_of,
    seconds_for,
    together,
    with_limits,
)
from argo_audit.policies.answered import answers_of
from argo_audit.records import Usage, fingerprint
from argo_audit.roles import NextPrompts, PolicyReward, Proposal, Writer, Written

_IN_FLIGHT = 32
_OPENED = re.compile(r"\s*(`{3,}|~{3,}(?!~))[^\n`]*\n")


class SamplerPolicy:
    """The Policy role over a Writer; it writes `rubrics_per_prompt` answers to each prompt.

    `used` is what the writer's calls have taken so far.
    """

    def __init__(self, writer: Writer, rubrics_per_prompt: int, seed: int = 0):
        self.name = writer.name
        self.used = Usage()
        self._writer, self._rubrics, self._seed = writer, rubrics_per_prompt, seed
        self._from = 0

    def resume(self, done: int) -> int:
        """See roles.Policy: there is no state to lose."""
        self._from = done
        return done

    def train(self, next_prompts: NextPrompts, policy_reward: PolicyReward, steps: int) -> None:
        """Ask, and have judged, up to step `steps`; errors of the writer pass through.

        The writer has an event loop of its own, as the judge has: they are never at work at once.
        """
        with open_loop() as loop:
            for step in range(self._from, steps):
                prompts = list(next_prompts())
                if not prompts:
                    return
                asked = [(v, text) for v, text in enumerate(prompts) for _ in range(self._rubrics)]
                seed = _drawn(self._seed, step)
                written = loop.call(answers_of, self._writer, [text for _, text in asked], seed)
                self.used += Usage.total(one.usage for one in written)
                answers = zip(asked, written, strict=True)
                policy_reward([Proposal(v, unfenced(w.text), w.finished) for (v, _), w in answers])


class InspectWriter:
    """Role Writer, played by an Inspect model.

    Args:
        model: The model that writes. One that other event loops use as well wants a copy of its
            own (`get_model(..., memoize=False)`): its connections belong to one loop.
        max_tokens: Most tokens of an answer, those of its reasoning included; None: as the
            provider says.
        temperature: Of sampling; None: as the provider says.
        cache: Whether an answer that was given before, to the same prompt and seed, is used again.
        in_flight: Most calls under way at once.
        patience: How often a call that failed is repeated, how long it may take.
    """

    def __init__(
        self,
        model: Model,
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
        cache: bool = False,
        in_flight: int = _IN_FLIGHT,
        patience: Patience | None = None,
    ):
        self._model, self._cache, self._in_flight = with_limits(model), cache, in_flight
        self._patience = patience or Patience(seconds=seconds_for(max_tokens or MANY_TOKENS))
        self._config = GenerateConfig(max_tokens=max_tokens, temperature=temperature, max_retries=0)

    @property
    def name(self) -> str:
        """The model's name with its provider, such as "openai/gpt-5-mini"."""
        return str(self._model)

    async def write(self, prompts: Sequence[str], seed: int) -> list[Written]:
        """One answer per prompt, in order; equal prompts get answers of different seeds.

        `finished` is False for an answer that a limit or the provider's filter cut, or refused.

        Raises:
            ArgoError: When a call fails for good, or every one of them is refused.
        """
        gate = anyio.Semaphore(self._in_flight)
        seeds = [_drawn(seed, place) for place in range(len(prompts))]
        outcomes = await together(
            *(self._answer(prompt, one, gate) for prompt, one in zip(prompts, seeds, strict=True))
        )
        failures = [one.result for one in outcomes if isinstance(one.result, Failure)]
        if failures and len(failures) == len(outcomes):
            raise failures[0].stopped(f"the writer {self.name}", "answered no prompt")
        return [_written(outcome) for outcome in outcomes]

    async def _answer(self, prompt: str, seed: int, gate: anyio.Semaphore) -> Outcome:
        config = self._config.model_copy(update={"seed": seed})
        # some providers take no seed, and so have it not in the key
        scope = {"seed": str(seed), **place_scope(self._model)}
        cache = CachePolicy(expiry=None, per_epoch=False, scopes=scope) if self._cache else False

        async def call() -> ModelOutput:
            return await self._model.generate(prompt, config=config, cache=cache)

        most = most_of(prompt, self._config.max_tokens)
        patience = self._patience._replace(most=most, cached=self._cache)
        async with gate:
            outcome = await answered(call, self._model, patience)
        if isinstance(outcome.result, Failure) and outcome.result.kind.way != "unread":
            raise outcome.result.stopped(f"the writer {self.name}")
        return outcome


def unfenced(text: str) -> str:
    r"""The text inside when one code fence surrounds all of it, else the text as it is.

    >>> unfenced("```markdown\n- Rewards lists.\n```")
    '- Rewards lists.'
    >>> unfenced("Here it is:\n```\n- Rewards lists.\n```")
    'Here it is:\n```\n- Rewards lists.\n```'
    """
    opened, closed = _OPENED.match(text), text.rstrip()
    if not opened or not closed.endswith(opened[1], opened.end()):
        return text
    inside = closed[opened.end() : -len(opened[1])].rstrip(" \t").removesuffix("\n")
    return text if opened[1] in inside else inside


def _drawn(seed: int, place: int) -> int:
    """A seed of its own for each place, below 2**28: some providers take 32 bits with a sign."""
    return int(fingerprint(f"{seed} {place}", 7), 16)


def _written(outcome: Outcome) -> Written:
    """An answer with what it took."""
    output, requests, took = outcome
    if isinstance(output, Failure):
        return Written("", False, Usage(calls=1, refused=1, repeated=requests - 1))
    finished = output.stop_reason not in CUT_OFF
    usage = took + Usage(cut_off=int(not finished), repeated=requests - 1)
    return Written(output.completion, finished, usage)
