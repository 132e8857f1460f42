"""Fifty restarts of the responder under load: no request fails, nothing is lost.

The ways of a restart are those that the documentation recommends: a held listener
(systemd), several processes on one socket (spawn-fcgi -F), an own socket that the
new responder puts in the old one's place.
"""

import statistics
from contextlib import ExitStack, contextmanager

import pytest

import responder
import servers
from load import Load, Witness
from process import end, running

RESTARTS = 50
EXIT_LIMIT = 2      # seconds a responder may take to end while requests come in
PAUSE = 20          # events between two restarts

WEB_SERVERS = {
    "lighttpd": servers.lighttpd_to_socket,
    "apache": servers.apache_to_socket,
    "nginx": servers.nginx_to_socket,
    "nginx-kept-connections": lambda place: servers.nginx_to_socket(place, kept_connections=True),
}


@contextmanager
def held_listener(place):
    """A supervisor holds the socket: stop the responder, start it again."""
    with responder.listener(place.socket) as held, ExitStack() as stack:
        current = stack.enter_context(running(responder.on_standard_input(place, held)))

        def restart():
            nonlocal current
            ended = current.stop()
            current = stack.enter_context(running(responder.on_standard_input(place, held)))
            return ended
        yield restart


@contextmanager
def own_socket(place):
    """The new responder takes the socket's name, then the old one is stopped."""
    with ExitStack() as stack:
        current = stack.enter_context(running(responder.with_own_socket(place)))

        def restart():
            nonlocal current
            old, current = current, stack.enter_context(running(responder.with_own_socket(place)))
            return old.stop()
        yield restart


@contextmanager
def one_of_many(place):
    """Processes on one socket end one after the other, the rest serves."""
    with responder.under_spawn_fcgi(place, RESTARTS + 2, "-t", "4") as pids:
        yield lambda: end(pids.pop())


@pytest.mark.parametrize("web_server", WEB_SERVERS)
@pytest.mark.parametrize("way", [held_listener, own_socket, one_of_many],
                         ids=lambda way: way.__name__)
def test_restarts_fail_no_request(place, certificates, way, web_server, figures):
    ends = []
    with way(place) as restart, WEB_SERVERS[web_server](place) as site:
        with Load(site, certificates) as load:
            for _ in range(RESTARTS):
                ends.append(restart())
                load.wait_for_more(PAUSE)
        assert load.failures == [], f"{len(load.failures)} of {len(load.posted)} failed"
        assert {status for status, _ in ends} == {0}
        seconds = [seconds for _, seconds in ends]
        figures(f"{way.__name__} behind {web_server}: {len(load.posted)} requests, exit after "
                f"{1000 * statistics.median(seconds):.0f} ms, at most {1000 * max(seconds):.0f} ms")
        assert max(seconds) < EXIT_LIMIT
        Witness(load, place.spool).has_each_once()
