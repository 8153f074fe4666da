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
"""

import re
from collections.abc import Sequence

import anyio
from anyio.from_thread import start_blocking_portal
from inspect_ai.model import CachePolicy, GenerateConfig, Model, ModelOutput
from inspect_ai.util import collect

from argo_audit.records import Usage, fingerprint
from argo_audit.roles import NextPrompts, PolicyReward, Proposal, Writer, Written

_IN_FLIGHT = 32
_CUT_OFF = ("max_tokens", "model_length", "content_filter")
_FENCED = re.compile(r"\s*(`{3,}|~{3,})[^\n`]*\n(.*?)\n?[ \t]*\1\s*", re.DOTALL)


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
        """Ask, and have judged, up to step `steps`; errors of the model's API pass through.

        The writer has an event loop of its own, as the judge has: they are never at work at once.
        """
        with start_blocking_portal() as loop:
            for step in range(self._from, steps):
                prompts = list(next_prompts())
                if not prompts:
                    return
                asked = [(v, text) for v, text in enumerate(prompts) for _ in range(self._rubrics)]
                seed = _drawn(self._seed, step)
                written = loop.call(self._writer.write, [text for _, text in asked], seed)
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
    """

    def __init__(
        self,
        model: Model,
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
        cache: bool = False,
        in_flight: int = _IN_FLIGHT,
    ):
        self._model, self._cache, self._in_flight = model, cache, in_flight
        self._config = GenerateConfig(max_tokens=max_tokens, temperature=temperature)

    @property
    def name(self) -> str:
        """The model's name with its provider, such as "openai/gpt-5-mini"."""
        return str(self._model)

    async def write(self, prompts: Sequence[str], seed: int) -> list[Written]:
        """One answer per prompt, in order; equal prompts get answers of different seeds.

        `finished` is False for an answer cut off by a limit or by the provider's filter. Errors of
        the model's API pass through.
        """
        gate = anyio.Semaphore(self._in_flight)
        seeds = [_drawn(seed, place) for place in range(len(prompts))]
        return await collect(
            *(self._answer(prompt, one, gate) for prompt, one in zip(prompts, seeds, strict=True))
        )

    async def _answer(self, prompt: str, seed: int, gate: anyio.Semaphore) -> Written:
        config = self._config.model_copy(update={"seed": seed})
        scope = {
            "seed": str(seed)
        }  # for providers that take no seed, and so have it not in the key
        cache = CachePolicy(expiry=None, per_epoch=False, scopes=scope) if self._cache else False
        async with gate:
            output = await self._model.generate(prompt, config=config, cache=cache)
        return Written(output.completion, output.stop_reason not in _CUT_OFF, _usage(output))


def unfenced(text: str) -> str:
    r"""The text inside when one code fence surrounds all of it, else the text as it is.

    >>> unfenced("```markdown\n- Rewards lists.\n```")
    '- Rewards lists.'
    >>> unfenced("Here it is:\n```\n- Rewards lists.\n```")
    'Here it is:\n```\n- Rewards lists.\n```'
    """
    fenced = _FENCED.fullmatch(text)
    return fenced[2] if fenced and fenced[1] not in fenced[2] else text


def _drawn(seed: int, place: int) -> int:
    """A seed of its own for each place, below 2**28: some providers take 32 bits with a sign."""
    return int(fingerprint(f"{seed} {place}", 7), 16)


def _usage(output: ModelOutput) -> Usage:
    """What the call took, or once did where Inspect's cache answered.

    Inspect counts a prompt's tokens apart by what they cost; here the whole prompt is read.
    """
    used = output.usage
    if used is None:
        return Usage(calls=1)
    cached, stored = used.input_tokens_cache_read or 0, used.input_tokens_cache_write or 0
    return Usage(
        calls=1,
        input_tokens=used.input_tokens + cached + stored,
        cached_tokens=cached,
        output_tokens=used.output_tokens,
    )
