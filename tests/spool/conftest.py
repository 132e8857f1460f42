"""Each test has a spool of its own; the log is shown where a test fails."""

import os
import shutil
import tempfile

import pytest

from consuming import RECEIVER, TOOL, Place

# Commits to a disk that others use as well would be most of the time.
FAST = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
FIGURES = pytest.StashKey()


@pytest.fixture(scope="session", autouse=True)
def everything_is_here():
    """No test passes, or is left out, because something is missing."""
    for program in (TOOL, RECEIVER):
        assert os.access(program, os.X_OK), f"{program} is not built"


@pytest.fixture
def place():
    directory = tempfile.mkdtemp(prefix="ringspool-spool-", dir=FAST)
    place = Place(directory)
    yield place
    shutil.rmtree(directory)


@pytest.fixture
def figures(request):
    """Notes a measured figure, for the summary at the end."""
    return request.config.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash.get(FIGURES, []):
        terminalreporter.write_line(line)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    place = getattr(item, "funcargs", {}).get("place")
    if report.failed and place and hasattr(place, "logged"):
        report.sections.append(("log of the tool", place.logged()[-4000:]))
