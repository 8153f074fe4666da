"""An event loop in a thread of its own, for a synchronous world that asks asynchronous roles.

    with open_loop() as loop:
        loop.call(judge.judge, rubric, pairs)

anyio's `start_blocking_portal` does it, but for one moment: an interrupt while it opens leaves it
waiting for the end of a loop that nobody ends any more, and Ctrl-C hangs. So interrupts wait until
the loop is open; from then on they end the calls under way.
"""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import current_thread, main_thread

from anyio.from_thread import BlockingPortal, start_blocking_portal


@contextmanager
def open_loop() -> Iterator[BlockingPortal]:
    """The loop, until the block ends; an error in the block ends what it was asked."""
    with ExitStack() as opened:
        with _interrupts_wait():
            loop = opened.enter_context(start_blocking_portal())
        yield loop


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
