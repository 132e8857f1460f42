"""The FastCGI receiver beside a responder that only replies, and beside the bare loop."""

import signal
from contextlib import contextmanager
from itertools import product

import responder
import web
from ground import MEDIA, PROGRAMS, event, spool_place
from measure import Candidate, Figures, bare_loop, microseconds, post, rate, rounds, table
from process import Program, running

CONNECTIONS = (1, 16, 64)
THREADS = 20        # the receiver's default


@contextmanager
def receiver(place):
    with responder.listener(place.socket) as held:
        with running(responder.on_standard_input(place, held, "-t", THREADS)) as started:
            yield started


@contextmanager
def empty_responder(place):
    with responder.listener(place.socket) as held:
        started = Program([PROGRAMS / "empty_responder", THREADS], place.log,
                          stop_signal=signal.SIGKILL,   # libfcgi catches the others
                          stdin=held.fileno(), **responder.AS_SERVICE)
        with running(started):
            yield started


class Ground:
    """One medium: the receiver and the empty responder, each behind each web server, and a
    spool for the bare loop."""

    def __init__(self, work, stack):
        self.event = work / "event.json"
        self.event.write_bytes(event())
        self.ours, self.bare, empty = (spool_place(work / name) for name in ("ours", "bare", "empty"))
        self.candidates = {}
        for name, place, program in (("ours", self.ours, receiver), ("empty", empty, empty_responder)):
            pid = stack.enter_context(program(place)).pid
            for server, to_socket in web.TO_SOCKET.items():
                self.candidates[name, server] = Candidate(
                    stack.enter_context(to_socket(place)), pid,
                    place.waiting if name == "ours" else None)

    def run_bare(self, connections, seconds):
        return bare_loop(self.bare, min(connections, THREADS), seconds)

    def run(self, name, server, connections, seconds):
        return post(self.candidates[name, server], self.event, connections, seconds)


def measure(stack, work, options):
    figures = Figures()
    grounds = {medium: Ground(work[medium], stack) for medium in MEDIA}
    for _ in rounds(options.rounds, "fcgi"):
        for (medium, ground), connections in product(grounds.items(), CONNECTIONS):
            figures.add((medium, "bare", connections), ground.run_bare(connections, options.seconds))
            for server in web.TO_SOCKET:
                # What touches no disk is the same on both.
                for name in ("ours", "empty") if medium == "tmpfs" else ("ours",):
                    figures.add((medium, name, server, connections),
                                ground.run(name, server, connections, options.seconds))
    show(figures)


def show(figures):
    rows = []
    for server, connections in product(web.TO_SOCKET, CONNECTIONS):
        ours, empty = (("tmpfs", name, server, connections) for name in ("ours", "empty"))
        rows.append((server, connections, rate(figures, ours), rate(figures, empty),
                     figures.ratio(ours, empty)))
    table("On tmpfs, beside a responder that only reads and replies; goal: at least 0.6",
          ("web server", "connections", "ours, events/s", "empty responder", "ratio"), rows)
    rows = []
    for server, connections in product(web.TO_SOCKET, CONNECTIONS):
        ours, bare = ("disk", "ours", server, connections), ("disk", "bare", connections)
        rows.append((server, connections, rate(figures, ours), rate(figures, bare),
                     figures.ratio(ours, bare)))
    table("On the disk, beside the bare loop with as many threads; goal: at least 0.8",
          ("web server", "connections", "ours, events/s", "bare loop", "ratio"), rows)
    rows = []
    for medium, server, connections in product(MEDIA, web.TO_SOCKET, CONNECTIONS):
        ours, bare = (medium, "ours", server, connections), (medium, "bare", connections)
        empty = ("tmpfs", "empty", server, connections)
        rows.append((medium, server, connections, *(microseconds(figures, key) for key in (ours, bare, empty)),
                     figures.ratio(ours, bare, empty, what="processor")))
    table("Processor time of an event, in µs, beside the sum of both; goal: at most 1.3",
          ("on", "web server", "connections", "ours", "bare loop", "empty responder", "ratio"), rows)
