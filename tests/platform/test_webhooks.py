"""What the stand-in posts to webhooks: handshake, events, reminders, blacklist."""

import json
import re
import ssl
import threading

import pytest

import events
from standin.certificates import Authority
from standin.client import SUBSCRIPTIONS, Client
from standin.hook import Hook

PRESENCE = "/restapi/v1.0/account/~/presence"
SMS = "/restapi/v1.0/account/~/extension/~/message-store/instant?type=SMS"
MESSAGES = "/restapi/v1.0/account/~/extension/~/message-store"
WEEK = 604_800


def wait_until(condition, seconds=10):
    """Without a fixed sleep: True as soon as the condition holds."""
    tick = threading.Event()
    for _ in range(seconds * 100):
        if condition():
            return True
        tick.wait(0.01)
    return False


def filled(path):
    return events.filled(path)


# -- the handshake

def test_the_handshake_request(client, hook):
    assert client.create(hook.address + "?a=b", token="v-token").status == 200
    seen = hook.received[0]
    assert len(hook.received) == 1
    assert seen.target == "/hook?a=b"
    assert seen.body == b"" and seen.headers["content-length"] == "0"
    assert seen.headers["content-type"] == "application/json"
    assert len(seen.headers["validation-token"]) == 34
    assert "verification-token" not in seen.headers


def test_the_handshake_may_carry_the_verification_token(start, hook):
    Client(start(handshake_token=True)).create(hook.address, token="v-token")
    assert hook.received[0].headers["verification-token"] == "v-token"


SICK = {
    "not 200": ({"status": 201}, "SUB-525"),
    "no content": ({"status": 204}, "SUB-525"),
    "redirect": ({"status": 301, "headers": (("Location", "/"),)}, "SUB-525"),
    "server error": ({"status": 503}, "SUB-525"),
    "token missing": ({"echo": False}, "SUB-520"),
    "token differs": ({"echo": "another"}, "SUB-525"),
    "media type missing": ({"content_type": None}, "SUB-525"),
    "media type wrong": ({"content_type": "text/html"}, "SUB-525"),
    "1025 bytes": ({"size": 1025}, "SUB-525"),
    "body counts": ({"body": b"x" * 1000}, "SUB-525"),
    "not HTTP": ({"raw": b"hello\r\n\r\n"}, "SUB-525"),
    "nothing": ({"raw": b""}, "SUB-521"),
}


@pytest.mark.parametrize("behaviour, code", SICK.values(), ids=SICK)
def test_a_sick_endpoint_is_refused(platform, client, hook, behaviour, code):
    hook.behave(**behaviour)
    answer = client.create(hook.address)
    assert (answer.status, answer.code) == (400, code)
    assert len(hook.received) == 1      # a redirect was not followed
    assert platform.subscriptions() == []


@pytest.mark.parametrize("behaviour", [
    {"content_type": "Application/JSON; charset=utf-8"}, {"size": 1024},
    {"raw": None, "body": b"{}"}])
def test_what_is_just_allowed(client, hook, behaviour):
    hook.behave(**behaviour)
    assert client.create(hook.address).status == 200


def test_a_chunked_reply_is_counted_with_its_framing(platform, client, hook):
    head = (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n")
    body = b"2\r\n{}\r\n0\r\n\r\n"
    hook.behave(raw=head + body)
    assert client.create(hook.address).code == "SUB-520"
    assert platform.deliveries()[0]["bytes"] == len(head + body)


def test_the_time_limit_covers_the_whole_reply(start, hook):
    client = Client(start(reply_time=0.2))
    hook.behave(seconds=0.5)
    answer = client.create(hook.address)
    assert (answer.status, answer.code) == (400, "SUB-521")
    assert client.platform.deliveries()[0]["reason"] \
        == "I/O operation is failed. Details: [Read timed out]"


def test_the_time_limit_is_3000_ms(platform):
    assert platform.settings.reply_time == 3.0


def test_nobody_listens(client):
    with Hook() as gone:
        address = gone.address.replace("http:", "https:")
    assert client.create(address).code == "SUB-521"


def test_https_is_required_unless_allowed(platform, client):
    with Hook() as hook:
        assert client.create(hook.address).code == "SUB-523"
        assert hook.received == []
        platform.change(allow_http=True)
        assert client.create(hook.address).status == 200


@pytest.mark.parametrize("problem, status", [
    ({"days": -1}, 400), ({"hosts": ("other.example",)}, 400),
    ({"intermediate": True, "full_chain": False}, 400), ({"intermediate": True}, 200)])
def test_the_certificate_chain_is_verified(client, authority, problem, status):
    with Hook(authority.issue("sick", **problem)) as hook:
        answer = client.create(hook.address)
    assert answer.status == status
    if status == 400:
        assert answer.code == "SUB-524"


def test_another_authority_is_not_trusted(client, tmp_path):
    with Hook(Authority(tmp_path).issue("foreign")) as hook:
        assert client.create(hook.address).code == "SUB-524"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tls_older_than_1_2_is_refused(client, authority):
    with Hook(authority.issue("old"), newest=ssl.TLSVersion.TLSv1_1) as hook:
        assert client.create(hook.address).code == "SUB-524"
    with Hook(authority.issue("old"), newest=ssl.TLSVersion.TLSv1_2) as hook:
        assert client.create(hook.address).status == 200


# -- events

@pytest.fixture
def subscribe(platform, hook):
    """Records straight into the platform, without a handshake."""
    def subscribed(*paths, **options):
        return platform.add_subscription(hook.address, list(paths), **options)["id"]
    return subscribed


@pytest.mark.parametrize("name", events.KINDS)
def test_every_family_is_delivered(platform, hook, subscribe, name):
    subscription = subscribe(events.KINDS[name].filter)
    results = platform.emit(name)
    assert [one["ok"] for one in results] == [True]
    event = json.loads(hook.received[0].body)
    assert re.fullmatch(r"\d{18,20}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", event["uuid"])
    assert not set(events.KINDS[name].without) & set(event)
    assert event.get("subscriptionId", subscription) == subscription
    shown = event.get("pn_apns", event)
    assert shown["event"] == (events.KINDS[name].event or filled(events.KINDS[name].filter))
    assert shown["body"]


def test_the_headers_of_a_notification(platform, hook, subscribe):
    subscribe(SMS, verification_token="v-token")
    platform.emit("inbound-sms", headers=[["Validation-Token", "hello-world"]])
    headers = hook.received[0].headers
    assert headers["user-agent"] == "RingCentral-Webhook/8.3"
    assert headers["accept-encoding"] == "UTF-8"
    assert headers["content-type"] == "application/json; charset=UTF-8"
    assert headers["verification-token"] == "v-token"
    assert headers["validation-token"] == "hello-world"


def test_no_verification_token_when_none_was_set(platform, hook, subscribe):
    subscribe(SMS)
    platform.emit("inbound-sms")
    assert "verification-token" not in hook.received[0].headers


def test_texts_are_utf8_on_the_wire(platform, hook, subscribe):
    subscribe(SMS)
    platform.emit("inbound-sms", body={"subject": "\U0001f68c c\u2019est"})
    assert "\U0001f68c c\u2019est".encode() in hook.received[0].body


def test_overlapping_subscriptions_each_get_a_copy(platform, hook, subscribe):
    both = [subscribe(SMS), subscribe(PRESENCE, SMS, SMS.replace("~", "1"))]
    subscribe(PRESENCE)
    platform.emit("inbound-sms")
    copies = [json.loads(one.body) for one in hook.received]
    assert [one.pop("subscriptionId") for one in copies] == both
    assert copies[0] == copies[1]


@pytest.mark.parametrize("path, name, count", [
    (MESSAGES + "?type=SMS", "message-store", 1), (MESSAGES + "?type=Pager", "message-store", 0),
    (MESSAGES, "message-store", 1), (MESSAGES, "inbound-sms", 0),
    ("/restapi/v1.0/account/~/telephony/sessions?statusCode=Setup", "account-telephony", 1),
    ("/restapi/v1.0/account/~/telephony/sessions?statusCode=Gone", "account-telephony", 0),
    ("/restapi/v1.0/account/~/telephony/sessions?missedCall=true", "account-telephony", 0),
    ("/restapi/v1.0/account/~/telephony/sessions?sipData=true", "account-telephony", 1),
    ("/restapi/v1.0/account/~/a2p-sms/messages?direction=Outbound", "batch-messages", 0),
    ("/restapi/v1.0/account/~/a2p-sms/messages?from=+12125550123", "batch-messages", 1),
    ("/restapi/v1.0/account/~/a2p-sms/messages?to=%2B16505550100", "batch-messages", 1),
    ("/restapi/v1.0/account/~/a2p-sms/messages?to=+19995550100", "batch-messages", 0),
    ("/restapi/v1.0/account/~/a2p-sms/batches", "message-batch", 1),
    ("/restapi/v1.0/account/~/a2p-sms/batches/7", "message-batch", 0),
    ("/team-messaging/v1/posts", "posts", 1),
    ("/restapi/v1.0/account/~/extension/555/presence", "extension-presence", 0),
    ("/restapi/v1.0/subscription/~?threshold=7200&interval=3600", "reminder", 1),
])
def test_filters_let_through_what_they_name(platform, subscribe, path, name, count):
    subscribe(path)
    assert len(platform.emit(name)) == count


def test_a_failed_delivery_is_not_retried(platform, hook, subscribe):
    subscribe(SMS)
    hook.behave(status=503)
    assert platform.emit("inbound-sms")[0]["ok"] is False
    hook.behave()
    platform.advance(599)
    assert len(hook.received) == 1


def test_a_repeat_has_the_same_uuid(platform, hook, subscribe):
    subscribe(SMS)
    uuid = platform.emit("inbound-sms")[0]["uuid"]
    platform.advance(60)
    platform.repeat(uuid)
    platform.repeat(uuid, new_timestamp=True)
    first, same, later = (json.loads(one.body) for one in hook.received)
    assert first == same
    assert later.pop("timestamp") != first.pop("timestamp")
    assert first == later


REFUSED = {
    "not found": ({"status": 404}, "Webhook responses with code: [404], reason: [Not Found]"),
    "not exactly 200": ({"status": 202}, "Webhook responses with code: [202], reason: [Accepted]"),
    "too long": ({"size": 1025}, "Webhook response exceeds max size. Read bytes count: [1024]"),
    "closed": ({"raw": b""},
               "I/O operation is failed. Details: [Connection closed without a reply]"),
}


@pytest.mark.parametrize("behaviour, reason", REFUSED.values(), ids=REFUSED)
def test_replies_to_events_are_judged(platform, hook, subscribe, behaviour, reason):
    subscribe(SMS)
    hook.behave(**behaviour)
    result = platform.emit("inbound-sms")[0]
    assert (result["ok"], result["reason"]) == (False, reason)


def test_a_late_reply_is_a_failure(platform, hook, subscribe):
    subscribe(SMS)
    platform.change(reply_time=0.2)
    hook.behave(seconds=0.5)
    assert platform.emit("inbound-sms")[0]["reason"] \
        == "I/O operation is failed. Details: [Read timed out]"


def test_the_media_type_of_a_reply_to_an_event_does_not_matter(platform, hook, subscribe):
    subscribe(SMS)
    hook.behave(content_type=None, size=1024)
    assert platform.emit("inbound-sms")[0]["ok"]


# -- what the clock brings

def test_ten_minutes_of_failures_blacklist(platform, client, hook, subscribe):
    subscription = subscribe(SMS)
    hook.behave(status=404)
    platform.emit("inbound-sms")
    platform.advance(599)
    assert platform.subscriptions()[0]["status"] == "Active"
    platform.emit("inbound-sms")
    platform.advance(2)
    info = client.api("GET", f"{SUBSCRIPTIONS}/{subscription}").document
    assert info["status"] == "Blacklisted"
    assert info["blacklistedData"]["reason"] \
        == "Webhook responses with code: [404], reason: [Not Found]"
    hook.behave()
    assert platform.emit("inbound-sms") == []
    platform.advance(3600)
    assert platform.subscriptions()[0]["status"] == "Blacklisted"


def test_one_success_ends_a_series_of_failures(platform, hook, subscribe):
    subscribe(SMS)
    hook.behave(status=404)
    platform.emit("inbound-sms")
    platform.advance(300)
    hook.behave()
    platform.emit("inbound-sms")
    platform.advance(3600)
    assert platform.subscriptions()[0]["status"] == "Active"


def test_reconciliation_only_where_it_is_switched_on(platform, hook, subscribe):
    subscription = subscribe(SMS)
    platform.change(reconcile=True)
    platform.set_status(subscription, "Blacklisted", "Read timed out")
    hook.behave(status=404)
    platform.advance(901)
    assert platform.subscriptions()[0]["status"] == "Blacklisted"
    assert platform.deliveries()[-1]["kind"] == "handshake"
    hook.behave()
    platform.advance(899)
    assert platform.subscriptions()[0]["status"] == "Active"
    assert "blacklistedData" not in platform.subscriptions()[0]
    assert platform.emit("inbound-sms")[0]["ok"]


def test_a_suspended_subscription_gets_no_events(platform, subscribe):
    platform.set_status(subscribe(SMS), "Suspended")
    assert platform.emit("inbound-sms") == []


def test_other_transports_get_nothing_here(platform, subscribe):
    subscribe(SMS, transport="WebSocket")
    assert platform.emit("inbound-sms") == []


REMINDER = "/restapi/v1.0/subscription/~?threshold=7200&interval=3600"


def test_reminders_come_below_the_threshold_and_every_interval(platform, hook, subscribe):
    subscription = subscribe(SMS, REMINDER, verification_token="v-token")
    platform.advance(WEEK - 7210)
    assert hook.received == []
    platform.advance(20)
    reminder = json.loads(hook.received[0].body)
    assert reminder["event"] == REMINDER
    assert reminder["subscriptionId"] == subscription
    assert 7180 <= reminder["body"]["expiresIn"] <= 7200
    assert hook.received[0].headers["verification-token"] == "v-token"
    platform.advance(3580)
    assert len(hook.received) == 1
    platform.advance(20)
    assert len(hook.received) == 2
    platform.advance(7200)
    assert len(hook.received) == 2
    assert platform.subscriptions() == []


def test_one_long_step_of_the_clock_leaves_no_reminder_out(platform, hook, subscribe):
    subscribe("/restapi/v1.0/subscription/~?threshold=86400&interval=3600")
    platform.advance(WEEK)
    left = [json.loads(one.body)["body"]["expiresIn"] for one in hook.received]
    assert len(left) in (23, 24)
    assert all(3590 <= before - after <= 3610 for before, after in zip(left, left[1:]))


def test_reminders_end_with_the_renewal(platform, client, hook, subscribe):
    subscription = subscribe(SMS, REMINDER)
    platform.advance(WEEK - 7000)
    assert len(hook.received) == 1
    client.api("POST", f"{SUBSCRIPTIONS}/{subscription}/renew")
    platform.advance(86400)
    assert len(hook.received) == 1


def test_no_reminder_for_a_blacklisted_subscription(platform, hook, subscribe):
    platform.set_status(subscribe(SMS, REMINDER), "Blacklisted", "Read timed out")
    platform.advance(WEEK - 3600)
    assert hook.received == []


def test_reminders_come_without_advancing_too(platform, hook):
    platform.add_subscription(
        hook.address, ["/restapi/v1.0/subscription/~?threshold=60&interval=60"], expires_in=60)
    assert wait_until(lambda: hook.received)


# -- the sample events

def test_samples_are_whole_and_differ():
    seen = set()
    for family, name, event in events.samples():
        assert family and json.loads(events.encode(event)) == event
        assert event["uuid"] not in seen
        seen.add(event["uuid"])
    assert len(seen) == len(events.KINDS)


def test_oddities_are_json_objects():
    names = [name for name, data in events.oddities() if isinstance(json.loads(data), dict)]
    assert len(names) == len(set(names)) == 9
