"""The run without a subcommand: what is declared comes to be, with as few calls as can
be, and other people's subscriptions stay as they are."""

import signal

import pytest

from place import (CREATE, LIST, OTHER_TOKEN, SUBSCRIPTIONS, TOKEN, one, wait_until)

SMS = "/restapi/v1.0/account/37439510/extension/400144455008/message-store/instant?type=SMS"
DAY = 86400


def test_what_is_declared_is_created_with_its_token_and_lifetime(place):
    place.declare(expires_in=864000)
    place.well()
    assert place.calls() == [LIST, CREATE]
    record = place.ours()
    assert SMS in record["eventFilters"]
    assert abs(record["expiresIn"] - 864000) < 60
    place.platform.emit("inbound-sms")
    assert place.hook.received[-1].headers["verification-token"] == TOKEN


@pytest.mark.parametrize("settings", [{}, {"reorder_filters": True}, {"list_disabled": True}])
def test_a_second_run_makes_no_call_beyond_the_list(place, settings):
    place.platform.change(permissions=["SubscriptionWebhook", "SMS"], **settings)
    place.declare(filter=["inbound-sms", "voicemail",
                          "/restapi/v1.0/account/{accountId}/extension/~/presence"
                          "?detailedTelephonyState=true&sipData=true"],
                  reminder_threshold=86400)
    assert place.run().status == 0
    place.calls()
    assert place.run().status == 0
    assert place.calls() == [LIST]


def test_filters_that_the_platform_writes_in_its_own_way_are_not_updated_for_ever(place):
    unknown = "/restapi/v1.0/account/~/new-thing"
    place.declare(filter=["inbound-sms", unknown])
    changes = {"eventFilters": [SMS, "/restapi/v2/accounts/~/new-thing"]}
    place.platform.fault("wrong-types", method="POST", path=SUBSCRIPTIONS, changes=changes)
    place.platform.fault("wrong-types", method="GET", path=SUBSCRIPTIONS, changes=changes,
                         count=2)
    place.run()         # finds nothing: the first of the two
    place.calls()
    place.run()
    assert place.calls() == [LIST]


def test_state_lost_means_adopting_what_has_our_address(place):
    place.well()
    before = place.ours()
    place.calls()
    (place.state / "state.json").unlink()
    (place.state / "token.json").unlink()
    place.well()
    assert place.calls() == [LIST]
    assert place.ours()["id"] == before["id"]


def test_duplicates_of_our_address_are_removed_and_the_known_one_kept(place):
    place.well()
    known = place.ours()
    doubles = [place.platform.add_subscription(place.hook.address, known["eventFilters"],
                                               expires_in=days * DAY) for days in (8, 9)]
    place.calls()
    place.well()
    calls = place.calls()
    assert calls[0] == LIST
    assert sorted(calls[1:]) == sorted(("DELETE", one(double)) for double in doubles)
    assert place.ours()["id"] == known["id"]


def test_of_strange_duplicates_the_active_one_is_kept(place):
    active = place.platform.add_subscription(place.hook.address, ["/restapi/v1.0/x"])
    longer = place.platform.add_subscription(place.hook.address, [SMS], expires_in=9 * DAY)
    place.platform.set_status(longer["id"], "Suspended")
    place.well()
    assert place.ours()["id"] == active["id"]


def test_other_people_s_subscriptions_are_left_alone(place):
    others = [place.platform.add_subscription("https://elsewhere.example.com/", [SMS]),
              place.platform.add_subscription(place.hook.address + "/deeper", [SMS]),
              place.platform.add_subscription(place.hook.address, [SMS], transport="PubNub"),
              place.platform.add_subscription("", [SMS], transport="WebSocket")]
    place.platform.set_status(others[0]["id"], "Suspended")
    place.well()
    assert place.calls() == [LIST, CREATE]
    ids = [record["id"] for record in place.present()]
    assert all(other["id"] in ids for other in others) and len(ids) == 5


def test_changed_filters_are_updated_in_place(place):
    place.well()
    before = place.ours()
    place.declare(filter=["inbound-sms", "inbound-fax"])
    place.calls()
    place.well()
    assert place.calls() == [LIST, ("PUT", one(before))]
    assert any("/fax" in path for path in place.ours()["eventFilters"])
    place.well()
    assert place.calls() == [LIST]


def test_a_changed_address_is_created_before_the_old_one_is_deleted(place, other_hook):
    place.well()
    before = place.ours()
    place.declare(address=other_hook.address)
    place.calls()
    place.well()
    assert place.calls() == [LIST, CREATE, ("DELETE", one(before))]
    assert [record["deliveryMode"]["address"] for record in place.present()] == [
        other_hook.address]


def test_an_address_that_the_platform_writes_otherwise_makes_no_second_one(place):
    place.well()
    shown = {"deliveryMode": {"transportType": "WebHook",
                              "address": place.hook.address.replace("hook", "%68ook")}}
    place.platform.fault("wrong-types", path=SUBSCRIPTIONS, method="GET", changes=shown)
    place.calls()
    place.well()
    assert place.calls() == [LIST]


def test_sections_that_swap_their_addresses_keep_both(place, other_hook):
    place.declare("other", address=other_hook.address, filter="inbound-sms")
    place.declare(filter="inbound-sms")
    place.well()
    place.declare(address=other_hook.address)
    place.declare("other", address=place.hook.address)
    place.calls()
    place.well()
    assert place.calls() == [LIST]
    place.well()
    assert place.calls() == [LIST]


def test_a_changed_token_is_created_before_the_old_one_is_deleted(place):
    place.well()
    before = place.ours()
    place.use_token(OTHER_TOKEN, TOKEN)
    place.calls()
    place.well()
    assert place.calls() == [LIST, CREATE, ("DELETE", one(before))]
    place.platform.emit("inbound-sms")
    assert place.hook.received[-1].headers["verification-token"] == OTHER_TOKEN
    place.calls()
    place.well()
    assert place.calls() == [LIST]


def test_renewed_near_its_end_and_not_before(place):
    place.declare(expires_in=7 * DAY, renew_before=3 * DAY)
    place.well()
    before = place.ours()
    place.platform.advance(4 * DAY - 3600)
    place.calls()
    place.well()
    assert ("PUT", one(before)) not in place.calls()
    place.platform.advance(7200)
    place.well("-v")
    assert place.calls()[-1] == ("PUT", one(before))
    assert place.ours()["expirationTime"] > before["expirationTime"]
    assert abs(place.ours()["expiresIn"] - 7 * DAY) < 60


def test_a_changed_lifetime_is_asked_for_at_once(place):
    place.well()
    place.declare(expires_in=30 * DAY)
    place.well()
    assert abs(place.ours()["expiresIn"] - 30 * DAY) < 60
    place.calls()
    place.well()
    assert place.calls() == [LIST]


def test_gone_by_expiry_is_created_anew(place):
    place.well()
    place.platform.advance(8 * DAY)
    place.calls()
    assert "was gone; created anew" in place.run().err
    assert place.calls()[-1] == CREATE
    assert place.ours()


def test_gone_after_the_list_is_created_in_the_same_run(place):
    place.well()
    record = place.ours()
    place.platform.fault("status", method="PUT", path=one(record), status=404, code="CMN-102")
    place.remind(record["id"])
    place.calls()
    place.run()
    assert place.calls() == [LIST, ("PUT", one(record)), CREATE]


def test_a_renewal_that_does_not_prolong_is_told_and_replaced(place):
    place.well()
    before = place.ours()
    place.platform.change(renew_extends=False)
    place.platform.advance(5 * DAY)
    place.calls()
    result = place.run()
    assert result.status == 0
    assert "expirationTime did not grow" in result.err
    assert [call for call in place.calls() if call != LIST] == [
        ("PUT", one(before)), ("POST", one(before) + "/renew"), CREATE,
        ("DELETE", one(before))]
    assert place.ours()["expirationTime"] > before["expirationTime"]


def test_a_shorter_life_than_declared_is_told_and_renewed_as_much_earlier(place):
    place.platform.change(grant_at_most=2 * DAY)
    place.declare(expires_in=20 * DAY, renew_before=10 * DAY)
    result = place.run()
    assert result.status == 0 and "granted 2 days" in result.err
    record = place.ours()
    place.platform.advance(DAY - 3600)
    place.calls()
    place.run()
    assert ("PUT", one(record)) not in place.calls()
    place.platform.advance(7200)
    place.run()
    assert ("PUT", one(record)) in place.calls()


def test_a_reminder_is_obeyed_and_taken(place):
    place.well()
    record = place.ours()
    place.platform.advance(3600)
    place.remind(record["id"])
    place.remind("somebody-elses")
    place.calls()
    place.well()
    assert ("PUT", one(record)) in place.calls()
    assert place.ours()["expirationTime"] > record["expirationTime"]
    assert place.reminders() == ["somebody-elses"]
    place.well()
    assert place.calls() == [LIST]


def test_without_a_spool_on_this_machine_nothing_is_wrong(place):
    place.receiver_settings["spool"] = place.work / "nowhere"
    place.well()


@pytest.mark.parametrize("status", ["Blacklisted", "Suspended"])
def test_not_active_with_a_healthy_endpoint_is_replaced_in_the_same_run(place, status):
    place.well()
    before = place.ours()
    place.platform.set_status(before["id"], status, "Webhook responses with code: [404]")
    place.calls()
    assert f"was {status}" in place.run().err
    assert place.calls() == [LIST, ("GET", one(before)), CREATE, ("DELETE", one(before))]
    assert place.ours()["status"] == "Active"


def test_a_dead_one_makes_room_where_the_limit_is_reached(place):
    place.well()
    before = place.ours()
    place.platform.change(subscription_limit=1)
    place.platform.set_status(before["id"], "Blacklisted", "Read timed out")
    place.calls()
    assert place.run().status == 0
    assert place.calls() == [LIST, ("GET", one(before)), CREATE, ("DELETE", one(before)), CREATE]
    assert place.ours()["status"] == "Active"


def test_one_that_came_back_by_itself_is_kept(place):
    place.well()
    before = place.ours()
    place.platform.fault("wrong-types", path=SUBSCRIPTIONS, changes={"status": "Blacklisted"})
    place.calls()
    assert "is Active again" in place.run().err
    assert place.calls() == [LIST, ("GET", one(before))]
    assert place.status()["subscriptions"][0]["status"] == "Active"


def test_not_active_with_a_sick_endpoint_names_the_rule_and_tries_all_the_same(place):
    place.declare(expires_in=90 * DAY)
    place.well()
    before = place.ours()
    place.platform.set_status(before["id"], "Blacklisted", "Webhook responses with code: [404]")
    place.hook.behave(status=404)
    look = [LIST, ("GET", one(before))]

    def expect(calls):
        place.calls()
        result = place.run()
        assert result.status == 69, result
        assert "status: 404" in result.err, result
        assert [call for call in place.calls() if call != LIST] == calls[1:]
    expect(look)
    expect(look)
    for wait in (15 * 60, 3600, DAY, DAY):
        place.platform.advance(wait - 60)
        expect(look)
        place.platform.advance(120)
        expect([*look, CREATE])
        expect(look)
    assert place.status()["subscriptions"][0]["error"]["exit_status"] == 69
    place.hook.behave()
    assert place.run().status == 0
    assert place.ours()["id"] != before["id"]
    assert place.status()["subscriptions"][0]["error"] is None


def test_an_endpoint_that_fails_the_handshake_is_checked_and_the_rule_named(place):
    place.hook.behave(content_type="text/html")
    result = place.run()
    assert result.status == 69
    assert "SUB-525" in result.err and "content-type: text/html" in result.err
    assert place.present() == []


def test_two_sections_with_one_address_are_refused(place):
    place.declare("again", address=place.hook.address.replace("https", "HTTPS"),
                  filter="voicemail")
    result = place.run()
    assert result.status == 78
    assert "[subscription again]" in result.err and "[subscription inbound]" in result.err
    assert place.calls() == []


@pytest.mark.parametrize("listed", [False, True])
def test_disabled_filters_are_told_with_their_reason(place, listed):
    place.platform.change(permissions=["SubscriptionWebhook", "SMS"], list_disabled=listed)
    for _ in range(2):
        result = place.run()
        assert result.status == 0
        assert result.err.count("/voicemail") == 1 and "SUB-412" in result.err
    place.remind(place.ours()["id"])
    assert place.run().err.count("/voicemail") == 1      # though it is told by two replies
    [disabled] = place.status()["subscriptions"][0]["disabled_filters"]
    assert disabled["reason"] == "SUB-412"


def test_filters_left_out_without_a_word_are_told(place):
    place.declare(filter=["inbound-sms", "voicemail", "account-presence"])
    place.platform.change(leave_out=["/presence"],
                          permissions=["SubscriptionWebhook", "SMS"])   # voicemail: disabled
    for command in ((), (), ("update",), ("update", "inbound")):
        result = place.run(*command)
        assert result.status == 0
        assert result.err.count("shows 2 of 3 filters") == 1, command
    named, unnamed = place.status()["subscriptions"][0]["disabled_filters"]
    assert "voicemail" in named["filter"]
    assert unnamed == {"filter": None, "reason": None,
                       "message": "left out by the platform without a word"}
    # A state of an earlier version does not know of it, and learns it from the list.
    place.change_state(lambda state: state["subscriptions"][0].pop("left_out"))
    assert "shows 2 of 3 filters" in place.run().err
    place.declare(filter=["inbound-sms"])
    result = place.run()
    assert "shows" not in result.err and "well again: inbound: filters left out" in result.out
    assert place.status()["subscriptions"][0]["disabled_filters"] == []


def test_filters_written_otherwise_are_not_taken_to_be_left_out(place):
    place.platform.fault("wrong-types", count=0, path=f"{SUBSCRIPTIONS}*", changes={
        "eventFilters": ["/restapi/v2/sms", "/restapi/v2/voicemail", "/restapi/v2/voicemail"]})
    for _ in range(3):
        place.well()
    assert place.status()["subscriptions"][0]["disabled_filters"] == []


def test_one_that_fails_does_not_keep_the_others_back(place, other_hook):
    other_hook.behave(status=500)
    place.sections = {"sick": {"address": other_hook.address, "filter": "voicemail"},
                      **place.sections}
    result = place.run()
    assert result.status == 69
    assert place.ours()["status"] == "Active"
    by_name = {entry["name"]: entry for entry in place.status()["subscriptions"]}
    assert by_name["sick"]["error"] and by_name["sick"]["failing_since"]
    assert not by_name["inbound"]["error"] and by_name["inbound"]["last_good_run"]


def test_a_renamed_section_keeps_its_subscription(place):
    place.well()
    place.sections = {"renamed": place.sections["inbound"]}
    place.use_token(OTHER_TOKEN)        # is noticed all the same
    place.calls()
    place.well()
    assert [call[0] for call in place.calls()] == ["GET", "POST", "DELETE"]


def test_what_is_no_longer_declared_is_left_alone_but_told(place, other_hook):
    place.declare("other", address=other_hook.address, filter="voicemail")
    place.well()
    del place.sections["other"]
    place.calls()
    result = place.well("-v")
    assert place.calls() == [LIST]
    assert "other is no longer declared" in result.out


# Killed at the worst moments: the next run repairs.

def kill_when(place, condition, what):
    process = place.start()
    wait_until(condition, what)
    process.send_signal(signal.SIGKILL)
    process.wait()
    place.platform.clear_faults()


@pytest.mark.parametrize("change", ["address", "token"])
def test_killed_between_create_and_delete_the_next_run_deletes(place, other_hook, change):
    place.well()
    before = place.ours()
    if change == "address":
        place.declare(address=other_hook.address)
    else:
        place.use_token(OTHER_TOKEN, TOKEN)
    place.platform.fault("status", method="DELETE", path=one(before), status=503,
                         retry_after=25)
    place.calls()
    kill_when(place, lambda: any(request["method"] == "DELETE"
                                 for request in place.platform.requests()), "the deletion")
    assert len(place.present()) == 2
    place.calls()
    place.well()
    assert place.calls() == [LIST, ("DELETE", one(before))]
    assert place.ours(place.sections["inbound"]["address"])


def test_killed_before_the_reply_to_create_came_the_next_run_knows_it_again(place, other_hook):
    place.well()
    before = place.ours()
    place.declare(address=other_hook.address)
    place.platform.fault("slow", method="POST", path=SUBSCRIPTIONS, seconds=20)
    kill_when(place, lambda: len(place.present()) == 2, "the creation")
    place.calls()
    place.well()
    assert place.calls() == [LIST, ("DELETE", one(before))]


def test_killed_while_the_token_is_changed_one_with_the_new_token_is_left(place):
    place.well()
    place.use_token(OTHER_TOKEN, TOKEN)
    place.platform.fault("slow", method="POST", path=SUBSCRIPTIONS, seconds=20)
    kill_when(place, lambda: len(place.present()) == 2, "the creation")
    place.well()
    place.ours()
    place.platform.emit("inbound-sms")
    assert place.hook.received[-1].headers["verification-token"] == OTHER_TOKEN
