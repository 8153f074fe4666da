"""The pytest plugin: hold a reward model to gates, beside any other tests.

    def test_ships(gate):                            # pytest --rm=runs/my-rm
        gate.no_worse_than("main")
        gate.bias("flattery", at_most=0.25)

Fixtures `gate` and `rm`, and files named gates.toml whose tables are tests. Everything that a gate
does lies in `gates`; pytest imports this module in every session of every environment that has
argo-audit, so it imports pytest and the standard library until a gate is used. Workers of xdist
hold gates of their own; outcomes travel with the test reports to the process that sums up.

Green means checked: a test fails when a gate fails, is inconclusive, or could not be held because a
GPU, server, key or package is missing, unless told otherwise; and a session that named a reward
model, or whose gates were all skipped, does not end with 0 when no gate was held.
"""

import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from argo_audit.errors import ArgoError
    from argo_audit.gates.declared import Declared
    from argo_audit.gates.fixture import Gate
    from argo_audit.gates.outcomes import Outcome
    from argo_audit.gates.session import Ended, Session
    from argo_audit.roles import RewardModel

FILE = "gates.toml"
_REPORTED = "argo_gates"  # what a test report carries: outcomes of its gates
_ASKS = "argo_asks"  # and whether the test asks a reward model at all
_BRIEF = "argo_brief"  # what a failure carries: itself in one line
_PAGE = "GITHUB_STEP_SUMMARY"  # where CI jobs of GitHub have their page
_WORDS = {
    "argo_rm": "Reward model: folder, hub id, served:NAME@URL, dpo:POLICY|REFERENCE, scores:FILE.",
    "argo_judge": "Judge of rubrics: argo/surface, or any model that Inspect knows.",
    "argo_baselines": "Folder of the baselines.",
}
_NONE_HELD = (
    "no gate was held, so nothing was checked: this session does not succeed (--gate-missing=skip "
    "lets it)"
)
_SESSION: "pytest.StashKey[Session]" = pytest.StashKey()
_GATE: "pytest.StashKey[Gate]" = pytest.StashKey()
_OUTCOMES: "pytest.StashKey[list[Outcome]]" = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("argo-audit", "reward model gates")
    for name, text in _WORDS.items():
        option = name.replace("argo_", "--gate-").replace("--gate-rm", "--rm")
        group.addoption(option, dest=name, metavar=name.removeprefix("argo_").upper(), help=text)
        parser.addini(name, text)
    group.addoption("--gate-update", action="store_true", help="Record baselines, compare nothing.")
    group.addoption(
        "--gate-inconclusive",
        choices=("fail", "skip", "pass"),
        default="fail",
        help="What a gate that cannot tell counts as. Default: fail.",
    )
    group.addoption(
        "--gate-missing",
        choices=("fail", "skip"),
        default="fail",
        help="What a missing GPU, server or key counts as. Default: fail.",
    )
    group.addoption(
        "--gate-summary",
        metavar="FILE",
        help=f"Markdown of all gates is added to this file. Default: ${_PAGE}.",
    )


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Summary(config), "argo-audit-summary")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    return GateFile.from_parent(parent, path=file_path) if file_path.name == FILE else None


@pytest.fixture
def gate(request: pytest.FixtureRequest) -> "Gate":
    """The gates that a test holds its reward model to; see argo_audit.gates.fixture."""
    with _told(request.config):
        made = _session(request.config).gate(_nearest(request.path))
    request.node.stash[_GATE] = made
    return made


@pytest.fixture(scope="session")
def rm(request: pytest.FixtureRequest) -> "RewardModel":
    """The reward model of --rm, ini file, environment or gates.toml, open and checked."""
    with _told(request.config):
        return _session(request.config).reward_model(_nearest(request.config.invocation_params.dir))


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """When a test with gates has ended, decide them."""
    held = pyfuncitem.stash.get(_GATE, None)
    if held is None:
        return (yield)
    with _concluding(pyfuncitem, held):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """The report of a test carries the outcomes of its gates, and whether it has any.

    Its line in pytest's short summary is one line, also where CI has pytest print all of it.
    """
    report = yield
    brief = getattr(call.excinfo.value, _BRIEF, None) if call.excinfo else None
    if brief and (crash := getattr(report.longrepr, "reprcrash", None)):
        crash.message = brief
    setattr(report, _ASKS, _asks(item))
    if call.when == "call" and (outcomes := item.stash.get(_OUTCOMES, None)):
        setattr(report, _REPORTED, [outcome.model_dump(mode="json") for outcome in outcomes])
    return report


class GateFile(pytest.File):
    """A gates.toml; each of its gates is a test."""

    def collect(self) -> Iterable[pytest.Item]:
        from argo_audit.errors import ArgoError
        from argo_audit.gates.declared import read_gates

        try:
            _, declared = read_gates(self.path)
        except ArgoError as error:
            raise self.CollectError(str(error)) from error
        for one in declared:
            yield GateItem.from_parent(self, name=one.name, declared=one)


class GateItem(pytest.Item):
    """One gate of a gates.toml."""

    def __init__(self, *, declared: "Declared", **words: Any) -> None:
        super().__init__(**words)
        self._declared = declared

    def runtest(self) -> None:
        with _told(self.config):
            held = _session(self.config).gate(self.path)
        with _concluding(self, held):
            self._declared.hold(held)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, self.name


class Summary:
    """Sums up the outcomes of all tests, where the terminal is."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._rows: list[dict[str, Any]] = []
        self._asked = self._held = self._green = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._rows += getattr(report, _REPORTED, [])
        asks = getattr(report, _ASKS, False)
        self._asked |= asks
        self._held |= asks and report.when == "call" and not report.skipped

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Nothing was held, and all that was asked for is skips: that is no success."""
        self._held |= any(row["state"] not in ("skipped", "error") for row in self._rows)
        given = self._config.getoption
        wanted = self._asked or bool(given("argo_rm"))
        excused = self._held or given("--gate-missing") == "skip" or given("collectonly")
        if wanted and not excused and session.exitstatus == pytest.ExitCode.OK:
            self._green = True
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    # Quoted: pytest before 8.4 exports no such name, and a plugin must not end its session.
    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        if self._green:
            terminalreporter.section("reward model gates")
            terminalreporter.line(_NONE_HELD, red=True)
        if self._rows:
            self._sum_up(terminalreporter)

    def _sum_up(self, terminalreporter: "pytest.TerminalReporter") -> None:
        from argo_audit.errors import brief
        from argo_audit.gates.outcomes import Outcome, markdown, summary
        from argo_audit.report.markdown import visible

        outcomes = [Outcome.model_validate(row) for row in self._rows]
        terminalreporter.section("reward model gates")
        for line in summary(outcomes):
            terminalreporter.line(visible(line))
        page = self._config.getoption("--gate-summary") or os.environ.get(_PAGE)
        try:
            if page:
                with Path(page).open("a", encoding="utf-8") as file:
                    file.write(markdown(outcomes))
        except OSError as error:  # the verdict stands: a page that cannot be written changes none
            terminalreporter.line(f"no summary was written: {page}: {brief(error)}", yellow=True)


def _asks(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return isinstance(item, GateItem) or "gate" in fixtures or "rm" in fixtures


def _nearest(path: Path) -> Path | None:
    """The gates.toml beside a test, or in the nearest folder above it that has one."""
    places = (folder / FILE for folder in (path, *path.parents))
    return next((place for place in places if place.is_file()), None)


def _address(item: pytest.Item) -> str:
    """What names the test on a command line; a node id does so from the rootdir alone."""
    path = os.path.relpath(item.path, item.config.invocation_params.dir)
    return "::".join((path, *item.nodeid.split("::")[1:]))


def _session(config: pytest.Config) -> "Session":
    """The gates of this process, made when the first is used."""
    if _SESSION not in config.stash:
        from argo_audit.gates.defaults import located
        from argo_audit.gates.session import Asked, Session

        given, root = config.getoption, config.rootpath  # paths of an ini file count from there
        ini = {name: str(config.getini(name) or "") or None for name in _WORDS}
        rm, baselines = ini["argo_rm"], ini["argo_baselines"]
        asked = Asked(
            rm=given("argo_rm") or os.environ.get("ARGO_RM") or (rm and located(rm, root)),
            judge=given("argo_judge") or ini["argo_judge"],
            baselines=given("argo_baselines") or (baselines and str(root / baselines)),
            update=given("--gate-update"),
            inconclusive=given("--gate-inconclusive"),
            missing=given("--gate-missing"),
        )
        config.stash[_SESSION] = Session(asked, config.invocation_params.dir)
    return config.stash[_SESSION]


@contextmanager
def _told(config: pytest.Config) -> Iterator[None]:
    """What a person can mend is told without a traceback; what is missing is a skip."""
    from argo_audit.errors import ArgoError
    from argo_audit.report.markdown import visible

    try:
        yield
    except ArgoError as error:
        said = visible(str(error))
        _end(_session(config).counts(error), said, said.partition("\n")[0])


@contextmanager
def _concluding(item: pytest.Item, held: "Gate") -> Iterator[None]:
    """Decide all gates of a test when it ends, also when a later one could not be held.

    A test that ends by its own doing ends so; what its gates found is in the summary all the same.
    """
    from argo_audit.errors import ArgoError

    try:
        yield
    except ArgoError as error:
        ended = _conclude(item, held, error)
    # pytest's own two are no Exceptions; nothing is silenced, what was raised goes on
    except (Exception, pytest.fail.Exception, pytest.skip.Exception):
        _conclude(item, held, None)
        raise
    else:
        ended = _conclude(item, held, None)
    _end(ended.counts, ended.said, ended.brief)


def _conclude(item: pytest.Item, held: "Gate", stopped: "ArgoError | None") -> "Ended":
    """Decide the gates, and leave what they found where reports are made."""
    from argo_audit.gates.outcomes import properties

    ended = _session(item.config).conclude(held, _address(item), stopped)
    item.stash[_OUTCOMES] = ended.outcomes
    item.user_properties += [pair for outcome in ended.outcomes for pair in properties(outcome)]
    return ended


def _end(counts: str, said: str, brief: str) -> None:
    """End a test as what it counts as; nobody needs the error that it came from."""
    if counts == "fail":
        failed = pytest.fail.Exception(said, pytrace=False)
        setattr(failed, _BRIEF, brief)
        raise failed from None
    if counts == "skip":
        raise pytest.skip.Exception(said) from None
