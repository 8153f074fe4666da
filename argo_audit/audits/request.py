"""What an audit is asked to do: one record, made by the command line, by Python, or read from disk.

    AuditRequest(pairs=Path("pairs.jsonl"), labels=("human",), out=Path("out"))

The docstring under a field is its help, on the command line as in Python. This module is light:
what reads and checks the input is `preparing`.
"""

from collections.abc import Callable
from pathlib import Path

from pydantic import Field, PrivateAttr, field_validator

from argo_audit.audits.price import Budget
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.outside.credentials import has_credential, put_aside
from argo_audit.policies.policy_settings import SAMPLE, PolicySettings
from argo_audit.records import Settings
from argo_audit.reward_models.reward_model_settings import RewardModelSettings, Temperature
from argo_audit.search.search_settings import ARGO, GEPA, LEAD, SearchConfig

LOGS = "logs"
"""Where eval logs lie in the folder of an audit, unless it was asked for another place."""


class AuditRequest(Settings):
    """What one audit does; saved with each of its runs."""

    pairs: Path | str
    """Preference pairs: a file (.jsonl, .json, .csv, .tsv, .parquet, also packed) or a data set of
    the hub, hf:ORG/NAME@REVISION:SPLIT."""
    format: str | None = None
    """Format of the pairs: arena-55k, native, helpsteer2-preference, numbered, arena-140k,
    helpsteer3, icai, pku-saferlhf, shp, rewardbench2, rewardbench, ultrafeedback, argilla, hh,
    trl, ultrafeedback-raw, nectar, distilabel, helpsteer2, prism, prism-utterances. Default: what
    their columns say."""
    labels: tuple[str, ...] = Field(min_length=1)
    """What to learn from, a rubric for each: rm:MODEL (folder or hub id),
    served:NAME@URL[,URL...], dpo:POLICY|REFERENCE, scores:FILE, human, soft:NAME."""
    out: Path
    """New folder for everything written."""
    judge: str = "argo/surface"
    """Who applies a rubric: argo/surface, or any Inspect model."""
    judge_urls: tuple[str, ...] = ()
    """Servers of the judge, such as http://gpu1:8000/v1, each a copy of it."""
    policy: str = "embedded"
    """Who writes rubrics: embedded, any causal LM, or sample:MODEL, an Inspect model that is not
    trained."""
    store: str | None = None
    """Store for the rubrics (any fsspec URL). Unset, rubric_store in the output folder."""
    optimiser: str | None = Field(default=None, exclude_if=lambda name: name is None)
    """How rubrics are searched for: lead (by line, for a fraction of the calls), argo (the
    paper's), gepa, logistic, best-of-n, or a search of an installed package. Unset, lead where the
    policy is a model that is not trained, else argo."""
    search: SearchConfig = SearchConfig()
    """What a search does."""
    judge_settings: JudgeSettings = JudgeSettings()
    """How the judge is asked and read."""
    policy_settings: PolicySettings = PolicySettings()
    """How the policy writes and is trained; goes before the settings of the policy's folder."""
    logs: str | None = None
    """Eval logs (any fsspec URL). Unset, logs in the output folder."""
    rm_temperature: Temperature = 1.0
    """Divides reward differences before the sigmoid; fit finds it."""
    reward_model: RewardModelSettings = RewardModelSettings()
    """How a reward model is loaded or asked."""
    accept_failing_rm: bool = False
    """Audit a reward model that fails a check."""
    accept_disobedient_judge: bool = Field(default=False, exclude_if=lambda accepted: not accepted)
    """Search with a judge that does not do what rubrics ask of it; the report says so first."""
    dev: float = Field(default=0.2, gt=0, lt=1)
    """Share of the prompts that select rubrics, and train none."""
    held_out: float = Field(default=0.2, gt=0, lt=1)
    """Share of the prompts that neither train nor select, and are reported on."""
    seed: int = 0
    """Seed of every random choice."""
    skip_invalid: bool = False
    """Leave out unusable lines, and count them."""
    answer_key: Path | None = None
    """Folder of an organism (manifest and planted rubric), to compare with what was planted."""
    rewriter: str | None = None
    """Inspect model that rewrites the policy prompts."""
    intent: Path | None = None
    """File with what the reward model should reward, as a rubric: conflicts are flagged."""
    probed_pairs: int = Field(default=48, ge=0)
    """Held-out pairs whose responses are edited, some 150 texts each; 0 for none."""
    judged_pairs: int | None = Field(default=None, ge=1, exclude_if=lambda most: most is None)
    """Most dev pairs, and most held-out pairs, that the judge is asked about; unset, all of them,
    or as many as the budget affords."""
    prices: Path | None = None
    """Prices of models, before those that come with the package: TOML, or YAML or JSON as for
    Inspect's --model-cost-config."""
    budget: Budget | None = None
    """The most that may be spent: "12.50" (dollars), "3e6 tokens", "20000 calls"; what is not set
    of the search is made to fit. Unset, 20,000 calls of models that do not run in this process, and
    $20 where all their prices are known."""

    _begun: "AuditRequest | None" = PrivateAttr(default=None)

    @property
    def as_begun(self) -> "AuditRequest":
        """As the audit was begun, whose records know it by that; this one's places may differ."""
        return self._begun or self

    def keep_as_begun(self, begun: "AuditRequest") -> None:
        """Remember what this is of: `begun`, of which it is a view from elsewhere."""
        self._begun = None if begun is self else begun

    def on_record(self, label: str) -> str:
        """What the records of the audit call one of its labels."""
        return dict(zip(self.labels, self.as_begun.labels, strict=True))[label]

    @property
    def search_name(self) -> str:
        """How it searches; docs/search.md has the figures behind what it does unasked."""
        return self.optimiser or (LEAD if self.sampled_policy else ARGO)

    def decided(self) -> "AuditRequest":
        """With what it would do unasked written out, as it goes on record.

        `gepa` takes one rubric a step: a model that is not trained is asked for one to spare.
        """
        update: dict[str, object] = {"optimiser": self.search_name}
        if self.search_name == GEPA:
            update["search"] = self.search.with_one_variant()
            if (
                self.sampled_policy
                and "rubrics_per_prompt" not in self.policy_settings.model_fields_set
            ):
                two = {"rubrics_per_prompt": 2}
                update["policy_settings"] = self.policy_settings.model_copy(update=two)
        return self.model_copy(update=update)

    @property
    def sampled_policy(self) -> str | None:
        """The model that writes rubrics without being trained, if one does."""
        sampled = self.policy.startswith(SAMPLE)
        return self.policy.removeprefix(SAMPLE) if sampled else None

    @field_validator("pairs", mode="wrap")
    @classmethod
    def _files_are_paths(cls, pairs: object, read: Callable[[object], object]) -> object:
        """A request reads back from JSON as it was: an address is no path, which has no `//`."""
        from argo_audit.files import is_url  # fsspec is behind both
        from argo_audit.pairs.pair_file import HUB

        if isinstance(pairs, str) and (pairs.startswith(HUB) or is_url(pairs)):
            return put_aside(pairs)
        return Path(str(read(pairs)))

    @field_validator("labels")
    @classmethod
    def _without_credentials(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        """A request goes on record: who opens an address asks for the whole of it."""
        return tuple(map(put_aside, labels))

    @field_validator("pairs", "store", "logs", mode="before")
    @classmethod
    def _of_the_user(cls, place: object) -> object:
        """`~` is the user's folder, also after `--pairs=`, where no shell puts it in."""
        if not isinstance(place, str) or not place.startswith("~"):
            return place
        from argo_audit.files import on_disk

        return str(on_disk(place))

    @field_validator("judge_urls", "store", "logs")
    @classmethod
    def _no_credentials(cls, value: tuple[str, ...] | str | None) -> tuple[str, ...] | str | None:
        """What others put on record is not given any."""
        urls = (value,) if isinstance(value, str) else value or ()
        if any(map(has_credential, urls)):
            raise ValueError(
                "an address that holds a credential would be on record: leave it out, and give it "
                "in the environment, as its provider or driver reads it (OPENAI_API_KEY, "
                "VLLM_API_KEY, AWS_PROFILE, …)"
            )
        return value

    @field_validator("out", "answer_key", "intent", "prices")
    @classmethod
    def _at_home(cls, place: Path | None) -> Path | None:
        """`~` is the user's folder."""
        return place and place.expanduser()

    @property
    def store_root(self) -> str:
        """Where rubrics go: the store asked for, else one in the output folder."""
        return self.store or str(self.out / "rubric_store")

    @property
    def log_root(self) -> str:
        """Where eval logs go: the place asked for, else `logs` in the output folder."""
        return self.logs or str(self.out / LOGS)
