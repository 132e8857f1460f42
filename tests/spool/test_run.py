"""`ringspool run`: one command an event, and where the event goes afterwards."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from consuming import RECEIVER, TOOL, Place, notification, wait_until

NOTE = 'echo "$RINGSPOOL_UUID $RINGSPOOL_ATTEMPT" >> "$NOTES"; '


def test_command_gets_the_file_and_its_envelope(place):
    event = "/restapi/v1.0/account/1/extension/2/message-store/instant?type=SMS"
    body = notification("u1", owner="77", event=event)
    name = place.deliver("u1", body)
    place.run(script='cat > "$NOTES.stdin"; env > "$NOTES.env"; cat "$RINGSPOOL_FILE" > "$NOTES.file"')
    assert (place.directory / "notes.stdin").read_bytes() == body
    assert (place.directory / "notes.file").read_bytes() == body
    variables = dict(line.split("=", 1) for line in
                     (place.directory / "notes.env").read_text().splitlines() if "=" in line)
    assert variables["RINGSPOOL_UUID"] == "u1"
    assert variables["RINGSPOOL_EVENT"] == event
    assert variables["RINGSPOOL_SUBSCRIPTION"] == "sub-77"
    assert variables["RINGSPOOL_OWNER"] == "77"
    assert variables["RINGSPOOL_ATTEMPT"] == "1"
    assert variables["RINGSPOOL_FILE"] == f"{place.spool}/work/{name}.1.json"
    assert place.counts() == {}


def test_never_through_a_shell(place):
    place.deliver("u1")
    place.tool("run", "--", "touch", f"{place.directory}/a b;$(echo c)")
    assert (place.directory / "a b;$(echo c)").exists()


def test_oldest_first_by_time_of_receipt(place):
    names = [place.deliver(f"u{i}") for i in range(6)]
    for age, name in enumerate(names):
        moment = time.time() - 100 - 10 * age
        os.utime(place.spool / "new" / f"{name}.json", (moment, moment))
    place.run(script=NOTE)
    assert [words[0] for words in place.noted()] == [f"u{i}" for i in reversed(range(6))]


def test_both_spools_are_drained_in_order_of_receipt(place):
    fallback = place.directory / "fallback"
    place.make(fallback)
    place.env["RINGSPOOL_FALLBACK_SPOOL"] = str(fallback)
    for i in range(6):
        place.deliver(f"u{i}", spool=fallback if i % 2 else place.spool)
    place.run(script=NOTE)
    assert [words[0] for words in place.noted()] == [f"u{i}" for i in range(6)]
    assert place.files("waiting", fallback) == place.files("waiting") == set()


def test_a_missing_fallback_does_not_stop_the_first(place):
    place.env["RINGSPOOL_FALLBACK_SPOOL"] = str(place.directory / "not-mounted")
    place.deliver("u1")
    place.run(script=NOTE)
    assert place.noted() == [["u1", "1"]]
    assert "not-mounted" in place.logged()


def test_retries_grow_and_end_in_failed_with_the_reason(place):
    name = place.deliver("u1")
    delays = []
    for attempt in (1, 2, 3):
        place.run("--retries", 2, "--retry-delay", 100, script=NOTE + "exit 7")
        if attempt < 3:
            [file] = place.files("retrying")
            number, due = re.fullmatch(rf"{name}\.(\d)\.(\d+)\.json", file).groups()
            assert number == str(attempt)
            delays.append(int(due) - time.time())
            place.run("--retries", 2, script=NOTE)
            assert len(place.noted()) == attempt, "tried before its time"
            place.tool("retry", name)
    assert place.noted() == [["u1", "1"], ["u1", "2"], ["u1", "3"]]
    assert place.files("failed") == {f"{name}.3.exit-7.json"}
    assert 70 <= delays[0] <= 126
    assert 220 <= delays[1] <= 376, "three times the first, a quarter more or less"


def test_follow_tries_again_when_the_time_comes(place):
    place.deliver("u1")
    with place.started("--follow", "--retry-delay", 1,
                       script=NOTE + '[ "$RINGSPOOL_ATTEMPT" = 2 ]'):
        wait_until(lambda: place.counts() == {}, "second try")
    assert place.noted() == [["u1", "1"], ["u1", "2"]]


@pytest.mark.parametrize("end, reason", [
    ("exit 100", "exit-100"), ("exit 1", "exit-1"), ("kill -KILL $$", "signal-9")])
def test_reasons_of_failure(place, end, reason):
    """100 fails at once, whatever --retries says; the rest after the last try."""
    name = place.deliver("u1")
    place.run("--retries", 9 if reason == "exit-100" else 0, script=end)
    assert place.files("failed") == {f"{name}.1.{reason}.json"}
    assert f"result=failed name={name} attempt=1 reason={reason}" in place.logged()


def test_time_limit_ends_the_whole_process_group(place):
    """The command ignores SIGTERM, and so does its child: both get SIGKILL."""
    name = place.deliver("u1")
    place.run("--timeout", 1, "--retries", 0,
              script="trap '' TERM; sh -c 'echo $$ >> \"$NOTES\"; while :; do sleep 1; done' & "
                     "echo $$ >> $NOTES; while :; do sleep 1; done")
    assert place.files("failed") == {f"{name}.1.timeout.json"}
    pids = [int(words[0]) for words in place.noted()]
    assert len(pids) == 2
    for pid in pids:
        wait_until(lambda: not is_running(pid), "end of the command")


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_output_goes_to_the_log_with_the_name(place):
    name = place.deliver("u1")
    place.run(script=r"echo one; printf 'tw\033[31mo' >&2; printf '\nlast'")
    assert f"result=output name={name} line=one\n" in place.logged()
    assert f"result=output name={name} line=tw\\x1B[31mo\n" in place.logged()
    assert f"result=output name={name} line=last\n" in place.logged()
    assert "secret text" not in place.logged()


def test_long_and_endless_output_is_cut_into_lines(place):
    place.deliver("u1")
    place.run(script="head -c 100000 /dev/zero | tr '\\0' x")
    lines = re.findall(r"result=output name=\S+ line=(x+)\n", place.logged())
    assert sum(map(len, lines)) == 100000
    assert max(map(len, lines)) < 1024


def test_kept_events_are_forgotten_after_days(place):
    name = place.deliver("u1")
    place.run("--keep", 2, script="true")
    today = time.strftime("%Y-%m-%d", time.gmtime())
    kept = place.spool / "done" / today / f"{name}.json"
    assert kept.exists()
    yesterday, long_ago = (time.strftime("%Y-%m-%d", time.gmtime(time.time() - days * 86400))
                           for days in (1, 4))
    for day in (yesterday, long_ago):
        (place.spool / "done" / day).mkdir()
        (place.spool / "done" / day / "old.json").write_text("{}")
    place.run("--keep", 2, script="true")
    assert sorted(os.listdir(place.spool / "done")) == [yesterday, today]
    assert kept.exists()


def test_without_keep_nothing_of_the_event_stays(place):
    place.deliver("u1")
    place.run(script="true")
    assert not [path for path in place.spool.glob("**/*")
                if path.is_file() and b"secret text" in path.read_bytes()]


def test_event_filter_leaves_the_others_waiting(place):
    place.deliver("u1", event="/restapi/v1.0/account/1/extension/2/voicemail")
    place.deliver("u2")
    place.run("--event", "*/voicemail", script=NOTE)
    assert place.noted() == [["u1", "1"]]
    assert place.counts() == {"waiting": 1}


def test_at_most_j_at_a_time(place):
    for i in range(12):
        place.deliver(f"u{i}")
    place.run("-j", 3, script='echo begin >> "$NOTES"; sleep 0.05; echo end >> "$NOTES"')
    running = most = 0
    for [word] in place.noted():
        running += 1 if word == "begin" else -1
        most = max(most, running)
    assert most == 3


def test_sigterm_lets_commands_finish_and_takes_no_more(place):
    for i in range(5):
        place.deliver(f"u{i}")
    with place.started("--follow", "-j", 2, script=NOTE + 'while [ ! -e "$NOTES.go" ]; do sleep 0.01; done; '
                       'echo "$RINGSPOOL_UUID done" >> "$NOTES"') as process:
        wait_until(lambda: len(place.noted()) == 2, "two commands")
        process.send_signal(signal.SIGTERM)
        (place.directory / "notes.go").touch()
        assert process.wait(30) == 0
    assert place.noted()[2:] in ([["u0", "done"], ["u1", "done"]], [["u1", "done"], ["u0", "done"]])
    assert place.counts() == {"waiting": 3}


def test_follow_takes_what_arrives_while_it_waits(place):
    with place.started("--follow", script=NOTE):
        for i in range(3):
            place.deliver(f"u{i}")
            wait_until(lambda: len(place.noted()) == i + 1, "event", patience=25)


def test_follow_looks_by_itself(place):
    """Where nothing is told (in a user namespace without inotify), after `mv spool
    elsewhere` and a new one, and for a fallback spool that is mounted late, though a
    command runs all the time: within 30 s, waited for together."""
    place.before = ["unshare", "-Ur", "sh", "-c",
                    'echo 0 > /proc/sys/user/max_inotify_instances; exec "$@"', "sh"]
    replaced = Place(place.directory / "replaced")
    late = Place(place.directory / "late")
    fallback = late.directory / "fallback"
    for site in (place, replaced, late):
        site.deliver("u0")
    late.env["RINGSPOOL_FALLBACK_SPOOL"] = str(fallback)
    with place.started("--follow", script=NOTE), replaced.started("--follow", script=NOTE), \
            late.started("--follow", "-j", 2, script=NOTE + '[ $RINGSPOOL_UUID = u1 ] || '
                         'while [ ! -e "$NOTES.go" ]; do sleep 0.01; done') as runs_on:
        for site in (place, replaced, late):
            wait_until(lambda: len(site.noted()) == 1, "first event")
        replaced.spool.rename(replaced.directory / "old")
        for spool in (replaced.spool, fallback):
            replaced.make(spool)
        for site in (place, replaced):
            site.deliver("u1")
        late.deliver("u1", spool=fallback)
        for site in (place, replaced, late):
            wait_until(lambda: len(site.noted()) == 2, "look by itself", patience=90)
        assert seconds_used(runs_on.pid) < 5, "it waits, and does not spin"
        (late.directory / "notes.go").touch()
    assert "result=no-watch" in place.logged()


def seconds_used(pid):
    """Processor time of a running program."""
    with open(f"/proc/{pid}/stat") as stat:
        user, system = stat.read().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def test_a_command_that_cannot_start_uses_up_no_try(place):
    name = place.deliver("u1")
    place.tool("run", "--", "/nonexistent/command", status=69)
    assert place.files("waiting") == {f"{name}.json"}
    assert "No such file" in place.logged()


def test_body_that_is_no_event_reaches_the_command_all_the_same(place):
    place.deliver("u1")
    (place.spool / "new" / "by-hand.json").write_bytes(b"\xff\x00 no json")
    place.run(script='echo "[$RINGSPOOL_UUID]" >> "$NOTES"; wc -c >> "$NOTES"')
    assert ["[]"] in place.noted() and ["10"] in place.noted()


def test_due_time_of_a_wrong_clock_is_not_waited_for(place):
    name = place.deliver("u1")
    (place.spool / "retry").mkdir()
    (place.spool / "new" / f"{name}.json").rename(
        place.spool / "retry" / f"{name}.1.{int(time.time()) + 10 * 365 * 86400}.json")
    place.run(script=NOTE)
    assert place.noted() == [["u1", "2"]]


def test_receiver_and_consumer_are_two_users_of_one_group(place):
    """And nothing else of theirs matters: not the umask, nor who made a directory."""
    receiver, consumer, group = 64100, 64101, 64102
    place.directory.chmod(0o777)
    place.log.touch()
    place.log.chmod(0o666)
    os.chown(place.spool, 0, group)
    place.spool.chmod(0o2770)
    programs = {}
    for program in (TOOL, RECEIVER):    # the build may lie where only root can look
        programs[program] = shutil.copy(program, place.directory)
    body = notification("u1")
    users = {"extra_groups": [], "group": group, "umask": 0o077, "check": True,
             "capture_output": True, "text": True}
    env = place.env | {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(body)),
                       "GATEWAY_INTERFACE": "CGI/1.1"}

    def deliver():
        subprocess.run([programs[RECEIVER]], input=body.decode(), env=env, user=receiver, **users)

    def act(*words, user=consumer):
        return subprocess.run([programs[TOOL], *words], env=place.env, user=user,
                              stdin=subprocess.DEVNULL, **users).stdout
    deliver()
    act("run", "--keep", "1", "--", "grep", "-q", "u1")
    assert place.counts() == {"done": 1}
    assert act("replay", "--all", user=receiver) == "replayed 1 event\n"
    act("run", "--retries", "0", "--", "false")
    assert act("retry", "--all", user=receiver) == "made due 1 event\n"
    act("run", "--", "true")
    assert place.counts() == {}


@pytest.mark.parametrize("words", [
    [], ["-j", "0", "--", "true"], ["--timeout", "soon", "--", "true"],
    ["--serial-by", "colour", "--", "true"], ["--retries", "-1", "--", "true"],
    ["--unknown", "--", "true"]])
def test_usage(place, words):
    place.tool("run", *words, status=64)


@pytest.mark.parametrize("words, complaint", [
    (["run", "-j", "0"], "--jobs needs a number from 1 to 1024: 0"),
    (["run", "--retries", "x"], "--retries needs a number from 0 to 1000: x"),
    (["run", "--keep", "-1"], "--keep needs a number from 0 to 36500: -1"),
    (["run", "--timeout", "soon"], "--timeout needs a duration (a number and s, m, h, d or w): soon"),
    (["run", "--retry-delay", "7h"], "--retry-delay needs 21600 seconds at most: 7h"),
    (["run", "--serial-by", "x"], "--serial-by needs owner, subscription or event: x"),
    (["list", "--since", "x"], "--since needs a time (2026-07-31T12:00) or how long ago (90m, 7d): x"),
    (["hold", "--until", "x"], "--until needs a time (2026-07-31T12:00) or how long ago (90m, 7d): x"),
    (["prune", "--older-than", "x"],
     "--older-than needs a duration (a number and s, m, h, d or w): x")])
def test_complaints_name_the_option(place, words, complaint):
    place.tool(*words, "--", "true", status=64)
    assert f"ringspool {words[0]}: {complaint}\n" in place.logged()


def test_json_of_the_platform_with_odd_types(place):
    place.deliver("x", json.dumps({"uuid": 7, "event": None, "ownerId": ["a"]}).encode())
    place.run(script='echo "[$RINGSPOOL_UUID$RINGSPOOL_EVENT$RINGSPOOL_OWNER]" >> "$NOTES"')
    assert place.noted() == [["[]"]]
