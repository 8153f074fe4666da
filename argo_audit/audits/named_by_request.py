"""What a request names that can run code, reach a host, or lies outside the folder of its audit.

    named_by(request, Seen(Path.cwd(), out))         # all of it, for `resume`
    used_by_evals(request, Seen(Path.cwd(), out))    # of that, what `eval` and `compare` use

What is embedded in the package
and what lies in the audit's own folder can be used unasked; a reward model never, for loading one
is what runs a stranger's code.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from argo_audit.audits.found_folder import Named, outside
from argo_audit.audits.request import AuditRequest
from argo_audit.files import is_url
from argo_audit.pairs.pair_file import HUB
from argo_audit.policies.policy_names import EMBEDDED
from argo_audit.reward_models.by_name import SCORES, names_reward_model
from argo_audit.reward_models.reward_model_settings import RewardModelSettings

INTENT = "what should be rewarded"
TRUST = "trust_remote_code"
"""What `--allow` takes for the Python code of a checkpoint."""

_EMBEDDED_JUDGE = "argo/surface"


class Seen(NamedTuple):
    """From where a request is read: the folder that its paths count from, and that of its audit."""

    base: Path
    out: Path

    def outside(self, *places: tuple[Path | str | None, str]) -> Iterator[Named]:
        """Those of the named places that do not lie in the folder of the audit."""
        found = ((p and (p if is_url(p) else self.base / p), is_what) for p, is_what in places)
        return outside(self.out, found)


Uses = Callable[[AuditRequest, Seen], Iterator[Named]]


def named_by(request: AuditRequest, seen: Seen) -> Iterator[Named]:
    """All that an audit which goes on would use."""
    yield from used_by_evals(request, seen)
    yield from recorded_by(request, seen)
    pairs = str(request.pairs)
    if pairs.startswith(HUB):
        yield Named(pairs, "pairs from the hub")
    else:
        yield from seen.outside((pairs, "its pairs"))
    if request.policy != EMBEDDED:
        yield Named(request.policy, "the policy that is loaded or asked")
    if request.rewriter:
        yield Named(request.rewriter, "a model that rewrites prompts")
    if request.policy_settings.use_vllm == "server":
        yield Named(request.policy_settings.vllm_server_base_url, "the server of the policy")
    yield from seen.outside(
        (request.store, "its rubrics"),
        (request.logs, "its evaluation logs"),
        (request.prices, "prices"),
        (request.intent, INTENT),
        (request.answer_key, "an answer key"),
    )


def used_by_evals(request: AuditRequest, seen: Seen) -> Iterator[Named]:
    """The judge and the reward models."""
    yield from reward_models_of(request, seen)
    if request.judge != _EMBEDDED_JUDGE:
        yield Named(request.judge, "the judge that is loaded or asked")
    for url in request.judge_urls:
        yield Named(url, "a server of the judge")


def reward_models_of(request: AuditRequest, seen: Seen) -> Iterator[Named]:
    """The reward models that labels name, and what their settings let them do."""
    for spec in filter(names_reward_model, request.labels):
        if not spec.startswith(f"{SCORES}:"):
            yield Named(spec, "a reward model that is loaded or asked")
    settings = request.reward_model
    if settings.trust_remote_code:
        yield Named(TRUST, "running the Python code that a checkpoint ships")
    if settings.tokenizer:
        yield Named(settings.tokenizer, "the tokenizer that is loaded")
    if settings.api_key != RewardModelSettings().api_key:
        yield Named(settings.api_key, "the environment variable that is sent to servers as a key")


def recorded_by(request: AuditRequest, seen: Seen) -> Iterator[Named]:
    """The files of rewards that labels name: read when an audit goes on, or by a gate."""
    found = (spec.partition(":") for spec in request.labels)
    paths = (path for kind, colon, path in found if colon and kind == SCORES)
    yield from seen.outside(*((path, "recorded rewards") for path in paths))


def intent_alone(request: AuditRequest, seen: Seen) -> Iterator[Named]:
    """What is read of a finished audit when it is reported: of its files, what should be rewarded.

    The rest is on record in its folder.
    """
    yield from seen.outside((request.intent, INTENT))
