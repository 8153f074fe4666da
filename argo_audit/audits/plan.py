"""What an audit will take, by the arithmetic of the method; nothing is loaded and nobody is asked.

    plan = plan_audit(request, settings)
    plan.phases[0].usage.calls

A judgment is two calls, one for each order (times the votes, where P(A) is counted from votes).
What a search asks for is its own arithmetic (`search.arithmetic`); the evaluation judges each
search's best rubric, and once no rubric, on held-out. Equal rubrics are judged once, and a top that
is not full is judged as it is: so many judgments at most.

Calls and tokens are told twice. *Expected* is one call an order from a judge that has
log-probabilities, characters over four and replies of the length below. *At most* is what no call
that succeeds can go beyond: votes in place of log-probabilities (`dearer` times as many calls of
whole rubrics; lines take none), replies as long as they may be, and a token for each character.
Failed requests that are repeated come on top of it; nothing goes beyond a budget (`judges.meter`):
fewer steps are taken. The record of the run says what it really took.
"""

from collections.abc import Iterable, Sequence
from copy import copy
from functools import cached_property
from typing import NamedTuple

from argo_audit.audits.judge_checking import is_checked, readings
from argo_audit.audits.preparing import check_labels, judged, read_and_split
from argo_audit.audits.price import Spent, is_in_process
from argo_audit.audits.request import AuditRequest
from argo_audit.judges.judge_checks import PROBES, Reads, calls_a_probe
from argo_audit.judges.judge_settings import LINES_PER_CALL, JudgeSettings
from argo_audit.judges.on_the_meter import CountsItself
from argo_audit.judges.opening import is_inspects, open_judge
from argo_audit.judges.questions import ask
from argo_audit.policies.policy_settings import PolicySettings
from argo_audit.prompts.fences import render_messages
from argo_audit.records import Pair, Rubric, Usage
from argo_audit.reward_models.by_name import can_be_asked
from argo_audit.roles import Judge, LineJudge
from argo_audit.search.arithmetic import arithmetic_of
from argo_audit.search.search_settings import LEAD, LOGISTIC
from argo_audit.search.sizes import Given, Sized

CHARACTERS_PER_TOKEN = 4
RUBRIC_CHARACTERS = 1_600
RUBRIC_LINES = 16
"""Lines of a rubric that is judged by line."""

REPLY_TOKENS = 250
VERDICT_TOKENS = 5
SAID_OF_PAIRS = 1_000
"""Tokens that tell a policy what pairs it is shown, and what to write of them."""

PROBE_TOKENS = 500
"""Of a question about a pair whose truth is known."""

ASSUMPTIONS = (
    f"Estimated at {CHARACTERS_PER_TOKEN} characters a token, rubrics of {RUBRIC_CHARACTERS} "
    f"characters and replies of {REPLY_TOKENS} tokens ({VERDICT_TOKENS} without reasoning). "
    "At most: votes in place of log-probabilities, replies as long as they may be, a token for "
    "each character. Rubrics that repeat are judged once and cached calls cost nothing, so it may "
    "take less. "
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

    `after` is what a search must leave of its budget: its selection and its evaluation, by how many
    steps it has taken, from 1. `dearer` is how many times as much a verdict takes where the judge
    has no log-probabilities. `checked` is what checking the judge takes, before any search. `most`
    are the phases at the most that they can take.
    """

    phases: tuple[Phase, ...]
    searches: int
    step: tuple[Spent, ...]
    after: tuple[tuple[Spent, ...], ...]
    dearer: int = 1
    checked: tuple[Spent, ...] = ()
    most: tuple[Phase, ...] = ()

    def spent(self) -> list[Spent]:
        """What counts towards a budget, if all of the audit is carried out."""
        return _counted(self.phases)

    def at_most(self) -> list[Spent]:
        """The same, at the most that it can be where no call fails."""
        return _counted(self.most)

    def least(self) -> list[Spent]:
        """What counts, if each search ends after its first step."""
        each = [*self.step, *self.after_steps(1)] * self.searches
        return [*self.checked, *each] * self.dearer

    def after_steps(self, steps: int) -> tuple[Spent, ...]:
        """What is to be left once so many steps are taken."""
        return self.after[min(steps, len(self.after)) - 1]


class Texts:
    """The lengths of texts that are asked about, in tokens, from a sample of the pairs."""

    _dearer = 1
    _per_token = CHARACTERS_PER_TOKEN

    def __init__(
        self, settings: JudgeSettings, pairs: Sequence[Pair], lines_per_call: int | None = None
    ):
        sample = pairs[:: max(1, len(pairs) // _SAMPLE)]
        rubric = Rubric(text="x" * RUBRIC_CHARACTERS)
        questions = (ask(rubric, pair, settings=settings).text for pair in sample)
        self._question = _mean(len(question) for question in questions)
        self._settings = settings
        self._votes = _calls_an_order(settings, lines_per_call or settings.lines_per_call)
        self._reply = REPLY_TOKENS if settings.reasoning else VERDICT_TOKENS
        self._conversation = _mean(
            len(render_messages(conversation))
            for pair in sample
            for conversation in pair.conversations()
        )

    def at_most(self, dearer: int) -> "Texts":
        """The same texts, where each is all it can be and whole rubrics take votes."""
        most = copy(self)
        most._dearer, most._per_token = dearer, 1
        most._reply = self._settings.max_reply_tokens
        return most

    def judging(self, judgments: int, lines: int = 0) -> Usage:
        """Judging so many pairs under a rubric, in both orders; `lines` of them by line."""
        calls = 2 * self._votes * (lines + (judgments - lines) * self._dearer)
        return Usage(
            calls=calls,
            input_tokens=round(calls * self._question * self._longer),
            output_tokens=calls * self._reply,
        )

    def checking(self, readings: Sequence[Reads]) -> Usage:
        """Asking a judge about pairs whose truth is known; they are short."""
        calls = PROBES * calls_a_probe(self._settings, self._dearer, readings)
        read, written = calls * PROBE_TOKENS * self._longer, calls * self._reply
        return Usage(calls=calls, input_tokens=read, output_tokens=written)

    def rewarding(self, conversations: int) -> Usage:
        """Scoring so many conversations."""
        read = round(conversations * self._conversation * self._longer)
        return Usage(calls=conversations, input_tokens=read)

    def writing(self, texts: int, length: int, pairs: int = 0) -> Usage:
        """Writing so many texts of at most `length` tokens, from prompts that show attempts.

        And so many pairs each, with what there is to say of them.
        """
        shown = 2 * RUBRIC_CHARACTERS // CHARACTERS_PER_TOKEN
        shown += SAID_OF_PAIRS + round(2 * pairs * self._conversation) if pairs else 0
        read = texts * shown * self._longer
        return Usage(calls=texts, input_tokens=read, output_tokens=texts * length)

    @property
    def _longer(self) -> int:
        """How many times the tokens that are usual of as many characters."""
        return CHARACTERS_PER_TOKEN // self._per_token


class Planner:
    """Plans of one audit at several sizes; its pairs are read once.

    Raises InputError when they cannot be used.
    """

    def __init__(self, request: AuditRequest):
        whole = request.model_copy(update={"judged_pairs": None})
        self._file, self._splits = read_and_split(whole)
        check_labels(request.labels, self._file, request.pairs)
        self._request = request
        self._given: dict[int | None, Given] = {}

    @cached_property
    def _texts(self) -> Texts:
        return Texts(self._request.judge_settings, self._file.pairs, self._lines_per_call)

    @cached_property
    def _lines_per_call(self) -> int:
        """Lines that the judge reads at once: one where it reads whole rubrics alone."""
        asked = self._request
        if is_inspects(asked.judge):
            return asked.judge_settings.lines_per_call
        return LINES_PER_CALL if isinstance(self._given_judge, LineJudge) else 1

    @cached_property
    def _given_judge(self) -> Judge:
        """A judge that is no model of Inspect's, read as it is."""
        asked = self._request
        whole = asked.judge_settings.model_copy(update={"reads": "whole"})
        return open_judge(asked.judge, whole, asked.judge_urls)

    def given(self, request: AuditRequest) -> Given:
        """The pairs that each search of it gets; nothing is fixed."""
        most = request.judged_pairs
        if most not in self._given:
            splits = judged(self._splits, request)
            train, dev, held_out = (len(splits[name]) for name in ("train", "dev", "held-out"))
            self._given[most] = Given(train, dev, held_out, lines_per_call=self._lines_per_call)
        return self._given[most]

    def judgment(self, request: AuditRequest) -> Spent:
        """What one judgment takes."""
        return Spent(request.judge, self._texts.judging(1))

    def plan(self, request: AuditRequest, settings: PolicySettings) -> AuditPlan:
        """What it takes at the size that the request and the settings give it."""
        dearer = self._dearer(request)
        expected = self._parts(request, settings, self._texts)
        most = self._parts(request, settings, self._texts.at_most(dearer))
        return expected._replace(dearer=dearer, most=most.phases)

    def _parts(self, request: AuditRequest, settings: PolicySettings, texts: Texts) -> AuditPlan:
        given, searches = self.given(request), len(request.labels)
        sized = Sized(request.search, settings.rubrics_per_prompt)
        arithmetic = arithmetic_of(request.search_name)
        work = arithmetic.work(sized, given)
        labelled = sum(map(can_be_asked, request.labels))
        edited = TEXTS_PROBED * min(request.probed_pairs, given.held_out)
        train, select = texts.judging(work.judged, work.lines), texts.judging(work.selection)
        ceiling = int(request.answer_key is not None)  # what was planted is judged too
        evaluate = Spent(request.judge, texts.judging((2 + ceiling) * given.held_out))
        evaluated = (searches + 1 + ceiling) * given.held_out
        ended = (arithmetic.work(sized, given, steps) for steps in range(1, work.steps + 1))
        after = [Spent(request.judge, texts.judging(one.selection)) for one in ended]
        write = texts.writing(work.written, settings.max_rubric_tokens, _pairs_shown(request))
        rewrites = work.rewrites if request.rewriter else 0
        rewrite = texts.writing(rewrites, settings.max_rubric_tokens)
        judge, sampled = request.judge, request.sampled_policy
        steps, rewarded = work.steps * searches, 2 * labelled * len(self._file.pairs)
        check = texts.checking(readings(request)) if is_checked(request) else Usage()
        phases = (
            Phase("reward model", "", texts.rewarding(rewarded), counted=False),
            Phase("rubrics", sampled or request.policy, times(write, steps), bool(sampled)),
            Phase("rewriting", request.rewriter or "", times(rewrite, steps)),
            Phase("judge, check", judge, check),
            Phase("judge, training", judge, times(train, steps)),
            Phase("judge, selection", judge, times(select, searches)),
            Phase("judge, evaluation", judge, texts.judging(evaluated)),
            Phase("reward model, probes", "", texts.rewarding(labelled * edited), counted=False),
        )
        written = [Spent(sampled, write)] if sampled else []
        written += [Spent(request.rewriter, rewrite)] if request.rewriter else []
        return AuditPlan(
            tuple(phase for phase in phases if phase.usage.calls),
            searches,
            (Spent(judge, train), *written),
            tuple((one, evaluate) for one in after),
            checked=(Spent(judge, check),) if check.calls else (),
        )

    def _dearer(self, request: AuditRequest) -> int:
        """Votes in place of log-probabilities, of a judge that may have none."""
        settings = request.judge_settings
        may = settings.estimator == "log-probabilities" and not is_in_process(request.judge)
        votes = is_inspects(request.judge) or isinstance(self._given_judge, CountsItself)
        return settings.votes if may and votes else 1


def plan_audit(request: AuditRequest, settings: PolicySettings) -> AuditPlan:
    """The plan of an audit. Raises InputError when its pairs cannot be used."""
    return Planner(request).plan(request, settings)


def _counted(phases: Sequence[Phase]) -> list[Spent]:
    return [Spent(phase.model, phase.usage) for phase in phases if phase.counted]


def _pairs_shown(request: AuditRequest) -> int:
    """Pairs in a prompt of a policy that is a model of Inspect's."""
    search = request.search
    if not request.sampled_policy:
        return 0
    if request.search_name in (LEAD, LOGISTIC):
        return search.lead.contrasts
    shown = search.feedback.contrasts
    return shown and shown + search.feedback.disagreements


def times(usage: Usage, count: int) -> Usage:
    """So many times as much."""
    return Usage(**{name: value * count for name, value in usage.model_dump().items()})


def _calls_an_order(settings: JudgeSettings, lines_per_call: int) -> int:
    """Calls that one rubric on one pair takes in an order, if nothing of it is kept."""
    replies = 1 if settings.estimator == "log-probabilities" else settings.votes
    if settings.reads == "whole":
        return replies
    return replies * -(-RUBRIC_LINES // lines_per_call)


def _mean(characters: Iterable[int]) -> float:
    """Mean length in tokens."""
    found = list(characters)
    return sum(found) / len(found) / CHARACTERS_PER_TOKEN if found else 0.0
