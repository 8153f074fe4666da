"""Two loops that both want to be in charge: one runs in a thread of its own, and asks the other.

    loop = OtherLoop(lambda ask: optimise(evaluate=lambda text: ask(Evaluate(text))))
    while (question := loop.question()) is not None:
        loop.answer(found(question))
    loop.end()                        # at any moment: what it was doing is given up

Never do both run: one waits while the other works. So whatever has to stay in one thread (event
loops, budgets, a policy that is trained) stays in the thread of whoever answers.
"""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any

Ask = Callable[[Any], Any]
"""How the other loop asks; what is asked and answered is agreed between the two."""


class GivenUp(BaseException):
    """Raised within the other loop once nobody answers any more."""


class OtherLoop:
    """`work` is called with what it asks by, in a thread of its own, at the first question."""

    def __init__(self, work: Callable[[Ask], object]):
        self._questions, self._answers = SimpleQueue[Any](), SimpleQueue[Any]()
        self._work, self._ended, self._given_up = work, False, False
        self._error: Exception | None = None
        self._thread = Thread(target=self._run, daemon=True)

    def question(self) -> Any:
        """What it asks next; None once it is through. Raises what ended it."""
        if not self._thread.ident:
            self._thread.start()
        if self._ended:
            return None
        question = self._questions.get()
        self._ended = question is None
        if self._error is not None:
            raise self._error
        return question

    def answer(self, answer: object) -> None:
        """The answer to the last question."""
        self._answers.put(answer)

    def end(self) -> None:
        """Give up what is not through yet."""
        if self._thread.ident and not self._ended:
            self._given_up = True
            self._answers.put(None)
            self._thread.join()
            self._ended = True

    def _run(self) -> None:
        try:
            self._work(self._ask)
        except GivenUp:
            pass
        except Exception as error:  # noqa: BLE001 - raised again where it is asked for
            self._error = error
        finally:
            self._questions.put(None)

    def _ask(self, question: object) -> Any:
        self._questions.put(question)
        answer = self._answers.get()
        if self._given_up:
            raise GivenUp
        return answer
