"""What somebody who may write to new/ can plant there harms nothing."""

import os
import socket

import pytest

from consuming import notification

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


def test_unreadable_file_stops_nobody_else(place):
    """Root reads everything: an immutable user in the spool's stead."""
    name = place.deliver("u1")
    other = place.deliver("u2")
    (place.spool / "new" / f"{name}.json").chmod(0)
    for path in [place.directory, *place.directory.glob("**/*")]:
        os.chown(path, 64101, 64101)
    os.chown(place.spool / "new" / f"{name}.json", 0, 0)
    place.run(script=NOTE, user=64101, group=64101, extra_groups=[])
    assert place.noted() == [["[u2]"]]
    assert place.files("waiting") == {f"{name}.json"} and other
