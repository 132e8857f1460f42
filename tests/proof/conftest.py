"""The fixtures of the integration tests, for tests that take long: see scale.py."""

import sys
from pathlib import Path

# What drives the receivers, and what drives `ringspool run`.
for suite in ("spool", "integration"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / suite))

from fixtures import *  # noqa: E402,F403
from scale import FULL  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "only_in_full: takes too long for make check")


def pytest_collection_modifyitems(config, items):
    if not FULL:
        left_out = [item for item in items if item.get_closest_marker("only_in_full")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
