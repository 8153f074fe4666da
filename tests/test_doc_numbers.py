"""Every number of README is what it was measured to be: computed anew, or in the log."""

import asyncio
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from argo_audit.organism.manifest import planted_rubric
from argo_audit.organism.populations import PopulationName, population_spec
from argo_audit.pairs.formats.registry import FORMATS
from argo_audit.pairs.pair_file import PairFile, labels_of, read
from argo_audit.pairs.splits import clusters
from argo_audit.probes.edits.counterfactuals import ATTRIBUTES
from argo_audit.records import Agreement, Judgment, Pair, Rubric
from argo_audit.stats.agreement import measure
from argo_audit.store import RubricStore
from argo_audit.surface.features import FEATURES
from argo_audit.surface.judge import SurfaceJudge

REPOSITORY = Path(__file__).parent.parent
STORE = REPOSITORY / "rubric_store"
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SAID = " ".join(README.split())
LOG = (STORE / "LOG.md").read_text(encoding="utf-8")
SHIPPED = LOG.partition("## 2026-11-28: `make demo` by line and by RL; its rubrics ship here")[2]
POPULATIONS: tuple[PopulationName, ...] = ("A", "B")


@cache
def held_out(population: PopulationName) -> PairFile:
    return read(STORE / f"organism-{population.lower()}" / "held-out.jsonl.gz")


@cache
def rubrics(population: PopulationName) -> Mapping[str, Rubric]:
    """What is compared: the last rubric of each folder, none, and the planted one."""
    store, name = RubricStore(STORE), f"organism-{population.lower()}"
    planted = planted_rubric(population_spec(population).preferences)
    return {
        "RM-trained": store.list(name)[-1].rubric,
        "raw-trained": store.list(f"{name}-human")[-1].rubric,
        "none": Rubric(text=""),
        "ceiling": Rubric(text=planted),
    }


@cache
def agreement(population: PopulationName, judged_by: str, source: str) -> Agreement:
    """Of the surface judge with that rubric, or of "longest", with a source of labels."""
    file = held_out(population)
    if judged_by == "longest":
        judgments = [longer(pair) for pair in file.pairs]
    else:
        rubric = rubrics(population)[judged_by]
        judgments = asyncio.run(SurfaceJudge().judge(rubric, file.pairs))
    labels = labels_of(file, source, "held-out.jsonl.gz")
    return measure(labels, judgments, clusters=clusters(file.pairs))


def longer(pair: Pair) -> Judgment:
    a, b = len(pair.response_a), len(pair.response_b)
    p_a = 0.5 if a == b else float(a > b)
    return Judgment(pair_id=pair.id, rubric_id="longest", p_a=p_a, p_a_first=p_a, p_a_second=p_a)


def share(found: Agreement) -> str:
    assert found.accuracy is not None
    return f"{found.accuracy:.1%}"


def bounds(found: Agreement, between: str) -> str:
    assert found.accuracy_interval
    low, high = found.accuracy_interval.low, found.accuracy_interval.high
    return f"{100 * low:.1f}{between}{100 * high:.1f}"


def test_the_rubric_in_readme_is_the_stored_one_with_every_row() -> None:
    (shown,) = re.findall("```markdown\n(.*?)```", README, re.DOTALL)
    text = rubrics("B")["RM-trained"].text
    assert shown.strip() in text
    assert shown.count("\n|") == text.count("\n|") - 1  # its first row begins the block
    assert not re.findall("^- ", text, re.MULTILINE)  # biases would have to be told


def test_the_numbers_of_that_rubric_are_measured_so() -> None:
    rm, human = "organism-b", "human"
    best, other = agreement("B", "RM-trained", rm), agreement("A", "RM-trained", "organism-a")
    assert human in held_out("B").labels
    for sentence in (
        f"{share(best)} of {best.n} held-out pairs (95% interval {bounds(best, ' to ')})",
        f"the same judge is at {share(agreement('B', 'none', rm))}, the longer response at "
        f"{share(agreement('B', 'longest', rm))}, the rubric learned from the raw labels at "
        f"{share(agreement('B', 'raw-trained', rm))}, and the planted preferences written out as a "
        f"rubric at {share(agreement('B', 'ceiling', rm))}.",
        f"is at {share(other)} of {other.n} pairs ({bounds(other, ' to ')})",
    ):
        assert sentence in SAID
    stored = RubricStore(STORE).list(rm)[-1].held_out
    assert stored
    assert share(stored) == share(best)


@pytest.mark.parametrize("population", POPULATIONS)
def test_the_log_has_what_ships_as_it_is_measured(population: PopulationName) -> None:
    for trained in ("RM", "raw"):
        for labels, source in (("RM", f"organism-{population.lower()}"), ("raw", "human")):
            found = agreement(population, f"{trained}-trained", source)
            cells = (
                f"{population}, {trained}-trained",
                labels,
                f"{share(found)} [{bounds(found, ', ')}]",
                share(agreement(population, "none", source)),
                share(agreement(population, "longest", source)),
                share(agreement(population, "ceiling", source)) if labels == "RM" else "",
                str(found.n),
            )
            assert f"| {' | '.join(cells)} |".replace("|  |", "| |") in SHIPPED


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        ("Each took 13,000 judge calls by line", "| A, RM | `lead` | 13,778 |"),
        ("Each took 13,000 judge calls by line", "| B, RM | `lead` | 12,902 |"),
        ("RL on whole rubrics (`argo`) reaches less for more", "| A, RM | `argo` | 167,526 |"),
        ("1 to 2 minutes", "74 and 84 s of wall"),
        ("flagged 59% [47, 71] of the planted biases", "| 59.2% [46.6, 70.7] |"),
        ("and 5% [2, 13] of the false ones", "| **4.7%** [1.6, 13.2] |"),
        ("every line would give 100% of both", "(baseline) | 100% | 100% |"),
        ("On twelve worlds", "`make bench-audit`, 12 random worlds"),
        ("0 of 80 unchanged ones were stopped [0%, 4.6%]", "| **0 of 80** [0%, 4.6%] |"),
        ("80 of 80 with a planted bias were [95.4%, 100%]", "| **80 of 80** [95.4%, 100%] |"),
        ("of 20 with a faint one, 15 (`make bench-gate` does 20 of each)", "| 15 of 20 [53%, 89%]"),
    ],
)
def test_a_number_of_readme_is_in_the_log(said: str, logged: str) -> None:
    assert said in SAID
    assert logged in " ".join(LOG.split())


def test_readme_has_no_share_that_no_test_here_looks_at() -> None:
    shares = set(re.findall(r"\d+(?:\.\d+)?%", re.sub("```.*?```", "", README, flags=re.DOTALL)))
    looked_at = Path(__file__).read_text(encoding="utf-8")
    computed = {share(agreement("B", name, "organism-b")) for name in (*rubrics("B"), "longest")}
    computed |= {share(agreement("A", "RM-trained", "organism-a"))}
    assert not [one for one in shares if one not in looked_at and one not in computed]


def test_what_is_counted_in_words_is_as_many() -> None:
    assert f"{len(ATTRIBUTES)} edits" in SAID
    assert "maps it onto about 30 measured features" in SAID
    assert round(len(FEATURES), -1) == 30
    changes = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"Pairs are read in {len(FORMATS)} formats" in changes
    assert f"in any of [{len(FORMATS)} formats](docs/formats.md)" in SAID
    assert f"({len(ATTRIBUTES)} of them, added" in " ".join(changes.split())
