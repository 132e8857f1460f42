"""Each web server with each front end keeps the webhook's rules.

Every test runs against all nine combinations, with TLS 1.2 and with TLS 1.3.
`client.send` itself checks what holds for every reply: its size on the wire,
its media type, an explicit length, the echo.
"""

import json
import ssl

import pytest

from wire import Client
from notification import fresh_uuid, sms
from process import wait_until
from settings import TOKENS

HANDSHAKE = "wtdwi2y88489yr34iwegsekshwekfhsdfh"
PROOF = {"Verification_Token": TOKENS[0]}


def test_handshake_is_answered_with_its_token(client, site):
    reply = client.post(b"", Validation_Token=HANDSHAKE)
    assert (reply.status, reply.body) == (200, b"")
    assert site.spool.names() == []


def test_longest_handshake_token_is_echoed_whole(client):
    assert client.post(b"", Validation_Token="t" * 512).status == 200


def test_event_is_kept_byte_for_byte(client, site):
    event = sms()
    reply = client.post(event, **PROOF)
    assert (reply.status, reply.body) == (200, b"")
    assert site.spool.contents() == [event]
    assert all(name.endswith(".json") for name in site.spool.names())


def test_event_with_a_handshake_token_is_echoed_and_kept(client, site):
    event = sms()
    assert client.post(event, Validation_Token="hello-world", **PROOF).status == 200
    assert site.spool.contents() == [event]


def test_repeat_of_an_event_is_answered_and_not_kept_twice(client, site):
    event = sms()
    assert client.post(event, **PROOF).status == 200
    assert client.post(event, **PROOF).status == 200
    assert site.spool.take() == [event]
    assert client.post(event, **PROOF).status == 200, "after the consumer took it"
    assert site.spool.take() == []


def test_second_verification_token_is_valid_too(client, site):
    event = sms()
    assert client.post(event, Verification_Token=TOKENS[1]).status == 200
    assert site.spool.contents() == [event]


@pytest.mark.parametrize("headers", [{}, {"Verification_Token": "wrong"}], ids=["none", "wrong"])
def test_event_without_the_right_token_is_refused(client, site, headers):
    assert client.post(sms(), **headers).status == 401
    assert site.spool.names() == []


def test_chunked_event_is_kept(client, site):
    event = sms()
    reply = client.send(headers={"Verification-Token": TOKENS[0]}, body=event, chunked=True)
    assert reply.status == 200
    assert site.spool.contents() == [event]


def test_event_of_a_client_that_goes_away_is_not_kept(client, site):
    """What arrived is an event of its own, so only comparing lengths tells."""
    event = sms()
    client.abort({"Verification-Token": TOKENS[0]}, event, len(event) + 100)
    following = sms()
    assert client.post(following, **PROOF).status == 200
    assert site.spool.contents() == [following]


def test_body_of_two_mebibytes_is_kept(client, site):
    event = sms(size=2 << 20)
    assert client.post(event, **PROOF).status == 200
    assert site.spool.contents() == [event]


def test_body_above_max_body_is_refused(client, site):
    event = sms(size=16 << 20)
    assert client.post(event, **PROOF).status == 413
    assert client.post(sms(), **PROOF).status == 200, "the next request is not harmed"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_health_check_is_answered(client, method):
    assert client.send(method).status == 200


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE"])
def test_other_methods_are_told_which_are_allowed(client, method):
    reply = client.send(method)
    assert reply.status == 405
    assert {word.strip() for word in reply.header("allow").split(",")} == {"GET", "HEAD", "POST"}


def test_body_that_is_no_event_is_kept_aside(client, site):
    assert client.post(b"[1, 2]", **PROOF).status == 200
    assert site.spool.names() == []
    assert site.spool.contents("bad") == [b"[1, 2]"]


def test_empty_body_without_handshake_is_refused(client):
    assert client.post(b"").status == 400


def test_reply_is_not_compressed(client):
    assert client.send("GET", {"Accept-Encoding": "gzip"}).status == 200
    assert client.send("GET", {"Accept-Encoding": "UTF-8"}).status == 200


def test_query_of_the_address_changes_nothing(client, site):
    event = sms()
    reply = client.send(headers={"Verification-Token": TOKENS[0]}, body=event, query="?auth_token=s%20e")
    assert reply.status == 200
    assert site.spool.contents() == [event]


@pytest.mark.parametrize("query", ["?-T", "?-V", "?-h", "?-c+/etc/passwd", "?-T+-c+/etc/passwd"])
def test_query_is_never_taken_as_options(client, query):
    """To a CGI program, a query without '=' comes as arguments."""
    plain = client.send("GET")
    reply = client.send("GET", query=query)
    assert (reply.status, reply.body) == (200, plain.body)
    assert client.send(body=sms(), query=query, headers={"Verification-Token": TOKENS[0]}).status == 200


def test_missing_spool_is_reported_and_mended(client, site):
    site.spool.remove()
    try:
        reply = client.post(sms(), **PROOF)
        assert reply.status == 503
        assert int(reply.header("retry-after")) > 0
        assert client.send("GET").status == 503
        assert client.post(b"", Validation_Token=HANDSHAKE).status == 200
    finally:
        site.spool.make()
    event = sms()
    # A responder's confinement is to the spool that is gone: another takes over, in
    # each of the processes that a request may come to.
    wait_until(lambda: all(client.send("GET").status == 200 for _ in range(50)),
               "the spool in use", 20)
    assert client.post(event, **PROOF).status == 200
    assert site.spool.contents() == [event]


def test_client_that_offers_http2(client, site):
    """All servers take the offer but Apache's prefork, which has no HTTP/2."""
    expected = "HTTP/2" if site.speaks_http2 else "HTTP/1.1"
    event = sms()
    version, reply = client.curl({"Validation-Token": HANDSHAKE})
    assert (version, reply.status) == (expected, 200)
    version, reply = client.curl({"Verification-Token": TOKENS[0]}, event)
    assert (version, reply.status, reply.body) == (expected, 200, b"")
    assert site.spool.contents() == [event]


def test_tls_1_1_is_refused_by_the_server(site, certificates):
    old = Client(site.port, site.path, certificates.authority, "TLSv1.1")
    with pytest.raises(ssl.SSLError) as refusal:
        old.connect()
    assert "ALERT_PROTOCOL_VERSION" in refusal.value.reason


def test_uuid_from_outside_never_leaves_the_spool(client, site):
    event = json.dumps({"uuid": "../../../" + fresh_uuid(), "event": "/x"}).encode()
    assert client.post(event, **PROOF).status == 200
    assert site.spool.contents() == [event]
