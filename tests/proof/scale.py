"""How much is done: `make proof` does all of it, `make check` a short run."""

import os

import pytest

FULL = os.environ.get("RINGSPOOL_PROOF") == "full"


def scaled(full, short):
    return full if FULL else short


only_in_full = pytest.mark.skipif(not FULL, reason="takes long: make proof")
