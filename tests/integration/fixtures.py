"""One certificate authority, one working directory, and one server a combination
for the whole session. Logs are shown where a test fails, and only there."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

import certs
import process
import servers
from wire import Client
from place import prepare
from settings import CGI, FCGI

FIGURES = pytest.StashKey()
TOOLS = ("apache2", "curl", "lighttpd", "nginx", "openssl", "spawn-fcgi",
         "strace", "systemd-analyze", "systemd-socket-activate", "systemd-sysusers",
         "systemd-tmpfiles")


@pytest.fixture(scope="session", autouse=True)
def everything_is_here():
    """No test passes, or is left out, because something is missing."""
    assert os.geteuid() == 0, "the servers are started as root, as they are in real life"
    for tool in TOOLS:
        assert shutil.which(tool), f"{tool} is not installed"
    for program in (CGI, FCGI):
        assert os.access(program, os.X_OK), f"{program} is not built"


@pytest.fixture(scope="session")
def work():
    """A directory that the servers' users may enter; it is gone at the end."""
    directory = Path(tempfile.mkdtemp(prefix="ringspool-integration-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def certificates(work):
    directory = work / "certificates"
    directory.mkdir()
    return certs.make(directory)


@pytest.fixture
def place(work, certificates):
    """A spool and a configuration for one test. Its name is short: a socket's path has
    room for 107 bytes only."""
    made = prepare(work / str(len(list(work.iterdir()))), certificates)
    yield made
    assert_no_sanitizer_report(made.work)


@pytest.fixture(scope="session", params=servers.COMBINATIONS)
def site(request, work, certificates):
    """One of the nine combinations, started once."""
    place = prepare(work / request.param, certificates)
    with servers.COMBINATIONS[request.param](place) as started:
        yield started
    assert_no_sanitizer_report(place.work)


@pytest.fixture(params=["TLSv1.2", "TLSv1.3"])
def client(site, certificates, request):
    """A client of the combination; the spool is empty before and after."""
    assert site.spool.take() == []
    yield Client(site.port, site.path, certificates.authority, request.param)
    site.spool.take()


def assert_no_sanitizer_report(directory):
    """A build with sanitizers must have had nothing to say."""
    for log in directory.glob("*.log"):
        text = log.read_text(errors="replace")
        for mark in ("Sanitizer", "runtime error:"):
            assert mark not in text, f"{log}:\n{text}"


@pytest.fixture
def figures(request):
    """Notes a measured figure, for the summary at the end."""
    return request.config.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash.get(FIGURES, []):
        terminalreporter.write_line(line)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    item.log_sizes = {log: log.stat().st_size for log in process.logs if log.exists()}
    yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for log in sorted(process.logs):
            text = log.read_text(errors="replace")[item.log_sizes.get(log, 0):] if log.exists() else ""
            if text:
                report.sections.append((str(log), text))
