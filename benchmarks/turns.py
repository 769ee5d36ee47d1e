"""The contestants' side of train_step.py: a step when told to, and a line that says how long it took."""

import json
import os
import sys
import time


class Turns:
    """Stdin gives turns, one a line; stdout takes JSON lines, and nothing that a library prints."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        self._started = time.monotonic()

    def finish(self, **phases: float) -> None:
        """Reports the turn with its seconds, and those of its phases; waits for the next.

        Ends the process when there is none. What comes before the first turn is the warm-up.
        """
        seconds = time.monotonic() - self._started
        print(json.dumps({"seconds": seconds, "phases": phases}), file=self._out, flush=True)
        if not sys.stdin.readline():
            raise SystemExit
        self._started = time.monotonic()
