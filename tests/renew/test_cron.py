"""What cron mails: a failure when it begins, once a day while it lasts, and its end."""

import calendar
import fcntl
import json
import os
import re
import socket
import time

from place import LIST, SUBSCRIPTIONS

DAY = 86400


def age(place, seconds):
    """As if all that was told had been told so much earlier."""
    def change(state):
        for told in state["told"]:
            told["at"] -= seconds
            told["since"] -= seconds
    place.change_state(change)


def test_nothing_when_all_is_well(place):
    for _ in range(2):
        result = place.run_under_cron()
        assert (result.status, result.out, result.err) == (0, "", "")


def test_a_failure_is_told_once_a_day_and_its_end_is_told(place):
    place.hook.behave(status=404)
    first = place.run_under_cron()
    assert first.status == 69 and "status: 404" in first.err
    again = place.run_under_cron()
    assert (again.status, again.out, again.err) == (69, "", "")
    age(place, DAY - 60)
    assert place.run_under_cron().err == ""
    age(place, 60)
    assert "status: 404" in place.run_under_cron().err
    assert place.run_under_cron().err == ""
    place.hook.behave()
    end = place.run_under_cron()
    assert end.status == 0
    assert re.fullmatch(r"ringspool-renew: well again: inbound SUB-525 \(since .*Z\)\n", end.out)
    assert (place.run_under_cron().out, place.run_under_cron().err) == ("", "")


def test_another_failure_is_told_at_once(place):
    place.hook.behave(status=404)
    place.run_under_cron()
    place.platform.change(permissions=["SMS"])
    assert "CMN-401" in place.run_under_cron().err


def test_a_failure_of_the_run_does_not_end_those_of_subscriptions(place):
    place.hook.behave(status=404)
    place.run_under_cron()
    place.platform.fault("status", method="GET", status=429, retry_after=1)
    told = place.run_under_cron()
    assert told.status == 75 and "429" in told.err and told.out == ""
    place.change_state(lambda state: state.update(retry_until=0))
    silent = place.run_under_cron()
    assert silent.status == 69 and silent.err == ""
    assert "well again: run" in silent.out and "inbound" not in silent.out


def test_a_warning_is_told_once(place):
    place.declare(filter=["/restapi/v1.0/account/~/brand-new"])
    assert "brand-new" in place.run_under_cron().err
    age(place, 3 * DAY)
    last = place.run_under_cron()
    assert (last.out, last.err) == ("", "")


def test_a_mistake_in_the_configuration_is_told_once_a_day(place):
    place.well()
    place.declare(expires_in="soon")
    assert "expires_in" in place.run_under_cron().err
    result = place.run_under_cron()
    assert (result.status, result.err) == (78, "")
    assert place.status()["error"]["exit_status"] == 78
    place.declare(expires_in=604800)
    assert "well again: run configuration" in place.run_under_cron().out


def test_a_lock_held_for_long_is_told_a_short_one_is_not(place):
    with (place.state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = place.run_under_cron()
        assert (result.status, result.err) == (75, "")
        os.utime(lock.name, (time.time() - 7200,) * 2)
        assert "another run" in place.run_under_cron().err


def test_a_lock_held_for_long_is_told_once_a_day_and_its_end_is_told(place):
    mark = place.state / "lock.told"
    with (place.state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.utime(lock.name, (time.time() - 7200,) * 2)
        assert "another run" in place.run_under_cron().err
        for _ in range(2):
            result = place.run_under_cron()
            assert (result.status, result.err) == (75, "")
        os.utime(mark, (time.time() - DAY - 1,) * 2)
        assert "another run" in place.run_under_cron().err
    result = place.run_under_cron()
    assert result.status == 0 and "well again: run lock" in result.out
    assert not mark.exists()
    assert place.run_under_cron().out == ""


def both_told(place, first, second, *words):
    """Each of two failures is told when it begins, and not in the next run."""
    for begin, word in zip((first, second), words):
        begin()
        assert word in place.run_under_cron().err
        assert place.run_under_cron().err == ""


def test_another_mistake_in_the_configuration_is_told(place):
    both_told(place, lambda: place.declare(expires_in="soon"),
              lambda: place.declare(expires_in=604800, filter="no-such"),
              "expires_in", "no-such")
    place.declare(filter="inbound-sms")
    place.tokens.unlink()
    assert "tokens" in place.run_under_cron().err
    assert place.run_under_cron().err == ""
    place.use_token("first-verification-token")
    end = place.run_under_cron()
    assert end.status == 0 and end.out.count("well again: run configuration") == 1


def test_another_trouble_of_the_connection_is_told(place):
    server = place.platform.url
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        both_told(place, lambda: place.platform_settings.update(
                      server=f"https://127.0.0.1:{port}"),
                  lambda: place.platform_settings.update(server=server, ca_file=""),
                  "onnect", "ertificate")


def refuse(place, code, message):
    place.platform.fault("body", method="POST", path=SUBSCRIPTIONS, status=400, count=1,
                         text=json.dumps({"errorCode": code, "message": message}))


def test_another_value_that_the_platform_refuses_is_told(place):
    for value in ("eventFilters", "expiresIn"):
        refuse(place, "CMN-101", f"Parameter [{value}] value is invalid")
        assert value in place.run_under_cron().err
        refuse(place, "CMN-101", f"Parameter [{value}] value is invalid")
        assert place.run_under_cron().err == ""


def test_another_rule_of_the_endpoint_is_told(place):
    both_told(place, lambda: place.hook.behave(status=404),
              lambda: place.hook.behave(size=2000), "status: 404", "size")
    place.hook.behave(size=2100)
    assert place.run_under_cron().err == ""
    place.hook.behave(status=404)
    assert place.run_under_cron().err == ""         # told within the day


def test_a_code_that_varies_is_one_failure(place):
    for number, code in enumerate(["ABC-1", "XYZ-222", "none-at-all"]):
        refuse(place, code, f"no, at 2026-11-24T00:00:0{number}Z, request 0af3{number}bcd-77")
        result = place.run_under_cron()
        assert result.status == 69 and bool(result.err) == (number == 0)
        assert result.out == ""


def test_of_one_subscription_six_failures_a_day_are_told(place):
    told = 0
    for word in "abcdefghij":
        refuse(place, "CMN-101", f"because of {word * 3}")
        told += bool(place.run_under_cron().err)
    assert told == 6
    age(place, DAY)
    refuse(place, "CMN-101", "because of today")
    assert "today" in place.run_under_cron().err


def test_what_a_clock_that_was_ahead_told_keeps_nothing_back(place):
    for word in "abcdef":
        refuse(place, "CMN-101", f"because of {word * 3}")
        assert word * 3 in place.run_under_cron().err
    age(place, -400 * DAY)
    for word in ("fff", "ggg"):
        refuse(place, "CMN-101", f"because of {word}")
        assert word in place.run_under_cron().err
    end = place.run_under_cron()
    assert end.status == 0 and "well again: inbound CMN-101" in end.out
    assert place.learnt()["told"] == []


def test_the_end_of_what_a_clock_that_was_ahead_told_is_told(place):
    place.hook.behave(status=404)
    place.run_under_cron()
    age(place, -400 * DAY)
    place.hook.behave()
    end = place.run_under_cron()
    assert "well again: inbound SUB-525" in end.out
    since = re.search(r"since (.*)Z", end.out).group(1)
    assert abs(time.time() - calendar.timegm(time.strptime(since, "%Y-%m-%dT%H:%M:%S"))) < 60


def test_a_shorter_life_is_told_once(place):
    place.platform.change(grant_at_most=3600)
    assert "expires_in asks" in place.run_under_cron().err
    for _ in range(3):
        place.platform.advance(3000)
        assert place.run_under_cron().err == ""
        assert place.run_under_cron().err == ""     # one that does not renew
    place.declare(expires_in=86400)
    assert "expires_in asks for 1 day" in place.run_under_cron().err


def test_filters_left_out_without_a_word_are_told_daily_and_their_end_is_told(place):
    place.platform.change(leave_out=["/voicemail"])
    first = place.run_under_cron()
    assert first.status == 0
    assert "warning: inbound: the platform shows 1 of 2 filters" in first.err
    assert len(first.err.splitlines()) == 1
    for _ in range(2):
        place.calls()
        again = place.run_under_cron()
        assert (again.status, again.out, again.err) == (0, "", "")
        assert place.calls() == [LIST]
    age(place, DAY)
    assert "1 of 2 filters" in place.run_under_cron().err
    # A run that does not get so far changes nothing about it.
    place.platform.fault("status", method="GET", status=429, retry_after=1)
    assert "left out" not in place.run_under_cron().out
    place.change_state(lambda state: state.update(retry_until=0))
    assert "1 of 2" not in (result := place.run_under_cron()).err and "left out" not in result.out
    place.platform.change(leave_out=[])
    assert "1 of 2" not in place.run("update").err
    end = place.run_under_cron()
    assert end.err == ""
    assert re.fullmatch(r"ringspool-renew: well again: inbound: filters left out \(since .*Z\)\n",
                        end.out)
    assert (last := place.run_under_cron()).out == last.err == ""


def test_a_failure_beside_filters_left_out_has_an_end_of_its_own(place):
    place.platform.change(leave_out=["/voicemail"])
    place.run_under_cron()
    place.platform.set_status(place.ours()["id"], "Blacklisted", "Read timed out")
    place.hook.behave(status=404)
    assert "status: 404" in (failing := place.run_under_cron()).err and failing.out == ""
    place.platform.set_status(place.ours()["id"], "Active")
    end = place.run_under_cron()
    assert "well again: inbound endpoint" in end.out or "well again: inbound SUB-525" in end.out
    assert "left out" not in end.out


def test_of_many_disabled_filters_the_first_and_their_number_are_told(place):
    place.well()
    place.platform.fault("wrong-types", method="GET", count=0, changes={
        "disabledFilters": [{"filter": f"/restapi/v1.0/account/~/{n}", "reason": "no",
                             "message": ""} for n in range(2000)]})
    result = place.run_under_cron()
    assert len(result.err.splitlines()) == 4
    assert "disabled 2000 filters" in result.err
    assert place.run_under_cron().err == ""


def test_elsewhere_than_under_cron_every_failure_is_told(place):
    place.hook.behave(status=404)
    place.run_under_cron()
    for _ in range(2):
        assert "status: 404" in place.run().err


def piped(place, **environment):
    process = place.start(stderr=-1, stdout=-1, environment=environment)
    return process.communicate(timeout=60)[1].decode()


def test_the_journal_a_session_of_ssh_and_a_terminal_s_pipe_are_no_cron(place):
    place.hook.behave(status=404)
    place.run_under_cron()
    assert piped(place) == ""
    assert "404" in piped(place, SSH_CONNECTION="192.0.2.1 1 192.0.2.2 22")
    assert "404" in piped(place, TERM="xterm")
    reader, writer = os.pipe()
    pipe = os.fstat(writer)
    process = place.start(stderr=writer, environment={
        "JOURNAL_STREAM": f"{pipe.st_dev}:{pipe.st_ino}"})
    os.close(writer)
    with os.fdopen(reader) as journal:
        assert "404" in journal.read()
    process.wait()


def test_a_cron_that_collects_by_pipes_is_one_too(place):
    place.hook.behave(status=404)
    assert "status: 404" in place.run_under_another_cron().err
    assert place.run_under_another_cron().err == ""
