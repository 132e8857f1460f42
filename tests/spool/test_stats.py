"""`ringspool stats`: how much there is, for people, programs and Prometheus."""

import json
import os
import re
import stat
import subprocess

import pytest

from consuming import STATES, TOOL
from looking import PRESENCE, SMS, SMS_FAMILY, VOICEMAIL, event, site, subscription  # noqa: F401

METRICS = {"ringspool_spool_events", "ringspool_spool_bytes", "ringspool_spool_strange",
           "ringspool_oldest_event_age_seconds",
           "ringspool_subscription_expiry_timestamp_seconds", "ringspool_subscription_active",
           "ringspool_renew_last_success_timestamp_seconds"}


def stats(site, *words):
    return json.loads(site.text("stats", "--json", *words))


def samples(text):
    """Prometheus' text format, read strictly: each series once, each metric with HELP and
    TYPE before it, and its series together."""
    found, announced = {}, []
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            announced.append(line.split()[2])
            assert announced.count(announced[-1]) == 1
        elif line.startswith("# TYPE "):
            assert line.split()[2:] == [announced[-1], "gauge"]
        else:
            name, labels, value = re.fullmatch(
                r'([a-z_]+)(\{[a-z]+="(?:[^"\\\n]|\\[\\"n])*"\})? (-?\d+)', line).groups()
            assert name == announced[-1]
            assert (name, labels) not in found
            found[name, labels] = int(value)
    return found


# -- counting

def test_per_state_and_kind_of_event(site):
    body, spoken = event(), event(VOICEMAIL)
    for state in STATES:
        if state != "bad":
            site.put(event(uuid="abc", subscription=state), state, ago=500)
    site.put(body, "failed", ago=7000)
    site.put(spoken, "failed", ago=100, spool=site.fallback)
    site.put(b"no json", "bad")
    states = stats(site)["states"]
    assert list(states) == list(STATES)
    assert {state: states[state]["events"] for state in STATES} == dict.fromkeys(STATES, 1) | {"failed": 3}
    failed = states["failed"]
    assert 7000 <= failed["oldest_age_seconds"] < 7100
    assert [(family["event"], family["events"]) for family in failed["families"]] == [
        (SMS_FAMILY, 2), ("extension/~/voicemail", 1)]
    assert failed["families"][1]["bytes"] == len(spoken)
    assert failed["arrivals"] == {"minute": 0, "hour": 2, "day": 3}
    assert states["waiting"]["bytes"] == len(event(uuid="abc", subscription="waiting"))


def test_table_says_the_same(site):
    for ago in (10, 300):
        site.put(event(), ago=ago)
    rows = [re.split(r"\s{2,}", row.strip()) for row in site.text("stats").splitlines()]
    assert rows[0] == ["STATE", "EVENT", "EVENTS", "SIZE", "OLDEST", "LAST 1m", "LAST 1h", "LAST 1d"]
    size = f"{2 * len(event(uuid='x' * 36))} B"
    assert rows[1] == ["waiting", "2", size, "5m", "1", "2", "2"]
    assert rows[2] == [SMS_FAMILY, "2", size, "5m", "1", "2", "2"]


def test_ids_do_not_make_kinds_of_their_own(site):
    for number in range(3):
        site.put(event(f"/restapi/v1.0/account/4001002{number}/extension/+1650555010{number}/presence"))
    [family] = stats(site)["states"]["waiting"]["families"]
    assert (family["event"], family["events"]) == ("extension/~/presence", 3)


def test_kinds_are_bounded(site):
    for number in range(80):
        site.put(event("/kind/" + "abcdefghij"[number // 10] + "abcdefghij"[number % 10]))
    families = stats(site)["states"]["waiting"]["families"]
    assert len(families) == 65
    assert {family["event"]: family["events"] for family in families}["(other)"] == 16
    assert sum(family["events"] for family in families) == 80


def test_consumed_events_count_as_arrivals(site):
    for ago in (0, 600, 7200, 100_000):
        name = site.put(event())
        site.age_mark(name, ago)
        (site.spool / "new" / f"{name}.json").unlink()
    (site.fallback / "new" / (site.put(event(), spool=site.fallback) + ".json")).unlink()
    assert stats(site)["arrivals"] == {"minute": 2, "hour": 3, "day": 4}
    assert stats(site)["states"]["waiting"]["events"] == 0


def test_clock_that_was_set_back(site):
    """What is of the future is neither of the last minute nor of a negative age."""
    name = site.put(event(), ago=-3600)
    site.age_mark(name, -3600)
    counted = stats(site)
    assert counted["states"]["waiting"]["oldest_age_seconds"] == 0
    assert counted["arrivals"] == counted["states"]["waiting"]["arrivals"] == {
        "minute": 0, "hour": 0, "day": 0}


def test_quick_reads_no_event(site):
    site.put(event())
    assert "families" not in stats(site, "--quick")["states"]["waiting"]
    assert stats(site, "--quick")["states"]["waiting"]["events"] == 1


def test_one_spool_of_two_is_told_and_is_no_success(site):
    site.fallback.rmdir()
    site.put(event())
    counted = json.loads(site.look("stats", "--json", status=69))
    assert counted["states"]["waiting"]["events"] == 1
    assert str(site.fallback) in site.complaint


@pytest.mark.parametrize("words", [["-o", "x"], ["--json", "--prometheus"], ["operand"], ["--nix"]])
def test_what_makes_no_sense_is_refused(site, words):
    site.look("stats", *words, status=64)


# -- Prometheus

def test_metrics_have_the_documented_names(site):
    site.status(subscription())
    found = samples(site.text("stats", "--prometheus"))
    assert {name for name, _ in found} == METRICS
    for metric in ("ringspool_spool_events", "ringspool_spool_bytes"):
        assert {labels for name, labels in found if name == metric} == {
            f'{{state="{state}"}}' for state in STATES}


def test_metrics_have_the_values(site):
    site.put(event(), ago=100)
    site.put(event(), "retrying", ago=900)
    site.put(event(), "held", ago=9000)
    body = event(PRESENCE)
    site.put(body, "done")
    site.status(subscription(expires_at="2026-12-01T10:00:00Z"),
                subscription("faxes", "Blacklisted", ends=None),
                last_good_run="2026-11-24T10:00:00Z")
    found = samples(site.text("stats", "--prometheus"))
    assert found["ringspool_spool_events", '{state="waiting"}'] == 1
    assert found["ringspool_spool_bytes", '{state="done"}'] == len(body)
    assert 900 <= found["ringspool_oldest_event_age_seconds", None] < 1000
    assert found["ringspool_subscription_active", '{name="inbound"}'] == 1
    assert found["ringspool_subscription_active", '{name="faxes"}'] == 0
    assert found["ringspool_subscription_expiry_timestamp_seconds", '{name="inbound"}'] == 1796119200
    assert ("ringspool_subscription_expiry_timestamp_seconds", '{name="faxes"}') not in found
    assert found["ringspool_renew_last_success_timestamp_seconds", None] == 1795514400


def test_nothing_is_said_of_subscriptions_that_nobody_declared(site):
    found = samples(site.text("stats", "--prometheus"))
    assert {name for name, _ in found} == {metric for metric in METRICS if "sub" not in metric
                                           and "renew" not in metric}
    site.configure("[subscription inbound]\naddress = https://hooks.example.com/\n")
    found = samples(site.text("stats", "--prometheus"))
    assert found["ringspool_renew_last_success_timestamp_seconds", None] == 0


def test_label_values_are_escaped(site):
    names = ['a"b\\c\nd', "\x1b[2J", "Grüße", "twice", "twice"]
    site.status(*(subscription(name) for name in names))
    text = site.text("stats", "--prometheus")
    active = {labels for name, labels in samples(text) if name == "ringspool_subscription_active"}
    assert active == {'{name="a\\"b\\\\c\\nd"}', '{name="?[2J"}', '{name="Grüße"}', '{name="twice"}'}
    site.write_status(json.dumps({"version": 1, "subscriptions": [{"name": "X"}]}).encode().replace(
        b"X", b"\xff\xfe"))
    samples(site.text("stats", "--prometheus"))      # is UTF-8


def test_file_is_replaced_whole_and_readable_by_everybody(site):
    file = site.directory / "ringspool.prom"
    file.write_text("old")
    before = os.stat(file).st_ino
    site.look("stats", "--prometheus", "-o", file)
    assert samples(file.read_text())
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o644
    assert os.stat(file).st_ino != before               # not written in place
    assert [path.name for path in site.directory.glob("*.prom*")] == ["ringspool.prom"]


@pytest.mark.parametrize("trouble", ["full", "spool", "status"])
def test_old_file_stays_where_there_is_trouble(site, trouble):
    """A collector is told by the file's age."""
    file = site.directory / "metrics" / "ringspool.prom"
    file.parent.mkdir()
    file.write_text("old")
    if trouble == "full":
        script = 'ulimit -f 0; trap "" XFSZ; exec "$@"'
        done = subprocess.run(["sh", "-c", script, "sh", TOOL, "stats", "--prometheus", "-o", file],
                              env=site.env, capture_output=True)
        assert done.returncode == 74 and b"too large" in done.stderr
    elif trouble == "spool":
        site.fallback.rmdir()
        site.look("stats", "--prometheus", "-o", file, status=69)
    else:
        site.write_status(b"{")
        site.look("stats", "--prometheus", "-o", file, status=74)
    assert file.read_text() == "old"
    assert os.listdir(file.parent) == [file.name]
