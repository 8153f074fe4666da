"""The formats of this project: its own, and the numbered one.

- native: the fields of `Pair` and `"labels": {source: {"p_a": 0.7, "rewards": [1.2, 0.3]}}`; what
  `pair_file.write` writes;
- numbered: `response_1` becomes A; `label` (P(response_1 preferred), null for none) becomes the
  source "human", `soft[NAME]` the source "soft:NAME", with the rewards in `meta` beside it.
"""

from collections.abc import Iterator

from pydantic import Field, JsonValue

from argo_audit.pairs.formats.labelled import LabelledPair
from argo_audit.pairs.formats.rows import ExactRow, PairFormat
from argo_audit.records import HUMAN, Message, Probability

_KEPT_META = ("set", "category", "subset", "label_source")
"""What becomes a slice. Entries that belong to one response (`model_1`) do not: slices stay as
they are when the letters are exchanged."""


class _Numbered(ExactRow):
    id: str
    prompt: tuple[Message, ...]
    response_1: str
    response_2: str
    label: Probability | None = None
    soft: dict[str, Probability | None] = Field(default_factory=dict)
    meta: dict[str, JsonValue] = Field(default_factory=dict)
    split: str | None = None

    def labelled(self) -> LabelledPair:
        slices = {key: self._meta_text(key) for key in _KEPT_META} | {"split": self.split or ""}
        content = {
            "id": self.id,
            "prompt": self.prompt,
            "response_a": self.response_1,
            "response_b": self.response_2,
            "population": self._meta_text("population") or self._meta_text("set"),
            "slices": {key: text for key, text in slices.items() if text},
            "labels": self._targets(),
        }
        return LabelledPair.model_validate(content, strict=True)

    def unread(self) -> Iterator[str]:
        """What of `meta` is not used."""
        used = {"population", *(key for key in _KEPT_META if self._meta_text(key))}
        for name, p_a in self.soft.items():
            if p_a is not None and self._rewards(name):
                used |= {f"reward_{name}_1", f"reward_{name}_2"}
        if not self._meta_text("population"):
            used.discard("population")
        for key, entry in self.meta.items():
            if key not in used and entry not in (None, "", [], {}):
                yield f"meta.{key}"

    def _meta_text(self, key: str) -> str:
        entry = self.meta.get(key)
        return entry if isinstance(entry, str) else ""

    def _targets(self) -> dict[str, dict[str, object]]:
        """Not validated yet: the rewards come from `meta`, which may hold anything."""
        targets: dict[str, dict[str, object]] = {}
        if self.label is not None:
            targets[HUMAN] = {"p_a": self.label}
        for name, p_a in self.soft.items():
            if p_a is not None:
                targets[f"soft:{name}"] = {"p_a": p_a, "rewards": self._rewards(name)}
        return targets

    def _rewards(self, name: str) -> tuple[JsonValue, JsonValue] | None:
        rewards = (self.meta.get(f"reward_{name}_1"), self.meta.get(f"reward_{name}_2"))
        return None if None in rewards else rewards


NATIVE = PairFormat(
    "native",
    LabelledPair,
    ours=True,
    data_sets="this project's own, what it writes",
    reads="`id`, `prompt` as messages, `response_a`, `response_b`, `population`, `slices`, "
    "`turns_a`, `turns_b`; `labels.<source>.p_a` and `.rewards` -> <source>",
    leaves="nothing: another column is refused",
)
NUMBERED = PairFormat(
    "numbered",
    _Numbered,
    ours=True,
    data_sets="sets with one judgment of each of several annotators",
    reads="`id`, `prompt` as messages, `response_1` (A), `response_2` (B); `label` -> human, "
    "`soft.<name>` -> soft:<name> with `meta.reward_<name>_1` and `_2`; slices `split`, "
    "`meta.set`, `meta.category`, `meta.subset`, `meta.label_source`; `meta.population`",
    leaves="the rest of `meta`",
)
