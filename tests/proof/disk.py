"""File systems on loop devices that lose power at a moment of our choice.

What a cut leaves must be what a real one could leave: everything the device had taken by
then, and nothing that was only in memory.

ext4 and xfs have an ioctl for that. After it the file system refuses everything, as it
does after an I/O error of its journal: so even what is acknowledged after the cut counts.

btrfs has none. There the device itself is copied at one moment, while the file system on
it goes on: whoever reads the copy finds what a machine would that lost its power at that
moment. A copy read bit by bit would be none, for it mixes moments. But a clone within one
xfs is one moment: FICLONE locks the image's file against writing (xfs: IOLOCK, exclusively,
with all direct I/O drained), so each write of the loop device comes wholly before it or
wholly after it, in the order in which btrfs saw them end. What is acknowledged after the
clone began does not count.
"""

import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from process import wait_until

SIZE = 512 << 20        # sparse; xfs wants 300 MiB at least
SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2      # the same for ext4 and xfs
FICLONE = 0x40049409

# Memory rather than a disk that others use as well: more cuts in the same time.
FAST = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Disk:
    """A file system in the file `image`, mounted at `point`."""

    goes_on = False     # the file system, after the cut

    def __init__(self, kind, directory):
        self.kind = kind
        self.image = directory / f"{kind}.img"
        self.point = directory / kind
        self.point.mkdir()
        with open(self.image, "wb") as file:
            file.truncate(SIZE)
        command(f"mkfs.{kind}", "-q", self.image)
        self.mount()

    def mount(self):
        command("mount", "-o", "loop", self.image, self.point)

    def unmount(self):
        """Once the last of those who had files open there has gone."""
        wait_until(lambda: subprocess.run(["umount", self.point], check=False,
                                          capture_output=True).returncode == 0, "unmount")

    def sync(self):
        command("sync", "-f", self.point)

    def cut(self):
        directory = os.open(self.point, os.O_RDONLY)
        fcntl.ioctl(directory, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        os.close(directory)

    def power_on(self):
        """After the cut, when all processes are gone."""
        self.unmount()
        self.mount()


class CopiedDisk(Disk):
    """`directory` is on a file system that clones files."""

    goes_on = True

    def cut(self):
        clone(self.image, self.image.with_suffix(".cut"))

    def power_on(self):
        self.unmount()
        # Else the kernel would prefer the newer state that it has seen to the older one.
        command("btrfs", "device", "scan", "--forget")
        clone(self.image.with_suffix(".cut"), self.image)
        self.mount()


def private_mounts():
    """Mounts from here on are this process's own. Else whoever has a name space of his own
    for mounts may hold a copy of ours, and with it the file system that lost its power."""
    clone_newns, ms_rec, ms_private = 0x20000, 0x4000, 0x40000
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(clone_newns) == 0, os.strerror(ctypes.get_errno())
    assert libc.mount(b"none", b"/", None, ms_rec | ms_private, None) == 0


def clone(source, target):
    with open(source, "rb") as old, open(target, "wb") as new:
        fcntl.ioctl(new, FICLONE, old.fileno())


def command(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def disk(kind):
    """One of ext4, xfs and btrfs, mounted until the end of the block."""
    directory = Path(tempfile.mkdtemp(prefix="ringspool-disk-", dir=FAST))
    directory.chmod(0o755)
    mounted = []
    try:
        if kind == "btrfs":
            mounted.append(Disk("xfs", directory))
            mounted.append(CopiedDisk(kind, mounted[0].point))
        else:
            mounted.append(Disk(kind, directory))
        yield mounted[-1]
    finally:
        for made in reversed(mounted):
            made.unmount()
        shutil.rmtree(directory)
