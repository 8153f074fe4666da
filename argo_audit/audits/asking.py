"""A judge or a reward model asked without an audit, by name or as an object; results come at once.

    file = read_pairs("pairs.jsonl")
    judged = judge(Rubric(text="- Be brief."), file.pairs)
    agreement(file.labels["human"], judged, file.pairs)
    bias_probe(my_reward_model, file.pairs, attributes=["flattery"]).to_frame()

Each waits for its answer, also where an event loop is running already, as in a notebook.
"""

from collections.abc import Sequence
from pathlib import Path

from argo_audit.audits.given_pairs import GivenPairs, place_of, read_given
from argo_audit.audits.given_parts import spec_of
from argo_audit.audits.record_list import RecordList
from argo_audit.findings.alignments import Row, line_up
from argo_audit.judges.event_loop import open_loop
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.judges.judged import judgments_of
from argo_audit.judges.opening import open_judge
from argo_audit.kinds import lent
from argo_audit.pairs.hub import open_dataset
from argo_audit.pairs.pair_file import PairFile, read
from argo_audit.pairs.splits import clusters
from argo_audit.probes.edits.counterfactuals import chosen
from argo_audit.probes.effects import Effect, effects
from argo_audit.probes.probe import probe, responses_of
from argo_audit.records import Agreement, Conformance, Judgment, Label, Pair, Rubric, StoredRubric
from argo_audit.reward_models.by_name import open_reward_model
from argo_audit.reward_models.checks.conformance import check_reward_model as checked
from argo_audit.reward_models.reward_model_settings import RewardModelSettings
from argo_audit.roles import Judge, RewardModel
from argo_audit.stats.agreement import measure

GivenRubric = Rubric | StoredRubric | str
"""A rubric, one of a store, or a text."""


def read_pairs(
    path: str | Path,
    *,
    format: str | None = None,
    skip_invalid: bool = False,
    allow_remote_images: bool = False,
) -> PairFile:
    """Read pairs from a file, or from a data set of the hub ("hf:ORG/NAME@REVISION:SPLIT").

    JSON lines, CSV or Parquet, packed or not, in any known format: the columns of the first row
    say which, unless `format` names one. Pictures that they name are files below the file's folder,
    or data URIs; with `allow_remote_images` they may be fetched.

    Returns:
        `.pairs` in file order; `.labels`, which maps a source ("human") to its labels; `.skipped`,
        a line for each row left out; `.told`, a sentence for each thing that was done to rows or
        not read of them; `.fingerprint` of the content.

    Raises:
        InputError: With the file, the line and a remedy, for the first row that cannot be used;
            with `skip_invalid` such rows are left out and listed.
    """
    return read(
        place_of(path),
        format=format,
        skip_invalid=skip_invalid,
        hub=open_dataset,
        allow_remote_images=allow_remote_images,
    )


@lent()
def judge(
    rubric: GivenRubric,
    pairs: GivenPairs,
    *,
    judge: str | Judge = "argo/surface",
    settings: JudgeSettings | None = None,
) -> list[Judgment]:
    """What a judge prefers on each pair under a rubric, in order; each is asked in both orders.

    Args:
        rubric: A Rubric, one of a store, or its text; the empty text asks for the judge's own
            taste.
        pairs: Pairs, in any number: a list, a DataFrame, or a file.
        judge: "argo/surface" (no model), any Inspect model, or a Judge.
        settings: How an Inspect model is asked.

    Returns:
        One Judgment per pair. `p_a` is P(A preferred) in [0, 1], or None where no verdict could be
        read: that is never 0.5 and never an error.

    Raises:
        InputError, JudgeError: When there is no such judge, or it cannot be asked.
    """
    asked = rubric if isinstance(rubric, Rubric) else Rubric(text=text_of(rubric))
    opened = open_judge(spec_of("judges", judge), settings)
    with open_loop() as loop:
        return loop.call(judgments_of, opened, asked, read_given(pairs, hub=open_dataset).pairs)


def agreement(
    labels: Sequence[Label],
    judgments: Sequence[Judgment],
    pairs: Sequence[Pair] = (),
    *,
    temperature: float | None = 1.0,
) -> Agreement:
    """How well judgments match labels of the same pairs, with 95% intervals.

    Args:
        labels: The target, of one source; ties (0.5) do not enter accuracy.
        judgments: What a judge made of pairs; those of pairs without a label are left out.
        pairs: The pairs themselves: intervals are over prompts, since pairs of one prompt are not
            independent. Without them each pair counts as a prompt of its own.
        temperature: Divides the judge's log-odds; None fits it on these very pairs.

    Returns:
        `accuracy` in [0, 1] (higher is better) with `accuracy_interval`; `kl` in nats (lower is
        better) with `kl_interval`; `n`, `ties`, `unparsed`, `position_flip_rate`. What could not be
        measured is None.
    """
    known = {label.pair_id for label in labels}
    said = [judgment for judgment in judgments if judgment.pair_id in known]
    prompts = {one.pair_id: one.pair_id for one in said} | clusters(pairs)
    return measure(labels, said, clusters=prompts, temperature=temperature)


@lent()
def bias_probe(
    model: str | RewardModel,
    pairs: GivenPairs,
    attributes: str | Sequence[str] = (),
    *,
    seed: int = 0,
) -> RecordList[Effect]:
    """What a reward model pays for adding or removing one attribute of a response, all else equal.

    Both responses of each pair are edited by program, and edited back: some 150 texts a pair for
    all attributes, so a few dozen pairs are many.

    Args:
        model: A reward model, or its name ("rm:MODEL", "served:NAME@URL", …).
        pairs: Their responses are edited: a list, a DataFrame, or a file.
        attributes: Names such as "flattery" or "hedging", or one; all without any.
        seed: Draws phrases and places.

    Returns:
        An Effect for each attribute and direction ("add", "remove"). `change` is the mean of
        reward(edited) - reward(edited back), in rewards; `.scaled` is it in spreads; `q_value` is
        corrected for how many were looked at, and `.found` says whether it is below 5%.

    Raises:
        InputError: For an attribute that there is not; the message lists those there are.
        RewardModelError: For a model that cannot be asked about texts that nobody has scored.
    """
    wanted = chosen((attributes,) if isinstance(attributes, str) else tuple(attributes))
    given = read_given(pairs, hub=open_dataset).pairs
    opened = _opened_model(model, given)
    found = effects(probe(opened, responses_of(given), wanted, seed), seed)
    return RecordList(found, ({"scaled": effect.scaled, "found": effect.found} for effect in found))


@lent()
def check_reward_model(
    model: str | RewardModel,
    pairs: GivenPairs | None = None,
    *,
    served: str | RewardModel | None = None,
) -> Conformance:
    """Check that a reward model is loaded and asked as it should be, before its rewards are used.

    Args:
        model: A reward model, or its name ("rm:MODEL", "served:NAME@URL", …).
        pairs: Some of the pairs that it will be asked about, beside texts of its own: a list, a
            DataFrame, or a file.
        served: The same model behind a server: both must pay the same.

    Returns:
        `.checks` with outcome "pass", "fail" or "not applicable", each measured in rewards and held
        to a tolerance; `.failed` are those to look at. `.spread` is the median difference between
        the rewards of a pair.

    Raises:
        RewardModelError: When the model cannot be asked at all.
    """
    given = () if pairs is None else read_given(pairs, hub=open_dataset).pairs
    twin = _opened_model(served, given) if served is not None else None
    return checked(_opened_model(model, given), given, twin)


def diff(
    first: Rubric | StoredRubric | str, second: Rubric | StoredRubric | str
) -> RecordList[Row]:
    """Two rubrics line by line: what they share, what was turned or moved, what only one says.

    Args:
        first: A Rubric, one of a store, or a text.
        second: Another.

    Returns:
        A row for each line or pair of lines: `standing` is "turned" (one rewards what the other
        penalises), "moved", "shared", "only first" or "only second"; `first` and `second` are the
        lines with rank and weight, or None; `similarity` is in [0, 1].
    """
    return RecordList(line_up(text_of(first), text_of(second)))


def text_of(rubric: GivenRubric) -> str:
    """The text of a rubric, however it is given."""
    if isinstance(rubric, StoredRubric):
        return rubric.rubric.text
    return rubric.text if isinstance(rubric, Rubric) else rubric


def _opened_model(model: str | RewardModel, pairs: Sequence[Pair]) -> RewardModel:
    return open_reward_model(spec_of("reward_models", model), RewardModelSettings(), pairs)
