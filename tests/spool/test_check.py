"""`ringspool check`: a plug-in as the Monitoring Plugins guidelines want it."""

import json
import os
import re
import subprocess

import pytest

from consuming import TOOL
from looking import event, moment, site, subscription  # noqa: F401

OK, WARNING, CRITICAL, UNKNOWN = range(4)
NAMES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
DECLARED = "[subscription inbound]\naddress = https://hooks.example.com/\n"


def check(site, *words, status, performance=True):
    """Its text and its performance data; the form is checked."""
    output = site.text("check", *words, status=status)
    assert site.complaint == ""
    found = re.fullmatch(r"RINGSPOOL ([A-Z]+): ([^|\n]+?)(?: \| ([^|\n]+))?\n", output)
    assert found and found[1] == NAMES[status], output
    values = {}
    for word in (found[3] or "").split():
        label, value, rest = re.fullmatch(
            r"([\w.-]+)=(-?\d+(?:s|B)?)((?:;(?:@?(?:~|-?\d+(?:\.\d+)?)?:?-?\d*(?:\.\d+)?)?){3,4})", word).groups()
        assert label not in values
        values[label] = (int(value.rstrip("sB")), rest.split(";")[1:])
    assert bool(values) == performance
    return found[2], values


def test_all_is_well(site):
    site.status(subscription())
    text, values = check(site, status=OK)
    assert "no event waits" in text and "inbound is Active" in text
    assert set(values) == {"oldest", "failed", "free", "free_fallback", "renewal", "expiry_inbound"}
    assert values["oldest"] == (0, ["300", "3600", "0"])
    assert values["free"][1][:2] == [f"{1 << 20}:", f"{(1 << 20) // 10}:"]


@pytest.mark.parametrize("age,words,status", [
    (100, [], OK), (400, [], WARNING), (4000, [], CRITICAL),
    (100, ["-w", "1m", "-c", "2m"], WARNING), (130, ["-w", "1m", "-c", "2m"], CRITICAL),
    (130, ["-w", "90", "-c", "1h"], WARNING), (130, ["-w", "2h:", "-c", "1h:3h"], CRITICAL),
    (130, ["-w", "@2m:5m", "-c", "1d"], WARNING), (130, ["-w", "~:200", "-c", "1d"], OK)])
def test_age_of_the_oldest(site, age, words, status):
    site.put(event(), ago=age)
    text, values = check(site, *words, status=status)
    assert age <= values["oldest"][0] < age + 60


@pytest.mark.parametrize("state,status", [
    ("running", CRITICAL), ("retrying", CRITICAL), ("held", OK), ("done", OK)])
def test_which_states_want_to_be_handled(site, state, status):
    site.put(event(), state, ago=4000)
    check(site, status=status)


def test_failed_events(site):
    for _ in range(2):
        site.put(event(), "failed")
    assert "2 events failed" in check(site, status=WARNING)[0]
    check(site, "--failed-warning", "2", status=OK)
    check(site, "--failed-critical", "1", status=CRITICAL)


def test_free_space_against_min_free(site):
    free = os.statvfs(site.spool)
    free = free.f_bavail * free.f_frsize
    site.configure(min_free=f"{free * 2 >> 20}M")
    text, values = check(site, status=WARNING)
    assert "GB free in the spool" in text and values["free"][0] <= free * 1.1
    site.configure(min_free=f"{free * 20 >> 20}M")
    check(site, status=CRITICAL)


def test_spools_that_cannot_be_used(site):
    site.fallback.rmdir()
    text, _ = check(site, status=WARNING)
    assert f"fallback spool cannot be used: spool {site.fallback}: does not exist" in text
    site.spool.rename(site.directory / "away")
    text, _ = check(site, status=CRITICAL, performance=False)
    assert "does not exist" in text


@pytest.mark.parametrize("status", ["Blacklisted", "Suspended", None, "active"])
def test_subscription_that_is_not_active(site, status):
    site.status(subscription(), subscription("faxes", status))
    text, _ = check(site, status=CRITICAL)
    assert f"faxes is {status or 'not there'}" in text.split(";")[0]


@pytest.mark.parametrize("left,words,status", [
    (6 * 86400, [], OK), (20 * 3600, [], WARNING), (3600, [], CRITICAL), (-60, [], CRITICAL),
    (3600, ["--expiry-warning", "30m:", "--expiry-critical", "10m:"], OK),
    (86400 * 2, ["--expiry-warning", "3d:"], WARNING)])
def test_when_the_subscription_ends(site, left, words, status):
    site.status(subscription(ends=left))
    text, values = check(site, *words, status=status)
    assert abs(values["expiry_inbound"][0] - left) < 60
    assert ("ended" if left < 0 else "ends in") in text


@pytest.mark.parametrize("age,words,status", [
    (60, [], OK), (2 * 3600, [], WARNING), (2 * 86400, [], CRITICAL),
    (2 * 3600, ["--renewal-warning", "3h"], OK), (600, ["--renewal-critical", "5m"], CRITICAL)])
def test_age_of_the_last_good_renewal(site, age, words, status):
    site.status(subscription(), last_good_run=moment(-age))
    check(site, *words, status=status)


@pytest.mark.parametrize("ahead,status", [(240, OK), (400, UNKNOWN), (86400, UNKNOWN)])
def test_last_good_renewal_in_the_future(site, ahead, status):
    site.status(subscription(), last_good_run=moment(ahead))
    text, values = check(site, status=status)
    assert ("the clock or status.json is wrong" in text) == (status == UNKNOWN)
    assert ("renewal" in values) == (status == OK)


@pytest.mark.parametrize("ended,status", [
    (0, OK), (75, OK), (77, WARNING), (78, WARNING), (None, OK), ("77", OK)])
def test_last_renewal_run_that_no_repetition_mends(site, ended, status):
    """At once, though the last good run was a minute ago."""
    site.status(subscription(), exit_status=ended)
    text, _ = check(site, status=status)
    assert ("run ringspool-renew -v" in text) == (status == WARNING)


def test_renewal_that_never_was_good(site):
    site.status(last_good_run=None, error={"exit_status": 77, "code": "OAU-213",
                                           "text": "credentials refused | really\x1b[2J"})
    text, _ = check(site, status=CRITICAL)
    assert "credentials refused / really\\x1B[2J (OAU-213)" in text


def test_filters_that_the_platform_refused(site):
    site.status(subscription(disabled_filters=[{"filter": "x", "reason": "SUB-412", "message": ""}] * 2))
    assert "2 filters refused" in check(site, status=WARNING)[0]


def test_renewal_that_never_ran(site):
    check(site, status=OK)              # nothing is declared: nothing is missed
    site.configure(DECLARED)
    assert "has not run" in check(site, status=UNKNOWN)[0]


def test_status_file_elsewhere(site):
    site.status(subscription())
    (site.state / "status.json").rename(site.directory / "elsewhere")
    text, _ = check(site, "--status", site.directory / "elsewhere", status=OK)
    assert "inbound is Active" in text


@pytest.mark.parametrize("document", [
    b"", b"{", b"[]", b"null", b"\x00", b'{"version":2}', b'{"version":"1"}', b"[" * 100000,
    b'{"version":1}\x00', b"x" * (2 << 20),
    json.dumps({"version": 1, "subscriptions": [{}] * 2000}).encode()],
    ids=range(11))
def test_status_file_that_makes_no_sense(site, document):
    site.write_status(document)
    text, _ = check(site, status=UNKNOWN)
    assert "status.json" in text


@pytest.mark.parametrize("document", [
    {"version": 1}, {"version": 1, "subscriptions": 7},
    {"version": 1, "subscriptions": [None, 7, "x", [], {}, {"name": 7, "status": ["Active"]}]},
    {"version": 1, "last_good_run": 7, "error": "x", "subscriptions": [
        {"name": "\x1b]0;x\x07" * 40, "status": "\u202e" * 40, "expires_at": "9999-99-99T99:99:99Z",
         "error": {"text": "|" * 5000, "code": 7}}]}], ids=range(4))
def test_status_file_of_other_types_is_harmless(site, document):
    site.write_status(document)
    output = site.look("check", status=CRITICAL)
    assert output.isascii() and output.decode().strip().isprintable() and output.count(b"|") == 1


def test_planted_status_file(site):
    os.mkfifo(site.state / "status.json")
    check(site, status=UNKNOWN)
    (site.state / "status.json").unlink()
    site.status(subscription())
    (site.state / "status.json").rename(site.state / "other")
    (site.state / "status.json").symlink_to("other")
    check(site, status=UNKNOWN)


@pytest.mark.parametrize("words", [
    ["-w", "5x"], ["-w"], ["--nix"], ["operand"], ["-c", "2:1"], ["--failed-warning", "5m"],
    ["-t", "0"], ["-w", ""]])
def test_usage_is_unknown(site, words):
    check(site, *words, status=UNKNOWN, performance=False)


def test_configuration_that_cannot_be_used_is_unknown(site):
    site.config.write_text("[receiver]\nnix = 1\n")
    text, _ = check(site, status=UNKNOWN, performance=False)
    assert "unknown key nix" in text


def test_answers_in_time_where_the_file_system_hangs(site):
    """An answer of statfs(2) held back, as a file server does that is gone."""
    done = subprocess.run(["strace", "-f", "-o", "/dev/null", "-e", "inject=statfs:delay_exit=5s",
                           TOOL, "check", "-t", "1"], env=site.env, capture_output=True)
    assert (done.stdout, done.returncode) == (b"RINGSPOOL UNKNOWN: timed out\n", UNKNOWN)
