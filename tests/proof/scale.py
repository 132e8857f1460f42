"""How much is done: `make proof` does all of it, `make check` a short run."""

import os

FULL = os.environ.get("RINGSPOOL_PROOF") == "full"


def scaled(full, short):
    return full if FULL else short
