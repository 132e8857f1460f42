"""The power fails while clients post: what was acknowledged is there, whole, and a repeat
of what was not is taken.

The receivers that have one step of the write protocol left out or in another place, and
lose events by it, are in mutants/.
"""

import os
import random
from contextlib import closing

import pytest

from disk import disk, private_mounts
from load import Clients
from mutants import mutate
from notification import fresh_uuid, sms
from receivers import Cgi, Responder, ResponderWithoutProc
from scale import scaled
from wire import check_rules

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts file systems")

KINDS = ("ext4", "xfs", "btrfs")
FRONT_ENDS = {"cgi": Cgi, "fcgi": Responder, "fcgi-without-proc": ResponderWithoutProc}
SIZES = (0,) * 12 + (3_000, 30_000, 100_000, 500_000)    # that pad the events
KEEPS_MARKS = ("ext4", "xfs")     # the next event's commit takes the mark, too


class Machine:
    """A receiver whose spool is on a disk that loses power."""

    def __init__(self, place, disk, receiver, seed):
        self.disk, self.receiver = disk, receiver
        self.chance = random.Random(seed)
        self.spool = place.spool
        place.move_spool(disk.point / "spool")
        self.cuts = self.acknowledged = 0

    def prepare(self):
        """An empty spool; now and then a new one, so that the cut comes upon directories
        that were just made."""
        self.spool.take()
        if self.chance.random() < 0.25:
            self.spool.remove()
            self.spool.make()
        self.disk.sync()    # this is not what the power is cut in

    def event(self, uuid):
        return sms(uuid, self.chance.choice(SIZES))

    def cut(self):
        """One cut under load, and what follows; the uuids that came to harm, by kind of it."""
        self.prepare()
        self.receiver.start()
        with Clients(self.receiver, event=self.event) as load:
            load.wait_for_more(self.chance.randrange(1, 60))
            before = dict(load.acknowledged)
            self.disk.cut()
        self.receiver.kill()
        self.disk.power_on()
        acknowledged = before if self.disk.goes_on else load.acknowledged
        self.cuts += 1
        self.acknowledged += len(acknowledged)
        harm = self.look(load.posted, acknowledged.keys()) \
            | self.go_on(load.posted, self.marked(load.posted, acknowledged))
        return {kind: uuids for kind, uuids in harm.items() if uuids}

    def look(self, posted, acknowledged):
        found = self.found()
        return {"lost": acknowledged - found.keys(),
                "partial": {uuid for uuid in found if found[uuid] != posted.get(uuid)}}

    def marked(self, posted, acknowledged):
        """Of what was acknowledged, what must be known when it comes again. Each event's
        commit takes along what lies before it, so the mark is safe, too, once another event
        came later and was acknowledged; until then it may have missed its own event's."""
        if self.disk.kind not in KEEPS_MARKS:
            return set()
        last = max(place for place, uuid in enumerate(posted) if uuid in acknowledged)
        return {uuid for uuid, posted_by_then in acknowledged.items() if posted_by_then <= last}

    def go_on(self, posted, marked):
        """A consumer takes some; then all is sent once more, for no client knows better,
        and something new."""
        consumed = {uuid for uuid in self.found() if self.chance.random() < 0.5}
        self.take(consumed)
        fresh = fresh_uuid()
        again = posted | {fresh: sms(fresh)}
        self.receiver.start()
        self.post(again.values())
        self.receiver.kill()
        found = self.found()
        return {"swallowed": again.keys() - consumed - found.keys(),
                "garbled": {uuid for uuid in found if found[uuid] != again.get(uuid)},
                "twice": marked & consumed & found.keys()}

    def post(self, bodies):
        with closing(self.receiver.connect()) as connection:
            for body in bodies:
                reply = self.receiver.exchange(connection, body)
                check_rules(reply)
                assert reply.status == 200, reply

    def found(self):
        """What is in new/, uuid -> contents."""
        names = self.spool.names()
        found = {uuid_of(name): (self.spool.path / "new" / name).read_bytes() for name in names}
        assert len(found) == len(names), "two files for one event"
        return found

    def take(self, uuids):
        for name in self.spool.names():
            if uuid_of(name) in uuids:
                (self.spool.path / "new" / name).unlink()


def uuid_of(name):
    return name.split("-")[0]


@pytest.fixture(scope="module", autouse=True)
def mounts():
    private_mounts()


@pytest.fixture
def machine(place, request):
    """Parametrized by file system and front end."""
    kind, front_end = request.param
    with disk(kind) as mounted, closing(FRONT_ENDS[front_end](place)) as receiver:
        yield Machine(place, mounted, receiver, seed=kind + front_end)


@pytest.mark.parametrize("machine", [(kind, front_end) for kind in KINDS
                                     for front_end in FRONT_ENDS], ids="-".join, indirect=True)
def test_power_cuts(machine, figures):
    for _ in range(scaled(100, 2)):
        assert machine.cut() == {}
    figures(f"{machine.cuts} power cuts of {machine.disk.kind}: "
            f"{machine.acknowledged} events acknowledged and there")


# What each mutant does to events, and where. btrfs keeps no mark earlier than its event;
# only xfs lets a directory be "synced" that it can no longer write.
MUTANTS = {"no-fsync-of-file": ("partial", KINDS), "no-fsync-of-directory": ("lost", KINDS),
           "reply-first": ("lost", KINDS), "mark-first": ("swallowed", KEEPS_MARKS),
           "no-fstat": ("lost", ("xfs",))}
ALL = [(name, kind, front_end) for name, (_, kinds) in MUTANTS.items()
       for kind in kinds for front_end in ("cgi", "fcgi")]


@pytest.mark.parametrize("name, machine", [
    pytest.param(name, pair, id="-".join((name, *pair)))
    for name, *pair in scaled(ALL, [("no-fsync-of-directory", "ext4", "fcgi")])],
    indirect=["machine"])
def test_mutants_are_caught(place, machine, name, figures):
    """The harm is done within a few cuts; `no-fstat` needs one between link and fsync."""
    mutate(place, name)
    expected, _ = MUTANTS[name]
    while expected not in (harm := machine.cut()):
        assert machine.cuts < 200, f"{name} is not caught"
    figures(f"{name} on {machine.disk.kind} was caught by cut {machine.cuts}: "
            + ", ".join(f"{len(uuids)} {kind}" for kind, uuids in harm.items()))
