"""--serial-by: order within a key, at the same time for different keys."""

import os
import time

import pytest

from consuming import fill, kill, notification, wait_until

NOTE = 'echo "$RINGSPOOL_OWNER $RINGSPOOL_UUID" >> "$NOTES"; '
PAIR = 'echo "begin $RINGSPOOL_OWNER $RINGSPOOL_UUID" >> "$NOTES"; sleep 0.01; ' \
       'echo "end $RINGSPOOL_OWNER $RINGSPOOL_UUID" >> "$NOTES"'


def by_owner(place):
    order = {}
    for begin, owner, uuid in place.noted():
        order.setdefault(owner, []).append((begin, int(uuid)))
    return order


def test_order_within_an_owner_over_four_runs(place):
    """A third of the events fails once, and comes between two others again."""
    fill(place.spool, 300, owners=5)
    script = PAIR + '; [ $((RINGSPOOL_UUID % 3)) != 0 ] || [ $RINGSPOOL_ATTEMPT != 1 ]'
    words = ("-j", 4, "--serial-by", "owner", "--retry-delay", 0)
    processes = [place.start(*words, script=script) for _ in range(4)]
    assert [process.wait(120) for process in processes] == [0] * 4

    def drained():
        place.run(*words, script=script)    # what was blocked at their end
        return place.counts() == {}
    wait_until(drained, "all events done")
    for owner, notes in by_owner(place).items():
        expected = [(word, uuid) for uuid in range(int(owner), 300, 5)
                    for _ in range(1 if uuid % 3 else 2) for word in ("begin", "end")]
        assert notes == expected, owner


def test_different_keys_run_at_the_same_time(place):
    """Each waits for the other to begin."""
    fill(place.spool, 2, owners=2)
    place.run("-j", 2, "--serial-by", "owner", script=NOTE +
              'until [ "$(wc -l < "$NOTES")" = 2 ]; do sleep 0.01; done')
    assert place.counts() == {}


@pytest.mark.parametrize("key, blocked", [("owner", True), ("subscription", True),
                                          ("event", True)])
def test_a_failing_event_holds_back_its_key_alone(place, key, blocked):
    fill(place.spool, 4, owners=2)          # 0 and 2 are owner 0's, 1 and 3 owner 1's
    if key == "event":
        for i in (1, 3):
            change_event(place, i, "voicemail")
    place.run("--serial-by", key, script=NOTE + '[ "$RINGSPOOL_UUID" != 0 ]')
    assert place.noted() == [["0", "0"], ["1", "1"], ["1", "3"]]
    assert place.counts() == {"waiting": 1, "retrying": 1}
    place.tool("retry", "--all")
    place.run("--serial-by", key, script=NOTE)
    assert place.noted()[3:] == [["0", "0"], ["0", "2"]]
    assert place.counts() == {}


BLOCKED = 16384 + 100   # more than the queue holds at a time


def test_a_long_row_behind_a_failed_event_holds_back_no_other_key(place):
    """Neither what is there from the beginning, nor what comes later; and when the one is
    done, all of the row is, in order."""
    fill(place.spool, BLOCKED)
    write(place, "other", owner="other")
    place.run("--serial-by", "owner", script=NOTE + '[ "$RINGSPOOL_OWNER" = other ]')
    assert place.noted() == [["0", "0"], ["other", "other"]]
    assert place.counts() == {"waiting": BLOCKED - 1, "retrying": 1}
    with place.started("--follow", "-j", 2, "--serial-by", "owner", script=NOTE):
        write(place, "later", owner="later")
        wait_until(lambda: len(place.noted()) == 3, "later", patience=25)
    place.notes.unlink()
    place.tool("retry", "--all")
    with place.started("--follow", "-j", 2, "--serial-by", "owner", script=NOTE):
        wait_until(lambda: len(place.noted()) >= 500, "the first of the row", patience=25)
    uuids = [int(uuid) for _, uuid in place.noted()]
    assert uuids == list(range(len(uuids)))


def test_after_its_last_try_the_next_of_the_key_goes_on(place):
    fill(place.spool, 2)
    place.run("--serial-by", "owner", "--retries", 0,
              script=NOTE + '[ "$RINGSPOOL_UUID" != 0 ]')
    assert place.noted() == [["0", "0"], ["0", "1"]]
    assert place.counts() == {"failed": 1}


def test_an_interrupted_event_is_not_overtaken(place):
    """`run` and command are killed; the next `run` begins with the event that was theirs."""
    fill(place.spool, 3)
    process = place.start("--serial-by", "owner", script='echo $$ >> "$NOTES"; exec sleep 60')
    wait_until(lambda: place.noted(), "command")
    process.kill()
    process.wait()
    pid = int(place.noted()[0][0])
    kill(pid)
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "end of the command")
    place.notes.unlink()
    place.run("--serial-by", "owner", script=NOTE)
    assert place.noted() == [["0", "0"], ["0", "1"], ["0", "2"]]


def test_a_living_command_of_a_killed_run_keeps_its_key(place):
    fill(place.spool, 2)
    process = place.start("--serial-by", "owner", script=NOTE +
                          'while [ ! -e "$NOTES.go" ]; do sleep 0.01; done; echo over >> "$NOTES"')
    wait_until(lambda: place.noted(), "command")
    process.kill()
    process.wait()
    place.run("--serial-by", "owner", script=NOTE)
    assert place.noted() == [["0", "0"]]
    (place.directory / "notes.go").touch()
    wait_until(lambda: ["over"] in place.noted(), "end of the command")

    def drained():
        place.run("--serial-by", "owner", script=NOTE)
        return place.counts() == {}
    wait_until(drained, "all events done")
    assert place.noted()[2:] == [["0", "0"], ["0", "1"]]


def test_one_of_a_key_at_a_time_also_when_the_first_spool_comes_back(place):
    """The lock of the event that runs is in the spool that was the first one until then."""
    fallback, away = place.directory / "fallback", place.directory / "away"
    place.make(fallback)
    place.env["RINGSPOOL_FALLBACK_SPOOL"] = str(fallback)
    fill(place.spool, 1)        # of the same owner, and older than
    fill(fallback, 1)
    old = place.spool / "new" / f"0-{0:016x}.json"
    old.rename(old.with_name("old.json"))
    os.utime(old.with_name("old.json"), (1e9, 1e9))
    place.spool.rename(away)
    with place.started("--serial-by", "owner", script=NOTE + WAIT):
        wait_until(lambda: place.noted(), "command")
        away.rename(place.spool)
        place.run("--serial-by", "owner", script=NOTE)
        assert place.noted() == [["0", "0"]]
        (place.directory / "notes.go").touch()
    place.run("--serial-by", "owner", script=NOTE)
    assert place.noted() == [["0", "0"], ["0", "0"]]


def write(place, uuid, owner):
    """One more waiting event, the youngest, whole from the moment it appears."""
    file = place.directory / "event"
    file.write_bytes(notification(uuid, owner))
    file.rename(place.spool / "new" / f"{uuid}.json")


def change_event(place, number, event):
    """Another `event` for one of those that fill() made."""
    path = place.spool / "new" / f"{number}-{number:016x}.json"
    status = path.stat()
    path.write_text(path.read_text().replace("presence", event))
    os.utime(path, (status.st_mtime, status.st_mtime))


WAIT = 'while [ ! -e "$NOTES.go" ]; do sleep 0.01; done'


def test_follow_goes_on_with_a_key_that_another_run_frees(place):
    """Soon, although what leaves work/ tells of it before the key is free: in between
    the disk is waited for."""
    fill(place.spool, 2)
    change_event(place, 1, "voicemail")
    place.env["ASAN_OPTIONS"] = "detect_leaks=0"    # it cannot be traced
    place.before = ["strace", "-o", "/dev/null", "-e", "trace=fsync",
                    "-e", "inject=fsync:delay_enter=1s"]
    with place.started("--serial-by", "owner", "--event", "*presence", script=NOTE + WAIT):
        wait_until(lambda: place.noted(), "first command")
        place.before = []
        with place.started("--follow", "--serial-by", "owner", "--event", "*voicemail",
                           script=NOTE):
            time.sleep(0.3)     # it must do nothing: there is no condition to wait for
            assert place.noted() == [["0", "0"]]
            (place.directory / "notes.go").touch()
            wait_until(lambda: len(place.noted()) == 2, "second event", patience=25)
    assert place.counts() == {}


def test_an_event_that_is_interrupted_beside_us_is_not_overtaken(place):
    """A `run` that goes on finds that another, and its command, were killed meanwhile."""
    fill(place.spool, 3)
    change_event(place, 2, "voicemail")
    first = place.start("--serial-by", "owner", script='echo $$ >> "$NOTES"; exec sleep 60')
    wait_until(lambda: place.noted(), "command")
    pid = int(place.noted()[0][0])
    with place.started("--follow", "--serial-by", "owner", script=NOTE):
        time.sleep(0.3)     # it must do nothing
        first.kill()
        first.wait()
        kill(pid)
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "end of the command")
        (place.spool / "new" / "wake-up.json").write_text("{}")
        wait_until(lambda: len(place.noted()) == 5, "all events", patience=25)
    assert [words for words in place.noted() if len(words) == 2] == [["0", "0"], ["0", "1"], ["0", "2"]]


def test_events_without_the_member_wait_for_nobody(place):
    for i in range(2):
        place.deliver(f"u{i}", b'{"uuid":"u%d"}' % i)
    place.run("-j", 2, "--serial-by", "owner", script='echo begin >> "$NOTES"; '
              'until [ "$(wc -l < "$NOTES")" = 2 ]; do sleep 0.01; done')
    assert place.counts() == {}
