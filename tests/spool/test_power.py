"""A power cut at a random moment, on a file system that forgets what it had not committed:
no event is lost, and none that the log calls done, failed or to be retried is anywhere else."""

import fcntl
import os
import random
import re
import struct
import subprocess

import pytest

from consuming import Place, fill, wait_until

SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2      # the same for ext4 and xfs

COMMAND = """case $RINGSPOOL_UUID in
*0) exit 100 ;;
*1) exit 1 ;;
*) echo "$RINGSPOOL_UUID" >> "$NOTES" ;;
esac"""


@pytest.fixture
def image(place):
    image = place.directory / "disk.img"
    with open(image, "wb") as file:
        file.truncate(32 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-O", "has_journal", image], check=True)
    point = place.directory / "disk"
    point.mkdir()
    subprocess.run(["mount", "-o", "loop", image, point], check=True)
    place.spool = point / "spool"
    Place.make(place.spool)
    place.env["RINGSPOOL_SPOOL"] = str(place.spool)
    yield image
    unmount(point)


def cut_power(image, point):
    """What was not committed is gone; then the machine starts again."""
    directory = os.open(point, os.O_RDONLY)
    fcntl.ioctl(directory, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
    os.close(directory)
    yield
    unmount(point)
    subprocess.run(["mount", "-o", "loop", image, point], check=True)


def unmount(point):
    """Once the commands that outlived their `run` are gone, for they hold their files."""
    wait_until(lambda: subprocess.run(["umount", point], check=False, capture_output=True)
               .returncode == 0, "unmount")


def where(place):
    """Each event's state; every event has one name."""
    found = {}
    for state in ("waiting", "running", "retrying", "failed", "done"):
        for file in place.files(state):
            uuid = file.split("-")[0]
            assert uuid not in found, (uuid, state, found[uuid])
            found[uuid] = state
    return found


def logged(place):
    """What the log said last of each event: done, failed or retry."""
    return {uuid: result for result, uuid in
            re.findall(r"result=(done|failed|retry) name=(\d+)-", place.logged())}


@pytest.mark.parametrize("words", [[], ["--keep", "1"]])
def test_power_cuts(place, image, words, figures):
    count, rounds, lost_names = 200, 15, 0
    chance = random.Random(7)
    for _ in range(rounds):
        place.tool("delete", "--all", "--yes")
        place.log.unlink(missing_ok=True)
        place.notes.unlink(missing_ok=True)
        fill(place.spool, count)
        os.sync()       # as the receiver leaves them
        runs = [place.start("-j", 2, "--retry-delay", "5h", *words, script=COMMAND)
                for _ in range(2)]
        goal = chance.randrange(1, count * 3 // 4)
        wait_until(lambda: len(logged(place)) >= goal, "events")
        power = cut_power(image, place.spool.parent)
        next(power)
        for process in runs:
            process.kill()
            process.wait()
        for _ in power:
            pass
        found, said, ran = where(place), logged(place), {uuid for [uuid] in place.noted()}
        for uuid in map(str, range(count)):
            assert uuid in found or uuid in ran, f"{uuid} is lost"
            expected = {"done": "done" if words else None, "failed": "failed",
                        "retry": "retrying", None: found.get(uuid)}[said.get(uuid)]
            assert found.get(uuid) == expected, (uuid, said.get(uuid))
        lost_names += sum(1 for uuid in ran if found.get(uuid) in ("waiting", "running"))
    figures(f"power cuts: {rounds}; {lost_names} events had run and will run again")
