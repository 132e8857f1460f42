"""`ringspool list`, `show`, `raw` and `follow`: looking at events."""

import json
import os
import pty
import select
import signal
import subprocess
import unicodedata
from contextlib import contextmanager

import pytest

from consuming import PATIENCE, STATES, TOOL, fill, wait_until
from looking import (PRESENCE, SMS, SMS_FAMILY, SUBSCRIPTION, TEXT, VOICEMAIL, event,
                     site)  # noqa: F401

# What acts on a terminal, and bytes that are no UTF-8; as a sender can put it into any
# member: raw, or as JSON's escapes.
HOSTILE = ("\x1b]0;title\x07\x1b[2J", "\u009b31m", "\u202eevil", "\u2028", "\x7f", "a\tb\nc")


def hostile_event():
    escaped = json.dumps("".join(HOSTILE))[1:-1]
    raw = "".join(HOSTILE[1:4]).encode() + b"\x9b2J \xff\xfe \xc0\xaf \xed\xa0\x80"
    text = escaped.encode() + raw
    return (b'{"uuid":"h\\u001b[2J' + text + b'","event":"/x/' + text + b'","subscriptionId":"'
            + text + b'","ownerId":"' + text + b'","body":{"' + text + b'":"' + text + b'"}}')


def assert_harmless(output, allowed="\n"):
    """UTF-8, and nothing in it that a terminal would obey."""
    for character in output.decode():
        assert character in allowed or unicodedata.category(character) not in ("Cc", "Cf", "Zl", "Zp"), \
            (hex(ord(character)), output)


# -- list

def test_table_says_name_age_event_subscription_size_and_state(site):
    body = event()
    name = site.put(body, ago=200)
    titles, row = [line.split("  ") for line in site.text("list").splitlines()]
    assert [title.strip() for title in titles if title.strip()] == [
        "NAME", "AGE", "EVENT", "SUBSCRIPTION", "SIZE", "STATE"]
    assert [cell.strip() for cell in row if cell.strip()] == [
        name, "3m", SMS_FAMILY, SUBSCRIPTION, f"{len(body)} B", "waiting"]


def test_nothing_to_list_prints_nothing(site):
    assert site.look("list") == b""


@pytest.mark.parametrize("state", STATES)
def test_by_state(site, state):
    names = {each: site.put(b"no json" if each == "bad" else event(), each) for each in STATES}
    assert site.names("--state", state) == [names[state]]
    assert names[state] in site.text("list", "--state", state)


def test_done_only_on_request(site):
    names = {each: site.put(event(), each) for each in ("waiting", "done")}
    assert site.names() == [names["waiting"]]
    assert sorted(site.names("--all")) == sorted(names.values())


def test_json_has_the_same_keys_for_every_event(site):
    keys = ["name", "state", "received", "age_seconds", "family", "event", "uuid",
            "subscription", "owner", "timestamp", "size", "attempt", "due", "reason", "file"]
    for state in STATES:
        site.put(b"no json" if state == "bad" else event(), state)
    rows = site.rows("--all")
    assert len(rows) == len(STATES)
    for row in rows:
        assert list(row) == keys
        assert os.path.isfile(row["file"])


def test_json_says_what_the_event_says(site):
    body = event(VOICEMAIL, uuid="abc-1")
    site.put(body, "failed", ago=3600)
    [row] = site.rows()
    assert row | {"age_seconds": 0, "received": 0, "name": 0} == {
        "name": 0, "state": "failed", "received": 0, "age_seconds": 0,
        "family": "extension/~/voicemail", "event": VOICEMAIL, "uuid": "abc-1",
        "subscription": SUBSCRIPTION, "owner": "400144455008",
        "timestamp": "2026-11-24T10:00:00.123Z", "size": len(body), "attempt": 3,
        "due": None, "reason": "exit-1",
        "file": f"{site.spool}/failed/{row['name']}.3.exit-1.json"}
    assert 3600 <= row["age_seconds"] < 3600 + PATIENCE


def test_oldest_first_and_only_so_many(site):
    names = [site.put(event(), ago=ago, spool=site.fallback if ago % 200 else site.spool)
             for ago in (100, 500, 300, 400, 200)]
    in_order = [names[i] for i in (1, 3, 2, 4, 0)]
    assert site.names() == in_order
    assert site.names("--oldest", 2) == in_order[:2]


def test_by_event_and_time(site):
    old, young = site.put(event(), ago=7200), site.put(event(VOICEMAIL), ago=60)
    assert site.names("--event", "*voicemail") == [young]
    assert site.names("--since", "1h") == [young]
    assert site.names("--until", "1h") == [old]
    assert site.names("--event", "*voicemail", "--until", "1h") == []


@pytest.mark.parametrize("words", [
    ["--oldest", "0"], ["--oldest", "1x"], ["--state", "gone"], ["--since", "noon"], ["--nix"],
    ["a/../b!"]])
def test_what_makes_no_sense_is_refused(site, words):
    site.look("list", *words, status=64)
    assert site.complaint


def test_hostile_events_are_listed_harmless(site):
    site.deliver(hostile_event())
    (site.spool / "new" / "\x1b[2Jevil.json").write_bytes(b"{}")
    (site.spool / "new" / "directory.json").mkdir()
    (site.spool / "new" / "link.json").symlink_to("/etc/passwd")
    os.mkfifo(site.spool / "new" / "fifo.json")
    table = site.look("list")
    assert_harmless(table)
    assert table.isascii() and len(table.splitlines()) == 2
    lines = site.look("list", "--json")
    assert_harmless(lines)
    [row] = map(json.loads, lines.splitlines())
    assert row["subscription"].startswith("".join(HOSTILE)[:20])     # and yet nothing is lost


def test_reader_that_goes_away_ends_it(site):
    fill(site.spool, 3000)
    with subprocess.Popen([TOOL, "list"], env=site.env, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as listing:
        listing.stdout.readline()
        listing.stdout.close()
        assert listing.wait(PATIENCE) == 74
        assert listing.stderr.read() == b""


# -- show and raw

def test_show_has_envelope_and_body(site):
    name = site.put(event(PRESENCE, uuid="abc-1"), "failed")
    envelope, body = site.text("show", name).split("\n\n")
    fields = dict(line.split(None, 1) for line in envelope.splitlines())
    assert fields["name"] == name and fields["state"] == "failed, exit-1"
    assert fields["attempt"] == "3" and fields["uuid"] == "abc-1"
    assert fields["event"] == PRESENCE and fields["subscription"] == SUBSCRIPTION
    assert json.loads(body)["body"]["subject"] == TEXT
    assert '\n  "body": {\n    "from": {' in body


def test_show_changes_no_number_and_drops_no_key(site):
    site.deliver(b'{"uuid":"1","n":12345678901234567890,"f":1.50,"n":1e2,"a":[],'
                            b'"o":{},"d":[1,[2]],"s":"a \\"b\\\\"}')
    body = site.text("show", site.names()[0]).split("\n\n")[1]
    assert body == ('{\n  "uuid": "1",\n  "n": 12345678901234567890,\n  "f": 1.50,\n  "n": 1e2,\n'
                    '  "a": [],\n  "o": {},\n  "d": [\n    1,\n    [\n      2\n    ]\n  ],\n'
                    '  "s": "a \\"b\\\\"\n}\n')


def test_show_takes_file_names_and_several(site):
    names = [site.put(event()) for _ in range(3)]
    shown = site.text("show", names[0], f"{site.spool}/new/{names[1]}.json")
    assert names[0] in shown and names[1] in shown and names[2] not in shown


def test_unknown_name(site):
    name = site.put(event())
    for subcommand in ("show", "raw"):
        output = site.look(subcommand, name, "nobody", status=66)
        assert TEXT.encode() in output and "nobody" in site.complaint


def test_hostile_contents_are_shown_harmless(site):
    site.deliver(hostile_event())
    site.deliver(b"\x1b[2J no event \x9b\xff\x00 " + "\u009b\u202e".encode())
    for name in site.names():
        assert_harmless(site.look("show", name))
        assert b"2J" in site.look("show", name)


def shown_on_a_terminal(site, *words, env=()):
    """What the tool writes to a terminal."""
    master, slave = pty.openpty()
    with subprocess.Popen([TOOL, *words], env=site.env | {"TERM": "xterm"} | dict(env),
                          stdout=slave, stdin=slave) as shown:
        os.close(slave)
        output = b""
        while True:
            try:
                block = os.read(master, 65536)
            except OSError:     # EIO: the other end is closed
                break
            if not block:
                break
            output += block
        assert shown.wait(PATIENCE) == 0
    os.close(master)
    return output


def test_colours_only_on_a_terminal_that_wants_them(site):
    name = site.put(event())
    assert b"\x1b[" not in site.look("show", name, env={"TERM": "xterm"})
    assert b"\x1b[" in shown_on_a_terminal(site, "show", name)
    assert b"\x1b[" not in shown_on_a_terminal(site, "show", name, env={"NO_COLOR": "1"})
    assert b"\x1b[" not in shown_on_a_terminal(site, "show", name, env={"TERM": "dumb"})


@pytest.mark.parametrize("body", [
    event(), hostile_event(), b"\x00\xff no event \r\n", event(text="x" * 300000)],
    ids=["event", "hostile", "no event", "large"])
def test_raw_is_byte_for_byte(site, body):
    for spool in (site.spool, site.fallback):
        name = site.deliver(body, spool)
        assert site.look("raw", name) == body
        next(spool.glob(f"*/{name}*")).unlink()


# -- follow

@contextmanager
def following(site, *words, prefix=()):
    """`follow` that watches by now; its output is read by line()."""
    with subprocess.Popen([*prefix, TOOL, "follow", *words], env=site.env,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
        if not prefix:
            wait_until(lambda: complains(process) or watches(process.pid) == 2,
                       "watching both spools")
            assert not complains(process), process.stderr.read()
        yield process
        process.terminate()


def complains(process):
    """Whether it ended, or said something on standard error."""
    return select.select([process.stderr], [], [], 0)[0]


def watches(pid):
    """How many directories a process watches."""
    count = 0
    for file in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            with open(f"/proc/{pid}/fdinfo/{file}") as info:
                count += info.read().count("inotify wd:")
        except OSError:
            pass        # closed meanwhile
    return count


def line(process):
    assert select.select([process.stdout], [], [], PATIENCE)[0], "nothing came"
    return process.stdout.readline().decode()


def test_follow_tells_what_comes_into_either_spool(site):
    site.deliver(event())                       # was there before
    with following(site) as process:
        first = site.deliver(event(VOICEMAIL))
        assert line(process).split() == ["NAME", "AGE", "EVENT", "SUBSCRIPTION", "SIZE", "STATE"]
        assert line(process).split()[:3] == [first, "0s", "extension/~/voicemail"]
        second = site.deliver(event(), site.fallback)
        assert line(process).split()[0] == second


def test_follow_as_json_and_by_event(site):
    with following(site, "--json", "--event", "*voicemail") as process:
        site.deliver(event())
        name = site.deliver(event(VOICEMAIL))
        row = json.loads(line(process))
        assert (row["name"], row["state"]) == (name, "waiting")


def test_follow_tells_what_a_consumer_took_at_once(site):
    with following(site, "--json") as process:
        process.send_signal(signal.SIGSTOP)     # so that it surely comes too late
        name = site.deliver(event())
        (site.spool / "new" / f"{name}.json").unlink()
        process.send_signal(signal.SIGCONT)
        row = json.loads(line(process))
        assert (row["name"], row["state"], row["size"]) == (name, "taken", None)


def test_follow_looks_by_itself_where_inotify_fails(site):
    """In a user namespace that allows no inotify at all."""
    before = site.deliver(event())
    script = 'echo 0 > /proc/sys/user/max_inotify_instances; exec "$@"'
    with following(site, "--json", "--look", "1",
                   prefix=["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh"]) as process:
        assert b"inotify" in process.stderr.readline()
        # What comes before its first look is not new to it: one after the other, until
        # one is told.
        while not select.select([process.stdout], [], [], 0.05)[0]:
            site.deliver(event())
        last, told = site.deliver(event()), []
        while last not in told:
            told.append(json.loads(line(process))["name"])
        assert len(told) == len(set(told)) and before not in told


def test_follow_finds_a_spool_that_was_made_anew(site):
    with following(site, "--json", "--look", "1") as process:
        site.spool.rename(site.directory / "old")
        site.make(site.spool)
        name = site.deliver(event())
        assert json.loads(line(process))["name"] == name


def test_follow_ends_when_nobody_reads(site):
    with following(site) as process:
        process.stdout.close()
        assert process.wait(PATIENCE) == 74


def test_follow_is_harmless(site):
    with following(site, "--json") as process:
        site.deliver(hostile_event())
        assert_harmless(line(process).encode())


# -- many

def in_little_memory(site, *words):
    """Its output when it has 16 MB in all, libraries included."""
    limit = "" if "address" in str(TOOL) else "ulimit -v 16000; "
    return subprocess.run(["sh", "-c", limit + 'exec "$@"', "sh", TOOL, *words], env=site.env,
                          stdout=subprocess.PIPE, check=True).stdout


def test_memory_does_not_grow_with_the_spool(site):
    fill(site.spool, 100_000)
    rows = in_little_memory(site, "list", "--json", "--oldest", "20").splitlines()
    assert [json.loads(row)["uuid"] for row in rows] == [str(i) for i in range(20)]
    stats = json.loads(in_little_memory(site, "stats", "--json"))
    assert stats["states"]["waiting"]["events"] == 100_000
