"""Ten times what the disk can take: every reply comes in time, what is refused is
refused early, what is acknowledged is there, once, and the handshake does not notice."""

import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

import responder
import servers
from notification import fresh_uuid, sms
from process import Program, running
from scale import scaled
from settings import TOKENS
from wire import Client, read_reply, request

SYNC_SECONDS = 0.3      # that the disk takes for each fsync(2), of which an event has two
TURNS = 15              # of 20 threads
CAPACITY = TURNS / (2 * SYNC_SECONDS)       # events a second
OVERLOAD = 10
CLIENTS = 200           # fewer than lighttpd has connections for by default
SECONDS = scaled(60, 4)
PATIENCE = scaled(3, 10)        # seconds that RingCentral waits for a reply
EARLY = scaled(1, 3)    # second; nine refusals of ten come within it
BACK_TO_NORMAL = 1      # second after the last post
AT_ONCE = scaled(5, 30) * SYNC_SECONDS
MOST = scaled(0.7, 0.3) # of what was to be sent, and could be taken
HEADERS = {"Content-Type": "application/json", "Verification-Token": TOKENS[0]}

WEB_SERVERS = {"apache": servers.apache_to_socket, "lighttpd": servers.lighttpd_to_socket}


def on_a_slow_disk(place, held):
    """A responder of which each fsync takes its time, and nothing else does: strace lets
    the thread wait after the call. With -D it is strace that is the child."""
    command = ["strace", "-D", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync",
               "-e", f"inject=fsync:delay_exit={int(SYNC_SECONDS * 1e6)}",
               place.fcgi]
    return Program(command, place.log, stdin=held.fileno(), env=responder.environment(place),
                   **responder.AS_SERVICE)


@dataclass
class Post:
    uuid: str
    status: int
    retry_after: str
    seconds: float      # until its reply
    kept: bool          # the connection


@dataclass
class Crowd:
    """Clients that together post OVERLOAD times CAPACITY events a second, each on a
    connection of its own; and one that shakes hands all the time."""
    client: Client
    posts: list = field(default_factory=list)
    handshakes: list = field(default_factory=list)      # seconds each took
    enough: threading.Event = field(default_factory=threading.Event)
    unanswered: list = field(default_factory=list)
    last: float = 0     # when the last event was posted

    def __enter__(self):
        self.threads = [threading.Thread(target=self.post_all, args=(number,)) for number in range(CLIENTS)]
        self.threads.append(threading.Thread(target=self.shake_hands))
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.enough.set()
        for thread in self.threads:
            thread.join()

    def post_all(self, number):
        """At the times that are this client's, except those that pass while it waits."""
        interval = CLIENTS / (CAPACITY * OVERLOAD)
        due, connection = time.monotonic() + interval * number / CLIENTS, None
        while not self.enough.wait(max(0, due - time.monotonic())):
            connection = self.post(connection)
            while due < time.monotonic():
                due += interval
        if connection:
            connection.close()

    def post(self, connection):
        """Post an event, on the kept connection where there is one; what is kept then."""
        uuid = fresh_uuid()
        reply = self.try_to_post(connection, uuid) if connection else None
        if not reply:
            connection = self.connect()
            reply = self.try_to_post(connection, uuid)
        if not reply:
            self.unanswered.append(uuid)
            return None
        self.posts.append(reply)
        return connection if reply.kept else None

    def connect(self):
        """Again where the server's time limit for the TLS greeting was over: that is a
        matter of the processor, which 200 greetings at once keep busy."""
        while True:
            with suppress(OSError):
                return self.client.connect()

    def try_to_post(self, connection, uuid):
        """None where no reply came, as when the server just gave up a silent connection."""
        begun = self.last = time.monotonic()
        try:
            connection.sendall(request("POST", self.client.path, HEADERS, sms(uuid)))
            reply = read_reply(connection, "POST")
        except (AssertionError, OSError):
            connection.close()
            return None
        kept = reply.header("connection") != "close"
        if not kept:
            connection.close()
        return Post(uuid, reply.status, reply.header("retry-after"), time.monotonic() - begun, kept)

    def shake_hands(self):
        while not self.enough.wait(0.1):
            begun = time.monotonic()
            assert self.client.post(b"", Validation_Token="abc").status == 200
            self.handshakes.append(time.monotonic() - begun)


def nearly_all(seconds):
    return sorted(seconds)[len(seconds) * 9 // 10]


@pytest.mark.parametrize("start", WEB_SERVERS.values(), ids=WEB_SERVERS)
def test_overload(start, place, certificates, figures):
    with responder.listener(place.socket) as held, running(on_a_slow_disk(place, held)), start(place) as site:
        client = Client(site.port, site.path, certificates.authority)
        assert client.post(sms(), Verification_Token=TOKENS[0]).status == 200
        place.spool.take()
        with Crowd(client) as crowd:
            time.sleep(SECONDS)
        time.sleep(max(0, crowd.last + BACK_TO_NORMAL - time.monotonic()))
        begun, last = time.monotonic(), fresh_uuid()
        assert client.post(sms(last), Verification_Token=TOKENS[0]).status == 200, "back to normal"
        assert time.monotonic() - begun < AT_ONCE

    taken = [post for post in crowd.posts if post.status == 200]
    refused = [post for post in crowd.posts if post.status == 503]
    figures(f"{OVERLOAD} times overload: {len(taken)} taken, the slowest in {max(p.seconds for p in taken):.2f} s;"
            f" {len(refused)} refused, nine of ten in {nearly_all([p.seconds for p in refused]):.2f} s,"
            f" the slowest in {max(p.seconds for p in refused):.2f} s;"
            f" {len(crowd.handshakes)} handshakes, the slowest in {max(crowd.handshakes):.2f} s")
    assert crowd.unanswered == []
    assert len(taken) + len(refused) == len(crowd.posts)
    assert len(crowd.posts) > MOST * OVERLOAD * CAPACITY * SECONDS, "that was the overload it should be"
    assert len(taken) > MOST * CAPACITY * SECONDS, "it takes what it can"
    assert max(post.seconds for post in crowd.posts) < PATIENCE
    assert max(crowd.handshakes) < PATIENCE
    assert len(crowd.handshakes) > MOST * SECONDS
    assert nearly_all([post.seconds for post in refused]) < EARLY
    assert {post.retry_after for post in refused} == {"30"}
    stored = [json.loads(event)["uuid"] for event in place.spool.contents()]
    assert sorted(stored) == sorted([post.uuid for post in taken] + [last])
