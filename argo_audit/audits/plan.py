"""What an audit will take, by the arithmetic of the method; nothing is loaded and nobody is asked.

    plan = plan_audit(request, settings)
    plan.phases[0].usage.calls

A judgment is two calls, one for each order (times the votes, where P(A) is counted from votes). A
step judges the rubrics of all its prompt variants on one minibatch; selection judges the top
rubrics of each window on dev and held-out; the evaluation judges each search's best rubric, and
once no rubric, on held-out. These are upper bounds: equal rubrics are judged once, and a top that
is not full is judged as it is. Tokens are characters over four, since tokenizers differ; rubrics
and replies have the lengths below. The record of the run says what it really took.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from argo_audit.audits.preparing import check_labels, read_and_split
from argo_audit.audits.price import Spent
from argo_audit.audits.request import AuditRequest
from argo_audit.judges.questions import ask
from argo_audit.policies.policy_settings import PolicySettings
from argo_audit.prompts.fences import render_messages
from argo_audit.records import Pair, Rubric, Usage
from argo_audit.reward_models.by_name import can_be_asked

CHARACTERS_PER_TOKEN = 4
RUBRIC_CHARACTERS = 1_600
REPLY_TOKENS = 250
VERDICT_TOKENS = 5
ASSUMPTIONS = (
    f"Estimated at {CHARACTERS_PER_TOKEN} characters a token, rubrics of {RUBRIC_CHARACTERS} "
    f"characters and replies of {REPLY_TOKENS} tokens ({VERDICT_TOKENS} without reasoning). "
    "Rubrics that repeat are judged once and cached calls cost nothing, so it may take less. "
    "Templates rewrite the prompts at no cost, unless there is a --rewriter."
)
TEXTS_PROBED = 150
"""Conversations of a pair whose responses are edited: each attribute, both ways, and back."""

_SAMPLE = 500


class Phase(NamedTuple):
    """A part of an audit and what it is expected to take.

    `counted` is whether it counts towards a budget: what is trained or scored here does not.
    """

    name: str
    model: str
    usage: Usage
    counted: bool = True


class AuditPlan(NamedTuple):
    """The phases of an audit; `step` and `after` are what one search takes.

    `after` is what a search must leave of its budget: its selection and its evaluation.
    """

    phases: tuple[Phase, ...]
    searches: int
    step: tuple[Spent, ...]
    after: tuple[Spent, ...]

    def spent(self) -> list[Spent]:
        """What counts towards a budget, if all of the audit is carried out."""
        return [Spent(phase.model, phase.usage) for phase in self.phases if phase.counted]

    def least(self) -> list[Spent]:
        """What counts, if each search ends after its first step."""
        return [*self.step, *self.after] * self.searches


class _Texts:
    """The lengths of an audit's texts, in tokens, from a sample of its pairs."""

    def __init__(self, request: AuditRequest, pairs: Sequence[Pair]):
        sample = pairs[:: max(1, len(pairs) // _SAMPLE)]
        rubric = Rubric(text="x" * RUBRIC_CHARACTERS)
        settings = request.judge_settings
        questions = (ask(rubric, pair, settings=settings).text for pair in sample)
        self._question = _mean(len(question) for question in questions)
        self._votes = 1 if settings.estimator == "log-probabilities" else settings.votes
        self._reply = REPLY_TOKENS if settings.reasoning else VERDICT_TOKENS
        self._conversation = _mean(
            len(render_messages(conversation))
            for pair in sample
            for conversation in pair.conversations()
        )

    def judging(self, judgments: int) -> Usage:
        """Judging so many pairs under a rubric, in both orders."""
        calls = 2 * judgments * self._votes
        return Usage(
            calls=calls,
            input_tokens=round(calls * self._question),
            output_tokens=calls * self._reply,
        )

    def rewarding(self, conversations: int) -> Usage:
        """Scoring so many conversations."""
        read = round(conversations * self._conversation)
        return Usage(calls=conversations, input_tokens=read)

    def writing(self, texts: int, length: int) -> Usage:
        """Writing so many texts of at most `length` tokens, from prompts that show attempts."""
        shown = 2 * RUBRIC_CHARACTERS // CHARACTERS_PER_TOKEN
        return Usage(calls=texts, input_tokens=texts * shown, output_tokens=texts * length)


def plan_audit(request: AuditRequest, settings: PolicySettings) -> AuditPlan:
    """The plan of an audit. Raises InputError when its pairs cannot be used."""
    file, splits = read_and_split(request)
    check_labels(request.labels, file, request.pairs)
    texts, search, searches = _Texts(request, file.pairs), request.search, len(request.labels)
    variants = len(search.feedback.variants)
    rubrics = settings.rubrics_per_prompt * variants
    dev, held_out = len(splits["dev"]), len(splits["held-out"])
    top = min(search.windows * search.top, search.steps * rubrics)
    labelled = sum(map(can_be_asked, request.labels))
    edited = TEXTS_PROBED * min(request.probed_pairs, held_out)
    train = texts.judging(rubrics * min(search.minibatch, len(splits["train"])))
    select, evaluate = texts.judging(top * (dev + held_out)), texts.judging(2 * held_out)
    write = texts.writing(rubrics, settings.max_rubric_tokens)
    rewrite = texts.writing(variants if request.rewriter else 0, settings.max_rubric_tokens)
    judge, sampled = request.judge, request.sampled_policy
    phases = (
        Phase("reward model", "", texts.rewarding(2 * labelled * len(file.pairs)), counted=False),
        Phase(
            "rubrics",
            sampled or request.policy,
            _times(write, search.steps * searches),
            bool(sampled),
        ),
        Phase("rewriting", request.rewriter or "", _times(rewrite, search.steps * searches)),
        Phase("judge, training", judge, _times(train, search.steps * searches)),
        Phase("judge, selection", judge, _times(select, searches)),
        Phase("judge, evaluation", judge, texts.judging((searches + 1) * held_out)),
        Phase("reward model, probes", "", texts.rewarding(labelled * edited), counted=False),
    )
    written = [Spent(sampled, write)] if sampled else []
    written += [Spent(request.rewriter, rewrite)] if request.rewriter else []
    return AuditPlan(
        tuple(phase for phase in phases if phase.usage.calls),
        searches,
        (Spent(judge, train), *written),
        (Spent(judge, select), Spent(judge, evaluate)),
    )


def _times(usage: Usage, times: int) -> Usage:
    return Usage(**{name: value * times for name, value in usage.model_dump().items()})


def _mean(characters: Iterable[int]) -> float:
    """Mean length in tokens."""
    found = list(characters)
    return sum(found) / len(found) / CHARACTERS_PER_TOKEN if found else 0.0
