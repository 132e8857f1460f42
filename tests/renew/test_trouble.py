"""Troubles: of the network, of the platform, of its replies, of our own files. Nothing is
done twice, nothing is done for a reply that makes no sense, and each has its exit status."""

import fcntl
import grp
import json
import os
import pwd
import re
import subprocess
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from place import AUTHORISE, CREATE, LIST, SUBSCRIPTIONS, one, wait_until

TOKEN_PATH = AUTHORISE[1]


def authorisations(place):
    return [request for request in place.platform.requests()
            if (request["method"], request["path"]) == AUTHORISE]


# A call whose outcome is not known

def test_a_create_whose_reply_was_lost_is_found_in_the_list(place):
    place.platform.fault("drop-after", method="POST", path=SUBSCRIPTIONS)
    place.well()
    assert place.calls() == [LIST, CREATE, LIST]
    record = place.ours()
    place.well()
    assert place.calls() == [LIST] and place.learnt()["subscriptions"][0]["id"] == record["id"]


def test_a_create_that_timed_out_is_found_in_the_list(place):
    place.platform_settings["timeout"] = 1
    place.platform.fault("slow", method="POST", path=SUBSCRIPTIONS, seconds=3)
    place.well()
    assert place.calls() == [LIST, LIST]        # what is slow is logged in the end
    wait_until(lambda: place.calls() == [CREATE], "the end of the slow call")
    place.ours()


def test_the_one_found_is_the_new_one_not_its_predecessor(place):
    place.well()
    before = place.ours()
    place.use_token("another-verification-token")
    place.platform.fault("drop-after", method="POST", path=SUBSCRIPTIONS)
    place.calls()
    place.well()
    assert place.calls() == [LIST, CREATE, LIST, ("DELETE", one(before))]
    assert place.ours()["id"] == place.learnt()["subscriptions"][0]["id"] != before["id"]


def test_a_create_that_was_not_made_is_repeated_after_a_look(place):
    place.platform.fault("drop-before", method="POST", path=SUBSCRIPTIONS)
    place.well()
    assert place.calls() == [LIST, CREATE, LIST, CREATE]
    place.ours()


# Try again later

@pytest.mark.parametrize("form", ["seconds", "date"])
def test_429_ends_the_run_and_is_remembered(place, form):
    value = "120" if form == "seconds" else formatdate(place.platform.now() + 120, usegmt=True)
    place.platform.fault("status", method="GET", status=429, code="CMN-301", retry_after=value)
    result = place.run()
    assert result.status == 75 and "CMN-301" in result.err
    assert place.calls() == [LIST]
    assert 110 <= place.learnt()["retry_until"] - time.time() <= 121
    for arguments in ([], ["list"], ["token"]):
        result = place.run(*arguments)
        assert result.status == 75 and "asked to wait until" in result.err
    assert place.platform.requests() == []
    place.change_state(lambda state: state.update(retry_until=int(time.time()) - 1))
    place.well()
    assert place.ours()


def test_a_date_counts_from_the_platform_s_clock(place):
    place.platform.advance(10 * 86400)
    place.platform.fault("status", method="GET", status=429,
                         retry_after=formatdate(place.platform.now() + 120, usegmt=True))
    assert place.run().status == 75
    assert 110 <= place.learnt()["retry_until"] - time.time() <= 122


def test_429_without_retry_after_means_half_a_minute_at_least(place):
    place.platform.fault("status", status=429)
    assert place.run().status == 75
    assert place.learnt()["retry_until"] - time.time() >= 30


def test_429_of_the_token_endpoint_is_no_loop(place):
    place.platform.change(rate_limits={"light": 50, "medium": 40, "heavy": 10, "auth": 0})
    for _ in range(3):
        assert place.run().status == 75
    assert len(authorisations(place)) == 1


def test_429_in_the_middle_of_the_run_ends_it(place, other_hook):
    place.declare("other", address=other_hook.address, filter="voicemail")
    place.platform.fault("status", method="POST", path=SUBSCRIPTIONS, status=429,
                         retry_after=60)
    assert place.run().status == 75
    assert place.calls() == [LIST, CREATE]
    assert place.learnt()["retry_until"] > time.time()


def test_a_create_is_repeated_after_what_503_asks_for(place):
    place.platform.fault("status", method="POST", path=SUBSCRIPTIONS, status=503, retry_after=5)
    began = time.monotonic()
    place.well()
    assert 5 <= time.monotonic() - began < 25
    assert place.calls() == [LIST, CREATE, LIST, CREATE]


def test_a_create_is_not_repeated_when_503_asks_for_too_long(place):
    place.platform.fault("status", method="POST", path=SUBSCRIPTIONS, status=503, count=0,
                         retry_after=120)
    began = time.monotonic()
    result = place.run()
    assert result.status == 75 and "HTTP 503" in result.err
    assert time.monotonic() - began < 25
    assert place.calls() == [LIST, CREATE]
    assert place.run().status == 75 and place.calls() == []     # until the time is over
    place.platform.clear_faults()
    place.change_state(lambda state: state.update(retry_until=0))
    place.well()


def test_503_that_asks_for_longer_than_a_run_may_wait_is_remembered(place):
    place.platform.fault("status", method="GET", status=503, retry_after=120)
    assert place.run().status == 75
    assert place.calls() == [LIST]
    assert place.learnt()["retry_until"] - time.time() > 100


# Connection errors and 5xx

@pytest.mark.parametrize("kind", ["drop-before", "cut", "html"])
def test_what_can_be_repeated_is_repeated(place, kind):
    place.platform.fault(kind, method="GET")
    place.well()
    assert place.calls() == [LIST, LIST, CREATE]


def test_four_attempts_and_no_more(place):
    place.platform.fault("status", method="GET", status=503, retry_after=0, count=0)
    begin = time.monotonic()
    result = place.run()
    assert result.status == 69 and "HTTP 503" in result.err and "RCRequestId" in result.err
    assert place.calls() == [LIST] * 4
    assert time.monotonic() - begin < 10        # it waits as told, which is not at all


def test_the_attempts_are_those_of_the_run_not_of_the_call(place):
    place.platform.fault("status", path=TOKEN_PATH, status=503, retry_after=0, count=2)
    place.platform.fault("status", method="GET", status=503, retry_after=0, count=2)
    assert place.run().status == 69
    assert place.calls() == [LIST] * 2


def test_a_platform_that_is_not_there(place):
    place.platform_settings["server"] = "https://127.0.0.1:1"
    begin = time.monotonic()
    result = place.run()
    assert result.status == 69
    assert "no reply from the platform: Failed to connect to 127.0.0.1" in result.err
    assert "server, ca_file and timeout of [platform], the proxy" in result.err
    assert 10 < time.monotonic() - begin < 30


def test_a_slow_reply_is_given_up_and_asked_for_again(place):
    place.platform_settings["timeout"] = 1
    place.platform.fault("slow", method="GET", seconds=60)
    place.well()
    assert place.calls() == [LIST, CREATE]      # what is slow is logged in the end


def test_a_certificate_that_is_not_trusted_is_no_matter_of_trying_again(place):
    place.platform_settings["ca_file"] = ""
    begin = time.monotonic()
    result = place.run()
    assert result.status == 69 and "SSL certificate problem" in result.err
    assert time.monotonic() - begin < 10        # three waits take longer
    assert place.platform.requests() == []


@pytest.fixture
def trusted_by_the_system(place):
    """The program runs where the platform's authority is one of the system's."""
    certificates = place.work / "certs"
    certificates.mkdir()
    for name in ("authority.pem", "ca-certificates.crt"):
        (certificates / name).write_bytes(place.platform.ca_file.read_bytes())
    subprocess.run(["openssl", "rehash", certificates], check=True)
    place.wrapper = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/ssl/certs'
                     ' && exec "$@"', certificates]
    return place


def test_ca_file_counts_instead_of_the_system_s_authorities(trusted_by_the_system):
    place = trusted_by_the_system
    place.platform_settings["ca_file"] = ""
    assert place.run("list").status == 0
    place.platform_settings["ca_file"] = other = place.work / "other.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-nodes",
                    "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=another authority",
                    "-keyout", "/dev/null", "-out", other], check=True, capture_output=True)
    result = place.run("list")
    assert result.status == 69 and "SSL certificate problem" in result.err


# Replies that make no sense

NONSENSE = [
    ("html", {"status": 200}), ("no-content-type", {}), ("truncated", {}), ("huge", {}),
    ("body", {"text": ""}), ("body", {"text": "[]"}), ("body", {"text": "{}"}),
    ("body", {"text": '{"records": {}}'}), ("body", {"text": '{"records": [null]}'}),
    ("body", {"text": '{"records": []}x'}), ("body", {"text": '{"records": []}\0'}),
    ("body", {"text": "[" * 100000}), ("body", {"text": "x", "status": 302}),
    ("body", {"text": '{"records": []}', "status": 302}),
    ("body", {"text": '{"records": []}', "status": 202}),
    ("body", {"text": "not found", "status": 404}), ("html", {"status": 403}),
    ("wrong-types", {"changes": {"id": 12345}}), ("wrong-types", {"changes": {"id": "../.."}}),
    ("wrong-types", {"changes": {"eventFilters": "none"}}),
    ("wrong-types", {"changes": {"eventFilters": [1]}}),
    ("wrong-types", {"changes": {"expirationTime": True}}),
    ("wrong-types", {"changes": {"expirationTime": "tomorrow"}}),
    ("wrong-types", {"changes": {"status": None}}),
    ("wrong-types", {"changes": {"deliveryMode": []}}),
    ("wrong-types", {"changes": {"disabledFilters": "none"}}),
]


@pytest.mark.parametrize("kind, details", NONSENSE)
def test_a_list_that_makes_no_sense_changes_nothing(place, kind, details):
    place.platform.add_subscription("https://elsewhere.example.com/", ["/restapi/v1.0/x"])
    place.platform.fault(kind, method="GET", **details)
    result = place.run()
    assert result.status == 76, result
    assert re.fullmatch(r"ringspool-renew: .+\n", result.err)
    assert place.calls() == [LIST]
    assert len(place.present()) == 1


@pytest.mark.parametrize("kind, details", [
    ("body", {"text": '{"access_token": ["a"], "expires_in": 3600}'}),
    ("body", {"text": '{"access_token": "", "expires_in": 3600}'}),
    ("body", {"text": '{"access_token": "a\\r\\nX: y", "expires_in": 3600}'}),
    ("body", {"text": '{"access_token": "abcdefgh"}'}), ("html", {"status": 200}),
    ("truncated", {})])
def test_a_token_reply_that_makes_no_sense(place, kind, details):
    place.platform.fault(kind, path=TOKEN_PATH, **details)
    assert place.run().status == 76
    assert place.calls() == []


def test_a_create_whose_reply_makes_no_sense_is_known_again_by_the_next_run(place):
    place.platform.fault("truncated", method="POST", path=SUBSCRIPTIONS)
    assert place.run().status == 76
    place.calls()
    place.well()
    assert place.calls() == [LIST]
    place.ours()


@pytest.mark.parametrize("method, changes", [
    ("POST", {"deliveryMode": {"transportType": "PubNub"}}),
    ("PUT", {"deliveryMode": {"transportType": "PubNub"}}), ("PUT", {"id": "another-one"}),
    ("GET", {"id": "another-one"})])
def test_a_reply_about_something_else_makes_no_sense(place, method, changes):
    if method != "POST":
        place.well()
        record = place.ours()
        place.remind(record["id"])
        place.platform.set_status(record["id"], "Active" if method == "PUT" else "Suspended")
    path = SUBSCRIPTIONS if method == "POST" else one(record)
    place.platform.fault("wrong-types", method=method, path=path, changes=changes)
    result = place.run()
    assert result.status == 76 and "makes no sense: it is about another" in result.err


def test_a_list_of_several_megabytes_is_normal(place):
    paths = [f"/restapi/v1.0/account/~/extension/{number}/message-store/instant?type=SMS"
             for number in range(2000)]
    for number in range(29):
        place.platform.add_subscription(f"https://elsewhere.example.com/{number}", paths)
    place.declare(filter=paths)
    place.well()
    place.calls()
    place.well()
    assert place.calls() == [LIST]


# Refusals

def test_one_new_token_on_401(place):
    place.well()
    place.platform.forget_tokens()
    place.platform.forget_requests()
    place.well()
    assert len(authorisations(place)) == 1
    assert place.calls() == [LIST, LIST]


def test_never_a_loop_of_new_tokens(place):
    place.platform.fault("unauthorized", method="GET", count=0)
    result = place.run()
    assert result.status == 77
    assert len(authorisations(place)) == 2 and place.calls() == [LIST] * 2


@pytest.mark.parametrize("name", ["client_id", "client_secret", "jwt"])
def test_refused_credentials(place, name):
    directory = place.work / "credentials"
    directory.mkdir(mode=0o700)
    for path in place.platform.credentials_directory.iterdir():
        (directory / path.name).write_text("wrong" if path.name == name else path.read_text())
        (directory / path.name).chmod(0o600)
    place.platform_settings["credentials"] = directory
    result = place.run()
    assert result.status == 77
    assert ("invalid_grant" if name == "jwt" else "invalid_client") in result.err


def test_an_error_of_the_token_endpoint_that_is_new_to_us(place):
    place.platform.fault("body", path=TOKEN_PATH, status=400,
                         text='{"error": "brand_new", "error_description": "no"}')
    result = place.run()
    assert result.status == 77 and "brand_new" in result.err


def test_a_permission_that_the_application_lacks(place):
    place.platform.change(permissions=["SMS"])
    result = place.run()
    assert result.status == 77
    assert "CMN-401" in result.err and "SubscriptionWebhook" in result.err


def test_only_errors_is_promised(place):
    place.platform.change(permissions=["SMS"], errors_only=True)
    assert "CMN-401" in place.run().err


def test_too_many_subscriptions(place):
    place.platform.change(subscription_limit=1)
    place.platform.add_subscription("https://elsewhere.example.com/", ["/restapi/v1.0/x"])
    result = place.run()
    assert result.status == 69 and "SUB-505" in result.err and "list" in result.err


def test_https_is_required(place):
    place.declare(address="http://hooks.example.com/hook")
    result = place.run()
    assert result.status == 78 and "SUB-523" in result.err


# Our own files

def test_another_run_makes_this_one_leave_at_once(place):
    with (place.state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = place.run()
    assert result.status == 75 and "another run has been at work for" in result.err
    assert place.platform.requests() == []


def has_open(process, path):
    return any(os.path.realpath(link) == str(path)
               for link in Path(f"/proc/{process.pid}/fd").iterdir())


def test_a_command_by_hand_waits_for_the_other_run(place):
    with (place.state / "lock").open("w") as lock, (place.work / "out").open("w") as out:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = place.start("list", stdout=out)
        wait_until(lambda: has_open(process, place.state / "lock"), "the lock file being open")
        assert process.poll() is None
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert process.wait(30) == 0


DAMAGE = {"empty": "", "cut": '{"version": 1, "key": "00', "other version": '{"version": 99}',
          "a later version": json.dumps({
              "version": 2, "key": "00" * 32, "retry_until": 0, "last_good": 0,
              "subscriptions": [], "told": []}),
          "no json": "hello\0", "wrong types": json.dumps({
              "version": 1, "key": "00" * 32, "retry_until": 0, "last_good": 0,
              "subscriptions": [{"name": 1}], "told": []})}


@pytest.mark.parametrize("text", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_state_is_set_aside_and_made_anew(place, text):
    place.well()
    record = place.ours()
    (place.state / "state.json").write_text(text)
    (place.state / "token.json").write_text(text)
    result = place.run()
    assert result.status == 0 and "set aside" in result.err
    assert (place.state / "state.json.damaged").read_text() == text
    assert place.ours()["id"] == record["id"]
    place.well()


def test_a_state_that_others_could_write_is_not_believed(place):
    place.well()
    (place.state / "state.json").chmod(0o666)
    assert "set aside" in place.run().err
    (place.state / "state.json").unlink()
    (place.state / "state.json").symlink_to(place.work / "elsewhere")
    assert "set aside" in place.run().err
    assert not (place.work / "elsewhere").exists()


def test_a_leftover_of_a_crash_is_no_hindrance(place):
    (place.state / "state.json.new").write_text("{")
    place.well()
    assert not (place.state / "state.json.new").exists()


def test_files_have_their_modes_whatever_the_umask(place):
    umask = os.umask(0)
    try:
        place.well()
    finally:
        os.umask(umask)
    modes = {path.name: path.stat().st_mode & 0o777 for path in place.state.iterdir()}
    assert modes == {"state.json": 0o600, "token.json": 0o600, "lock": 0o600,
                     "status.json": 0o644}


def test_root_by_hand_leaves_the_files_to_the_directory_s_owner(place):
    user = pwd.getpwnam("nobody")
    os.chown(place.state, user.pw_uid, user.pw_gid)
    place.well()
    place.calls()
    assert {path.stat().st_uid for path in place.state.iterdir()} == {user.pw_uid}
    place.well()
    assert place.calls() == [LIST]


def test_a_state_directory_of_another_user_says_whose_and_how_to_run(place):
    place.well()
    owner = pwd.getpwnam("daemon")
    for path in (place.state, *place.state.iterdir()):
        os.chown(path, owner.pw_uid, owner.pw_gid)
    # Another user, who may pass the directories that pytest keeps to itself.
    place.wrapper = ["setpriv", "--reuid", "nobody", "--clear-groups",
                     "--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
    result = place.run()
    assert result.status == 78
    assert f"state directory {place.state}: lock: Permission denied; it is daemon's" in result.err
    assert f"--reuid daemon --regid {grp.getgrgid(owner.pw_gid).gr_name} --init-groups" in result.err


def test_a_state_directory_that_cannot_be(place):
    place.platform_settings["state_dir"] = place.work / "no" / "such"
    result = place.run()
    assert result.status == 78 and "state directory" in result.err


def test_a_token_file_that_is_missing_never_means_no_token(place):
    place.tokens.unlink()
    result = place.run()
    assert result.status == 78 and "tokens" in result.err
    assert place.platform.requests() == []


def test_a_long_reason_leaves_room_for_the_rule_that_fails(place):
    place.well()
    place.hook.behave(status=404)
    place.platform.set_status(place.present()[0]["id"], "Blacklisted", "reason " * 215)
    result = place.run()
    assert result.status == 69 and "status: 404; 404: as shipped" in result.err
    assert "Tried all the same after 2" in result.err and result.err.count("reason ") == 17
