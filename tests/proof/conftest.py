"""The fixtures of the integration tests, for tests that take long: see scale.py."""

import sys
from pathlib import Path

# What drives the receivers, and what drives `ringspool run`.
for suite in ("spool", "integration"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / suite))

from fixtures import *  # noqa: E402,F403
