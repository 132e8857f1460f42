"""The subcommands, by hand: tables and documents, names and ids, --dry-run."""

import json
import re

import pytest

from place import CREATE, LIST, SUBSCRIPTIONS, one

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


def test_list_is_a_table_with_what_is_missing(place, other_hook):
    place.well()
    place.platform.add_subscription("https://elsewhere.example.com/?secret=1", ["/x"])
    place.platform.add_subscription("", ["/x"], transport="PubNub")
    place.declare("other", address=other_hook.address, filter="voicemail")
    lines = place.well("list").out.splitlines()
    assert lines[0].split() == ["NAME", "STATUS", "EXPIRES", "IN", "FILTERS", "ID", "ADDRESS"]
    assert re.fullmatch(rf"inbound +Active +(6 days 23 h|7 days) +2 +{ID.pattern} "
                        rf"{place.hook.address}", lines[1])
    assert re.fullmatch(rf"- +Active .* https://elsewhere.example.com/\?\*\*\*", lines[2])
    assert re.fullmatch(rf"- +PubNub +- +- +{ID.pattern} -", lines[3])
    assert re.fullmatch(rf"other +missing +- +1 +- +{other_hook.address}", lines[4])


def test_list_as_a_document(place):
    place.well()
    document = place.well("--json", "list").document
    [record] = document["subscriptions"]
    assert set(record) == {"name", "id", "transport", "status", "trouble", "address",
                           "created_at", "expires_at", "expires_in", "filters",
                           "disabled_filters"}
    assert record["name"] == "inbound" and record["status"] == "Active"
    assert document["missing"] == [] and document["exit_status"] == 0


def test_show_by_name_and_by_id(place):
    place.well()
    record = place.ours()
    by_name = place.well("show", "inbound").out
    assert place.well("show", record["id"]).out.splitlines()[:5] == by_name.splitlines()[:5]
    assert all(path in by_name for path in record["eventFilters"])
    assert place.well("show", "inbound", "--json").document["subscription"]["id"] == record["id"]


@pytest.mark.parametrize("command", ["show", "update", "renew", "delete"])
def test_neither_name_nor_id(place, command):
    result = place.run(command, "nobody")
    assert result.status == 69 and "nobody" in result.err
    assert place.calls() == [LIST]


def test_create_and_create_again(place):
    assert "created" in place.well("create", "inbound").out
    record = place.ours()
    assert f"{record['id']}: it is there already, and Active" in place.well("create").out
    assert place.calls() == [LIST, CREATE, LIST]
    place.well()
    assert place.calls() == [LIST]


def test_update_and_renew_declare_anew(place):
    place.well()
    record = place.ours()
    place.calls()
    for command in ("update", "renew"):
        for word in ([], ["inbound"], [record["id"]]):
            assert record["id"] in place.well(command, *word).out
            assert place.calls() == [LIST, ("PUT", one(record))]


def test_renew_of_somebody_else_s_keeps_its_filters(place):
    other = place.platform.add_subscription("https://elsewhere.example.com/", ["/x"])
    place.platform.advance(60)
    place.well("renew", other["id"])
    assert place.calls() == [LIST, ("POST", one(other) + "/renew")]
    result = place.run("update", other["id"])
    assert result.status == 64 and "filters" in result.err


def test_update_of_what_is_not_there(place):
    result = place.run("update", "inbound")
    assert result.status == 69 and "ringspool-renew create inbound" in result.err


def test_delete_by_name_and_by_id(place):
    place.well()
    record = place.ours()
    place.calls()
    assert "the next run creates it anew" in place.well("delete", "inbound").out
    assert place.calls() == [LIST, ("DELETE", one(record))]
    assert "not on the platform" in place.well("delete", "inbound").out
    other = place.platform.add_subscription("https://elsewhere.example.com/", ["/x"])
    place.well("delete", other["id"])
    assert place.present() == []


def test_filters_needs_no_configuration(place):
    place.config.unlink(missing_ok=True)
    document = place.well("filters", "--json").document
    names = {entry["name"]: entry for entry in document["filters"]}
    assert names["inbound-sms"]["path"].endswith("/message-store/instant?type=SMS")
    assert "inbound-sms" in place.well("filters").out


def test_token_shows_scope_and_end_never_the_token(place):
    result = place.well("token")
    assert "SubscriptionWebhook" in result.out and "in 1 h" in result.out
    token = json.loads((place.state / "token.json").read_text())["access_token"]
    assert token not in result.out
    document = place.well("token", "--json").document
    assert set(document["token"]) == {"server", "owner_id", "scope", "expires_at"}
    place.well("list")
    assert len([call for call in place.platform.requests() if "oauth" in call["path"]]) == 2


def test_check_passes_judgement_rule_by_rule(place):
    result = place.run("check", "inbound", "--json")
    assert result.status == 69      # this endpoint takes any token
    [check] = result.document["checks"]
    failed = [rule["rule"] for rule in check["rules"] if rule["outcome"] == "fail"]
    assert failed == ["wrong-token"] and not check["passes"]
    assert place.platform.requests() == []
    assert "validation-token" in place.run("check").out
    del place.receiver_settings["verification_tokens"]
    assert place.well("check", "--json").document["checks"][0]["passes"]


def test_check_of_an_unknown_name(place):
    assert place.run("check", "nobody").status == 64


# --dry-run

def test_dry_run_calls_nothing_that_changes(place):
    place.platform.add_subscription(place.hook.address, ["/x"], expires_in=999)
    place.platform.add_subscription(place.hook.address, ["/x"], expires_in=99)
    records = place.present()
    result = place.well("--dry-run")
    assert place.calls() == [LIST]
    assert place.present() == records
    for call in (f"PUT {one(records[0])}", f"DELETE {one(records[1])}"):
        assert call in result.out
    document = place.well("-n", "--json").document
    assert document["dry_run"]
    assert [change["action"] for change in document["changes"]] == ["adopt", "update", "delete"]
    assert place.calls() == [LIST]


@pytest.mark.parametrize("arguments, call", [
    (["create"], f"POST {SUBSCRIPTIONS}"), (["delete", "ID"], "DELETE"),
    (["renew", "ID"], "renew")])
def test_dry_run_of_a_subcommand(place, arguments, call):
    other = place.platform.add_subscription("https://elsewhere.example.com/", ["/x"])
    words = [other["id"] if word == "ID" else word for word in arguments]
    assert call in place.well("-n", *words).out
    assert place.calls() == [LIST]


# The document of a run

def test_the_document_of_a_run_tells_changes_and_problems(place):
    document = place.well("--json").document
    [change] = document["changes"]
    assert change == {"action": "created", "name": "inbound", "id": place.ours()["id"],
                      "text": "none has its address"}
    place.platform.change(permissions=["SMS"])
    place.platform.remove_subscription(place.ours()["id"])
    result = place.run("--json")
    assert result.status == 77 == result.document["exit_status"]
    [problem] = result.document["problems"]
    assert problem["kind"] == "permission" and problem["code"] == "CMN-401"
    assert problem["name"] == "inbound"


def test_status_json_has_its_documented_keys(place):
    place.declare(address=place.hook.address + "?auth=a-secret")
    place.well()
    status = place.status()
    assert set(status) == {"version", "program", "run_at", "exit_status", "last_good_run",
                           "retry_after", "error", "subscriptions"}
    [entry] = status["subscriptions"]
    assert set(entry) == {"name", "address", "id", "status", "expires_at", "filters",
                          "disabled_filters", "last_good_run", "last_interruption", "failing_since", "error"}
    assert entry["address"] == place.hook.address + "?***"
    place.platform.fault("status", method="GET", status=429, retry_after=60)
    place.run()
    later = place.status()
    assert later["exit_status"] == 75 and later["retry_after"]
    assert later["error"]["code"] == "CMN-211" and later["error"]["exit_status"] == 75
    assert later["last_good_run"] == status["last_good_run"]
    assert later["subscriptions"] == status["subscriptions"]


# The command line

def test_options_before_and_after_the_subcommand(place):
    place.well()
    for arguments in (["--json", "show", "inbound"], ["show", "--json", "inbound"],
                      ["show", "inbound", "--json"]):
        assert place.well(*arguments).document["subscription"]["name"] == "inbound"


@pytest.mark.parametrize("arguments", [
    ["nonsense"], ["show"], ["show", "a", "b"], ["list", "x"], ["delete"], ["--no-such"],
    ["--splay", "soon"], ["--splay", "-1"], ["-c"]])
def test_usage(place, arguments):
    result = place.run(*arguments)
    assert result.status == 64 and result.err and result.out == ""
    assert place.platform.requests() == []


@pytest.mark.parametrize("arguments", [
    ["--json", "nonsense"], ["show", "--json"], ["--no-such", "--json"], ["-x", "list", "--json"],
    ["--splay", "soon", "--json"], ["--json", "--splay"]])
def test_usage_as_a_document(place, arguments):
    result = place.run(*arguments)
    assert result.status == 64
    assert result.document["exit_status"] == 64 and result.document["changes"] == []
    (problem,) = result.document["problems"]
    assert problem["kind"] == "usage" and problem["text"] in result.err


def test_help_and_version(place):
    assert "usage: ringspool-renew" in place.well("--help").out
    assert re.fullmatch(r"ringspool-renew [0-9.]+\n", place.well("-V").out)


def test_splay_waits_at_most_so_long(place):
    place.well("--splay", "1")
    place.ours()


def test_a_configuration_without_subscriptions(place):
    place.sections = {}
    result = place.run()
    assert result.status == 78 and "[subscription NAME]" in result.err


def test_a_mistake_in_the_configuration_is_told_with_its_line(place):
    place.declare(expires_in="soon")
    result = place.run()
    assert result.status == 78
    assert re.search(r"ringspool.conf:\d+: expires_in needs a number of seconds", result.err)


def test_a_mistake_in_the_configuration_makes_no_state_directory(place):
    place.platform_settings["state_dir"] = place.work / "not-yet"
    place.declare(expires_in="soon")
    assert place.run().status == 78
    assert not (place.work / "not-yet").exists()


def test_an_unknown_filter_is_a_warning(place):
    place.declare(filter=["/restapi/v1.0/account/~/brand-new"])
    result = place.run()
    assert result.status == 0 and "warning" in result.err and "brand-new" in result.err


# Credentials from elsewhere

def test_credentials_of_the_environment(place):
    credentials = place.platform.credentials
    place.platform_settings["credentials"] = place.work / "none"
    assert place.run().status == 77
    place.well(environment={"RC_APP_CLIENT_ID": credentials.client_id,
                            "RC_APP_CLIENT_SECRET": credentials.client_secret,
                            "RC_USER_JWT": credentials.jwt})
    (place.state / "token.json").unlink()
    place.platform_settings["server"] = "https://127.0.0.1:1"
    place.well(environment={"RC_CLIENT_ID": credentials.client_id,
                            "RC_CLIENT_SECRET": credentials.client_secret,
                            "RC_JWT": credentials.jwt, "RC_SERVER_URL": place.platform.url})


def test_directories_that_systemd_gives(place):
    given = place.platform.credentials_directory
    place.platform_settings.update(credentials=place.work / "none")
    state = place.work / "given-state"
    place.well(environment={"CREDENTIALS_DIRECTORY": str(given), "STATE_DIRECTORY": str(state)})
    assert (state / "status.json").exists()
