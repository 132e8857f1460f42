"""Slow and hostile peers: on the FastCGI socket, and clients of the web servers. None
holds a thread, none ends the responder, and nothing but whole events is left."""

import os
import random
import re
import resource
import socket
import struct
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

import fastcgi
import responder
import servers
from fastcgi import BEGIN, PARAMS, STDIN, Connection, ask, begin, connect, pairs, record, stream, unread, variables
from fixtures import assert_no_sanitizer_report
from notification import sms
from place import prepare
from process import running, wait_until
from scale import scaled
from settings import TOKENS
from test_hardship import frozen, limited, own_file_system
from wire import Client, request

ABORT, GET_VALUES = 2, 9
PATIENCE = scaled(3, 10)        # seconds that RingCentral waits for a reply
AT_ONCE = scaled(1, 8)  # seconds in which a busy machine answers what waits for nobody
THREADS = 4
TIME_LIMIT = 1          # seconds; request_timeout of these tests
WHEN_FULL = 2           # seconds until silent peers make room for others
CONNECTIONS_MOST = 1024
PARAMS_MAX = 65535

PROOF = {"HTTP_VERIFICATION_TOKEN": TOKENS[0]}
HANDSHAKE = {"HTTP_VALIDATION_TOKEN": "wtdwi2y88489yr34iwegsekshwekfhsdfh"}


@pytest.fixture(scope="module", name="place")
def place_of_all(work, certificates):
    """One place for these tests: what one leaves behind, the next must live with."""
    settings = f"request_timeout = {TIME_LIMIT}\nlog_level = error\n"
    yield prepare(work / "hostile", certificates, settings)
    assert_no_sanitizer_report(work / "hostile")


@pytest.fixture(scope="module", name="started")
def started_once(place):
    with running(responder.with_own_socket(place, "-t", str(THREADS))) as program:
        yield program


@pytest.fixture
def serving(place, started):
    """A responder with few threads on its own socket. It must outlive the test, with no
    connection left, as many threads, and only whole events in the spool."""
    place.spool.take()
    pid = wait_until(lambda: responder.serving(started.pid), "a process that serves")
    yield started
    wait_until(lambda: resources(started) == (1, THREADS + responder.OTHER_THREADS),
               "the listener's socket alone")
    assert ask(place.socket, sms(), **PROOF).status == 200
    assert responder.serving(started.pid) == pid
    for event in place.spool.contents():
        assert event.startswith(b'{"uuid"') and event.endswith(b"}}\n")
    assert place.spool.names("tmp") == []


def resources(started):
    """How many sockets are open, and how many threads run. The directories of the spool
    that are open depend on the time of the day, and on nobody else."""
    serving_one = Path(f"/proc/{responder.serving(started.pid)}")
    open_ones = serving_one / "fd"
    sockets = 0
    for name in os.listdir(open_ones):
        with suppress(FileNotFoundError):
            sockets += os.readlink(open_ones / name).startswith("socket:")
    return sockets, len(os.listdir(serving_one / "task"))


def memory(started):
    """Bytes of the responder that are in memory."""
    with open(f"/proc/{responder.serving(started.pid)}/statm", encoding="ascii") as figures:
        return int(figures.read().split()[1]) * resource.getpagesize()


def processor_seconds(started):
    """That the responder has used."""
    figures = Path(f"/proc/{responder.serving(started.pid)}/stat").read_text().rpartition(")")[2].split()
    return (int(figures[11]) + int(figures[12])) / os.sysconf("SC_CLK_TCK")


def shake_hands(place, within=AT_ONCE):
    begun = time.monotonic()
    assert ask(place.socket, **HANDSHAKE).status == 200
    assert time.monotonic() - begun < within


def other(kind, content=b"", number=1, padding=0, version=1):
    """A record unlike those that web servers send."""
    return struct.pack("!BBHHBB", version, kind, number, len(content), padding, 0) + content + bytes(padding)


def parts(event=None):
    """A request's own parts: its beginning, its PARAMS, its STDIN."""
    event = event or sms()
    return begin(keep=True), stream(PARAMS, pairs(variables(event, **PROOF))), stream(STDIN, event)


def cut_short(data):
    return data[:len(data) // 2]


def unfinished():
    start, parameters, body = parts()
    return {"nothing": b"", "one byte": start[:1], "half a header": start[:5],
            "half of PARAMS": start + cut_short(parameters), "PARAMS only": start + parameters,
            "half a body": start + parameters + cut_short(body), "no end": start + parameters + body[:-8]}


UNFINISHED = unfinished()


def test_peers_that_stop_sending_delay_nobody(serving, place):
    with ExitStack() as stack:
        silent = []
        for sent in list(UNFINISHED.values()) * scaled(100, 29):
            silent.append(stack.enter_context(connect(place.socket)))
            silent[-1].sendall(sent)
        begun = time.monotonic()
        for _ in range(20):
            shake_hands(place)
            assert ask(place.socket, sms(), **PROOF).status == 200
        for peer in silent:
            assert Connection(peer).hung_up() == b""
        assert time.monotonic() - begun < TIME_LIMIT + 2 * AT_ONCE


def test_more_silent_peers_than_there_is_room_for_make_room(serving, place):
    """Kept connections, which may else be silent for ever."""
    raise_descriptor_limit()
    with ExitStack() as stack:
        for _ in range(CONNECTIONS_MOST + 100):
            peer = stack.enter_context(connect(place.socket))
            peer.sendall(fastcgi.request(keep=True, **HANDSHAKE))
        shake_hands(place, WHEN_FULL + AT_ONCE)
        assert ask(place.socket, sms(), **PROOF).status == 200


def raise_descriptor_limit():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, most), most))


def test_peer_that_sends_a_byte_now_and_then_is_cut_off(serving, place):
    whole = fastcgi.request(sms(), keep=True, **PROOF)
    with connect(place.socket) as slow, suppress(BrokenPipeError, ConnectionResetError):
        begun = time.monotonic()
        for byte in whole:
            slow.sendall(bytes([byte]))
            shake_hands(place)
            time.sleep(0.05)
    assert time.monotonic() - begun < TIME_LIMIT + 2 * AT_ONCE


def test_peers_that_never_read_a_reply_hold_no_thread(serving, place):
    question = fastcgi.request(keep=True, **HANDSHAKE)
    with ExitStack() as stack:
        for _ in range(THREADS + 2):
            deaf = stack.enter_context(connect(place.socket))
            with suppress(BrokenPipeError, ConnectionResetError):
                while True:     # until its replies fill the socket, and it is hung up on
                    deaf.sendall(question)
                    all_was_read(deaf)
            shake_hands(place)


def all_was_read(peer):
    """Until the responder took what was sent; raises where it hung up."""
    def empty():
        peer.send(b"")
        return unread(peer) == 0
    wait_until(empty, "the responder reads")


def repeated(name, times):
    return other(GET_VALUES, pairs({name: ""})[:8 + len(name)] * times, number=0)


def positions(intruder):
    """A request with a record in each place where it does not belong."""
    start, parameters, body = parts()
    return {"first": intruder + start + parameters + body, "before PARAMS": start + intruder + parameters + body,
            "in PARAMS": start + parameters[:-8] + intruder + parameters[-8:] + body,
            "before STDIN": start + parameters + intruder + body,
            "in STDIN": start + parameters + body[:-8] + intruder + body[-8:]}


INTRUDERS = {
    "values asked for five times": repeated("FCGI_MPXS_CONNS", 5),
    "values asked for": repeated("FCGI_MAX_CONNS", 1),
    "unknown management record": other(77, b"x", number=0),
    "abort": other(ABORT),
    "second request": other(BEGIN, struct.pack("!HB5x", 1, 1), number=2),
    "same request again": begin(keep=True),
    "other version": other(PARAMS, b"", version=2),
    "data": other(8, b"x"),
    "of another request": other(STDIN, b"x", number=7),
}


@pytest.mark.parametrize("intruder", INTRUDERS.values(), ids=INTRUDERS)
def test_record_out_of_place_ends_the_connection(serving, place, intruder):
    for sent in positions(intruder).values():
        with connect(place.socket) as hostile:
            with suppress(BrokenPipeError):
                hostile.sendall(sent)
            with suppress(ConnectionResetError):
                assert Connection(hostile).hung_up() == b""
    with connect(place.socket) as hostile:
        hostile.sendall(fastcgi.request(keep=True, **HANDSHAKE))
        assert Connection(hostile).reply().status == 200
        hostile.sendall(intruder + b"".join(parts()) if intruder != begin(keep=True) else intruder * 2)
        with suppress(ConnectionResetError):
            assert Connection(hostile).hung_up() == b"", "nor on a kept one"
    shake_hands(place)


def test_abort_while_the_request_is_answered_spoils_nothing(serving, place):
    for _ in range(scaled(5000, 60)):
        event = sms()
        with connect(place.socket) as leaving:
            with suppress(BrokenPipeError):
                leaving.sendall(b"".join(parts(event)))
                leaving.sendall(other(ABORT))
            with suppress(ConnectionResetError):
                Connection(leaving).hung_up()
        shake_hands(place)


def test_request_sent_before_the_reply_to_another_is_not_half_answered(serving, place):
    """Web servers do not; the connection ends after the first reply."""
    first, second = sms(), sms()
    with connect(place.socket) as hasty:
        hasty.sendall(b"".join(parts(first) + parts(second)))
        talk = Connection(hasty)
        assert talk.reply().status == 200
        with suppress(ConnectionResetError):
            assert talk.hung_up() == b""
    assert first in place.spool.contents()
    assert second not in place.spool.contents()


@pytest.mark.parametrize("role", [0, 2, 3, 65535])
def test_role_other_than_responder_ends_the_connection(serving, place, role):
    with connect(place.socket) as odd:
        odd.sendall(other(BEGIN, struct.pack("!HB5x", role, 1)) + b"".join(parts()[1:]))
        with suppress(ConnectionResetError):
            assert Connection(odd).hung_up() == b""


def test_small_records_cost_no_more_than_they_are(serving, place):
    """8 MB of them, of a byte each, with padding."""
    crumbs = other(STDIN, b"x", padding=1) * ((8 << 20) // 10)
    before = processor_seconds(serving)
    with connect(place.socket) as odd, suppress(BrokenPipeError, ConnectionResetError):
        odd.sendall(begin() + stream(PARAMS, pairs(variables())) + crumbs)
        all_was_read(odd)
    assert processor_seconds(serving) - before < 1


def test_params_are_bounded(serving, place):
    """60 MB of them: refused when the first 64 KiB are there."""
    before, sent = memory(serving), 0
    with connect(place.socket) as hostile, suppress(BrokenPipeError, ConnectionResetError):
        hostile.sendall(begin())
        while sent < 60 << 20:
            hostile.sendall(record(PARAMS, b"\x01\x01AB" * 8192))
            sent += 32768
    assert sent < 1 << 20
    assert memory(serving) - before < 4 << 20


@pytest.mark.parametrize("size, status", [(PARAMS_MAX - 4096, 200), (PARAMS_MAX, None)])
def test_params_up_to_the_limit_are_taken(serving, place, size, status):
    with connect(place.socket) as large:
        large.sendall(fastcgi.request(HTTP_COOKIE="x" * size, **HANDSHAKE))
        if status:
            assert Connection(large).reply().status == status
        else:
            with suppress(ConnectionResetError):
                assert Connection(large).hung_up() == b""


def test_params_that_claim_gigabytes_take_none(place):
    """For name and value, under a limit of the address space that denies them."""
    path = place.work / "run" / "limited.sock"
    limited = responder.Program(["prlimit", "--as=2147483648", place.fcgi, "-s", path, "-t", "4"],
                                place.work / "limited.log", env=responder.environment(place),
                                **responder.AS_SERVICE)
    with running(limited.ready(path.exists)):
        pid = wait_until(lambda: responder.serving(limited.pid), "a process that serves")
        for name, value in ((2**31 - 1, 0), (2**31 - 1, 2**31 - 1), (0, 2**31 - 1), (2**31 - 2, 1), (4, 2**30)):
            claim = struct.pack("!II", name | 1 << 31, value | 1 << 31) + b"name"
            with connect(path) as hostile:
                hostile.sendall(begin() + stream(PARAMS, claim) + stream(STDIN, b""))
                with suppress(ConnectionResetError):
                    Connection(hostile).hung_up()
            assert ask(path, **HANDSHAKE).status == 200
        assert responder.serving(limited.pid) == pid


def test_many_large_bodies_take_bounded_memory(serving, place):
    """Of many peers that each send 8 MB and no end: together no more than the 73 MiB that
    go with a max_body of 16 MiB."""
    before = memory(serving)
    piece = record(STDIN, bytes(65535))
    with ExitStack() as stack:
        for _ in range(scaled(100, 20)):
            peer = stack.enter_context(connect(place.socket))
            with suppress(BrokenPipeError, ConnectionResetError, TimeoutError):
                peer.sendall(begin() + stream(PARAMS, pairs(variables())) + piece * 128)
        assert memory(serving) - before < 100 << 20
        shake_hands(place)


def test_request_in_odd_records_arrives_whole(serving, place):
    """A byte a record, with padding of all lengths."""
    def crumbs(kind, content):
        return b"".join(other(kind, content[at:at + 1], padding=at % 256) for at in range(len(content) + 1))
    event = sms(size=3000)
    with connect(place.socket) as odd:
        odd.sendall(other(BEGIN, struct.pack("!HB5x", 1, 1), padding=3)
                    + crumbs(PARAMS, pairs(variables(event, **PROOF))) + crumbs(STDIN, event))
        assert Connection(odd).reply().status == 200
    assert event in place.spool.contents()


def test_request_may_arrive_in_any_two_pieces(serving, place):
    whole = b"".join(parts())
    with connect(place.socket) as split:
        for at in range(1, len(whole), scaled(1, 37)):
            event = sms()
            data = b"".join(parts(event))
            split.sendall(data[:at])
            while unread(split):
                time.sleep(0)
            split.sendall(data[at:])
            assert Connection(split).reply().status == 200, at
            assert event in place.spool.take(), at


def test_reconnect_storm_leaves_no_trace(serving, place):
    for number in range(scaled(50_000, 3000)):
        connect(place.socket).close()
        if number % 500 == 0:
            shake_hands(place)


def test_noise_does_no_harm(serving, place):
    """Requests with bytes changed, left out, doubled; the seed is told where it fails."""
    seed = random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)
    pid = responder.serving(serving.pid)
    for _ in range(scaled(50_000, 400)):
        data = bytearray(b"".join(parts()))
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(data))
            data[at:at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
        with connect(place.socket) as noisy, suppress(BrokenPipeError, ConnectionResetError):
            noisy.sendall(data)
            noisy.shutdown(socket.SHUT_WR)
            Connection(noisy).hung_up()
        assert responder.serving(serving.pid) == pid, f"seed {seed}"
    place.spool.take()      # what is in there may be noise, too


def test_handshake_is_answered_by_fewer_threads_than_asked_for(work, certificates):
    """As many as there is address space for their stacks."""
    place = prepare(work / "few", certificates)
    with ExitStack() as stack:
        mounted = stack.enter_context(own_file_system(place))
        few = stack.enter_context(running(limited(place, f"--stack={256 << 20}", f"--as={2 << 30}")))
        started = wait_until(lambda: re.search(r"=started .*threads=(\d+)", few.text()), "a line that tells how many")
        threads = int(started[1])
        assert threads < 10
        assert ask(place.socket, sms(), **PROOF).status == 200
        with frozen(mounted):
            for _ in range(threads):
                waiting = stack.enter_context(connect(place.socket))
                waiting.sendall(fastcgi.request(sms(), **PROOF))
                wait_until(lambda peer=waiting: unread(peer) == 0, "its request was taken")
            assert ask(place.socket, **HANDSHAKE).status == 200


# Behind the web servers

SLOW_CLIENTS = 200


class SlowUploads:
    """Clients that send a byte now and then, in headers or in bodies, and come back as
    soon as they are cut off."""

    def __init__(self, client):
        self.client, self.stop = client, threading.Event()
        self.connected = set()
        self.threads = [threading.Thread(target=self.run, args=(number,)) for number in range(SLOW_CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_until(lambda: len(self.connected) == SLOW_CLIENTS, "all slow clients are there")
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def run(self, number):
        while not self.stop.is_set():
            with suppress(OSError):
                self.upload(number)

    def upload(self, number):
        body = sms(size=100_000 * (number % 4 == 0))
        data = request("POST", self.client.path, {"Verification-Token": TOKENS[0]}, body)
        begun = len(data) - len(body) + 100 if number % 2 else 100
        with self.client.connect() as connection:
            self.connected.add(number)
            connection.sendall(data[:begun])
            for byte in data[begun:]:
                if self.stop.wait(0.5):
                    return
                connection.sendall(bytes([byte]))


WEB_SERVERS = {"apache": servers.apache_to_socket, "lighttpd": servers.lighttpd_to_socket}


@pytest.mark.parametrize("start", WEB_SERVERS.values(), ids=WEB_SERVERS)
def test_slow_uploads_do_not_delay_a_handshake(start, place, serving, certificates, figures):
    with start(place) as site:
        client = Client(site.port, site.path, certificates.authority)
        took = []
        with SlowUploads(client):
            until = time.monotonic() + scaled(60, 2)
            while time.monotonic() < until:
                begun = time.monotonic()
                assert client.post(b"", Validation_Token="abc").status == 200
                took.append(time.monotonic() - begun)
                assert took[-1] < PATIENCE
        figures(f"handshake beside {SLOW_CLIENTS} slow uploads: {len(took)} in turn,"
                f" the slowest {max(took) * 1000:.0f} ms")
