"""No event is lost, and none runs twice at once, however `run` and its commands end. Kills at
any moment, and before any system call, are in tests/proof."""

import os
import subprocess
import time

from consuming import TOOL, fill, kill, wait_until

# Holds a lock of its own for as long as anything of the command lives: a second command
# for the same event notes the overlap.
COMMAND = '''exec 9>"$NOTES.lock.$RINGSPOOL_UUID"
flock -n 9 || echo "overlap $RINGSPOOL_UUID" >> "$NOTES"
echo "begin $RINGSPOOL_UUID $$" >> "$NOTES"
sleep 0.0%s
echo "end $RINGSPOOL_UUID" >> "$NOTES"'''


def ended(place):
    return [words[1] for words in place.noted() if words[0] == "end"]


def overlaps(place):
    return [words[1] for words in place.noted() if words[0] == "overlap"]


def test_four_runs_share_the_work_each_event_once(place):
    fill(place.spool, 600)
    processes = [place.start("--once", "-j", 3, script=COMMAND % 1) for _ in range(4)]
    assert [process.wait(120) for process in processes] == [0] * 4
    place.assert_clean()
    assert sorted(ended(place)) == sorted(str(i) for i in range(600))
    assert overlaps(place) == []
    assert place.counts() == {}


def test_a_command_outlives_its_killed_parent_and_keeps_the_event(place):
    """Even where it closed standard input. The next `run` leaves it alone, and tries
    again once the command is gone, with the count of tries."""
    place.deliver("u1")
    script = 'exec < /dev/null; echo "$RINGSPOOL_ATTEMPT $$" >> "$NOTES"; ' \
             'while [ ! -e "$NOTES.go" ]; do sleep 0.01; done'
    process = place.start("--once", script=script)
    wait_until(lambda: place.noted(), "command")
    process.kill()
    process.wait()
    place.run(script=script)
    assert [words[0] for words in place.noted()] == ["1"]
    assert place.counts() == {"running": 1}
    pid = int(place.noted()[0][1])
    (place.directory / "notes.go").touch()
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "end of the command")
    place.run(script=script)
    assert [words[0] for words in place.noted()] == ["1", "2"]
    assert place.counts() == {}
    assert "result=interrupted" in place.logged()


def test_one_file_under_two_names(place):
    """What btrfs may leave of a rename that a power cut met: never at the same time, and
    neither name stays."""
    name = place.deliver("u1")
    (place.spool / "work").mkdir()
    os.link(place.spool / "new" / f"{name}.json", place.spool / "work" / f"{name}.1.json")
    place.run("-j", 2, script=COMMAND % 1)
    assert ended(place) == ["u1", "u1"] and overlaps(place) == []
    assert place.counts() == {}


def test_an_interrupted_last_try_is_tried_again(place):
    """Without --retries a kill does not make an event fail; a failure then does."""
    place.deliver("u1")
    process = place.start("--once", "--retries", 0, script='echo >> "$NOTES"; exec sleep 60')
    wait_until(lambda: place.notes.exists(), "command")
    pid = command_of(process)
    process.kill()
    process.wait()
    kill(pid)
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "end of the command")
    place.run("--retries", 0, script="exit 1")
    [file] = place.files("failed")
    assert file.endswith(".2.exit-1.json")


def command_of(process):
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as children:
        return int(children.read().split()[0])


def test_what_ends_every_run_is_given_up(place):
    """An event whose command never comes to its end must not block the rest for ever."""
    name = place.deliver("u1")
    (place.spool / "work").mkdir()
    (place.spool / "new" / f"{name}.json").rename(place.spool / "work" / f"{name}.12.json")
    place.run("--retries", 0, script='echo >> "$NOTES"')
    assert place.files("failed") == {f"{name}.12.interrupted.json"}
    assert place.noted() == []


def test_hundred_thousand_waiting_events_in_bounded_memory(place, figures):
    """One `run` takes the oldest of 100,000 and ends; its memory is no more than for a
    few events, and a walk takes seconds."""
    fill(place.spool, 100000)
    began = time.monotonic()
    process = subprocess.Popen(
        [TOOL, "run", "--", "sh", "-c", 'echo "$RINGSPOOL_UUID" >> "$NOTES"; '
         'while [ ! -e "$NOTES.go" ]; do sleep 0.01; done'],
        env=place.env, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    wait_until(lambda: place.noted(), "first event")
    seconds = time.monotonic() - began
    with open(f"/proc/{process.pid}/status") as status:
        [peak] = [int(line.split()[1]) for line in status if line.startswith("VmHWM")]
    process.terminate()
    (place.directory / "notes.go").touch()
    assert process.wait(60) == 0
    assert place.noted()[0] == ["0"], "the oldest first"
    figures(f"100,000 waiting: first command after {seconds:.2f} s, {peak} KiB at most")
    if "address" not in str(TOOL):
        assert peak < 24 * 1024
    assert seconds < 30
