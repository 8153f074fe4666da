"""What a process is told that works beside others: one torch thread, and no hub.

    os.environ.update(ONE_THREAD)      # before they start: torch reads it as it is imported

Two processes of one thread are faster on two cores than one of two, and threads that wait by
spinning take the core from those that work.
"""

from typing import Final

ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}
