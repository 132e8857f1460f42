"""Where the candidates stand: a spool on tmpfs and one on a disk, and what they are sent."""

import os
import subprocess
import tempfile
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

from events import encode, make
from place import prepare
from settings import BUILD

MEDIA = {"tmpfs": "/dev/shm", "disk": "/var/tmp"}
PROGRAMS = BUILD / "bench"
EVENT_SIZE = 1200
NO_UUID = "00000000-0000-0000-0000-000000000000"


@contextmanager
def directory(medium):
    made = Path(tempfile.mkdtemp(prefix="ringspool-bench-", dir=MEDIA[medium]))
    made.chmod(0o755)
    try:
        yield made
    finally:
        subprocess.run(["rm", "-rf", made], check=True)     # millions of files


class Waiting:
    """What came into a spool during a run, beside what was there before."""
    RESIDENT = "resident"       # how a name begins that stays

    def __init__(self, events, marks, taken):
        self.events, self.marks, self.taken = events, marks, taken

    def take(self):
        """How many events came. They and their marks are gone, from a disk into `taken`: where
        files were removed within some minutes, ext4 is slow at making new ones."""
        taken = self.take_new(self.events)
        self.take_new(self.marks)
        sync(self.events)
        return taken

    def take_new(self, directory):
        came = [name for name in os.listdir(directory) if not name.startswith(self.RESIDENT)]
        for name in came:
            self.dispose(directory / name)
        return len(came)

    def dispose(self, path):
        if self.taken:
            path.rename(self.taken / path.name)
        else:
            path.unlink()


def sync(path):
    """So that the next run does not pay for what was removed or made."""
    subprocess.run(["sync", "-f", path], check=True)


def days():
    """Of marks that count: tomorrow, today, three days back."""
    now = datetime.now(timezone.utc)
    return [f"{now + timedelta(days=ahead):%Y-%m-%d}" for ahead in (1, 0, -1, -2, -3)]


def spool_place(work):
    """A place with a spool as it is after some days: all directories of marks are there."""
    place = prepare(work, None)
    spool = place.spool.path
    marks = [spool / "seen" / day for day in days()]
    for path in (spool / "new", spool / "tmp", spool / "seen", *marks):
        path.mkdir()
        access(path, place.spool.gid, 0o2770)
    (spool / "lock").touch()
    access(spool / "lock", place.spool.gid, 0o660)
    taken = None if work.is_relative_to(MEDIA["tmpfs"]) else work / "taken"
    if taken:
        taken.mkdir()
    place.waiting = Waiting(spool / "new", marks[1], taken)
    return place


def access(path, group, mode):
    os.chown(path, -1, group)
    path.chmod(mode)


def event(uuid=NO_UUID):
    """An inbound SMS of the usual size."""
    made = make("inbound-sms", uuid=uuid)
    made["body"]["subject"] += "." * (EVENT_SIZE - len(encode(made)))
    return encode(made)
