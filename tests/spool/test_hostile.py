"""What somebody who may write to new/ can plant there harms nothing."""

import os
import re
import signal
import socket
from pathlib import Path

import pytest

from consuming import PATIENCE, notification, wait_until

NOTE = 'echo "[$RINGSPOOL_UUID]" >> "$NOTES"'


def plant(place):
    """Everything but a regular file with an event's name."""
    new = place.spool / "new"
    secret = place.directory / "secret.json"
    secret.write_bytes(notification("secret"))
    (new / "link.json").symlink_to(secret)
    (new / "dangling.json").symlink_to("nowhere")
    (new / "directory.json").mkdir()
    os.mkfifo(new / "fifo.json")
    with socket.socket(socket.AF_UNIX) as planted:
        planted.bind(str(new / "socket.json"))
    os.mknod(new / "zero.json", 0o20666, os.makedev(1, 5))
    for name in (b"\xff\xfe.json", b"new\nline.json", b"esc\x1b[2J.json", b"-rf.json",
                 b"$(touch pwned).json", b"sp ace.json", b".hidden.json", b"no-suffix",
                 b"a" * 200 + b".json", b"dots.in.name.json"):
        with open(os.fsencode(new) + b"/" + name, "wb") as file:
            file.write(notification("planted"))
    return {path.name for path in new.iterdir()}


@pytest.mark.parametrize("words", [[], ["--serial-by", "owner"]])
def test_planted_names_are_not_taken(place, words):
    place.deliver("u1")
    (place.spool / "new" / next(iter(place.files("waiting")))).rename(place.directory / "mine.json")
    planted = plant(place)
    (place.directory / "mine.json").rename(place.spool / "new" / "mine.json")
    place.run(*words, script=NOTE)
    assert place.noted() == [["[u1]"]]
    assert {path.name for path in (place.spool / "new").iterdir()} == planted
    for command in (["hold", "--all"], ["delete", "--all", "--yes"]):
        assert " 0 events" in place.tool(*command)
    assert {path.name for path in (place.spool / "new").iterdir()} == planted
    assert (place.directory / "secret.json").exists()


def test_a_fifo_in_work_or_retry_hangs_nobody(place):
    place.deliver("u1")
    for directory, name in (("work", "f.1.json"), ("retry", "f.1.1.json")):
        (place.spool / directory).mkdir()
        os.mkfifo(place.spool / directory / name)
        (place.spool / directory / ("l" + name[1:])).symlink_to("/etc/passwd")
    place.run("--serial-by", "owner", script=NOTE)
    assert place.noted() == [["[u1]"]]


@pytest.mark.parametrize("directory", ["work", "retry", "failed"])
def test_a_link_in_the_place_of_a_directory_is_refused(place, directory):
    """And the event waits on."""
    name = place.deliver("u1")
    elsewhere = place.directory / "elsewhere"
    elsewhere.mkdir()
    (place.spool / directory).symlink_to(elsewhere)
    place.run("--retries", 0, script="exit 1", status=74 if directory == "failed" else 69)
    assert list(elsewhere.iterdir()) == []
    assert [path.name.split(".")[0] for path in place.spool.glob("*/*.json")] == [name]
    assert "a link here is refused" in place.logged() or "Not a directory" in place.logged() \
        or "Too many levels" in place.logged()


@pytest.mark.parametrize("value", ["a\nb", "a\x1b[31mb", "=x", "$(id)", "\u202e", "x" * 5000])
def test_hostile_members_reach_the_command_as_they_are(place, value):
    """In the environment they are data: whole, but for what is cut at 127 bytes."""
    body = notification("u1", owner=value)
    place.deliver("u1", body)
    place.run(script='printf %s "$RINGSPOOL_OWNER" > "$NOTES"')
    assert place.notes.read_text() == value[:127]
    assert "\x1b" not in place.logged()


def test_deep_costly_and_huge_bodies(place):
    """They are no events, cost bounded memory, and reach the command as files all the
    same."""
    new = place.spool / "new"
    place.deliver("u1")
    (new / "deep.json").write_bytes(b"[" * 1000000)
    (new / "zeros.json").write_bytes(b"[" + b"0," * 4000000 + b"0]")
    with open(new / "sparse.json", "wb") as sparse:
        sparse.truncate(1 << 30)
    process = place.start("-j", 2, script=NOTE)
    _, process.returncode, usage = os.wait4(process.pid, 0)
    place.assert_clean()
    assert process.returncode == 0
    assert usage.ru_maxrss < 400 << 10, "KiB"
    assert sorted(place.noted()) == [["[]"]] * 3 + [["[u1]"]]


WAYS = [[], ["--event", "*presence"], ["--serial-by", "owner"]]


def assert_passed_over(place, name, file, reason):
    """What the log says of it names event and file."""
    assert re.search(f"result=passed-over name={name} file={file} reason=.*{reason}.*"
                     "note=.*readable", place.logged())


@pytest.mark.parametrize("directory", ["new", "retry"])
@pytest.mark.parametrize("words", WAYS)
def test_unreadable_file_stops_nobody_else(place, words, directory):
    """Root reads everything: an immutable user in the spool's stead."""
    name = place.deliver("u1")
    place.deliver("u2")
    file = place.spool / directory / f"{name}.json"
    file.parent.mkdir(exist_ok=True)
    (place.spool / "new" / file.name).rename(file)
    file.chmod(0o600)
    for path in [place.directory, *place.directory.glob("**/*")]:
        os.chown(path, 64101, 64101)
    os.chown(file, 0, 0)
    place.run(*words, script=NOTE, user=64101, group=64101, extra_groups=[], status=74)
    assert place.noted() == [["[u2]"]]
    assert_passed_over(place, name, f"{directory}/{name}.json", "Permission denied")
    os.chown(file, 64101, 64101)
    place.run(*words, script=NOTE, user=64101, group=64101, extra_groups=[])
    assert place.noted() == [["[u2]"], ["[u1]"]] and place.counts() == {}


@pytest.mark.parametrize("words", WAYS)
def test_file_that_the_disk_does_not_give_back_stops_nobody_else(place, words):
    name = place.deliver("u1")
    place.deliver("u2")
    place.env["ASAN_OPTIONS"] = "detect_leaks=0"    # it cannot be traced
    place.before = ["strace", "-o", "/dev/null", "-P", place.spool / "new" / f"{name}.json",
                    "-e", "trace=pread64", "-e", "inject=pread64:error=EIO"]
    assert place.start(*words, script=NOTE).wait(PATIENCE) == 74
    assert place.noted() == [["[u2]"]] and place.files("waiting") == {f"{name}.json"}
    assert_passed_over(place, name, f"new/{name}.json", "Input/output error")
    place.run(*words, script=NOTE)
    assert place.noted() == [["[u2]"], ["[u1]"]] and place.counts() == {}


@pytest.mark.parametrize("words", WAYS)
def test_follow_goes_on_beside_an_unreadable_file(place, words):
    """It is no failure of `run`, which ends well in the end."""
    name = place.deliver("u1")
    place.env["ASAN_OPTIONS"] = "detect_leaks=0"
    place.before = ["strace", "-o", "/dev/null", "-P", place.spool / "new" / f"{name}.json",
                    "-e", "trace=pread64", "-e", "inject=pread64:error=EIO"]
    process = place.start("--follow", *words, script=NOTE)
    try:
        wait_until(lambda: "passed-over" in place.logged(), "complaint")
        for uuid in ("u2", "u3"):
            place.deliver(uuid)
            wait_until(lambda: [f"[{uuid}]"] in place.noted(), uuid, patience=20)
    finally:
        [run] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(run), signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    assert place.files("waiting") == {f"{name}.json"}
