"""Where the candidates stand: a spool on tmpfs and one on a disk, and what they are sent."""

import os
import shutil
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
        shutil.rmtree(made)


class Waiting:
    """What came into a spool during a run, apart from what was there before."""

    def __init__(self, *directories):
        self.directories = directories

    def count(self):
        return len(os.listdir(self.directories[0]))

    def clear(self):
        for directory in self.directories:
            for entry in os.scandir(directory):
                os.unlink(entry.path)
        os.sync()       # so that the next run does not pay for it


def days():
    """Of marks that count: tomorrow, today, three days back."""
    now = datetime.now(timezone.utc)
    return [f"{now + timedelta(days=ahead):%Y-%m-%d}" for ahead in (1, 0, -1, -2, -3)]


def spool_place(work):
    """A place with a spool as it is after some days: all directories of marks are there."""
    place = prepare(work, None)
    below = [place.spool.path / name for name in ("new", "seen", *(f"seen/{day}" for day in days()))]
    for path in below:
        path.mkdir()
        os.chown(path, -1, place.spool.gid)
        path.chmod(0o2770)
    (place.spool.path / "lock").touch()
    (place.spool.path / "lock").chmod(0o660)
    os.chown(place.spool.path / "lock", -1, place.spool.gid)
    place.waiting = Waiting(below[0], below[3])
    return place


def event(uuid=NO_UUID):
    """An inbound SMS of the usual size."""
    made = make("inbound-sms", uuid=uuid)
    made["body"]["subject"] += "." * (EVENT_SIZE - len(encode(made)))
    return encode(made)
