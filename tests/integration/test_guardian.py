"""The guardian: what it starts is replaced where it ends unasked, and ends in good order."""

import os
import signal
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

import responder
from fastcgi import Connection, ask, connect, request
from notification import sms
from process import children, running, wait_until
from settings import TOKENS
from test_confinement import lines, serving

PROOF = {"HTTP_VERIFICATION_TOKEN": TOKENS[0]}
IN_A_NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child",
                  "setpriv", "--reuid", str(responder.AS_SERVICE["user"]),
                  "--regid", str(responder.AS_SERVICE["group"]), "--clear-groups"]


def accepted(place):
    return ask(place.socket, sms(), **PROOF).status == 200


@contextmanager
def as_first_process(place, *options):
    """In a pid namespace, as in a container; gives the program and the guardian's id out here."""
    with responder.listener(place.socket) as held:
        program = responder.on_standard_input(place, held, *options, before=IN_A_NAMESPACE,
                                              user=0, group=0)
        guardian = wait_until(lambda: children(program.pid), "a guardian")[0]
        try:
            wait_until(lambda: responder.serving(guardian), "a process that serves")
            yield program, guardian
        finally:
            if program.process.poll() is None:
                os.kill(guardian, signal.SIGTERM)
                program.process.wait(10)


@contextmanager
def slow(place, pid, call):
    """The first such call takes nine tenths of a second; gives the trace of these calls."""
    trace = place.work / "run" / "trace"
    tracer = subprocess.Popen(["strace", "-f", "-o", str(trace), "-e", f"trace={call}", "-e",
                               f"inject={call}:delay_exit=900000:when=1", "-p", str(pid)],
                              stderr=subprocess.PIPE, text=True)
    try:
        assert "attached" in (said := tracer.stderr.readline()), said
        yield trace
    finally:
        tracer.kill()       # SIGTERM lets it wait for what has died meanwhile
        tracer.communicate()


def test_stop_waits_for_a_predecessor_that_stores(place):
    with as_first_process(place) as (program, guardian), connect(place.socket) as opened:
        with slow(place, responder.serving(guardian), "fsync") as trace:
            event = sms()
            opened.sendall(request(event, **PROOF))
            wait_until(lambda: "fsync(" in trace.read_text(), "a request that is stored")
            os.kill(guardian, signal.SIGHUP)
            wait_until(lambda: lines(program, "=reloaded")
                       and len(lines(program, "=started")) == 2, "a successor")
            os.kill(guardian, signal.SIGTERM)
            assert Connection(opened).reply().status == 200
        assert program.process.wait(10) == 0
    assert place.spool.contents() == [event]


def test_signal_from_another_namespace_ends_nothing(place):
    with as_first_process(place) as (program, guardian):
        first = responder.serving(guardian)
        place.config.write_text("[receiver]\nspoool = /typing-error\n")
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            os.kill(guardian, number)
        for told in (1, 2):     # then the guardian has taken the others
            os.kill(guardian, signal.SIGHUP)
            wait_until(lambda: len(lines(program, "=not-reloaded")) == told, "the complaint")
        assert accepted(place)
        assert children(guardian) == [first]


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2])
def test_signals_that_mean_nothing_end_nothing(place, number):
    with serving(place) as started:
        first = responder.serving(started.pid)
        started.process.send_signal(number)
        assert accepted(place)
        assert children(started.pid) == [first]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_process_that_ends_unasked_is_replaced(place, number):
    with serving(place) as started:
        wait_until(lambda: accepted(place), "an event taken in")
        first = responder.serving(started.pid)
        os.kill(first, number)
        wait_until(lambda: responder.serving(started.pid) not in (None, first), "a successor")
        assert accepted(place)
        assert len(lines(started, "=died")) == 1


def test_first_process_that_fails_is_the_end(place):
    """A user who may have two processes, and no thread."""
    with responder.listener(place.socket) as held, running(responder.on_standard_input(
            place, held, before=["prlimit", "--nproc=2:2"], user=64192)) as started:
        assert started.process.wait(10) == os.EX_OSERR
        assert "threads: " in started.text()


@contextmanager
def stopped(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: all(stat.read_text().rpartition(")")[2].split()[0] in "Tt" for stat
                               in Path(f"/proc/{pid}/task").glob("*/stat")), "its threads stopped")
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_second_reload_cuts_no_request_of_the_first(place):
    """It is there, with a request, before the guardian knows that it serves."""
    with serving(place) as started, ExitStack() as halted:
        first = responder.serving(started.pid)
        halted.enter_context(slow(place, started.pid, "epoll_create1"))
        started.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(children(started.pid)) == 2, "a successor")
        halted.enter_context(stopped(started.pid))
        wait_until(lambda: len(lines(started, "=started")) == 2, "a successor that serves")
        with stopped(first):
            opened = halted.enter_context(connect(place.socket))
            opened.sendall(request(sms(), keep=True, **PROOF))
            assert Connection(opened).reply().status == 200
        event = request(sms(), **PROOF)
        opened.sendall(event[:-20])
        started.process.send_signal(signal.SIGHUP)
        os.kill(started.pid, signal.SIGCONT)
        wait_until(lambda: len(lines(started, "=started")) == 3, "another successor")
        opened.sendall(event[-20:])
        assert Connection(opened).reply().status == 200


def test_successor_that_hangs_does_not_keep_another_from_coming(place):
    """As at a disk that does not answer; the next settings name another, perhaps."""
    with serving(place) as started:
        first = responder.serving(started.pid)
        with slow(place, started.pid, "epoll_create1") as trace:
            started.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "epoll_create1(" in trace.read_text(), "a successor")
            hanging = max(set(children(started.pid)) - {first})
            os.kill(hanging, signal.SIGSTOP)
        try:
            started.process.send_signal(signal.SIGHUP)
            wait_until(lambda: lines(started, "=reloaded"), "another successor")
            assert accepted(place)
        finally:
            os.kill(hanging, signal.SIGCONT)
        wait_until(lambda: len(children(started.pid)) == 1, "the end of the one that hung")
        assert accepted(place)
        assert not lines(started, "=died")


def test_new_settings_are_told_when_they_count(place):
    """A user who may have one thread more: enough for a process, not for one that serves."""
    most = 1 + (responder.OTHER_THREADS + 4) + 1
    with responder.listener(place.socket) as held, running(responder.on_standard_input(
            place, held, "-t", "4", before=["prlimit", f"--nproc={most}:{most}"],
            user=64191)) as started:
        wait_until(lambda: lines(started, "=started threads=4"), "its threads")
        started.process.send_signal(signal.SIGHUP)
        wait_until(lambda: lines(started, "=not-reloaded"), "the complaint")
        assert not lines(started, "=reloaded")
        assert accepted(place)


@pytest.mark.parametrize("fault, told", [
    (["-e", "inject=epoll_create1:signal=SEGV"], "=died"),
    # As another security module than ours forbids it: the next one may not, either.
    (["-P", "{tokens}", "-e", "inject=openat:error=EACCES"], "=started"),
], ids=["crashes", "is-denied-a-file"])
def test_restarts_that_do_not_help_become_rare(place, fault, told):
    trace = ["strace", "-D", "-f", "-o", "/dev/null",
             *(word.format(tokens=place.work / "tokens") for word in fault)]
    with responder.listener(place.socket) as held, running(
            responder.on_standard_input(place, held, before=trace)) as started:
        wait_until(lambda: len(lines(started, told)) >= 2, "two processes")
        begin = time.monotonic()
        wait_until(lambda: len(lines(started, told)) >= 4, "four processes")
        assert time.monotonic() - begin > 1     # 0.4 s and 0.8 s
        assert started.stop()[0] == 0
