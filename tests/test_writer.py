"""The embedded rubric writer: what ships is what its command builds, and the command builds one."""

from pathlib import Path
from random import Random

import pytest

from argo_audit.organism.teaching import Stage, WriterConfig, example, ideas
from argo_audit.policies.policy_names import EMBEDDED, policy_model
from argo_audit.rubrics.outline import outline
from argo_audit.search.search_settings import FeedbackConfig

SMALL = WriterConfig(
    hidden=32,
    layers=1,
    heads=1,
    stages=(Stage(examples=48, learning_rate=3e-3, variants=("improve",)),),
)


def test_the_shipped_writer_says_how_it_was_built() -> None:
    shipped = Path(policy_model(EMBEDDED), "writer.json").read_text(encoding="utf-8")
    assert WriterConfig.model_validate_json(shipped) == WriterConfig()


@pytest.mark.usefixtures("train")
def test_a_writer_is_built_alike_from_the_same_seed(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from argo_audit.organism.writer import build_writer

    for name in ("one", "two"):
        build_writer(tmp_path / name, SMALL)
    one, two = (AutoModelForCausalLM.from_pretrained(tmp_path / name) for name in ("one", "two"))
    pairs = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert AutoTokenizer.from_pretrained(tmp_path / "one").chat_template


@pytest.mark.parametrize("seed", range(20))
def test_what_the_writer_learns_from_is_rubrics_in_every_direction(seed: int) -> None:
    _, rubric = example(Random(seed), ideas(), FeedbackConfig())
    read = outline(rubric)
    assert read.criteria
    assert len(read) >= 3
