"""What the web servers do by themselves: refusals, slow clients. Their configuration
as shipped keeps those replies small, and the responder free."""

import socket
import ssl
import time
from contextlib import ExitStack, suppress

import pytest

import responder
import servers
from notification import sms
from process import running
from settings import TOKENS
from wire import WIRE_LIMIT, Client, request

WEB_SERVERS = {
    "apache": servers.apache_to_socket,
    "lighttpd": servers.lighttpd_to_socket,
    "nginx": servers.nginx_to_socket,
}
PROOF = {"Content-Type": "application/json", "Verification-Token": TOKENS[0]}
READ_LIMIT = 3      # seconds a client may be silent within a body; Apache's is 2


@pytest.fixture(params=WEB_SERVERS)
def start(request, place):
    return lambda: WEB_SERVERS[request.param](place)


def test_refusal_without_a_responder_is_small(start, certificates):
    with start() as site:
        client = Client(site.port, site.path, certificates.authority)
        reply = client.exchange("POST", PROOF, sms())
    assert reply.status in (502, 503)
    assert reply.wire <= WIRE_LIMIT


def test_body_far_above_the_limits_is_refused(start, place, certificates):
    """By the web server, or by the program where Apache has no limit for it."""
    with responder.listener(place.socket) as held, \
            running(responder.on_standard_input(place, held)), start() as site:
        client = Client(site.port, site.path, certificates.authority)
        reply = client.exchange("POST", PROOF, b"{" + b" " * (18 << 20) + b"}")
        assert reply.status == 413
        assert reply.wire <= WIRE_LIMIT
        assert client.post(sms(), Verification_Token=TOKENS[0]).status == 200, "the next one"


def stalled(stack, client, event):
    """A client that sends half a body, and then nothing."""
    connection = stack.enter_context(client.connect())
    data = request("POST", client.path, PROOF, event)
    connection.sendall(data[:-len(event) // 2])
    return connection


def test_slow_clients_do_not_hold_the_responder(start, place, certificates):
    """A responder with one thread, eight clients that stall: an event does not
    wait for them one after the other."""
    with responder.listener(place.socket) as held, ExitStack() as stack, \
            running(responder.on_standard_input(place, held, "-t", "1")), start() as site:
        client = Client(site.port, site.path, certificates.authority)
        for _ in range(8):
            stalled(stack, client, sms())
        begun = time.monotonic()
        assert client.post(sms(), Verification_Token=TOKENS[0]).status == 200
        assert time.monotonic() - begun < 10


def hang_up_time(connection):
    """Seconds until the server closes."""
    begun = time.monotonic()
    with suppress(ConnectionResetError, ssl.SSLError):
        while connection.recv(4096):
            continue
    return time.monotonic() - begun


def test_stalled_client_is_cut_off(start, place, certificates):
    with responder.listener(place.socket) as held, ExitStack() as stack, \
            running(responder.on_standard_input(place, held)), start() as site:
        client = Client(site.port, site.path, certificates.authority)
        assert 1 < hang_up_time(stalled(stack, client, sms())) < READ_LIMIT + 3
    assert place.spool.names() == []


def test_apache_cuts_off_an_unfinished_tls_greeting(place):
    """It costs one of its threads, which the other servers do not have."""
    with servers.apache_to_socket(place) as site, \
            socket.create_connection(("127.0.0.1", site.port), 10) as silent:
        silent.sendall(b"\x16\x03\x01")
        assert hang_up_time(silent) < READ_LIMIT + 3
