"""The tasks on planted judges and labels: every number has a known answer."""

from pathlib import Path

import inspect_ai
import pytest
from fakes import Shown, fake_judge
from inspect_ai import Task
from inspect_ai.log import EvalLog

from argo_audit.errors import InputError
from argo_audit.evals.assembly import EVAL_SETTINGS
from argo_audit.evals.labelled_pairs import load_pairs, specs
from argo_audit.evals.results import ResultRow
from argo_audit.evals.tasks import cross_population, label_agreement, rm_accuracy, rubric_agreement
from argo_audit.pairs import pair_file as pair_files
from argo_audit.records import Label, Message, Pair
from argo_audit.reward_models.recorded import write_scores

N = 16
LIKES_SHORT, LIKES_LONG = "likes-short", "likes-long"


def planted(shown: Shown) -> float | str:
    """Obeys a rubric about length; follows the order, or says nothing, where a text says so."""
    if "(unreadable)" in shown.a:
        return "Both are nice."
    if "(biased)" in shown.a:
        return 0.9
    shorter = 0.9 if len(shown.a) < len(shown.b) else 0.1
    return shorter if "short" in shown.rubric else 1 - shorter


def the_pairs(population: str, marks: tuple[str, ...] = ()) -> list[Pair]:
    """One pair a prompt; A is the shorter one in every second, and has a list in every fourth."""
    return [
        Pair(
            id=f"{population}{i}",
            prompt=(Message(role="user", content=f"{population} question {i}"),),
            response_a=mark + ("- one\n- two" if i % 4 == 0 else "x" * 11) + " " * 20 * (i % 2),
            response_b=mark + "y" * 21,
            population=population,
            slices={"category": "even" if i % 2 == 0 else "odd"},
        )
        for i, mark in enumerate((*marks, *[""] * (N - len(marks))))
    ]


def shorter_first(pair: Pair) -> bool:
    return len(pair.response_a) < len(pair.response_b)


def human(pairs: list[Pair]) -> list[Label]:
    """People prefer the shorter response, but for every fourth pair, and the last is a tie."""
    sides = [shorter_first(pair) ^ (i % 4 == 1) for i, pair in enumerate(pairs)]
    p_a = [0.5 if i == N - 1 else float(side) for i, side in enumerate(sides)]
    return [Label(pair_id=o.id, p_a=p, source="human") for o, p in zip(pairs, p_a, strict=True)]


class World:
    """Two populations, two recorded reward models that know both, two rubrics."""

    def __init__(self, folder: Path):
        self.a, self.b = the_pairs("A", ("(biased)",) * 2 + ("(unreadable)",)), the_pairs("B")
        self.files = [str(folder / f"{name}.jsonl") for name in "ab"]
        for file, pairs in zip(self.files, (self.a, self.b), strict=True):
            pair_files.write(file, pairs, {"human": human(pairs)})
        everything = self.a + self.b
        gaps = [2.0 if shorter_first(pair) else -2.0 for pair in everything]
        self.rms = []
        for name, sign in ((LIKES_SHORT, 1), (LIKES_LONG, -1)):
            path = folder / f"{name}.jsonl"
            rewards = [(sign * gap + i, float(i)) for i, gap in enumerate(gaps)]
            write_scores(path, everything, rewards)
            self.rms.append(f"scores:{path}")
        self.short, self.long = (str(folder / f"{name}.md") for name in ("short", "long"))
        Path(self.short).write_text("- rewards short answers", encoding="utf-8")
        Path(self.long).write_text("- rewards long answers", encoding="utf-8")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


def evaluated(tested: Task, log_dir: Path) -> EvalLog:
    [log] = inspect_ai.eval(
        tested, model=fake_judge(planted), log_dir=str(log_dir), **EVAL_SETTINGS
    )
    assert log.status == "success", log.error
    return log


def row(rows: list[ResultRow], **wanted: str) -> ResultRow:
    wanted = {"slice": ""} | wanted
    [found] = [r for r in rows if all(getattr(r, k) == v for k, v in wanted.items())]
    return found


# label_agreement


@pytest.fixture(scope="module")
def two_by_two(world: World, tmp_path_factory: pytest.TempPathFactory) -> list[ResultRow]:
    logs = tmp_path_factory.mktemp("label_agreement")
    tested = label_agreement.label_agreement(
        [world.short, world.long], world.files[0], rm=world.rms[0]
    )
    evaluated(tested, logs)
    return label_agreement.results(logs)


def test_rubrics_are_held_to_both_kinds_of_labels(
    two_by_two: list[ResultRow], world: World
) -> None:
    """Of 16 pairs one is unreadable, and the two biased ones get half a point each."""
    found = {
        (rubric, source): row(two_by_two, subject=rubric, label_source=source, measure="agreement")
        for rubric in (world.short, world.long)
        for source in (LIKES_SHORT, "human")
    }
    assert [r.n for r in found.values()] == [15, 14, 15, 14]
    assert [r.unscored for r in found.values()] == [1, 1, 1, 1]
    estimates = [r.estimate for r in found.values()]
    assert estimates == pytest.approx([14 / 15, 10 / 14, 1 / 15, 4 / 14])
    assert all(r.interval and r.interval.low < r.interval.high for r in found.values())
    assert all("mockllm/judge: log-probabilities" in r.method for r in found.values())


def test_the_difference_between_rubrics_is_paired(
    two_by_two: list[ResultRow], world: World
) -> None:
    found = row(
        two_by_two,
        subject=world.short,
        label_source=LIKES_SHORT,
        measure=f"agreement over {world.long}",
    )
    assert found.estimate == pytest.approx(13 / 15)
    assert found.p_value == pytest.approx(2 / 2**13, rel=1)
    assert found.detectable is not None
    assert 0 < found.detectable < 1


def test_the_reward_model_is_held_to_raw_labels(two_by_two: list[ResultRow]) -> None:
    """It prefers the shorter; people do in all but 4 of 15 pairs that are no tie."""
    found = row(two_by_two, subject=LIKES_SHORT, label_source="human", measure="agreement")
    assert (found.estimate, found.n) == pytest.approx((11 / 15, 15))


def test_planted_flips_and_unreadable_pairs_are_counted(
    two_by_two: list[ResultRow], world: World
) -> None:
    flips = row(two_by_two, subject=world.short, measure="position flip")
    unparsed = row(two_by_two, subject=world.short, measure="unparsed")
    assert (flips.estimate, flips.n, flips.unscored) == pytest.approx((2 / 15, 15, 1))
    assert (unparsed.estimate, unparsed.n) == pytest.approx((1 / 16, 16))


# cross_population


@pytest.fixture(scope="module")
def crossed(world: World, tmp_path_factory: pytest.TempPathFactory) -> list[ResultRow]:
    logs = tmp_path_factory.mktemp("cross_population")
    tested = cross_population.cross_population(
        [world.short, world.long], world.files, world.rms, ["human"]
    )
    evaluated(tested, logs)
    return cross_population.results(logs)


@pytest.mark.parametrize(
    ("population", "source", "of_short", "of_long"),
    [
        ("A", LIKES_SHORT, 14 / 15, 1 / 15),
        ("A", LIKES_LONG, 1 / 15, 14 / 15),
        ("B", LIKES_SHORT, 1.0, 0.0),
        ("B", LIKES_LONG, 0.0, 1.0),
        ("B", "human", 11 / 15, 4 / 15),
    ],
)
def test_every_rubric_meets_every_population_under_every_reward_model(
    crossed: list[ResultRow],
    world: World,
    population: str,
    source: str,
    of_short: float,
    of_long: float,
) -> None:
    found = [
        row(
            crossed,
            population=population,
            subject=rubric,
            label_source=source,
            measure="agreement",
        ).estimate
        for rubric in (world.short, world.long)
    ]
    assert found == pytest.approx([of_short, of_long])


def test_reward_models_that_disagree_are_seen_to(crossed: list[ResultRow]) -> None:
    found = row(
        crossed,
        population="B",
        subject=LIKES_SHORT,
        label_source=LIKES_LONG,
        measure="agreement",
    )
    assert (found.estimate, found.n) == (0.0, N)


def test_a_cell_that_nobody_labelled_is_not_measured(tmp_path: Path, world: World) -> None:
    only_b = tmp_path / "b.jsonl"
    pair_files.write(only_b, world.b, {"rm-b": [Label(pair_id="B0", p_a=0.9, source="rm-b")]})
    tested = cross_population.cross_population(
        world.short, [world.files[0], str(only_b)], labels=["human", "rm-b"]
    )
    evaluated(tested, tmp_path / "logs")
    rows = cross_population.results(tmp_path / "logs")
    empty = row(rows, population="A", subject=world.short, label_source="rm-b", measure="kl")
    assert (empty.estimate, empty.n, empty.note) == (None, 0, "no labels of rm-b here")
    there = row(rows, population="B", subject=world.short, label_source="rm-b", measure="agreement")
    assert (there.estimate, there.n) == (1.0, 1)


def test_populations_are_kept_apart(world: World, tmp_path: Path) -> None:
    again = tmp_path / "again.jsonl"
    pair_files.write(again, world.a, {"human": human(world.a)})
    with pytest.raises(InputError, match="named before"):
        cross_population.cross_population(world.short, [world.files[0], str(again)], labels="human")
    with pytest.raises(InputError, match=r"-T labels="):
        cross_population.cross_population(world.short, world.files, labels="nobody")


# rm_accuracy


def test_the_reward_model_stands_beside_trivial_rules(world: World, tmp_path: Path) -> None:
    """Nobody is asked: the task brings the model that does nothing."""
    tested = rm_accuracy.rm_accuracy(world.files[1], rm=world.rms)
    [log] = inspect_ai.eval(tested, log_dir=str(tmp_path), **EVAL_SETTINGS)
    assert log.status == "success", log.error
    rows = rm_accuracy.results(tmp_path)
    found = {r.subject: r.estimate for r in rows if r.measure == "agreement" and not r.slice}
    first = sum(label.p_a == 1.0 for label in human(world.b))
    lists = [(i % 4 == 0, label.p_a) for i, label in enumerate(human(world.b)) if label.p_a != 0.5]
    assert found == pytest.approx(
        {
            LIKES_SHORT: 11 / 15,
            LIKES_LONG: 4 / 15,
            "longest response": 4 / 15,
            "shortest response": 11 / 15,
            "first response": first / 15,
            "more list items": sum(p if has else 0.5 for has, p in lists) / 15,
            "majority letter": max(first, 15 - first) / 15,
        }
    )
    over = row(rows, subject=LIKES_SHORT, measure="agreement over longest response")
    same = row(rows, subject=LIKES_SHORT, measure="agreement over shortest response")
    assert over.estimate == pytest.approx(7 / 15)
    assert (same.estimate, same.p_value) == (0.0, 1.0)


def test_slices_are_the_pairs_own_and_of_length(world: World, tmp_path: Path) -> None:
    inspect_ai.eval(
        rm_accuracy.rm_accuracy(world.files[1], rm=world.rms[0]),
        log_dir=str(tmp_path),
        **EVAL_SETTINGS,
    )
    rows = rm_accuracy.results(tmp_path)
    even, odd = (
        row(rows, subject=LIKES_SHORT, slice=f"category={name}") for name in ("even", "odd")
    )
    assert (even.estimate, even.n) == (1.0, 8)
    assert (odd.estimate, odd.n) == pytest.approx((3 / 7, 7))
    assert not [r for r in rows if r.slice.startswith(("length", "population"))]  # one of each


def test_what_has_no_reward_model_or_raw_labels_is_refused(world: World) -> None:
    with pytest.raises(InputError, match=r"-T rm="):
        rm_accuracy.rm_accuracy(world.files[0])
    with pytest.raises(InputError, match="no labels from the source 'experts'"):
        rm_accuracy.rm_accuracy(world.files[0], raw="experts")


# rubric_agreement, with a reward model named


def test_a_reward_model_named_for_the_task_labels_its_pairs(world: World, tmp_path: Path) -> None:
    tested = rubric_agreement.rubric_agreement(
        world.short, world.files[1], rm=world.rms[1], rm_settings={"temperature": 2.0}
    )
    log = evaluated(tested, tmp_path)
    assert log.samples is not None
    given = {round(sample.metadata["labels"][LIKES_LONG], 4) for sample in log.samples}
    assert given == {0.2689, 0.7311}  # sigmoid of -2/2 and 2/2
    rows = rubric_agreement.results(tmp_path)
    assert row(rows, label_source=LIKES_LONG, measure="agreement").estimate == 0.0
    gained = row(rows, label_source=LIKES_LONG, measure="agreement over no rubric")
    assert (gained.estimate, gained.n) == (-1.0, N)


def test_settings_of_a_reward_model_that_are_none_are_refused(world: World) -> None:
    with pytest.raises(InputError, match="known are temperature"):
        load_pairs(world.files[0], rms=world.rms[0], rm_settings={"heat": 1})


def test_several_urls_of_a_server_are_one_reward_model() -> None:
    """Inspect's command line divides what has commas."""
    given = ["served:rm@http://one", "http://two", "rm:org/other"]
    assert specs(given) == ("served:rm@http://one,http://two", "rm:org/other")
    assert specs(",".join(given)) == specs(given)
