"""hold, release, retry, delete, replay, prune and import."""

import os
import pty
import re
import subprocess
import time

import pytest

from consuming import TOOL, Place, notification, wait_until


def filled(place, count=3):
    return [place.deliver(f"u{i}", event=f"/restapi/v1.0/account/1/kind{i}")
            for i in range(count)]


def fail_all(place):
    place.run("--retries", 0, script="exit 1")


def test_hold_and_release_by_name(place):
    names = filled(place)
    assert place.tool("hold", names[0], f"new/{names[1]}.json") == "held 2 events\n"
    assert place.counts() == {"waiting": 1, "held": 2}
    place.run(script='echo "$RINGSPOOL_UUID" >> "$NOTES"')
    assert place.noted() == [["u2"]]
    assert place.tool("release", names[0]) == "released 1 event\n"
    assert place.counts() == {"waiting": 1, "held": 1}


def test_by_event_and_by_all(place):
    filled(place)
    assert place.tool("hold", "--event", "*/kind1") == "held 1 event\n"
    assert place.tool("hold", "--all") == "held 2 events\n"
    assert place.counts() == {"held": 3}


def test_by_time_of_receipt(place):
    names = filled(place)
    for hours, name in enumerate(names):
        moment = time.time() - 3600 * hours - 60
        os.utime(place.spool / "new" / f"{name}.json", (moment, moment))
    assert place.tool("hold", "--since", "30m") == "held 1 event\n"
    assert place.tool("hold", "--until", "90m") == "held 1 event\n"
    assert place.files("held") == {f"{names[0]}.json", f"{names[2]}.json"}
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 86400))
    assert place.tool("hold", "--since", day, "--all") == "held 0 events\n"
    place.tool("hold", "--since", "yesterday", status=64)


@pytest.mark.parametrize("command", ["hold", "release", "retry", "delete", "replay"])
def test_nothing_said_is_not_everything(place, command):
    filled(place)
    place.tool(command, status=64)
    assert place.counts() == {"waiting": 3}


def test_a_state_that_a_command_does_not_act_on(place):
    filled(place)
    place.tool("release", "--state", "waiting", "--all", status=64)
    place.tool("hold", "--state", "sleeping", "--all", status=64)


def test_unknown_name(place):
    names = filled(place)
    place.tool("hold", "nobody-0000000000000000", names[0], status=66)
    assert place.counts() == {"waiting": 2, "held": 1}
    assert "nobody-0000000000000000" in place.logged()


def test_dry_run_names_and_counts_and_does_nothing(place):
    names = filled(place)
    for command in ("hold", "delete"):
        lines = place.tool(command, "--all", "--dry-run").splitlines()
        assert sorted(lines[:-1]) == sorted(names)
        assert lines[-1].endswith(" 3 events")
    assert place.counts() == {"waiting": 3}


def test_retry_makes_due_and_lets_failed_begin_anew(place):
    names = filled(place, 2)
    place.run("--event", "*kind0", "--retries", 0, script="exit 1")
    place.run("--retry-delay", "5h", script="exit 1")
    assert place.counts() == {"retrying": 1, "failed": 1}
    assert place.tool("retry", "--all") == "made due 2 events\n"
    place.run(script='echo "$RINGSPOOL_UUID $RINGSPOOL_ATTEMPT" >> "$NOTES"')
    assert place.noted() == [["u0", "1"], ["u1", "2"]]
    assert names and place.counts() == {}


def test_replay_of_done_failed_and_bad(place):
    """Though the receiver remembers them: the very bytes run again."""
    body = b"{not json"
    place.deliver("u0")
    place.run("--keep", 1, script="true")
    place.deliver("u1")
    fail_all(place)
    (place.spool / "bad" / ("proven-" + 64 * "0")).write_bytes(body)
    assert place.counts() == {"failed": 1, "done": 1, "bad": 1}
    assert place.tool("replay", "--all") == "replayed 3 events\n"
    assert place.counts() == {"waiting": 3}
    place.run(script='echo "[$RINGSPOOL_UUID]" >> "$NOTES"; [ "$RINGSPOOL_UUID" ] || cat > "$NOTES.bad"')
    assert sorted(place.noted()) == [["[]"], ["[u0]"], ["[u1]"]]
    assert (place.directory / "notes.bad").read_bytes() == body


def test_replay_beside_a_waiting_event_of_the_same_name(place):
    name = place.deliver("u0")
    fail_all(place)
    (place.spool / "new" / f"{name}.json").write_text("{}")
    place.tool("replay", "--all", status=75)
    assert place.counts() == {"waiting": 1, "failed": 1}
    assert (place.spool / "new" / f"{name}.json").read_text() == "{}"


def test_two_of_a_name_fail_side_by_side(place):
    """Neither replaces the other."""
    name = place.deliver("u0")
    fail_all(place)
    (place.spool / "new" / f"{name}.json").write_text('{"second":1}')
    fail_all(place)
    assert place.files("failed") == {f"{name}.1.exit-1.json", f"{name}.1.exit-1.c2.json"}
    assert place.tool("delete", name, "--yes") == "deleted 2 events\n"


def test_what_runs_is_left_alone(place):
    place.deliver("u0")
    with place.started(script='echo >> "$NOTES"; while [ ! -e "$NOTES.go" ]; do sleep 0.01; done'):
        wait_until(place.noted, "command")
        place.tool("delete", "--all", "--yes", status=75)
        assert place.counts() == {"running": 1}
        (place.directory / "notes.go").touch()


def test_delete_wants_yes_without_a_terminal(place):
    filled(place)
    place.tool("delete", "--all", status=64)
    assert place.counts() == {"waiting": 3}
    assert place.tool("delete", "--all", "--yes") == "deleted 3 events\n"
    assert place.counts() == {}


@pytest.mark.parametrize("answer, left", [(b"n\n", 3), (b"\n", 3), (b"y\n", 0)])
def test_delete_asks_on_a_terminal(place, answer, left):
    filled(place)
    ours, theirs = pty.openpty()
    process = subprocess.Popen([TOOL, "delete", "--all"], env=place.env, stdin=theirs,
                               stdout=theirs, stderr=theirs)
    os.close(theirs)
    text = b""
    while b"[y/N]" not in text:
        text += os.read(ours, 1000)
    assert b"delete 3 events for good?" in text
    os.write(ours, answer)
    assert process.wait(30) == (77 if left else 0)
    os.close(ours)
    assert place.counts() == ({"waiting": left} if left else {})


def test_prune_by_age_in_the_state(place):
    """What came into its state just now is young, however old its event."""
    name = place.deliver("u0")
    moment = time.time() - 90 * 86400
    os.utime(place.spool / "new" / f"{name}.json", (moment, moment))
    place.run("--keep", 100, script="true")
    assert place.tool("prune", "--older-than", "30d", "--yes") == "pruned 0 events\n"
    assert place.tool("prune", "--older-than", "0s", "--state", "failed", "--yes") == "pruned 0 events\n"
    wait_until(lambda: place.tool("prune", "--older-than", "1s", "--yes") == "pruned 1 event\n",
               "an age of a second")     # ctime cannot be set
    assert list((place.spool / "done").iterdir()) != [], "today's directory stays"
    place.tool("prune", "--all", "--yes", status=64)


def test_import_is_the_receiver(place):
    bodies = [notification(f"u{i}") for i in range(2)]
    files = []
    for i, body in enumerate([*bodies, b"no event"]):
        files.append(place.directory / f"file{i}")
        files[-1].write_bytes(body)
    assert place.tool("import", "--dry-run", *files[:2]).endswith("would have imported 2 events, 0 known already\n")
    assert place.counts() == {}
    assert place.tool("import", *files, status=65) == "imported 2 events, 0 known already\n"
    twin = Place(place.directory / "twin")
    assert place.files("waiting") == {f"{twin.deliver(f'u{i}')}.json" for i in range(2)}
    assert place.tool("import", files[0]) == "imported 0 events, 1 known already\n"
    place.tool("import", place.directory / "missing", status=66)


def test_moving_a_spool_between_machines(place):
    filled(place)
    there = Place(place.directory / "there")
    there.tool("import", *sorted((place.spool / "new").iterdir()))
    assert there.files("waiting") == place.files("waiting")


def test_usage_and_version(place):
    place.tool(status=64)
    place.tool("conjure", status=64)
    assert re.match(r"ringspool \d", place.tool("-V"))
    for command in ("run", "hold", "prune", "import"):
        assert place.tool(command, "--help").startswith(f"usage: ringspool {command}")


def test_missing_spool(place):
    place.env["RINGSPOOL_SPOOL"] = str(place.directory / "none")
    for words in (["hold", "--all"], ["run", "--", "true"]):
        place.tool(*words, status=69)
    assert "install -d" in place.logged()
