"""The fixtures of the integration tests, for tests that take long: see scale.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

from fixtures import *  # noqa: E402,F403
