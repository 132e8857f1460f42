"""The rules that the stand-in keeps: tokens, rates, subscriptions, faults.

What it posts to webhooks is in test_webhooks.py.
"""

import json
import ssl
import time
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote_plus

import pytest

from ringcentral import RingCentral
from standin.client import SUBSCRIPTIONS, Client
from standin.hook import Hook
from standin.remote import Remote
from standin.settings import Credentials

PRESENCE = "/restapi/v1.0/account/~/presence"
SMS = "/restapi/v1.0/account/~/extension/~/message-store/instant?type=SMS"
WEEK = 604_800


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def left(platform, info):
    """Seconds of life by expirationTime and the platform's clock."""
    return moment(info["expirationTime"]) - platform.now()


# -- the token endpoint

def test_a_token_is_granted_for_the_jwt(client):
    answer = client.authorise()
    assert answer.status == 200
    assert answer.document["token_type"] == "bearer"
    assert answer.document["expires_in"] == 3600
    assert "SubscriptionWebhook" in answer.document["scope"].split()
    assert answer.document["owner_id"] == client.platform.settings.extension
    assert "refresh_token" not in answer.document
    assert client.api("GET", token=answer.document["access_token"]).status == 200


@pytest.mark.parametrize("changes, status, error", [
    ({"assertion": "another"}, 400, "invalid_grant"),
    ({"assertion": ""}, 400, "invalid_request"),
    ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ({"grant_type": ""}, 400, "invalid_request"),
])
def test_token_errors_have_the_form_of_rfc_6749(client, changes, status, error):
    answer = client.authorise(**changes)
    assert (answer.status, answer.document["error"]) == (status, error)
    assert answer.document["error_description"]


def test_a_wrong_client_is_refused(client):
    form = {"grant_type": "x"}
    wrong = client.form("/restapi/oauth/token", form, password="wrong")
    assert (wrong.status, wrong.document["error"]) == (401, "invalid_client")
    assert wrong.headers["WWW-Authenticate"].startswith("Basic")
    assert client.form("/restapi/oauth/token", form, user="wrong").status == 401
    assert client.call("POST", "/restapi/oauth/token", "grant_type=x").status == 401


def test_the_grant_must_be_a_form(client):
    answer = client.form("/restapi/oauth/token", {})
    assert (answer.status, answer.document["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("basic, raw, form", [
    ("either", 200, 200), ("raw", 200, 401), ("form", 401, 200)])
def test_a_secret_may_hold_any_character(start, basic, raw, form):
    secret = "p%41+ss:w\u00f6rd/=& "
    platform = start(credentials=Credentials("app id", secret), basic=basic)
    client = Client(platform)
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
             "assertion": platform.credentials.jwt}
    assert client.form("/restapi/oauth/token", grant).status == raw
    assert client.form("/restapi/oauth/token", grant, quote_plus("app id"),
                       quote_plus(secret)).status == form


def test_a_token_expires_with_the_clock(platform, client):
    assert client.api("GET").status == 200
    platform.advance(3599)
    assert client.api("GET").status == 200
    platform.advance(2)
    answer = client.api("GET")
    assert (answer.status, answer.code) == (401, "TokenExpired")
    assert "invalid_token" in answer.headers["WWW-Authenticate"]


def test_a_request_without_a_known_token_is_refused(client):
    assert client.call("GET", SUBSCRIPTIONS).code == "TokenInvalid"
    answer = client.api("GET", token="made-up")
    assert (answer.status, answer.code) == (401, "TokenInvalid")


def test_a_sixth_token_invalidates_the_oldest(platform, client):
    tokens = [client.authorise().document["access_token"] for _ in range(5)]
    assert client.api("GET", token=tokens[0]).status == 200
    platform.forget_rates()
    client.authorise()
    assert client.api("GET", token=tokens[0]).status == 401
    assert client.api("GET", token=tokens[1]).status == 200


def test_a_revoked_token_is_dead(client):
    assert client.api("GET").status == 200
    assert client.form("/restapi/oauth/revoke", {"token": client.token}).status == 200
    assert client.api("GET").status == 401


def test_all_tokens_can_be_invalidated(platform, client):
    client.api("GET")
    platform.forget_tokens()
    assert client.api("GET").status == 401


# -- rate groups

@pytest.mark.parametrize("method, path, group, limit", [
    ("GET", SUBSCRIPTIONS, "light", 50),
    ("POST", SUBSCRIPTIONS + "/x/renew", "light", 50),
    ("DELETE", SUBSCRIPTIONS + "/x", "medium", 40),
    ("PUT", SUBSCRIPTIONS + "/x", "medium", 40),
])
def test_each_call_counts_in_its_group(client, method, path, group, limit):
    headers = client.api(method, path).headers
    assert headers["X-Rate-Limit-Group"] == group
    assert headers["X-Rate-Limit-Limit"] == str(limit)
    assert headers["X-Rate-Limit-Remaining"] == str(limit - 1)
    assert headers["X-Rate-Limit-Window"] == "60"


def test_five_authorisations_a_minute(platform, client):
    assert [client.authorise().status for _ in range(6)] == [200] * 5 + [429]
    platform.advance(61)
    assert client.authorise().status == 200


def test_an_early_request_restarts_the_penalty(start):
    platform = start(rate_limits={"auth": 1, "light": 50, "medium": 40, "heavy": 10})
    client = Client(platform)
    assert client.authorise().status == 200
    answer = client.authorise()
    assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
    assert answer.code == "CMN-301"
    platform.advance(50)
    assert client.authorise().status == 429
    platform.advance(50)
    assert client.authorise().status == 429     # 100 s after the first: still inside
    platform.advance(61)
    assert client.authorise().status == 200


def test_retry_after_may_be_a_date_or_absent(start):
    platform = start(rate_limits={"auth": 0, "light": 50}, retry_after="date")
    client = Client(platform)
    end = parsedate_to_datetime(client.authorise().headers["Retry-After"]).timestamp()
    assert 58 <= end - platform.now() <= 60
    platform.change(retry_after="absent")
    assert "Retry-After" not in client.authorise().headers


# -- create

def test_a_subscription_is_created_with_ids_filled_in(platform, client, hook):
    answer = client.create(hook.address, [PRESENCE, SMS], token="v-token", expiresIn=86400)
    info = answer.document
    assert answer.status == 200
    assert info["eventFilters"] == [
        "/restapi/v1.0/account/37439510/presence",
        "/restapi/v1.0/account/37439510/extension/400144455008/message-store/instant?type=SMS"]
    assert info["status"] == "Active"
    assert info["expiresIn"] == 86400
    assert 86395 < left(platform, info) <= 86400
    assert info["uri"] == f"{platform.url}{SUBSCRIPTIONS}/{info['id']}"
    assert info["deliveryMode"] == {"transportType": "WebHook", "encryption": False,
                                    "address": hook.address}
    assert "disabledFilters" not in info and "blacklistedData" not in info


def test_the_verification_token_never_comes_back(client, hook):
    subscription = client.create(hook.address, token="v-token").document["id"]
    for answer in (client.api("GET"), client.api("GET", f"{SUBSCRIPTIONS}/{subscription}")):
        assert b"v-token" not in answer.body


def test_seven_days_when_expires_in_is_left_out_or_in_the_wrong_place(client, hook):
    assert client.create(hook.address).document["expiresIn"] == WEEK
    mode = {"transportType": "WebHook", "address": hook.address, "expiresIn": 86400}
    answer = client.api("POST", document={"eventFilters": [PRESENCE], "deliveryMode": mode})
    assert answer.document["expiresIn"] == WEEK


@pytest.mark.parametrize("value, status", [
    (0, 400), (1, 200), (315_360_000, 200), (315_360_001, 400), ("86400", 400), (True, 400),
    (1.5, 400), (None, 400)])
def test_expires_in_has_bounds(client, hook, value, status):
    answer = client.create(hook.address, expiresIn=value)
    assert answer.status == status
    if status == 400:
        assert answer.document["parameterName"] == "expiresIn"


@pytest.mark.parametrize("filters, code", [
    (["/restapi/v1.0/account/{accountId}/presence"], "SUB-508"),
    ([SMS + " "], "SUB-508"),
    (["presence"], "SUB-508"),
    ([7], "SUB-508"),
    ([], "CMN-101"),
])
def test_invalid_filters_are_refused(client, hook, filters, code):
    answer = client.create(hook.address, filters)
    assert (answer.status, answer.code) == (400, code)
    assert hook.received == []


@pytest.mark.parametrize("mode, parameter", [
    ("none", "deliveryMode"),
    ({"transportType": "PubNub", "address": "https://h/"}, "deliveryMode.transportType"),
    ({"transportType": "WebHook"}, "deliveryMode.address"),
    ({"transportType": "WebHook", "address": "hooks.example.com"}, "deliveryMode.address"),
    ({"transportType": "WebHook", "address": "https://h/", "verificationToken": 1},
     "deliveryMode.verificationToken"),
])
def test_an_invalid_delivery_mode_is_refused(client, mode, parameter):
    answer = client.api("POST", document={"eventFilters": [PRESENCE], "deliveryMode": mode})
    assert (answer.status, answer.code) == (400, "CMN-101")
    assert answer.document["parameterName"] == parameter


def test_what_is_not_json_is_refused(client):
    client.authorise()
    headers = {"Authorization": f"Bearer {client.authorise().document['access_token']}"}
    assert client.call("POST", SUBSCRIPTIONS, "{}", headers).status == 415
    headers["Content-Type"] = "application/json"
    assert client.call("POST", SUBSCRIPTIONS, "{", headers).status == 400
    assert client.call("POST", SUBSCRIPTIONS, "[]", headers).status == 400


def test_thirty_subscriptions_at_most(platform, client, hook):
    for number in range(29):
        platform.add_subscription(f"https://h/{number}", [PRESENCE])
    assert client.create(hook.address).status == 200
    answer = client.create(hook.address)
    assert (answer.status, answer.code) == (403, "SUB-505")


def test_the_same_address_twice_makes_two(client, hook):
    assert client.create(hook.address).document["id"] != client.create(hook.address).document["id"]
    assert len(client.api("GET").document["records"]) == 2


def test_filters_without_permission_are_disabled(start, hook):
    client = Client(start(permissions=["SubscriptionWebhook", "SMS"]))
    info = client.create(hook.address, [PRESENCE, SMS]).document
    assert len(info["eventFilters"]) == 1 and "instant" in info["eventFilters"][0]
    disabled = info["disabledFilters"]
    assert [one["filter"] for one in disabled] == ["/restapi/v1.0/account/37439510/presence"]
    assert disabled[0]["reason"] == "SUB-412" and "ReadPresence" in disabled[0]["message"]
    client.platform.change(list_disabled=True)
    assert len(client.api("GET").document["records"][0]["eventFilters"]) == 2


def test_without_the_permission_to_subscribe_nothing_is_created(start, hook):
    answer = Client(start(permissions=["SMS"])).create(hook.address)
    assert (answer.status, answer.code) == (403, "CMN-401")
    assert answer.document["permissionName"] == "SubscriptionWebhook"


def test_less_may_be_granted_than_asked(start, hook):
    client = Client(start(grant_at_most=3600))
    assert client.create(hook.address, expiresIn=86400).document["expiresIn"] == 3600


@pytest.mark.parametrize("threshold, interval, life, status", [
    (86400, 3600, WEEK, 200), (WEEK // 2, WEEK // 4, WEEK, 200), (WEEK // 2 + 1, 3600, WEEK, 400),
    (86400, 43200, WEEK, 200), (86400, 43201, WEEK, 400), (120, 60, WEEK, 200),
    (120, 59, WEEK, 400), (59, 29, WEEK, 400), ("x", 60, WEEK, 400)])
def test_reminders_have_bounds(client, hook, threshold, interval, life, status):
    reminder = f"/restapi/v1.0/subscription/~?threshold={threshold}&interval={interval}"
    answer = client.create(hook.address, [PRESENCE, reminder], expiresIn=life)
    assert answer.status == status
    if status == 400:
        assert answer.code == "SUB-516"
    else:
        assert answer.document["eventFilters"][1] == reminder


def test_a_platform_may_keep_no_order_of_filters_and_parameters(start):
    platform = start(reorder_filters=True)
    info = platform.add_subscription("https://h/", ["/a?x=1&y=+2", "/b"])
    assert info["eventFilters"] == ["/b", "/a?y=+2&x=1"]


# -- list, get, update, renew, delete

@pytest.fixture
def subscription(client, hook):
    """One that was created with a life of a day, half of it gone."""
    info = client.create(hook.address, [SMS], token="v-token", expiresIn=86400).document
    client.platform.advance(43200)
    client.token = None
    hook.received.clear()
    return f"{SUBSCRIPTIONS}/{info['id']}"


def test_the_list_holds_what_get_gives(client, subscription):
    answer = client.api("GET")
    assert answer.document["uri"].endswith(SUBSCRIPTIONS)
    records = answer.document["records"]
    one = client.api("GET", subscription).document
    assert abs(one.pop("expiresIn") - records[0].pop("expiresIn")) <= 1
    assert records == [one]


def test_the_list_holds_other_transports_too(platform, client):
    platform.add_subscription("123_abc", [PRESENCE], transport="PubNub")
    records = client.api("GET").document["records"]
    assert records[0]["deliveryMode"]["transportType"] == "PubNub"


def test_renew_keeps_the_lifetime(platform, client, subscription):
    assert left(platform, client.api("GET", subscription).document) < 43201
    info = client.api("POST", subscription + "/renew").document
    assert 86395 < left(platform, info) <= 86400


def test_put_with_an_empty_body_goes_back_to_the_default(platform, client, subscription):
    info = client.api("PUT", subscription).document
    assert WEEK - 5 < left(platform, info) <= WEEK
    assert "instant" in info["eventFilters"][0]


def test_put_replaces_the_filters(platform, client, subscription):
    reminder = "/restapi/v1.0/subscription/~?threshold=3600&interval=600"
    both = {"eventFilters": [PRESENCE, reminder], "expiresIn": 86400}
    assert len(client.api("PUT", subscription, both).document["eventFilters"]) == 2
    info = client.api("PUT", subscription, {"eventFilters": [PRESENCE]}).document
    assert info["eventFilters"] == ["/restapi/v1.0/account/37439510/presence"]
    assert WEEK - 5 < left(platform, info) <= WEEK


def test_put_cannot_change_address_or_token(platform, client, hook, subscription):
    document = {"eventFilters": [SMS], "deliveryMode": {
        "transportType": "WebHook", "address": "https://elsewhere/", "verificationToken": "x"}}
    assert client.api("PUT", subscription, document).document["deliveryMode"]["address"] \
        == hook.address
    platform.emit("inbound-sms")
    assert hook.received[-1].headers["verification-token"] == "v-token"


@pytest.mark.parametrize("document, code", [
    ({"expiresIn": 86400}, "CMN-101"),
    ({"eventFilters": [SMS], "expiresIn": 0}, "CMN-101"),
    ({"eventFilters": ["/x/{id}"]}, "SUB-508"),
    ({"eventFilters": ["/restapi/v1.0/subscription/~?threshold=1&interval=1"]}, "SUB-516"),
])
def test_an_invalid_put_changes_nothing(client, subscription, document, code):
    before = client.api("GET", subscription).document
    answer = client.api("PUT", subscription, document)
    assert (answer.status, answer.code) == (400, code)
    after = client.api("GET", subscription).document
    assert (after["eventFilters"], after["expirationTime"]) \
        == (before["eventFilters"], before["expirationTime"])


def test_a_renewal_may_not_extend(platform, client, subscription):
    platform.change(renew_extends=False)
    before = client.api("GET", subscription).document["expirationTime"]
    for method, path in (("POST", subscription + "/renew"), ("PUT", subscription)):
        answer = client.api(method, path)
        assert (answer.status, answer.document["expirationTime"]) == (200, before)


def test_delete_removes(client, subscription):
    answer = client.api("DELETE", subscription)
    assert (answer.status, answer.body) == (204, b"")
    answer = client.api("DELETE", subscription)
    assert (answer.status, answer.code) == (404, "CMN-102")
    assert client.api("GET").document["records"] == []


@pytest.mark.parametrize("method, suffix", [
    ("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/renew")])
def test_after_its_expiry_a_subscription_is_gone(platform, client, subscription, method, suffix):
    platform.advance(43201)
    client.token = None
    answer = client.api(method, subscription + suffix)
    assert (answer.status, answer.code) == (404, "CMN-102")
    assert client.api("GET").document["records"] == []


def test_renewing_does_not_revive(platform, client, subscription):
    platform.set_status(subscription.rpartition("/")[2], "Blacklisted", "Read timed out")
    client.api("POST", subscription + "/renew")
    info = client.api("PUT", subscription).document
    assert info["status"] == "Blacklisted"
    assert info["blacklistedData"]["reason"] == "Read timed out"
    assert abs(moment(info["blacklistedData"]["blacklistedAt"]) - platform.now()) < 5


def test_two_thousand_filters_are_possible(client, hook):
    filters = [f"/restapi/v1.0/account/~/extension/{n}/presence" for n in range(2000)]
    assert client.create(hook.address, filters).status == 200
    assert len(client.api("GET").body) > 100_000


# -- errors and headers

def test_errors_may_come_without_the_top_level_code(start):
    client = Client(start(errors_only=True))
    assert list(client.api("GET", SUBSCRIPTIONS + "/x").document) == ["errors"]


def test_errors_have_code_and_message_twice(client):
    document = client.api("GET", SUBSCRIPTIONS + "/x").document
    assert document["errorCode"] == document["errors"][0]["errorCode"] == "CMN-102"
    assert document["message"] == document["errors"][0]["message"]


def test_every_reply_has_a_request_id_and_the_platforms_date(platform, client):
    platform.advance(86400)
    seen = set()
    for answer in (client.api("GET"), client.call("GET", "/nowhere"), client.authorise()):
        seen.add(answer.headers["RCRequestId"])
        date = parsedate_to_datetime(answer.headers["Date"]).timestamp()
        assert abs(date - platform.now()) < 3
    assert len(seen) == 3


def test_unknown_paths_and_methods(client):
    assert client.api("GET", "/restapi/v1.0/nothing").status == 404
    answer = client.api("PATCH")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, POST")


# -- faults

@pytest.mark.parametrize("details, headers", [
    ({"status": 500}, {}),
    ({"status": 503, "retry_after": 7}, {"Retry-After": "7"}),
    ({"status": 429}, {}),
    ({"status": 302, "headers": [["Location", "https://elsewhere/"]]},
     {"Location": "https://elsewhere/"}),
])
def test_a_status_on_demand_does_not_act(platform, client, subscription, details, headers):
    platform.fault("status", method="DELETE", **details)
    answer = client.api("DELETE", subscription)
    assert answer.status == details["status"]
    assert {name: answer.headers[name] for name in headers} == headers
    assert client.api("GET", subscription).status == 200


def test_a_fault_meets_only_its_path_method_and_count(platform, client):
    platform.fault("status", method="GET", path=SUBSCRIPTIONS, count=2)
    assert client.api("GET", SUBSCRIPTIONS + "/x").status == 404
    assert client.api("PUT", SUBSCRIPTIONS + "/x").status == 404
    assert [client.api("GET").status for _ in range(3)] == [500, 500, 200]


def test_a_fault_without_count_stays_until_removed(platform, client):
    platform.fault("status", path=SUBSCRIPTIONS, count=0)
    assert [client.api("GET").status for _ in range(3)] == [500] * 3
    platform.clear_faults()
    assert client.api("GET").status == 200


def test_a_connection_dropped_before_acting(platform, client, hook):
    client.api("GET")
    platform.fault("drop-before", method="POST", path=SUBSCRIPTIONS)
    with pytest.raises((ConnectionError, ssl.SSLError)):
        client.create(hook.address)
    assert platform.subscriptions() == []


def test_a_connection_dropped_after_acting(platform, client, hook):
    client.api("GET")
    platform.fault("drop-after", method="POST", path=SUBSCRIPTIONS)
    with pytest.raises((ConnectionError, ssl.SSLError)):
        client.create(hook.address)
    assert len(platform.subscriptions()) == 1
    assert platform.requests()[-1]["status"] is None


def test_a_slow_reply(platform, client):
    client.api("GET")
    platform.fault("slow", seconds=0.3)
    before = time.monotonic()
    assert client.api("GET").status == 200
    assert time.monotonic() - before >= 0.3


def test_truncated_json_in_a_whole_reply(platform, client):
    platform.fault("truncated", path=SUBSCRIPTIONS)
    answer = client.api("GET")
    assert answer.status == 200
    with pytest.raises(ValueError):
        answer.document


def test_a_reply_cut_short(platform, client):
    client.api("GET")
    platform.fault("cut")
    with pytest.raises(Exception, match="IncompleteRead"):
        client.api("GET")


def test_an_html_page(platform, client):
    platform.fault("html", path=SUBSCRIPTIONS, status=200)
    answer = client.api("GET")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html")


def test_no_content_type(platform, client):
    platform.fault("no-content-type", path=SUBSCRIPTIONS)
    answer = client.api("GET")
    assert "Content-Type" not in answer.headers
    assert answer.document["records"] == []


def test_wrong_types_in_one_record(platform, client):
    for name in "ab":
        platform.add_subscription(f"https://{name}/", [PRESENCE])
    platform.fault("wrong-types", path=SUBSCRIPTIONS)
    first, last = client.api("GET").document["records"]
    assert isinstance(first["id"], str) and last["id"] == 12345
    platform.fault("wrong-types", path=SUBSCRIPTIONS, changes={"status": 1})
    assert client.api("GET").document["records"][1]["status"] == 1


def test_no_types_are_wrong_where_there_is_no_body(platform, client):
    record = platform.add_subscription("https://a/", [PRESENCE])
    platform.fault("wrong-types", method="DELETE", path=f"{SUBSCRIPTIONS}/*")
    assert client.api("DELETE", f"{SUBSCRIPTIONS}/{record['id']}").status == 204
    assert platform.subscriptions() == []


def test_a_body_beyond_all_measure(platform, client):
    platform.fault("huge", path=SUBSCRIPTIONS)
    answer = client.api("GET")
    assert len(answer.body) > 64 * 1024 * 1024
    assert answer.document["records"] == []


def test_any_body_on_demand(platform, client):
    platform.fault("body", path=SUBSCRIPTIONS, text="[[[", content_type="application/json")
    assert client.api("GET").body == b"[[["


def test_unauthorised_once(platform, client):
    client.api("GET")
    platform.fault("unauthorized", path=SUBSCRIPTIONS)
    assert [client.api("GET").status for _ in range(2)] == [401, 200]


def test_an_unknown_fault_or_setting_is_a_mistake(platform):
    with pytest.raises(ValueError):
        platform.fault("meteor")
    with pytest.raises(ValueError):
        platform.change(colour="red")


# -- the log, the control interface, ways to run

def test_the_log_tells_calls_and_no_secrets(platform, client, hook):
    client.create(hook.address + "?auth_token=s3cret-in-query", token="v-token")
    client.call("POST", "/restapi/oauth/token", json.dumps({
        "assertion": platform.credentials.jwt}))
    assert [(one["method"], one["path"], one["status"]) for one in platform.requests()] == [
        ("POST", "/restapi/oauth/token", 200), ("POST", SUBSCRIPTIONS, 200),
        ("POST", "/restapi/oauth/token", 401)]
    assert platform.requests()[1]["document"]["eventFilters"] == [PRESENCE]
    text = json.dumps(platform.requests())
    for secret in (client.token, platform.credentials.client_secret, "v-token", "s3cret",
                   platform.credentials.jwt):
        assert secret not in text
    platform.forget_requests()
    assert platform.requests() == []


def control(client, method, path, **values):
    return client.call(method, "/stand-in/" + path, json.dumps(values) if values else None)


def test_the_control_interface_does_what_the_methods_do(platform, client, hook):
    assert b"/stand-in/clock" in control(client, "GET", "").body
    made = control(client, "POST", "subscriptions", address=hook.address, paths=[PRESENCE]).document
    assert control(client, "GET", "subscriptions").document[0]["id"] == made["id"]
    assert control(client, "POST", "events", name="account-presence").document[0]["ok"]
    uuid = control(client, "GET", "deliveries").document[0]["uuid"]
    assert control(client, "POST", "repeat", uuid=uuid).document[0]["uuid"] == uuid
    control(client, "PATCH", f"subscriptions/{made['id']}", status="Suspended")
    assert platform.subscriptions()[0]["status"] == "Suspended"
    control(client, "DELETE", f"subscriptions/{made['id']}")
    assert platform.subscriptions() == []
    before = platform.now()
    assert control(client, "POST", "clock", advance=3600).document["now"] >= before + 3600
    assert control(client, "GET", "clock").document["now"] >= before + 3600
    control(client, "PATCH", "settings", renew_extends=False)
    assert control(client, "GET", "settings").document["renew_extends"] is False
    control(client, "POST", "faults", kind="html", count=3)
    assert control(client, "GET", "faults").document[0]["count"] == 3
    for path in ("faults", "deliveries", "log", "tokens", "rates"):
        assert control(client, "DELETE", path).status == 200
    assert (platform.faults(), platform.deliveries(), platform.requests()) == ([], [], [])


def test_a_mistake_in_a_control_call_is_told(client):
    assert control(client, "POST", "nothing").status == 404
    assert control(client, "POST", "faults", kind="meteor").status == 400
    assert control(client, "POST", "events", nane="x").status == 400
    assert control(client, "PATCH", "subscriptions/x", status="Active").status == 404


def test_plain_http_on_loopback(start):
    platform = start(https=False)
    assert platform.url.startswith("http://127.0.0.1:")
    assert Client(platform).api("GET").status == 200


def test_a_bad_certificate_on_demand(start, authority):
    client = Client(start(certificate=authority.issue("old", days=-1)))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        client.authorise()


def test_the_credentials_files_are_private(platform):
    directory = platform.credentials_directory
    assert directory.stat().st_mode & 0o777 == 0o700
    for name in ("client_id", "client_secret", "jwt"):
        assert (directory / name).stat().st_mode & 0o777 == 0o600
        assert (directory / name).read_text() == getattr(platform.credentials, name)
    assert len(platform.credentials.jwt) > 1500


def test_as_a_child_process(tmp_path):
    with Remote(tmp_path, "--allow-http", "--set", "token_lifetime=60") as remote:
        assert remote.control("GET", "settings")["token_lifetime"] == 60
        assert remote.control("GET", "settings")["allow_http"] is True
        with Hook() as hook:
            remote.control("POST", "subscriptions", address=hook.address, paths=[PRESENCE])
            assert remote.control("POST", "events", name="account-presence")[0]["ok"]
            assert len(hook.received) == 1


def test_it_can_be_stopped_while_a_reply_is_slow(directory):
    platform = RingCentral(directory)
    before = time.monotonic()
    with platform:
        platform.fault("slow", seconds=60)
    assert time.monotonic() - before < 30
