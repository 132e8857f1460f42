"""Receivers, `ringspool run` and its commands killed at random moments, with a consumer that
only moves files beside them, all on one spool.

Each event is posted to ringspool.fcgi, two processes of many threads, and to ringspool.cgi
at the same time, and again until both say 200; on a disk, for where a sync takes its time
a kill hits. What then holds:

- what was acknowledged was consumed, whole;
- an event that no kill hit was consumed once. More often only
  - where a receiver was killed that had it in hand, once for each such kill: between its
    link and its mark nothing tells that it was there before, if a consumer took it;
  - where `run`, or the command, was killed that had it in hand: it runs again, and the
    command is told by RINGSPOOL_ATTEMPT;
- no event is in two commands at once.
"""

import os
import random
import threading
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import pytest

import fastcgi
from consuming import STATES, TOOL, kill, takes_signals
from load import Clients
from mutants import mutate
from notification import sms
from process import Program, wait_until
from receivers import PROOF, Cgi, Responder
from scale import scaled

RUNS, JOBS = 2, 2

# Holds a lock of its own as long as anything of the command lives, and leaves a copy of the
# event under a name that tells which try it was. Where the lock is taken, it notes who else
# has it open: nobody, if that was a process at its end, of which the kernel gives the files
# free one after the other, and the event's first.
COMMAND = """exec 9>"$NOTES/lock.$RINGSPOOL_UUID"
flock -n 9 || find /proc/[0-9]*/fd -lname "$NOTES/lock.$RINGSPOOL_UUID" ! -path "/proc/$$/*" \
    >"$NOTES/overlap.$RINGSPOOL_UUID" 2>/dev/null 9>&-
cat >"$NOTES/part.$$" && mv "$NOTES/part.$$" "$NOTES/done.$RINGSPOOL_UUID.$RINGSPOOL_ATTEMPT.$$"
"""


class Both:
    """Takes each event by FastCGI and by CGI at the same time."""

    def __init__(self, place):
        self.responder, self.cgi = Responder(place, processes=2), Cgi(place)
        self.connect = self.responder.connect

    def exchange(self, connection, body):
        connection.sendall(fastcgi.request(body, keep=True, **PROOF))
        first = self.cgi.exchange(None, body)
        second = fastcgi.Connection(connection).reply()
        return first if first.status != 200 else second


class Mover(threading.Thread):
    """The consumer that needs nothing but mv and rm; leaves some to others."""

    def __init__(self, spool):
        super().__init__()
        self.new, self.aside = spool / "new", spool / "taken"
        self.aside.mkdir()
        self.taken = []     # (uuid, contents)
        self.enough = threading.Event()

    def run(self):
        while not self.enough.wait(0.002):
            for name in os.listdir(self.new):
                with suppress(FileNotFoundError):   # another was first
                    self.take(name)

    def take(self, name):
        if random.random() < 0.1:
            os.rename(self.new / name, self.aside / name)
            self.taken.append((name.split("-")[0], (self.aside / name).read_bytes()))
            (self.aside / name).unlink()


class Battle:
    """All of them on one spool; who is killed is started again."""

    def __init__(self, place):
        self.place = place
        self.notes = place.work / "notes"
        self.notes.mkdir()
        self.receivers = Both(place)
        self.runs = []
        self.mover = Mover(place.spool.path)
        self.kills = Counter()

    def start_run(self, *words):
        return Program([TOOL, "run", "-j", JOBS, "--retries", 1000, "--retry-delay", 0, *words,
                        "--", "sh", "-c", COMMAND], self.place.work / "run.log",
                       env={"PATH": os.environ["PATH"], "NOTES": str(self.notes),
                            "RINGSPOOL_CONFIG": str(self.place.config)})

    def fight(self, kills):
        """Until so many were killed, and all that waits then is consumed."""
        self.receivers.responder.start()
        self.runs = [self.start_run("--follow") for _ in range(RUNS)]
        with Clients(self.receivers, clients=6, persistent=True, event=self.event) as load:
            self.mover.start()
            while self.kills.total() < kills:
                load.wait_for_more(random.randrange(1, 4))
                victim = random.choice(("responder", "cgi", "run", "command"))
                self.kills[victim] += getattr(self, f"kill_{victim}")()
        self.stop()
        wait_until(self.drained, "all events consumed")
        return load

    def stop(self):
        self.mover.enough.set()
        while self.runs:
            run = self.runs.pop()
            status, _ = run.ready(lambda: takes_signals(run)).stop()
            assert status == 0
        self.receivers.responder.kill()

    def close(self):
        self.stop()
        self.receivers.responder.close()

    def drained(self):
        assert self.start_run().process.wait() == 0
        return not any(self.place.spool.names(folder) for folder in STATES.values())

    @staticmethod
    def event(uuid):
        return sms(uuid, random.choice((0, 0, 0, 200_000)))

    def kill_responder(self):
        self.receivers.responder.kill_one(random.randrange(2))
        self.receivers.responder.start()
        return 1

    def kill_cgi(self):
        running = list(self.receivers.cgi.running)
        for process in running[:1]:
            process.kill()
        return len(running[:1])

    def kill_run(self):
        which = random.randrange(RUNS)
        self.runs[which].process.kill()
        self.runs[which].process.wait()
        self.runs[which] = self.start_run("--follow")
        return 1

    def kill_command(self):
        pid = random.choice(self.runs).pid
        commands = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for command in commands[:1]:
            kill(int(command))
        return len(commands[:1])

    def consumed(self):
        """(uuid, which try of a command or None, contents) of each time."""
        for uuid, contents in self.mover.taken:
            yield uuid, None, contents
        for path in self.notes.glob("done.*"):
            _, uuid, attempt, _ = path.name.split(".")
            yield uuid, int(attempt), path.read_bytes()

    def taken(self):
        """How often each event was, uuid -> number: a file that `run` has is tried once by
        each number of tries."""
        taken = Counter(uuid for uuid, _ in self.mover.taken)
        tries = Counter((uuid, attempt) for uuid, attempt, _ in self.consumed() if attempt)
        files = Counter()
        for (uuid, _), times in tries.items():
            files[uuid] = max(files[uuid], times)
        return taken + files

    def harm(self, load):
        """The uuids that came to harm, by kind of it."""
        # A post without a 200 is two requests, and both may have been hit.
        hits = Counter(uuid for uuid, _ in load.failures for _ in range(2))
        taken = self.taken()
        harm = {"lost": load.acknowledged.keys() - taken.keys(),
                "partial": {uuid for uuid, _, contents in self.consumed()
                            if contents != load.posted.get(uuid)},
                "twice": {uuid for uuid in taken if taken[uuid] > 1 + hits[uuid]},
                "overlap": {path.name for path in self.notes.glob("overlap.*") if path.stat().st_size}}
        return {kind: uuids for kind, uuids in harm.items() if uuids}


@pytest.fixture
def battle(place):
    with closing(Battle(place)) as battle:
        yield battle


def test_kills_at_random_moments(battle, figures):
    load = battle.fight(scaled(1000, 40))
    assert battle.harm(load) == {}
    ran_again = sum(1 for _, attempt, _ in battle.consumed() if attempt and attempt > 1)
    assert ran_again <= battle.kills["run"] * JOBS + battle.kills["command"]
    taken = battle.taken()
    figures(f"killed {dict(battle.kills)}: {len(load.acknowledged)} events acknowledged, "
            f"{len(battle.mover.taken)} consumed by mv; {taken.total() - len(taken)} taken in "
            f"again, {ran_again} ran again, each by a kill")


@pytest.mark.only_in_full
@pytest.mark.parametrize("name, expected", [("no-lock", "twice"), ("mark-first", "lost")])
def test_mutants_are_caught(place, battle, name, expected, figures):
    mutate(place, name)
    load = battle.fight(300)
    harm = battle.harm(load)
    assert expected in harm
    figures(f"{name}: of {len(load.acknowledged)} events, {battle.kills.total()} kills: "
            + ", ".join(f"{len(uuids)} {kind}" for kind, uuids in harm.items()))
