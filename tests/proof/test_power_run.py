"""The power fails while `ringspool run` hands events to commands: no event is lost, and
none that the log calls done, failed or to be retried is anywhere else."""

import os
import random
import re

import pytest

from consuming import Place, fill, wait_until
from disk import disk, private_mounts
from scale import scaled

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts file systems")

COMMAND = """case $RINGSPOOL_UUID in
*0) exit 100 ;;
*1) exit 1 ;;
*) echo "$RINGSPOOL_UUID" >> "$NOTES" ;;
esac"""


@pytest.fixture(scope="module", autouse=True)
def mounts():
    private_mounts()


@pytest.fixture(params=["ext4", "xfs", "btrfs"])
def place(request, tmp_path):
    """What commands and the log note is on another disk."""
    with disk(request.param) as mounted:
        place = Place(tmp_path)
        place.disk = mounted
        place.spool = mounted.point / "spool"
        Place.make(place.spool)
        place.env["RINGSPOOL_SPOOL"] = str(place.spool)
        yield place


def where(place):
    """Each event's state. It has one name; on btrfs, whose log may have the new one of a
    rename without the end of the old one, there may be two for one file: see
    test_one_file_under_two_names."""
    found, inodes = {}, {}
    for state in ("waiting", "running", "retrying", "failed", "done"):
        for path in place.paths(state):
            uuid, inode = path.name.split("-")[0], path.stat().st_ino
            assert inodes.setdefault(uuid, inode) == inode, f"{uuid} is there twice"
            found.setdefault(uuid, []).append(state)
    return found


def logged(place):
    """What the log said last of each event: done, failed or retry."""
    return {uuid: result for result, uuid in
            re.findall(r"result=(done|failed|retry) name=(\d+)-", place.logged())}


def cut_power(place, runs):
    """What the log had said of each event by then."""
    before = logged(place)
    place.disk.cut()
    for process in runs:
        process.kill()
        process.wait()
    place.disk.power_on()
    return before if place.disk.goes_on else logged(place)


@pytest.mark.parametrize("words", [[], ["--keep", "1"]], ids=["removing", "keeping"])
def test_power_cuts(place, words, figures):
    count, cuts, again = 200, scaled(100, 1), 0
    chance = random.Random(7)
    for _ in range(cuts):
        place.tool("delete", "--all", "--yes")
        place.log.unlink(missing_ok=True)
        place.notes.unlink(missing_ok=True)
        fill(place.spool, count)
        place.disk.sync()       # as the receiver leaves them
        runs = [place.start("-j", 2, "--retry-delay", "5h", *words, script=COMMAND)
                for _ in range(2)]
        goal = chance.randrange(1, count * 3 // 4)
        wait_until(lambda: len(logged(place)) >= goal, "events")
        said = cut_power(place, runs)
        found, ran = where(place), {uuid for [uuid] in place.noted()}
        for uuid in map(str, range(count)):
            assert uuid in found or uuid in ran, f"{uuid} is lost"
            if uuid in said:
                expected = {"done": ["done"] if words else [], "failed": ["failed"],
                            "retry": ["retrying"]}[said[uuid]]
                assert found.get(uuid, []) == expected, (uuid, said[uuid])
            else:
                assert place.disk.kind == "btrfs" or len(found.get(uuid, [])) < 2
        again += sum(1 for uuid in ran if {"waiting", "running"} & set(found.get(uuid, [])))
    figures(f"{cuts} power cuts of {place.disk.kind} under run: "
            f"{again} events had run and will run again")
