"""A disk that hangs, too few descriptors, a log that nobody reads: what cannot work
is refused, and the handshake is answered all the same."""

import os
import signal
import subprocess
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

import fastcgi
import responder
from fastcgi import Connection, ask, connect, unread
from notification import sms
from process import running, wait_until
from settings import TOKENS

PROOF = {"HTTP_VERIFICATION_TOKEN": TOKENS[0]}
HANDSHAKE = {"HTTP_VALIDATION_TOKEN": "wtdwi2y88489yr34iwegsekshwekfhsdfh"}


def configure(place, **settings):
    with open(place.config, "a", encoding="ascii") as config:
        config.writelines(f"{name} = {value}\n" for name, value in settings.items())


@contextmanager
def own_file_system(place):
    """The spool on an ext4 of its own, which can be frozen."""
    image, mounted = place.work / "image", place.work / "mounted"
    mounted.mkdir()
    subprocess.run(["truncate", "-s", "32M", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, mounted], check=True)
    try:
        place.move_spool(mounted / "spool")
        yield mounted
    finally:
        subprocess.run(["umount", mounted], check=True)


@contextmanager
def frozen(mounted):
    subprocess.run(["fsfreeze", "--freeze", mounted], check=True)
    try:
        yield
    finally:
        subprocess.run(["fsfreeze", "--unfreeze", mounted], check=True)


def test_handshake_is_answered_while_the_disk_hangs(place):
    configure(place, request_timeout=2)
    with ExitStack() as stack:
        mounted = stack.enter_context(own_file_system(place))
        stack.enter_context(running(responder.with_own_socket(place, "-t", "8")))
        assert ask(place.socket, sms(), **PROOF).status == 200
        with frozen(mounted):
            for _ in range(20):
                waiting = stack.enter_context(connect(place.socket))
                waiting.sendall(fastcgi.request(sms(), **PROOF))
            wait_until(lambda: ask(place.socket, **HANDSHAKE).status == 200, "a handshake")
            # By now it is known that the disk does not move: refused at once.
            wait_until(lambda: ask(place.socket, sms(), **PROOF).status == 503, "a refusal")
            assert ask(place.socket, **HANDSHAKE).status == 200
        wait_until(lambda: ask(place.socket, sms(), **PROOF).status == 200, "the disk is back")


def test_who_waits_for_a_disk_that_hangs_is_refused_at_the_stop(place):
    configure(place, request_timeout=3)
    with ExitStack() as stack:
        mounted = stack.enter_context(own_file_system(place))
        started = stack.enter_context(running(responder.with_own_socket(place, "-t", "4")))
        assert ask(place.socket, sms(), **PROOF).status == 200
        with frozen(mounted):
            peers = [stack.enter_context(connect(place.socket)) for _ in range(5)]
            for peer in peers:
                peer.sendall(fastcgi.request(sms(), **PROOF))
                wait_until(lambda peer=peer: unread(peer) == 0, "its request was taken")
            started.process.send_signal(signal.SIGTERM)
            for peer in peers[3:]:      # three of four threads are at the disk
                assert Connection(peer).reply().status == 503


def limited(place, *limits):
    """A responder that starts under limits of its own."""
    before = responder.inode(place.socket)
    started = responder.Program(["prlimit", *limits, place.fcgi, "-s", place.socket, "-m", "0660"],
                                place.log, env=responder.environment(place),
                                **responder.AS_SERVICE)
    return started.ready(lambda: responder.inode(place.socket) not in (None, before))


def test_a_low_limit_of_descriptors_bounds_the_connections(place):
    with running(limited(place, "--nofile=256:256")), ExitStack() as stack:
        for _ in range(50):
            kept = stack.enter_context(connect(place.socket))
            kept.sendall(fastcgi.request(sms(), keep=True, **PROOF))
        for _ in range(6):
            assert ask(place.socket, **HANDSHAKE).status == 200
            assert ask(place.socket, sms(), **PROOF).status == 200


def test_a_file_size_limit_refuses_and_does_not_kill(place):
    with running(limited(place, "--fsize=1024")) as started:
        assert ask(place.socket, sms(size=5000), **PROOF).status == 503
        assert ask(place.socket, sms(), **PROOF).status == 200
        assert started.process.poll() is None


def test_a_log_that_nobody_reads_does_not_stop_it(place):
    reading, writing = os.pipe()
    with responder.listener(place.socket) as held:
        process = subprocess.Popen([place.fcgi], stdin=held.fileno(), stderr=writing,
                                   env=responder.environment(place), **responder.AS_SERVICE)
        try:
            for _ in range(1000):
                assert ask(place.socket, **HANDSHAKE).status == 200
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
            os.close(reading)
            os.close(writing)


@pytest.mark.parametrize("late", [0.01, 0.05, 0.15])
def test_connection_just_made_is_served_at_the_end(place, late):
    """A web server that has connected is about to send: closing would lose it."""
    with responder.listener(place.socket) as held, \
            running(responder.on_standard_input(place, held)) as started, \
            connect(place.socket) as first:
        first.sendall(fastcgi.request(keep=True, **HANDSHAKE))
        assert Connection(first).reply().status == 200
        opened = Path(f"/proc/{responder.serving(started.pid)}/fd")
        before = len(list(opened.iterdir()))
        with connect(place.socket) as fresh:
            wait_until(lambda: len(list(opened.iterdir())) > before, "accepted")
            started.process.send_signal(signal.SIGTERM)
            time.sleep(late)    # the web server is slow to send; nothing tells that it is
            fresh.sendall(fastcgi.request(sms(), **PROOF))
            assert Connection(fresh).reply().status == 200
        assert started.process.wait(5) == 0


def run(place, *options):
    return subprocess.run([place.fcgi, *options], env=responder.environment(place), text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)


def test_a_file_in_the_sockets_place_is_left_alone(place):
    precious = place.work / "precious"
    precious.write_text("precious")
    refused = run(place, "-s", precious)
    assert refused.returncode == 69
    assert "is not a socket" in refused.stderr
    assert precious.read_text() == "precious"


@pytest.mark.parametrize("address", [":", "127.0.0.1:", ":0", "localhost", "relative/path"])
def test_an_address_without_a_port_is_refused(place, address):
    refused = run(place, "-s", address)
    assert refused.returncode == 69
    assert address in refused.stderr
