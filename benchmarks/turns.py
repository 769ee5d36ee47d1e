"""What the contestants of train_step.py have in common: the step that they make, and their turns."""

import json
import os
import sys
import time

NUM_PROMPTS = 32
GROUP_SIZE = 8
NUM_NEW_TOKENS = 128
NUM_UPDATES = 4
LR = 1e-6


class Turns:
    """Stdin gives turns, one a line; stdout takes JSON lines, and nothing that a library prints."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        self._started = time.monotonic()

    def finish(self, **phases: float) -> None:
        """Reports the seconds of the turn, and of its phases, and waits for the next turn.

        The first report is of start and warm-up together. Ends the process when no turn comes.
        """
        seconds = time.monotonic() - self._started
        print(json.dumps({"seconds": seconds, "phases": phases}), file=self._out, flush=True)
        if not sys.stdin.readline():
            raise SystemExit
        self._started = time.monotonic()
