"""An event loop in a thread of its own, for a synchronous world that asks asynchronous roles.

    with open_loop() as loop:
        loop.call(judge.judge, rubric, pairs)

anyio's `start_blocking_portal` does it, but for one moment: an interrupt while it opens leaves it
waiting for the end of a loop that nobody ends any more, and Ctrl-C hangs. So interrupts wait until
the loop is open; from then on they end the calls under way.
"""

import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from threading import current_thread, main_thread
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal


def open_loop() -> AbstractContextManager[BlockingPortal]:
    """The loop, until the block ends; an error in the block ends what it was asked."""
    return _Loop()


class _Loop:
    """See `open_loop`.

    It is no generator: an interrupt between a generator's `yield` and the block would leave a
    loop that nobody ends. Here nothing is called any more once interrupts no longer wait.
    """

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._opened = ExitStack()

    def __enter__(self) -> BlockingPortal:
        """Open it; whatever comes meanwhile, it does not stay open alone."""
        try:
            with _interrupts_wait():
                loop = self._opened.enter_context(start_blocking_portal())
        except BaseException:
            self._opened.close()
            raise
        return loop

    def __exit__(self, *error: Any) -> None:
        """End it, and with an error what it was asked."""
        self._opened.__exit__(*error)


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """An interrupt comes at the end of the block; other threads are not interrupted anyway."""
    handler = signal.getsignal(signal.SIGINT)
    if current_thread() is not main_thread() or handler is None:
        yield
        return
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if came:
        signal.raise_signal(signal.SIGINT)
