"""How much is done: `make proof` does all of it, `make check` a short run. That one shares
the processors with other checks, so limits in seconds are those of the promise in the full
run only; in the short one they tell what waits from what hangs."""

import os

FULL = os.environ.get("RINGSPOOL_PROOF") == "full"


def scaled(full, short):
    return full if FULL else short
