"""A full disk while events move: nothing is lost, and what ran well does not run again."""

import os
import subprocess

import pytest

from consuming import STATES, Place, wait_until

NOTE = 'echo "$RINGSPOOL_UUID $RINGSPOOL_ATTEMPT" >> "$NOTES"; '


class SmallDisk:
    """A file system of its own for a spool, mounted for as long as the test."""

    def __init__(self, directory, kind):
        self.point = directory / "disk"
        self.point.mkdir()
        if kind == "tmpfs":
            words = ["-t", "tmpfs", "-o", "size=512k", "none"]
        else:
            image = directory / "disk.img"
            with open(image, "wb") as file:
                file.truncate(2 << 20)
            # Small blocks: a directory needs another after some twenty names.
            subprocess.run(["mkfs.ext4", "-q", "-b", "1024", "-N", "512", image], check=True)
            words = ["-o", "loop", image]
        subprocess.run(["mount", *words, self.point], check=True)

    def fill(self):
        """Take all that is left, to the last block."""
        ballast = os.open(self.point / "ballast", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for size in (4096, 1024, 512, 64, 1):
            try:
                while True:
                    os.write(ballast, bytes(size))
            except OSError:
                pass
        os.close(ballast)

    def free(self):
        (self.point / "ballast").unlink()

    def unmount(self):
        subprocess.run(["umount", self.point], check=True)


@pytest.fixture(params=["tmpfs", "ext4"])
def disk(request, place):
    disk = SmallDisk(place.directory, request.param)
    place.spool = disk.point / "spool"
    Place.make(place.spool)
    place.env["RINGSPOOL_SPOOL"] = str(place.spool)
    disk.kind = request.param
    yield disk
    disk.unmount()


def uuids(place):
    return sorted(words[0] for words in place.noted())


def test_events_are_taken_out_of_a_full_disk(place, disk):
    """That is how it becomes less full."""
    for i in range(40):
        place.deliver(f"u{i:02}")
    place.run("--event", "no such", script="true")      # makes its directories
    disk.fill()
    place.run("-j", 2, script=NOTE)
    assert uuids(place) == [f"u{i:02}" for i in range(40)]
    assert place.counts() == {}


@pytest.mark.parametrize("words, script", [
    (["--retry-delay", "5h"], "exit 1"), (["--retries", "0"], "exit 1"), (["--keep", "1"], "exit 0")])
def test_no_room_for_the_name_where_the_event_goes(place, disk, words, script):
    """ext4: the directory cannot grow. Not one event is lost; when there is room again
    all is moved, and what ran well ran once."""
    target = "done" if "--keep" in words else "retrying" if "5h" in words else "failed"
    count = 60
    for i in range(count):
        place.deliver(f"u{i:02}")
    place.run(*words, "--event", "no such", script=script)
    disk.fill()
    with place.started("--follow", *words, script=NOTE + script):
        if disk.kind == "ext4":
            wait_until(lambda: "No space left" in place.logged(), "full disk")
        # By name: one that is moved meanwhile may be seen in two states.
        assert len({file.split(".")[0] for state in STATES for file in place.files(state)}) == count
        disk.free()
        wait_until(lambda: place.counts() == {target: count}, "all moved")
    assert uuids(place) == [f"u{i:02}" for i in range(count)], "each once"


def test_without_follow_it_ends_and_says_so(place, disk):
    if disk.kind == "tmpfs":
        return      # renaming needs no room there: nothing to see
    for i in range(60):
        place.deliver(f"u{i:02}")
    place.run("--event", "no such", script="true")
    disk.fill()
    place.run("--retry-delay", "5h", script=NOTE + "exit 1", status=74)
    assert "No space left" in place.logged()
    assert sum(place.counts().values()) == 60
    disk.free()
    place.run("--retry-delay", "5h", script=NOTE + "exit 1")
    assert sum(place.counts().values()) == 60
    assert set(uuids(place)) == {f"u{i:02}" for i in range(60)}


def test_one_that_cannot_be_moved_does_not_hold_back_what_ran_well(place):
    """failed/ is no directory: those that fail stay in work/, the rest is done."""
    for i in range(4):
        place.deliver(f"u{i}")
    (place.spool / "failed").write_text("")
    with place.started("--follow", "-j", 4, "--retries", 0, script=NOTE +
                       '[ "$RINGSPOOL_UUID" != u0 ]'):
        wait_until(lambda: place.counts() == {"running": 1}, "the others done")
        (place.spool / "failed").unlink()
        wait_until(lambda: place.counts() == {"failed": 1}, "the last moved")
    assert uuids(place) == ["u0", "u1", "u2", "u3"]
