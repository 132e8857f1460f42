"""The promise: a subscription never dies unnoticed, whatever the platform says of it."""

import json
import os
import pwd
from datetime import datetime, timedelta

import pytest

from place import CREATE, LIST, OTHER_TOKEN, SUBSCRIPTIONS, TOKEN, one


def show_list(place, records, **more):
    """What the platform answers to the next list."""
    place.platform.fault("body", method="GET", path=SUBSCRIPTIONS,
                         text=json.dumps({"records": records, **more}))


# What a list says

def test_a_record_that_is_listed_twice_is_not_a_duplicate(place):
    place.well()
    record = place.ours()
    place.calls()
    show_list(place, [record, record])
    place.well()
    assert place.calls() == [LIST]
    assert place.ours()["id"] == record["id"]


def test_a_list_that_lacks_ours_is_not_believed(place, other_hook):
    place.well()
    record = place.ours()
    for change in ({}, {"address": other_hook.address}):
        place.declare(**change)
        for arguments in ((), ("--dry-run",), ("create",)):
            place.calls()
            show_list(place, [])
            result = place.run(*arguments)
            assert result.status == 76 and record["id"] in result.err, result
            assert f"remove {place.state}/state.json" in result.err
            assert place.calls() == [LIST, ("GET", one(record))]
            assert place.learnt()["subscriptions"][0]["id"] == record["id"]
    place.run()                         # now the change of the address is carried out
    assert [one["id"] for one in place.present()] != [record["id"]]
    assert len(place.present()) == 1


def test_what_is_gone_is_asked_for_and_then_created(place):
    place.well()
    record = place.ours()
    place.platform.advance(8 * 86400)
    place.calls()
    assert place.run().status == 0
    assert place.calls()[-3:] == [LIST, ("GET", one(record)), CREATE]


def test_a_page_of_a_list_is_not_the_list(place):
    place.well()
    record = place.ours()
    for more in ({"navigation": {"nextPage": {"uri": "x"}}}, {"paging": {"totalPages": 2}},
                 {"paging": {"page": 2}}, {"paging": {"totalElements": 2}}):
        show_list(place, [record], **more)
        assert place.run().status == 76
    show_list(place, [record], navigation={"firstPage": {"uri": "x"}, "nextPage": None},
              paging={"page": 1, "totalPages": 1, "totalElements": 1, "perPage": 100})
    place.well()


def test_a_dry_run_learns_nothing(place):
    place.well()
    before = place.learnt()["subscriptions"]
    place.platform.remove_subscription(place.ours()["id"])
    place.run("--dry-run")
    assert place.learnt()["subscriptions"] == before


def test_what_cannot_be_looked_for_fails_by_itself(place, other_hook):
    place.well()
    record = place.ours()
    place.declare("other", address=other_hook.address, filter="voicemail")
    show_list(place, [])
    place.platform.fault("status", method="GET", path=one(record), retry_after=0, count=0)
    result = place.run()
    assert result.status == 69 and "inbound: " in result.err
    assert place.ours(other_hook.address)
    assert place.ours()["id"] == record["id"] == place.learnt()["subscriptions"][0]["id"]


# One subscription's trouble is not the others'

def two_of_which_one_is_poisoned(place, other_hook):
    """`other` is to be created; of `inbound` the filters changed."""
    place.well()
    place.declare(filter=["inbound-sms"])
    place.declare("other", address=other_hook.address, filter="voicemail")
    return place.ours()


@pytest.mark.parametrize("kind, details, status", [
    ("status", {"retry_after": 0}, 69), ("html", {"status": 413}, 76), ("truncated", {}, 76)])
def test_a_poisoned_one_does_not_keep_the_others_back(place, other_hook, kind, details, status):
    poisoned = two_of_which_one_is_poisoned(place, other_hook)
    place.platform.fault(kind, method="PUT", path=one(poisoned), count=0, **details)
    result = place.run()
    assert result.status == status and "inbound: " in result.err
    assert place.ours(other_hook.address)["status"] == "Active"
    by_name = {entry["name"]: entry for entry in place.status()["subscriptions"]}
    assert by_name["inbound"]["error"]["exit_status"] == status
    assert not by_name["other"]["error"] and by_name["other"]["last_good_run"]


def test_a_create_that_always_fails_does_not_keep_the_others_back(place, other_hook):
    place.declare("other", address=other_hook.address, filter="voicemail")
    place.platform.fault("status", method="POST", path=SUBSCRIPTIONS, retry_after=0, count=4)
    result = place.run()
    assert result.status == 69 and "inbound: " in result.err
    assert place.ours(other_hook.address)


def test_what_was_not_reached_is_named(place, other_hook):
    poisoned = two_of_which_one_is_poisoned(place, other_hook)
    place.platform.fault("status", method="PUT", path=one(poisoned), status=429)
    result = place.run()
    assert result.status == 75 and "other: not reached" in result.err
    by_name = {entry["name"]: entry for entry in place.status()["subscriptions"]}
    assert "not reached" in by_name["other"]["error"]["text"]
    assert by_name["other"]["failing_since"]


# What counts as gone

@pytest.mark.parametrize("kind, details", [
    ("status", {"status": 404, "code": "CMN-999"}), ("status", {"status": 302}),
    ("status", {"status": 202}), ("html", {"status": 200}), ("html", {"status": 404})])
def test_a_deletion_is_done_only_where_the_platform_says_so(place, other_hook, kind, details):
    place.well()
    before = place.ours()
    place.declare(address=other_hook.address)
    place.platform.fault(kind, method="DELETE", path=one(before), **details)
    assert place.run().status == 76
    assert place.learnt()["subscriptions"][0]["old"] == [before["id"]]
    place.run()
    assert place.ours(other_hook.address) and len(place.present()) == 1


@pytest.mark.parametrize("code", ["CMN-102", "SUB-507"])
def test_a_deletion_of_what_is_gone_is_done(place, other_hook, code):
    place.well()
    place.declare(address=other_hook.address)
    place.platform.fault("status", method="DELETE", status=404, code=code)
    assert place.run().status == 0
    assert place.learnt()["subscriptions"][0]["old"] == []


def test_a_404_of_another_code_is_not_the_end_of_a_subscription(place):
    place.well()
    before = place.ours()
    place.remind(before["id"])
    place.platform.fault("status", method="PUT", path=one(before), status=404, code="CMN-999")
    place.calls()
    assert place.run().status == 76
    assert CREATE not in place.calls() and place.ours()["id"] == before["id"]


def test_adopting_remembers_what_it_replaces(place, other_hook):
    place.well()
    before = place.ours()
    place.platform.add_subscription(other_hook.address, before["eventFilters"])
    place.declare(address=other_hook.address)
    place.platform.fault("status", method="DELETE", path=one(before), status=403,
                         code="CMN-408")
    assert place.run().status == 77
    assert place.learnt()["subscriptions"][0]["old"] == [before["id"]]
    place.run()
    assert [record["id"] for record in place.present()] == [place.ours(other_hook.address)["id"]]


# A state directory is one configuration's

def test_a_state_of_another_configuration_is_refused_and_left_alone(place, other_hook):
    place.well()
    owner = place.config
    before = place.learnt(), place.status(), place.present()
    place.config = place.work / "another.conf"
    place.declare(address=other_hook.address)
    for arguments in ((), ("list",)):
        result = place.run(*arguments)
        assert result.status == 78
        assert f"state_dir {place.state} belongs to {owner}" in result.err
        assert "a state_dir of its own" in result.err and f"{place.state}/state.json" in result.err
    assert (place.learnt(), place.status(), place.present()) == before


def test_a_state_of_a_configuration_that_was_moved_moves_with_it(place):
    place.well()
    before = place.ours()["id"]
    owner = place.config
    place.config = place.work / "another.conf"
    place.write_config()
    owner.unlink()
    place.well()
    assert place.ours()["id"] == before
    assert place.learnt()["owner"] == str(place.config)


def test_a_state_without_an_owner_gets_one(place):
    place.well()
    place.change_state(lambda state: state.pop("owner"))
    place.well()
    assert place.learnt()["owner"] == str(place.config)


# A death that was repaired is told

def interruption(place):
    return place.status()["subscriptions"][0]["last_interruption"]


@pytest.mark.parametrize("status, change", [("Blacklisted", None), ("Suspended", None),
                                            ("Blacklisted", "token")])
def test_one_that_was_dead_and_replaced_is_told_once(place, status, change):
    place.well()
    assert interruption(place) is None
    last_good = place.status()["last_good_run"]
    place.platform.set_status(place.ours()["id"], status, "Read timed out")
    if change == "token":
        place.use_token(OTHER_TOKEN, TOKEN)
    result = place.run()
    assert result.status == 0
    assert len(result.err.splitlines()) == 1
    reason = f"{status} (Read timed out)" if status == "Blacklisted" else status
    assert f"inbound: was {reason}; created anew; events in between are lost" in result.err
    place.well()
    assert interruption(place) == {"from": last_good, "until": interruption(place)["until"],
                                   "reason": reason}
    assert interruption(place)["until"] >= last_good


@pytest.mark.parametrize("how", ["expired", "deleted", "after the list"])
def test_one_that_was_gone_is_told_once(place, how):
    place.well()
    if how == "expired":
        place.platform.advance(8 * 86400)
    elif how == "deleted":
        place.platform.remove_subscription(place.ours()["id"])
    else:
        place.remind(place.ours()["id"])
        place.platform.fault("status", method="PUT", status=404, code="CMN-102")
    result = place.run()
    assert result.status == 0 and "was gone; created anew; events in" in result.err
    assert interruption(place)["reason"] == "gone"
    if how != "after the list":
        place.well()


def test_one_that_came_back_by_itself_is_told(place):
    place.well()
    place.platform.set_status(place.ours()["id"], "Blacklisted")
    place.hook.behave(status=404)
    assert place.run().status == 69
    place.platform.set_status(place.ours()["id"], "Active")
    assert "was Blacklisted; is Active again; events in" in place.run().err
    place.well()


def test_what_was_deleted_by_hand_is_no_interruption(place):
    place.well()
    assert place.run("delete", "inbound").status == 0
    place.well()
    assert interruption(place) is None


# A life too short for runs every ten minutes

def test_a_life_that_ends_between_two_runs_is_a_failure(place):
    place.platform.change(grant_at_most=60)
    for _ in range(2):
        result = place.run()
        assert result.status == 69, result
        assert "cannot be kept alive by runs every ten minutes" in result.err
    entry, = place.status()["subscriptions"]
    assert entry["error"]["exit_status"] == 69 and entry["failing_since"]


def test_a_life_declared_too_short_is_warned_of(place):
    place.declare(expires_in=5000, renew_before=600)
    result = place.run()
    assert result.status == 0 and "renew_before (600) 1800" in result.err
    record = place.ours()
    place.platform.advance(3300)        # 1700 s are left
    assert place.run().status == 0
    assert ("PUT", one(record)) in place.calls()


@pytest.mark.parametrize("lifetime", [3600, 604800])
def test_one_second_more_is_not_renewed(place, lifetime):
    place.declare(expires_in=lifetime)
    place.run()
    before = place.ours()
    place.platform.advance(lifetime * 6 // 10)
    moment = datetime.fromisoformat(before["expirationTime"]) + timedelta(seconds=1)
    for method in ("PUT", "POST"):
        place.platform.fault("wrong-types", method=method, path=one(before) + "*",
                             changes={"expirationTime": moment.isoformat()})
    result = place.run()
    assert result.status == 0 and "expirationTime did not grow" in result.err
    assert place.ours()["id"] != before["id"]
    assert abs(place.learnt()["subscriptions"][0]["lifetime"] - lifetime) < 120


# Active, and yet nothing comes

@pytest.mark.parametrize("listed", [False, True])
def test_one_without_an_active_filter_is_a_failure(place, listed):
    place.platform.change(permissions=["SubscriptionWebhook"], list_disabled=listed)
    place.declare(reminder_threshold=86400)
    for _ in range(2):
        result = place.run()
        assert result.status == 77 and "without an active filter" in result.err
    assert place.status()["subscriptions"][0]["error"]["exit_status"] == 77
    place.platform.change(permissions=["SubscriptionWebhook", "SMS"])
    assert place.run("update", "inbound").status == 0
    assert place.run().status == 0


def test_by_hand_what_is_not_active_is_no_success(place):
    place.well()
    record = place.ours()
    place.platform.set_status(record["id"], "Blacklisted", "Read timed out")
    for command in ("renew", "update", "create"):
        result = place.run(command, "inbound")
        assert result.status == 69, (command, result)
        assert "inbound: is still Blacklisted: run ringspool-renew without a" in result.err
        assert "renewed" not in result.out and "updated" not in result.out
    foreign = place.platform.add_subscription("https://elsewhere.example.com/", ["/x"])
    foreign_id = foreign if isinstance(foreign, str) else foreign["id"]
    place.platform.set_status(foreign_id, "Blacklisted", "Read timed out")
    place.platform.advance(60)
    assert place.run("renew", foreign_id).status == 69


def test_a_dead_one_that_would_be_deleted_makes_room(place):
    place.well()
    before = place.ours()
    place.platform.set_status(before["id"], "Blacklisted", "Read timed out")
    place.use_token(OTHER_TOKEN, TOKEN)
    place.platform.change(subscription_limit=1)
    place.calls()
    assert place.run().status == 0
    assert place.calls() == [LIST, CREATE, ("DELETE", one(before)), CREATE]
    assert place.ours()["id"] != before["id"] and place.ours()["status"] == "Active"


def test_a_create_whose_reply_is_always_spoilt_makes_no_double_at_a_token_change(place):
    place.well()
    before = place.ours()
    place.use_token(OTHER_TOKEN, TOKEN)
    place.platform.fault("truncated", method="POST", path=SUBSCRIPTIONS, count=0)
    assert place.run().status == 76
    assert place.run().status == 0      # it is known again, and the old one deleted
    assert place.ours()["id"] != before["id"]
    place.calls()
    place.well()
    assert place.calls() == [LIST]


# Our own files

def test_a_due_renewal_needs_no_memory(place):
    place.well()
    record = place.ours()
    place.platform.advance(5 * 86400)
    (place.state / "state.json.new").mkdir()
    place.calls()
    result = place.run()
    assert result.status == 78 and "state.json.new" in result.err
    assert ("PUT", one(record)) in place.calls()
    assert place.ours()["expirationTime"] > record["expirationTime"]


def test_what_needs_memory_is_not_begun_without(place):
    (place.state / "state.json.new").mkdir()
    assert place.run().status == 78
    assert place.present() == []


def test_a_token_that_cannot_be_kept_ends_no_run(place):
    (place.state / "token.json.new").mkdir()
    place.well()
    assert place.ours()


def test_good_runs_of_the_future_are_not_believed(place):
    place.well()
    place.change_state(lambda state: (state.update(last_good=4000000000),
                                      state["subscriptions"][0].update(last_good=4000000000)))
    place.platform.fault("status", method="GET", status=429)
    assert place.run().status == 75
    assert place.status()["last_good_run"] is None
    assert place.status()["subscriptions"][0]["last_good_run"] is None


def test_a_lock_that_is_another_file_too_is_not_given_away(place):
    precious = place.work / "precious"
    precious.touch(mode=0o600)
    user = pwd.getpwnam("nobody")
    os.chown(place.state, user.pw_uid, user.pw_gid)
    os.link(precious, place.state / "lock")
    place.run()
    assert precious.stat().st_uid == 0


@pytest.mark.parametrize("directory", ["state.json", "state.json.damaged"])
def test_a_directory_in_the_place_of_the_state_is_set_aside(place, directory):
    place.well()
    record = place.ours()
    (place.state / "state.json").write_text("damaged")
    if directory == "state.json":
        (place.state / "state.json").rename(place.state / "state.json.damaged")
    (place.state / directory / "full").mkdir(parents=True)
    result = place.run()
    assert result.status == 0 and "set aside as state.json.damaged-too" in result.err
    place.well()
    assert place.ours()["id"] == record["id"]
