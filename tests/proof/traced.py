"""The receivers under strace, at the request of a test."""

import os
import signal
import subprocess
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass

from fastcgi import Connection, connect, request, variables
from faults import injected, strace
from process import Program, has_ended, wait_until
from responder import AS_SERVICE, environment, inode, serving
from settings import CONSUMER
from wire import parse

# The spool's group is not the service's first one: what is made must be given to it.
GROUP = CONSUMER
AS_MEMBER = {**AS_SERVICE, "extra_groups": [GROUP]}


@dataclass
class Answer:
    reply: object   # None: the program hung up
    log: str        # what it wrote meanwhile
    trace: str

    def injected(self):
        return injected(self.trace)


class Cgi:
    """ringspool.cgi, started as a web server does; `faults` make it run under strace."""
    first = "umask("        # what comes before is the loader's
    program = None

    def __init__(self, place, **settings):
        self.place, self.settings = place, settings
        self.trace = place.work / "run" / "trace"
        self.said = ""

    def run(self, body, faults=None, **more):
        command = [self.place.cgi]
        if faults is not None:
            command = strace(self.trace, faults, "-qq", *command)
        done = subprocess.run(command, input=body, capture_output=True, check=False, **AS_MEMBER,
                              env=environment(self.place, **variables(body, **more), **self.settings))
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        self.said = done.stderr.decode()
        return done, parse(b"HTTP/1.1 " + head.removeprefix(b"Status: "), rest) if head else None

    def ask(self, body, faults=None, **more):
        done, reply = self.run(body, faults, **more)
        assert done.returncode == 0, done
        return Answer(reply, self.said, self.trace.read_text() if faults is not None else "")

    def ask_killed(self, body, faults, **more):
        """The reply, if any, of a process that the faults kill."""
        done, reply = self.run(body, faults, **more)
        assert done.returncode == -signal.SIGKILL, done
        return reply

    def forget(self):
        """Each process opens its spools."""

    def descriptors(self):
        """None outlive the process."""


class Responder:
    """ringspool.fcgi with one thread; strace looks at that while a request has faults."""
    first = ""

    def __init__(self, place, **settings):
        self.place, self.settings = place, settings
        self.trace = place.work / "run" / "trace"
        before = inode(place.socket)
        self.program = Program([place.fcgi, "-s", place.socket, "-t", "1"], place.log,
                               env=environment(place, **settings), **AS_MEMBER)
        self.program.ready(lambda: inode(place.socket) not in (None, before))
        self.find()

    def find(self):
        """The process that serves, and its thread, which is the last that it made."""
        self.process = wait_until(lambda: serving(self.program.pid), "a process that serves")
        self.thread = max(map(int, os.listdir(f"/proc/{self.process}/task")))

    def ask(self, body, faults=None, **more):
        before = self.program.log.stat().st_size
        if faults is None:
            reply, trace = self.exchange(body, **more), ""
        else:
            with self.traced(faults):
                reply = self.exchange(body, **more)
                wait_until(self.is_idle, "the end of the request")
            trace = self.trace.read_text()
        assert not has_ended(self.process), self.said
        with open(self.program.log, encoding="utf-8") as log:
            log.seek(before)
            return Answer(reply, log.read(), trace)

    def ask_killed(self, body, faults, **more):
        """The reply, if any, of a process that the faults kill."""
        with self.traced(faults):
            reply = self.exchange(body, **more)
            wait_until(lambda: has_ended(self.process), "its end")
        return reply

    def exchange(self, body, **more):
        with connect(self.place.socket) as opened:
            try:
                opened.sendall(request(body, **more))
                reply = Connection(opened).reply()
            except (AssertionError, ConnectionError):
                return None
            Connection(opened).hung_up()
            return reply

    @contextmanager
    def traced(self, faults):
        command = strace(self.trace, faults, "-p", self.thread)
        tracer = subprocess.Popen([str(word) for word in command], stderr=subprocess.PIPE, text=True)
        try:
            assert "attached" in (said := tracer.stderr.readline()), said
            yield
        finally:
            tracer.terminate()
            tracer.communicate()

    def is_idle(self):
        """Whether the thread waits for the next request. A silent new connection is waited
        for as well, but whoever asks has seen the end of its own."""
        return self.trace.read_text().rpartition("\n")[2].startswith("epoll_wait(")

    @property
    def said(self):
        return self.program.text()

    def forget(self):
        """Let the next request open its spools, as the first one does."""
        before = self.said.count("result=stopped")
        os.kill(self.program.pid, signal.SIGHUP)
        wait_until(lambda: self.said.count("result=stopped") > before, "another process")
        self.find()

    def descriptors(self):
        """What is open, but for the spools, of which each part is open once at most."""
        folder = f"/proc/{self.process}/fd"
        opened = Counter(os.readlink(f"{folder}/{name}") for name in os.listdir(folder))
        parts = {name for name in opened if name.startswith(f"{self.place.work}/")
                 and not name.endswith(" (deleted)")}
        return sorted(name.partition(":")[0] for name in (opened - Counter(parts)).elements())
