"""ringspool.fcgi by itself: peers that are slow or hostile, signals, options."""

import os
import re
import signal
import socket
import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

import fastcgi
import responder
from fastcgi import PARAMS, STDIN, Connection, ask, begin, connect, pairs, record, stream, unread, variables
from notification import sms
from process import free_port, running, wait_until
from settings import CGI, FCGI, TOKENS

LIMIT = 1           # seconds; request_timeout of these tests
SLACK = 3           # beyond it, until a peer must have been cut off
PROOF = {"HTTP_VERIFICATION_TOKEN": TOKENS[0]}


@pytest.fixture
def serving(place):
    """A responder with four threads and a short time limit, on its own socket."""
    with open(place.config, "a", encoding="ascii") as config:
        config.write(f"request_timeout = {LIMIT}\n")
    with running(responder.with_own_socket(place, "-t", "4")) as started:
        yield started


def unfinished_requests():
    """Requests that stop where a peer that waits costs a thread."""
    event = sms()
    parameters = stream(PARAMS, pairs(variables(event, **PROOF)))
    whole = begin() + parameters + stream(STDIN, event)
    return {
        "nothing": b"",
        "half a header": whole[:5],
        "half of PARAMS": whole[:len(begin()) + len(parameters) // 2],
        "no body": begin() + parameters,
        "half a body": begin() + parameters + record(STDIN, event[:len(event) // 2]),
        "body without its end": begin() + parameters + record(STDIN, event),
    }


UNFINISHED = unfinished_requests()


@pytest.mark.parametrize("sent", UNFINISHED.values(), ids=UNFINISHED)
def test_silent_peer_is_cut_off_at_the_time_limit(serving, place, sent):
    with connect(place.socket) as silent:
        silent.sendall(sent)
        begun = time.monotonic()
        Connection(silent).hung_up()
        took = time.monotonic() - begun
    assert LIMIT / 2 < took < LIMIT + SLACK


def test_kept_connection_is_cut_off_within_its_next_request(serving, place):
    with connect(place.socket) as kept:
        kept.sendall(fastcgi.request(sms(), keep=True, **PROOF))
        assert Connection(kept).reply().status == 200
        kept.sendall(UNFINISHED["half a header"])
        begun = time.monotonic()
        assert Connection(kept).hung_up() == b""
        assert time.monotonic() - begun < LIMIT + SLACK


def test_others_are_served_while_some_peers_are_silent(serving, place):
    silent = [connect(place.socket) for _ in range(3)]
    try:
        for connection, sent in zip(silent, list(UNFINISHED.values())[2:5]):
            connection.sendall(sent)
        begun = time.monotonic()
        for _ in range(20):
            assert ask(place.socket, sms(), **PROOF).status == 200
        assert time.monotonic() - begun < LIMIT
    finally:
        for connection in silent:
            connection.close()


def test_more_silent_peers_than_threads_delay_nobody(serving, place):
    silent = [connect(place.socket) for _ in range(8)]
    try:
        for connection in silent:
            connection.sendall(UNFINISHED["half a body"])
        begun = time.monotonic()
        assert ask(place.socket, sms(), **PROOF).status == 200
        assert time.monotonic() - begun < LIMIT / 2
    finally:
        for connection in silent:
            connection.close()


def test_idle_kept_connections_hold_no_thread(serving, place):
    kept = [connect(place.socket) for _ in range(12)]
    try:
        for connection in kept:
            connection.sendall(fastcgi.request(sms(), keep=True, **PROOF))
            assert Connection(connection).reply().status == 200
        begun = time.monotonic()
        assert ask(place.socket, sms(), **PROOF).status == 200
        assert time.monotonic() - begun < LIMIT / 2
        for connection in kept:
            connection.sendall(fastcgi.request(sms(), keep=True, **PROOF))
            assert Connection(connection).reply().status == 200, "a kept one still serves"
    finally:
        for connection in kept:
            connection.close()


def test_peer_that_goes_away_within_the_body_leaves_nothing(serving, place):
    for name in ("half of PARAMS", "no body", "half a body"):
        with connect(place.socket) as leaving:
            leaving.sendall(UNFINISHED[name])
            leaving.shutdown(socket.SHUT_WR)
            Connection(leaving).hung_up()
    assert place.spool.names() == []


@pytest.mark.parametrize("garbage", [
    b"POST /ringspool HTTP/1.1\r\n\r\n", bytes(1000), b"\xff" * 1000,
    record(PARAMS, b"\x05\x05x"), begin() + stream(PARAMS, b"\x7f\x7fshort"),
], ids=["http", "zeros", "ones", "params-first", "params-cut"])
def test_what_is_not_fastcgi_does_no_harm(serving, place, garbage):
    with connect(place.socket) as confused:
        confused.sendall(garbage)
        confused.shutdown(socket.SHUT_WR)
        Connection(confused).hung_up()
    assert ask(place.socket, sms(), **PROOF).status == 200


def test_settings_never_come_with_a_request(serving, place):
    other = place.work / "run" / "other"
    other.mkdir(mode=0o777)
    settings = {"RINGSPOOL_SPOOL": str(other), "RINGSPOOL_VERIFICATION_TOKENS": "",
                "RINGSPOOL_CONFIG": "/dev/null", "RINGSPOOL_MAX_BODY": "1"}
    event = sms()
    assert ask(place.socket, event, **settings).status == 401
    assert ask(place.socket, event, **settings, **PROOF).status == 200
    assert place.spool.contents() == [event]
    assert os.listdir(other) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
@pytest.mark.parametrize("connected", [False, True], ids=["idle", "kept-connection"])
def test_stop_is_clean_and_quick(serving, place, number, connected):
    with connect(place.socket) as kept:
        if connected:
            kept.sendall(fastcgi.request(sms(), keep=True, **PROOF))
            assert Connection(kept).reply().status == 200
        serving.stop_signal = number
        status, seconds = serving.stop()
    assert status == 0
    assert seconds < 5      # a kept connection may stay idle for longer


def test_running_request_is_finished_before_the_end(serving, place):
    event = sms()
    whole = fastcgi.request(event, **PROOF)
    with connect(place.socket) as slow:
        slow.sendall(whole[:-20])
        assert ask(place.socket, sms(), **PROOF).status == 200     # so the other one runs, too
        serving.process.send_signal(signal.SIGTERM)
        slow.sendall(whole[-20:])
        assert Connection(slow).reply().status == 200
    assert serving.process.wait(5) == 0
    assert event in place.spool.contents()


def test_request_begun_after_a_long_silence_is_finished_before_the_end(serving, place):
    event = sms()
    whole = fastcgi.request(event, **PROOF)
    with ExitStack() as stack:
        idle = [stack.enter_context(connect(place.socket)) for _ in range(40)]
        for kept in idle:
            kept.sendall(fastcgi.request(sms(), keep=True, **PROOF))
            assert Connection(kept).reply().status == 200
        time.sleep(LIMIT + 0.1)     # silence that lasts longer than a request may
        serving.process.send_signal(signal.SIGTERM)
        Connection(idle[0]).hung_up()   # so it stops; the last one's turn comes 80 ms later
        kept.sendall(whole[:-20])
        wait_until(lambda: unread(kept) == 0, "the first part was taken")
        kept.sendall(whole[-20:])
        assert Connection(kept).reply().status == 200
    assert serving.process.wait(5) == 0
    assert event in place.spool.contents()


def lines(started, mark):
    return [line for line in started.text().splitlines() if mark in line]


@pytest.mark.parametrize("sent, reason", [
    (b"POST /ringspool HTTP/1.1\r\n\r\n", "not a request as a web server sends it"),
    (begin() + stream(PARAMS, b"\x7f\x7fshort"), "not a request as a web server sends it"),
    (begin() + record(PARAMS, bytes(40000)) * 2, "more than 65535 bytes of parameters"),
    (UNFINISHED["half a body"], "the request did not come in time"),
], ids=["http", "params-cut", "params-many", "slow"])
def test_request_that_is_cut_off_is_told(serving, place, sent, reason):
    with connect(place.socket) as cut, suppress(BrokenPipeError, ConnectionResetError):
        cut.sendall(sent)
        Connection(cut).hung_up()
    told = wait_until(lambda: lines(serving, "result=cut-off"), "a line that tells of it")
    assert len(told) == 1
    assert f'reason="{reason}"' in told[0]


def test_connection_that_ends_in_good_order_is_not_told(serving, place):
    with connect(place.socket) as kept, connect(place.socket):
        kept.sendall(fastcgi.request(sms(), keep=True, **PROOF))
        assert Connection(kept).reply().status == 200
    assert serving.stop()[0] == 0
    assert not lines(serving, "cut-off")


def test_four_bodies_of_the_largest_size_fit_into_memory(place):
    event = sms(size=(16 << 20) - 1000)
    whole = fastcgi.request(event)
    with running(responder.with_own_socket(place)) as started, ExitStack() as stack:
        large = [stack.enter_context(connect(place.socket)) for _ in range(4)]
        for peer in large:
            peer.sendall(whole[:-8])
        for peer in large:
            wait_until(lambda peer=peer: unread(peer) == 0, "all but its end was taken")
        with connect(place.socket) as fifth, suppress(BrokenPipeError, ConnectionResetError):
            fifth.sendall(whole[:-8])
            Connection(fifth).hung_up()
        wait_until(lambda: lines(started, "cut-off"), "it is told that memory is used up")
        for peer in large:
            peer.sendall(whole[-8:])
            assert Connection(peer).reply().status == 401
        assert [line for line in lines(started, "cut-off") if "memory" not in line] == []


def test_hangup_signal_reads_the_configuration_again(serving, place):
    assert ask(place.socket, sms()).status == 401
    place.config.write_text(f"[receiver]\nspool = {place.spool.path}\n")
    serving.process.send_signal(signal.SIGHUP)
    wait_until(lambda: lines(serving, "=stopped"), "the process with the old configuration gone")
    assert lines(serving, "=reloaded")
    assert ask(place.socket, sms()).status == 200


def test_hangup_signal_with_a_bad_file_keeps_the_settings(serving, place):
    place.config.write_text("[receiver]\nspool = /nowhere\nspoool = /typing-error\n")
    serving.process.send_signal(signal.SIGHUP)
    told = wait_until(lambda: lines(serving, "not-reloaded"), "the complaint")
    assert "ringspool.conf:3" in told[0]
    event = sms()
    assert ask(place.socket, event).status == 401
    assert ask(place.socket, event, **PROOF).status == 200
    assert place.spool.contents() == [event]


def test_hangup_signal_without_the_file_keeps_the_settings(place):
    """The default file, in an /etc of the program's own; it may be missing at the start."""
    etc = ("mount -t tmpfs none /etc && mkdir /etc/ringspool"
           ' && cp "$1" /etc/ringspool/ringspool.conf && exec "$0"')
    with responder.listener(place.socket) as held, running(responder.on_standard_input(
            place, held, place.config, before=["unshare", "--mount", "sh", "-c", etc], user=0,
            env={"PATH": os.environ["PATH"], "RINGSPOOL_SPOOL": str(place.spool.path)})) as started:
        assert ask(place.socket, sms()).status == 401
        Path(f"/proc/{started.pid}/root/etc/ringspool/ringspool.conf").unlink()
        started.process.send_signal(signal.SIGHUP)
        wait_until(lambda: lines(started, "not-reloaded"), "the complaint")
        assert ask(place.socket, sms()).status == 401


def test_changed_token_file_counts_at_once(serving, place):
    (place.work / "tokens").write_text("a-new-one\n")
    assert ask(place.socket, sms(), **PROOF).status == 401
    assert ask(place.socket, sms(), HTTP_VERIFICATION_TOKEN="a-new-one").status == 200


def test_log_names_reasons_and_no_secrets(serving, place):
    ask(place.socket, sms(), HTTP_VERIFICATION_TOKEN="guessed-by-somebody",
        QUERY_STRING="auth_token=of-the-address")
    ask(place.socket, sms(), QUERY_STRING="auth_token=of-the-address", **PROOF)
    text = wait_until(lambda: serving.text() if lines(serving, "401") else None, "a log line")
    for secret in ("guessed-by-somebody", "of-the-address", *TOKENS, "Grüße", "400100201"):
        assert secret not in text
    assert all(re.match(r"(\S+: )?(\S+=\S* ?)+", line) for line in text.splitlines())


def with_tcp_address(place, address, before=(), **how):
    return responder.Program([*before, place.fcgi, "-s", address], place.log,
                             env=responder.environment(place), **how)


@pytest.mark.parametrize("host, address", [("127.0.0.1", "127.0.0.1:{}"), ("127.0.0.1", ":{}"),
                                           ("::1", "[::1]:{}")])
def test_tcp_address(place, host, address):
    port, event = free_port(), sms()
    with running(with_tcp_address(place, address.format(port), **responder.AS_SERVICE)) as started:
        wait_until(lambda: lines(started, "=started"), "a responder")
        with socket.create_connection((host, port)) as opened:
            opened.sendall(fastcgi.request(event, **PROOF))
            assert Connection(opened).reply().status == 200
        assert not lines(started, "=exposed")
    assert place.spool.contents() == [event]


@pytest.mark.parametrize("address", ["0.0.0.0:9000", "[::]:9000"])
def test_tcp_address_that_others_can_reach_is_told(place, address):
    with running(with_tcp_address(place, address, before=["unshare", "--net"])) as started:
        wait_until(lambda: lines(started, "=started"), "a responder")
        assert lines(started, "=exposed")


@pytest.mark.parametrize("address, told", [
    ("127.0.0.1:0", "is neither an absolute path nor HOST:PORT"), ("nowhere", "is neither"),
    ("no host:80", "Name or service not known"), ("127.0.0.1:{taken}", "in use"),
])
def test_address_that_cannot_be_is_refused(place, address, told):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run(FCGI, "-s", address.format(taken=taken.getsockname()[1]), "-c", place.config)
    assert done.returncode == os.EX_UNAVAILABLE
    assert told in done.stderr


def test_web_servers_addresses_are_not_silently_ignored(place):
    done = run(FCGI, "-s", f"127.0.0.1:{free_port()}", "-c", place.config,
               FCGI_WEB_SERVER_ADDRS="127.0.0.1")
    assert done.returncode == os.EX_CONFIG
    assert "FCGI_WEB_SERVER_ADDRS is not supported" in done.stderr


def run(program, *arguments, **more):
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], **more})


@pytest.mark.parametrize("program", [CGI, FCGI], ids=["cgi", "fcgi"])
class TestOptions:
    def test_good_configuration(self, program, place):
        done = run(program, "-T", "-c", place.config)
        assert (done.returncode, done.stderr) == (0, "")
        assert str(place.spool.path) in done.stdout

    def test_configuration_named_by_the_environment(self, program, place):
        assert run(program, "-T", RINGSPOOL_CONFIG=str(place.config)).returncode == 0

    @pytest.mark.parametrize("line", [
        "unknown = 1", "max_body = many", "seen_days = -1", "no equals sign",
        "spool = " + "x" * 300, "log = nowhere", "log_level = loud",
    ])
    def test_bad_configuration_is_told_by_file_and_line(self, program, place, line):
        place.config.write_text(f"[receiver]\n; comment\n{line}\n")
        done = run(program, "-T", "-c", place.config)
        assert done.returncode == 78
        assert f"{place.config}:3" in done.stderr

    def test_unknown_section_is_refused(self, program, place):
        place.config.write_text("[reciever]\nspool = /typing/error\n")
        done = run(program, "-T", "-c", place.config)
        assert done.returncode == 78
        assert f"{place.config}:" in done.stderr

    def test_named_file_must_be_there(self, program, place):
        done = run(program, "-T", "-c", place.work / "missing.conf")
        assert done.returncode == 78
        assert "missing.conf" in done.stderr

    def test_missing_spool_is_told_with_its_remedy(self, program, place):
        place.spool.remove()
        done = run(program, "-T", "-c", place.config)
        assert done.returncode == 78
        assert "install -d" in done.stdout + done.stderr

    def test_fallback_spool_that_is_the_spool_is_told(self, program, place):
        same = f"{place.spool.path}/."
        done = run(program, "-T", "-c", place.config, RINGSPOOL_FALLBACK_SPOOL=same)
        assert done.returncode == 78
        assert f"fault: {same}: is the spool itself" in done.stdout

    def test_directories_with_wrong_modes_are_told(self, program, place):
        for name, mode in (("new", 0o2777), ("seen", 0o770)):
            (place.spool.path / name).mkdir()
            (place.spool.path / name).chmod(mode)
        done = run(program, "-T", "-c", place.config)
        assert done.returncode == 78
        assert f"fault: {place.spool.path}/new: is open to everybody (2777); chmod 2770" in done.stdout
        assert f"warning: {place.spool.path}/seen: is 0770" in done.stdout

    def test_spool_that_this_user_cannot_use_is_told(self, program, place):
        program = place.work / program.name
        done = subprocess.run([program, "-T", "-c", place.config], capture_output=True, text=True,
                              check=False, user=64999, group=64999, extra_groups=[])
        assert done.returncode == 78
        assert "is this user in that group?" in done.stdout

    def test_environment_wins_over_the_file(self, program, place):
        done = run(program, "-T", "-c", place.config, RINGSPOOL_SPOOL="/nonexistent/spool")
        assert done.returncode == 78
        assert "/nonexistent/spool" in done.stdout + done.stderr

    def test_version_and_help(self, program, place):
        version, usage = run(program, "-V"), run(program, "-h")
        assert (version.returncode, usage.returncode) == (0, 0)
        assert re.fullmatch(rf"{program.name} \d+\.\d+\S*\n", version.stdout)
        assert "usage" in usage.stdout

    def test_unknown_option(self, program, place):
        assert run(program, "-Z").returncode == 64


def test_responder_without_a_socket_says_so(place):
    done = run(FCGI, "-c", place.config)
    assert done.returncode == 64
    assert done.stderr


def test_socket_has_the_mode_asked_for(place):
    with running(responder.with_own_socket(place)):
        status = os.stat(place.socket)
    assert status.st_mode & 0o7777 == 0o660


def test_stale_socket_is_replaced(place):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place.socket))
    with running(responder.with_own_socket(place)):
        assert ask(place.socket, sms(), **PROOF).status == 200
