"""Several processes that train one policy, of which the main one searches.

    with TEAM.work_on(task):                    # main: the others hear of the task and join in
        prompts = TEAM.ask(next_prompts)        # in all: what it returned in the main process
        shares = TEAM.gather(proposals)         # in all: everybody's, in order
    TEAM.dismiss()                              # main: nobody waits for another task

    while (task := TEAM.next_task()) is not None: ...   # the others, started by `accelerate launch`

Judge, labels, store and logs belong to the main process. What it finds out travels to the others,
and so does its failure, so that nobody waits for an answer that will not come. A process that dies
without a word is its launcher's business: `accelerate launch` then ends the others. With a single
process nothing here does anything, and accelerate is not imported.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

_T = TypeVar("_T")
_PATIENCE = timedelta(days=7)
"""How long the others wait for the main process, which may label and judge for hours."""


class MainFailedError(Exception):
    """In the others: the main process could not answer, and says itself why."""


class _Answer(NamedTuple):
    value: Any
    failed: bool = False


class Team:
    """The processes of one launch, as torch's launchers describe them in the environment."""

    def __init__(self, rank: int, size: int):
        self.rank, self.size = rank, size
        self._others_wait = size > 1

    @classmethod
    def of_environment(cls) -> "Team":
        """As `accelerate launch` and `torchrun` say."""
        return cls(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))

    @property
    def main(self) -> bool:
        """Whether this process searches."""
        return self.rank == 0

    def ask(self, question: Callable[[], _T]) -> _T:
        """What `question` returns in the main process, where alone it is called.

        Its exception is raised there, and MainFailedError in the others.
        """
        if self.size == 1:
            return question()
        if not self.main:
            heard: _T = self._heard()
            return heard
        try:
            value = question()
        except Exception:
            self._say(_Answer(None, failed=True))
            self._others_wait = True
            raise
        self._say(_Answer(value))
        return value

    def gather(self, items: Sequence[_T]) -> list[_T]:
        """The items of all processes, in every process, by rank."""
        if self.size == 1:
            return list(items)
        return list(self._collectives.gather_object(list(items)))

    @contextmanager
    def work_on(self, task: object) -> Iterator[None]:
        """Main: the others get `task`; afterwards, when all went well, they wait for the next."""
        if self._others_wait:
            self._say(_Answer(task))
            self._others_wait = False
        yield
        self._others_wait = self.size > 1

    def next_task(self) -> Any:
        """The others: the next task, None when there is none any more."""
        return self._heard()

    def dismiss(self) -> None:
        """Main: let the others go, where they wait; an exit without it is a failure."""
        if self._others_wait:
            self._say(_Answer(None))
            self._others_wait = False

    def _say(self, answer: _Answer) -> None:
        self._collectives.broadcast_object_list([answer])

    def _heard(self) -> Any:
        box = [_Answer(None)]
        self._collectives.broadcast_object_list(box)
        if box[0].failed:
            raise MainFailedError
        return box[0].value

    @cached_property
    def _collectives(self) -> Any:
        """The operations of accelerate, in a process group with our patience."""
        import accelerate.utils
        import torch

        accelerate.PartialState(cpu=not torch.cuda.is_available(), timeout=_PATIENCE)
        return accelerate.utils


TEAM = Team.of_environment()
