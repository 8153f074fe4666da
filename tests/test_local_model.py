"""The local judge's model: reading a prefix once changes nothing but the work."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tiny_judge import tiny_judge

if TYPE_CHECKING:
    from argo_audit.judges.local_model import PrefixModel, Reply, Request

pytestmark = pytest.mark.usefixtures("train")

PREFIX = tuple(range(40, 90))
SUFFIXES = [tuple(range(100, 100 + n)) for n in (7, 1, 23, 12)]
WATCHED = (60, 61, 62)
ENDS = tuple(range(0, 290, 9))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_judge(tmp_path_factory.mktemp("judge"))


@pytest.fixture(scope="module")
def naive(folder: Path) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def opened(folder: Path, **arguments: Any) -> "PrefixModel":
    from argo_audit.judges.local_model import load

    model, _ = load(str(folder), device="cpu", **arguments)
    return model


def requests(**asked: Any) -> "list[Request]":
    from argo_audit.judges.local_model import Request

    return [Request(suffix, watched=WATCHED, **{"max_new": 1, **asked}) for suffix in SUFFIXES]


def written(reply: "Reply") -> list[int]:
    return [step.token for step in reply.steps]


@pytest.mark.parametrize("batch_tokens", [1, 30, 4096])
def test_log_probabilities_are_those_of_one_full_prompt_at_a_time(
    folder: Path, naive: Any, batch_tokens: int
) -> None:
    import torch

    replies = opened(folder, batch_tokens=batch_tokens).answer(PREFIX, requests())
    for suffix, reply in zip(SUFFIXES, replies, strict=True):
        with torch.inference_mode():
            logits = naive(input_ids=torch.tensor([PREFIX + suffix])).logits[0, -1]
        expected = logits.log_softmax(-1)[list(WATCHED)].tolist()
        assert reply.steps[0].watched == pytest.approx(expected, abs=1e-5)


def test_what_is_written_greedily_is_what_the_model_writes_alone(naive: Any) -> None:
    import torch

    from argo_audit.judges.local_model import PrefixModel

    model = PrefixModel(naive, ENDS)
    replies = model.answer(PREFIX, requests(max_new=12))
    assert len({len(reply.steps) for reply in replies}) > 1, "rows should end at different steps"
    for suffix, reply in zip(SUFFIXES, replies, strict=True):
        with torch.inference_mode():
            out = naive.generate(
                torch.tensor([PREFIX + suffix]),
                max_new_tokens=12,
                do_sample=False,
                eos_token_id=list(ENDS),
            )
        expected = out[0, len(PREFIX) + len(suffix) :].tolist()
        ended = expected[-1] in ENDS
        assert written(reply) == (expected[:-1] if ended else expected)
        assert reply.finished == ended


def test_a_sample_depends_on_its_seed_and_not_on_its_batch(folder: Path) -> None:
    sampled = requests(max_new=8, temperature=1.0, seed=3)
    together = opened(folder).answer(PREFIX, sampled)
    alone = [opened(folder).answer(PREFIX, [one])[0] for one in sampled]
    assert [written(reply) for reply in together] == [written(reply) for reply in alone]
    other = opened(folder).answer(PREFIX, requests(max_new=8, temperature=1.0, seed=4))
    assert [written(reply) for reply in other] != [written(reply) for reply in together]


def test_only_allowed_tokens_are_written_and_their_log_probabilities_are_the_models(
    folder: Path,
) -> None:
    free = opened(folder).answer(PREFIX, requests())
    bound = opened(folder).answer(PREFIX, requests(allowed=(61, 62)))
    assert {token for reply in bound for token in written(reply)} <= {61, 62}
    for one, other in zip(free, bound, strict=True):
        assert one.steps[0].watched == pytest.approx(other.steps[0].watched)


def test_a_prefix_is_computed_once_and_kept_for_later(folder: Path) -> None:
    model = opened(folder)
    first = model.answer(PREFIX, requests())
    own = sum(map(len, SUFFIXES))
    assert model.computed == len(PREFIX) + own
    assert [reply.cached for reply in first] == [0] + [len(PREFIX)] * 3
    again = model.answer(PREFIX, requests())
    assert model.computed == len(PREFIX) + 2 * own
    assert [reply.cached for reply in again] == [len(PREFIX)] * 4
    assert [r.steps for r in again] == [r.steps for r in first]


def test_the_store_is_bounded_and_the_oldest_prefix_goes_first(folder: Path) -> None:
    model = opened(folder, store_bytes=1)
    other = PREFIX[1:]
    for prefix in (PREFIX, other, PREFIX):
        assert model.answer(prefix, requests())[0].cached == 0
    assert model.answer(PREFIX, requests())[0].cached == len(PREFIX)
