"""Answers about lines, kept on disk: asked once, whoever asks again.

    kept = KeptAnswers(default_place())
    kept.put(who, shown_pair, {"bulleted lists": 0.9})
    kept.get(who, shown_pair, ["bulleted lists", "apologies"])       # {"bulleted lists": 0.9}

A line's answer depends on the judge, where its server is and how it is asked, the line without its
sign and weight, and the pair in the order it was shown: on nothing of the rubric, step, run or
label source. So they are shared by searches, evaluations, ablations, `diff` and `drift`, and by
processes at work at once. What could not be read is not kept. No text is kept either, but digests
of texts.

Decision: SQLite of the standard library. diskcache has had no release since 2023 and unpickles what
it finds in its folder (CVE-2025-69872); a table of numbers needs neither.
"""

import math
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from argo_audit.errors import InputError, brief
from argo_audit.prompts.fences import render_messages
from argo_audit.records import Pair, fingerprint

PLACE = "ARGO_ANSWERS"
"""Environment variable: another file for kept answers."""

_WAIT = 60.0  # seconds for another process that writes
_DAY = 86_400
_DIGITS = 24
_TABLE = (
    "CREATE TABLE IF NOT EXISTS answers (who TEXT, pair TEXT, line TEXT, p REAL, day INTEGER, "
    "PRIMARY KEY (who, pair, line)) WITHOUT ROWID"
)
_MADE = _TABLE.replace("IF NOT EXISTS ", "")
_AT_ONCE = 500  # values of one statement


class _NoAnswerError(ValueError):
    """The file holds what nobody keeps here."""


class KeptOf(NamedTuple):
    """What is kept of one judge as it is asked: its name, and how many answers."""

    who: str
    answers: int


class KeptAnswers:
    """A table of answers in one file, made when the first answer is put."""

    def __init__(self, place: Path):
        self.place = place
        self._lock = Lock()
        self._open: sqlite3.Connection | None = None
        self._process = 0

    def get(self, who: str, pair: str, lines: Sequence[str]) -> dict[str, float]:
        """What is known of these lines, for a pair as it was shown; nan is "cannot tell"."""
        keys = {_key(line): line for line in lines}
        found: dict[str, float] = {}
        with self._table() as table:
            for begin in range(0, len(keys), _AT_ONCE):
                some = list(keys)[begin : begin + _AT_ONCE]
                marks = ",".join("?" * len(some))
                asked = f"SELECT line, p FROM answers WHERE who=? AND pair=? AND line IN ({marks})"
                for line, p in table.execute(asked, (who, pair, *some)):
                    found[keys[line]] = _answer(p)
        return found

    def put(self, who: str, pair: str, answers: Mapping[str, float]) -> None:
        """Keep answers; one that another process has put meanwhile stays."""
        if not answers:
            return
        day = int(time.time() // _DAY)
        rows = [
            (who, pair, _key(line), None if math.isnan(p) else p, day)
            for line, p in answers.items()
        ]
        with self._table() as table, table:
            table.executemany("INSERT OR IGNORE INTO answers VALUES (?,?,?,?,?)", rows)

    def told(self, judge: str = "") -> list[KeptOf]:
        """What is kept of the judge of this name, or of all; nothing is made where nothing is."""
        if not self.place.exists():
            return []
        with self._table() as table:
            found = table.execute("SELECT who, COUNT(*) FROM answers GROUP BY who ORDER BY who")
            return [KeptOf(str(who), int(n)) for who, n in found if _is_of(str(who), judge)]

    def prune(self, days: int = 0, judge: str = "") -> int:
        """Remove answers older than so many days, of one judge or of all; how many they were."""
        last = int(time.time() // _DAY) - (days or -1)
        chosen = [(last, one.who) for one in self.told(judge)]
        if not chosen:
            return 0
        with self._table() as table:
            with table:
                cut = table.executemany("DELETE FROM answers WHERE day <= ? AND who = ?", chosen)
            table.execute("VACUUM")
        return cut.rowcount

    def close(self) -> None:
        """Close the file; it opens again when it is asked."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._open is not None and self._process == os.getpid():
            self._open.close()
        self._open = None

    @contextmanager
    def _table(self) -> Iterator[sqlite3.Connection]:
        """The open file, for one thread at a time; what SQLite says becomes an error of ours."""
        with self._lock:
            try:
                yield self._connection()
            except (sqlite3.DatabaseError, _NoAnswerError) as error:
                self._close()
                raise self._damaged(error) from error

    def _connection(self) -> sqlite3.Connection:
        """A connection does not survive a fork, so each process has its own."""
        if self._open is None or self._process != os.getpid():
            self.place.parent.mkdir(parents=True, exist_ok=True)
            self._open = sqlite3.connect(self.place, timeout=_WAIT, check_same_thread=False)
            self._process = os.getpid()
            self._check_is_ours(self._open)
            self._open.execute("PRAGMA journal_mode=WAL")
            self._open.execute("PRAGMA synchronous=NORMAL")
            self._open.execute(_TABLE)
        return self._open

    def _check_is_ours(self, table: sqlite3.Connection) -> None:
        """A view or trigger would run what somebody else wrote; another's file stays as it is."""
        found = table.execute("SELECT type, name, sql FROM sqlite_master LIMIT 2").fetchall()
        if found not in ([], [("table", "answers", _MADE)]):
            raise _NoAnswerError("it holds something else")

    def _damaged(self, error: Exception) -> InputError:
        if isinstance(error, sqlite3.OperationalError):
            remedy = f"make room or rights there, or name another file in ${PLACE}"
            return InputError(self.place, f"answers cannot be kept ({brief(error)})", remedy)
        remedy = f"remove it, so that what was kept is asked again, or name another in ${PLACE}"
        return InputError(self.place, f"no file of kept answers ({brief(error)})", remedy)


def default_place() -> Path:
    """The file that $ARGO_ANSWERS names, else one in the user's cache folder."""
    if given := os.environ.get(PLACE, ""):
        return Path(given).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(cache) if cache.startswith("/") else Path.home() / ".cache"
    return root / "argo-audit" / "answers.sqlite"


_opened: dict[Path, KeptAnswers] = {}


def kept_answers() -> KeptAnswers:
    """The answers kept at the usual place, opened once in a process."""
    place = default_place()
    return _opened.setdefault(place, KeptAnswers(place))


def shown_pair(pair: Pair) -> str:
    """Identifies a pair as it is shown: its texts and pictures, A first; not its id."""
    pictures = [picture for message in pair.prompt for picture in message.images]
    texts = (render_messages(pair.prompt), *pictures, pair.response_a, pair.response_b)
    return fingerprint("\x1e".join(texts), _DIGITS)


def _answer(p: object) -> float:
    if p is None:
        return math.nan
    if not isinstance(p, float) or not 0 <= p <= 1:
        raise _NoAnswerError("an answer is no number from 0 to 1")
    return p


def _is_of(who: str, judge: str) -> bool:
    """Names of judges hold no blank; its address and how it is asked stand behind one."""
    return not judge or f"{who} ".startswith(f"{judge} ")


def _key(line: str) -> str:
    return fingerprint(line, _DIGITS)
