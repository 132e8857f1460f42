"""The consumers in ringspool-spool(5), run as printed but for the spool's path."""

import re
import subprocess
import time

import pytest

from notification import sms
from process import wait_until
from settings import CGI, ROOT


def examples():
    page = (ROOT / "man/ringspool-spool.5").read_text()
    section = page[page.index(".Sh EXAMPLES"):]
    found = re.findall(r"^\.Bd -literal -offset indent\n(.*?)^\.Ed", section, re.M | re.S)
    return [text.replace(r"\e", "\\") for text in found]


SHELL, PYTHON = examples()


CLOCK_REALTIME_COARSE = 5       # of <time.h>; the files' times come from it


def deliver(spool, *bodies):
    """One after the other, so that their times differ."""
    for body in bodies:
        done = subprocess.run([CGI], input=body, capture_output=True, check=True, env={
            "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "POST",
            "CONTENT_LENGTH": str(len(body)), "RINGSPOOL_SPOOL": str(spool.path)})
        assert done.stdout.startswith(b"Status: 200"), done
        tick = time.clock_gettime_ns(CLOCK_REALTIME_COARSE)
        wait_until(lambda tick=tick: time.clock_gettime_ns(CLOCK_REALTIME_COARSE) > tick,
                   "a tick of the clock")


@pytest.fixture
def spool(place):
    return place.spool


def run(interpreter, text, place, **more):
    script = place.work / "example"
    script.write_text(text.replace("/var/spool/ringspool", str(place.spool.path)))
    return subprocess.run([interpreter, script], capture_output=True, text=True, check=False,
                          **more)


def handler(place, does):
    """The handle-event of the shell example."""
    program = place.work / "handle-event"
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o755)
    return {"PATH": f"{place.work}:/usr/bin:/bin"}


def test_shell_consumer_handles_each_event_once(place, spool):
    events = [sms(), sms(), sms()]
    deliver(spool, *events)
    environment = handler(place, f"cat >>{place.work}/handled")
    done = run("sh", SHELL, place, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    handled = (place.work / "handled").read_bytes()
    assert all(event in handled for event in events) and len(handled) == sum(map(len, events))
    assert spool.names() == spool.names("taken") == []
    assert run("sh", SHELL, place, env=environment).stderr == "", "with nothing waiting"


def test_shell_consumer_keeps_what_failed_aside(place, spool):
    deliver(spool, sms())
    run("sh", SHELL, place, env=handler(place, "exit 1"))
    assert spool.names() == []
    assert len(spool.names("taken")) == 1


def test_python_consumer_goes_in_order_and_leaves_alone_what_it_cannot_read(place, spool):
    uuids = [f"{number}" * 18 for number in (3, 1, 2)]
    deliver(spool, *(sms(uuid) for uuid in uuids), b'{"uuid":"odd","x":01}')
    printed = run("/usr/bin/python3", PYTHON, place).stdout.splitlines()
    assert [line.split()[1] for line in printed[:3]] == uuids
    assert printed[3].startswith("left alone: odd-")
    assert [name[:4] for name in spool.names()] == ["odd-"]
