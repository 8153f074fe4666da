"""A reward model trained on the train pairs of a file: what `argo-audit train-rm` does.

record = train_reward_model(read_pairs("pairs.jsonl"), "runs/my-rm", labels="human")
record.train_accuracy, record.held_out_accuracy
"""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from argo_audit.errors import InputError, brief, needs_train
from argo_audit.pairs.hub import open_dataset
from argo_audit.pairs.pair_file import PairFile, labels_of, read
from argo_audit.pairs.splits import split
from argo_audit.reward_models.training_settings import TrainingConfig

if TYPE_CHECKING:
    from argo_audit.reward_models.training import TrainingRecord


def train_reward_model(
    pairs: PairFile | str | Path,
    out: str | Path,
    *,
    labels: str = "human",
    seed: int = 0,
    **recipe: object,
) -> "TrainingRecord":
    """Train a Bradley-Terry reward model on the train pairs of a file; needs argo-audit[train].

    Args:
        pairs: What `read_pairs` returned, or its file. They are split by prompt and `seed` as an
            audit splits them: what is held out there is not trained on here.
        out: A new folder for the checkpoint (safetensors), which "rm:FOLDER" names from then on.
        labels: The source of the file to train on; ties are left out.
        seed: Of splits and of training.
        recipe: Fields of TrainingConfig: `base` (a folder or hub id to start from; without one a
            tiny model from scratch), `lora_rank`, `epochs`, `batch_size`, `learning_rate`,
            `max_length` (in tokens; longer pairs are left out and counted), …

    Returns:
        `.train_accuracy` and `.held_out_accuracy` in [0, 1], None without a label that takes a
        side; `.trained_on`, `.ties`, `.over_length` in pairs; `.seconds`.

    Raises:
        InputError: For a source that the file has no labels of, or a recipe that is none.
        UnavailableError: Without the packages that training needs.
        RunFolderError: When `out` holds something.
    """
    with needs_train("training a reward model"):
        from argo_audit.reward_models.training import train_reward_model as train
    file = pairs if isinstance(pairs, PairFile) else read(pairs, hub=open_dataset)
    parts = split(file.pairs, seed, path=file.origin)
    by_id = {label.pair_id: label for label in labels_of(file, labels, file.origin)}
    of = {name: [by_id[p.id] for p in part if p.id in by_id] for name, part in parts.items()}
    try:
        config = TrainingConfig.model_validate({**recipe, "seed": seed})
    except ValidationError as error:
        known = ", ".join(TrainingConfig.model_fields)
        raise InputError("train-rm", brief(error, TrainingConfig), f"known are {known}") from error
    held_out = (parts["held-out"], of["held-out"])
    return train(parts["train"], of["train"], Path(out), config=config, held_out=held_out)
