"""What a policy is called: the embedded writer, a folder, a hub id, or a model that is sampled."""

from importlib.resources import files
from pathlib import Path

from argo_audit.errors import InputError
from argo_audit.policies.policy_settings import SAMPLE

EMBEDDED = "embedded"
"""The rubric writer that comes with the organism."""


def policy_model(spec: str) -> str:
    """The folder of the embedded rubric writer for `embedded`, else a model's folder or hub id.

    A model that is sampled keeps its name. Raises InputError for a folder without a model; whether
    the hub knows an id shows later.
    """
    if spec.startswith(SAMPLE):
        return spec
    if spec == EMBEDDED:
        return str(files("argo_audit.organism").joinpath("embedded_writer"))
    is_path = Path(spec).exists() or spec.count("/") > 1
    if is_path and not Path(spec, "config.json").is_file():
        remedy = "name `embedded`, a folder with a causal LM, or a hub id: organisation/model"
        raise InputError(spec, "no model is in this folder", remedy)
    return spec
