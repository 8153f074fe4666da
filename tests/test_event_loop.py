"""The event loop that synchronous code asks: it answers, and Ctrl-C ends it at any moment."""

import subprocess
import sys

from argo_audit.judges.event_loop import open_loop

INTERRUPTED = """
import os, signal, threading, time
from argo_audit.judges.event_loop import open_loop

# whoever starts the tests in the background has interrupts ignored, in here too
signal.signal(signal.SIGINT, signal.default_int_handler)

def interrupt(after):
    time.sleep(after)
    os.kill(os.getpid(), signal.SIGINT)

ended = 0
for turn in range(120):
    thread = threading.Thread(target=interrupt, args=[turn * 2e-5])
    try:
        thread.start()
        with open_loop():
            time.sleep(5)
    except KeyboardInterrupt:
        ended += 1
    thread.join()
print(ended)
"""


async def answer(question: str) -> str:
    return question.upper()


def test_it_answers() -> None:
    with open_loop() as loop:
        assert loop.call(answer, "hi") == "HI"


def test_an_interrupt_ends_it_at_any_moment_of_its_opening() -> None:
    """At 120 moments of the first 2.4 ms; what hangs, as anyio does, runs out of time."""
    command = [sys.executable, "-c", INTERRUPTED]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.split() == ["120"]
