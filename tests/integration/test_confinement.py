"""The web-facing programs reach nothing but their spools and their verification tokens,
and yet find what comes back, or is configured anew."""

import os
import signal
import socket
import subprocess
from contextlib import contextmanager
from functools import cache

import pytest

import fastcgi
import responder
from fastcgi import Connection, ask, connect
from notification import sms
from place import prepare
from process import children, running, wait_until
from settings import CGI, ROOT, SERVICE, TOKENS, WEB
from spool import Spool

ALONE = 64190       # a user that nobody else runs anything as
PROOF = {"HTTP_VERIFICATION_TOKEN": TOKENS[0]}

# What an intruder tries (intruder.c), and the version of Landlock that refuses it;
# None: seccomp alone does, which the CGI program has not.
ATTEMPTS = {
    "make-inet-socket": None, "make-unix-stream-socket": None,
    "connect-tcp": 4, "bind-tcp": 4,
    "execute": 2, "start-process": None, "run-memory": None,
    "signal-parent": 6, "trace-parent": None,
    "write-outside": 2, "truncate-outside": 3, "make-outside": 2,
    "make-directory-outside": 2, "remove-outside": 2, "link-in-spool": 2,
    "read-file": 2, "list-directory": 2, "read-event": 2,
}
ALLOWED = ["read-tokens", "write-spool"]
KINDS = {
    "fcgi": list(ATTEMPTS), "fcgi-with-syslog": list(ATTEMPTS),
    "cgi": [attempt for attempt, version in ATTEMPTS.items() if version],
}


def landlock():
    """The version of this kernel's Landlock, as -T tells it."""
    told = subprocess.run([CGI, "-T"], env={"RINGSPOOL_SPOOL": "/nowhere"}, check=False,
                          capture_output=True, text=True).stdout
    return int(told.partition("confined by Landlock, version ")[2].split()[0])


def make_intruder(place):
    """The library, what it is to find, and the environment that tells it."""
    library = place.work / "intruder.so"
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library,
                    ROOT / "tests/integration/intruder.c"], check=True)
    # Not above the spool: what lies beside the tokens may be read.
    secrets = place.work / "secrets"
    secrets.mkdir(0o755)
    tokens = (place.work / "tokens").rename(secrets / "tokens")
    place.config.write_text(place.config.read_text().replace(
        str(place.work / "tokens"), str(tokens)))
    new, target = place.spool.path / "new", place.work / "run" / "target"
    new.mkdir()
    for path in (target, target.with_suffix(".remove"), new / "waiting.json"):
        path.touch(0o755)
    for path in (new, *new.iterdir(), *target.parent.iterdir()):
        os.chown(path, SERVICE, WEB.pw_gid)
    return {"LD_PRELOAD": str(library), "INTRUDER_FILE": str(target),
            "INTRUDER_EVENT": str(new / "waiting.json"),
            "INTRUDER_SPOOL": str(place.spool.path), "INTRUDER_TOKENS": str(tokens)}


def by_fcgi(place, environment):
    with responder.listener(place.socket) as held:
        started = responder.on_standard_input(place, held, env=environment)
        with running(started):
            assert ask(place.socket, sms(), **PROOF).status == 200
            wait_until(lambda: "intruder: end" in started.text(), "the intruder's end")
            return started.text()


def by_cgi(place, environment):
    body = sms()
    variables = {"REQUEST_METHOD": "POST", "GATEWAY_INTERFACE": "CGI/1.1",
                 "CONTENT_LENGTH": str(len(body)), **PROOF, **environment}
    done = subprocess.run([place.cgi], input=body, env=variables, check=True,
                          capture_output=True, **responder.AS_SERVICE)
    assert done.stdout.startswith(b"Status: 200 "), done.stdout
    return done.stderr.decode()


def intrude(place, kind, settings):
    """What came of each attempt."""
    intruder = make_intruder(place)
    with open(place.config, "a", encoding="ascii") as config:
        config.write(settings)
    with socket.create_server(("127.0.0.1", 0)) as target:
        text = (by_cgi if kind == "cgi" else by_fcgi)(place, responder.environment(
            place, INTRUDER_PORT=str(target.getsockname()[1]), **intruder))
    return dict(line.split()[1:] for line in text.splitlines()
                if line.startswith("intruder: ") and line != "intruder: end")


@pytest.fixture(scope="module")
def intrusion(work, certificates):
    """Gives what an intruder achieved in a kind of process, confined and not."""
    @cache
    def outcomes(kind):
        log = "log = syslog\n" if kind == "fcgi-with-syslog" else ""
        return [intrude(prepare(work / f"{kind}-{name}", certificates), kind, log + settings)
                for name, settings in (("confined", ""), ("unconfined", "confine = no\n"))]
    return outcomes


@pytest.mark.parametrize("kind, attempt", [
    (kind, attempt) for kind, attempts in KINDS.items() for attempt in attempts])
def test_intruder_is_refused(intrusion, kind, attempt):
    if kind == "cgi" and landlock() < ATTEMPTS[attempt]:
        pytest.skip(f"this kernel's Landlock cannot refuse to {attempt}")
    confined, unconfined = intrusion(kind)
    assert unconfined[attempt] == "done"    # so that it is the confinement that refuses
    assert confined[attempt] in ("EACCES", "EPERM", "ENOSYS")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("attempt", ALLOWED)
def test_what_is_needed_is_allowed(intrusion, kind, attempt):
    confined, _ = intrusion(kind)
    assert confined[attempt] == "done"


@contextmanager
def serving(place, *options):
    with responder.listener(place.socket) as held, \
            running(responder.on_standard_input(place, held, *options)) as started:
        wait_until(lambda: responder.serving(started.pid), "a process that serves")
        yield started


def lines(started, mark):
    return [line for line in started.text().splitlines() if mark in line]


def reload(started):
    """Until the process that served before is gone."""
    before = len(lines(started, "=stopped"))
    started.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(lines(started, "=stopped")) > before, "the predecessor's end")


def accepted(place, **more):
    return ask(place.socket, sms(), **PROOF, **more).status == 200


def test_reload_may_name_spools_and_tokens_elsewhere(place):
    elsewhere = place.work / "elsewhere"
    elsewhere.mkdir(0o755)
    spool = Spool(elsewhere / "spool", WEB.pw_gid)
    tokens = elsewhere / "more" / "tokens"
    tokens.parent.mkdir(0o755)
    tokens.write_text("another-token\n")
    os.chown(tokens, 0, WEB.pw_gid)
    tokens.chmod(0o640)
    with serving(place) as started:
        assert accepted(place)
        place.config.write_text(f"[receiver]\nspool = {spool.path}\n"
                                f"verification_tokens = {tokens}\n")
        reload(started)
        assert ask(place.socket, sms(), **PROOF).status == 401
        assert ask(place.socket, sms(), HTTP_VERIFICATION_TOKEN="another-token").status == 200
        assert len(spool.names()) == 1


def test_tokens_replaced_by_rename_count_at_once(place):
    with serving(place):
        assert accepted(place)
        fresh = place.work / "tokens.new"
        fresh.write_text("another-token\n")
        os.chown(fresh, 0, WEB.pw_gid)
        fresh.chmod(0o640)
        fresh.rename(place.work / "tokens")
        assert ask(place.socket, sms(), **PROOF).status == 401
        assert ask(place.socket, sms(), HTTP_VERIFICATION_TOKEN="another-token").status == 200


def test_tokens_behind_a_link_are_read(place):
    here, there = place.work / "here", place.work / "there"
    for directory in (here, there):
        directory.mkdir(0o755)
    (place.work / "tokens").rename(there / "tokens")
    (here / "tokens").symlink_to(there / "tokens")
    place.config.write_text(place.config.read_text().replace(
        str(place.work / "tokens"), str(here / "tokens")))
    with serving(place):
        assert accepted(place)


@contextmanager
def mounted(directory):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4M", "none", directory], check=True)
    try:
        yield
    finally:
        # The responder has it open still.
        subprocess.run(["umount", "--lazy", directory], check=True)


def test_spool_on_a_volume_that_comes_back(place):
    """As the README recommends: a directory in it, not its mount point."""
    volume = place.work / "volume"
    volume.mkdir(0o755)
    place.config.write_text(place.config.read_text().replace(
        str(place.spool.path), str(volume / "spool")))
    with serving(place):
        for _ in range(2):
            assert ask(place.socket, sms(), **PROOF).status == 503
            with mounted(volume):
                spool = Spool(volume / "spool", WEB.pw_gid)
                wait_until(lambda: accepted(place), "events taken in")
                assert len(spool.names()) == 1


def test_fallback_takes_over_and_hands_back(place):
    fallback = Spool(place.work / "fallback", WEB.pw_gid)
    with open(place.config, "a", encoding="ascii") as config:
        config.write(f"fallback_spool = {fallback.path}\n")
    with serving(place):
        place.spool.remove()
        assert accepted(place)
        assert len(fallback.names()) == 1
        place.spool.make()
        wait_until(lambda: accepted(place) and place.spool.names(), "events in the spool")


def test_process_that_serves_is_replaced_when_it_dies(place):
    with serving(place) as started:
        first = responder.serving(started.pid)
        os.kill(first, signal.SIGABRT)
        wait_until(lambda: responder.serving(started.pid) not in (None, first), "a successor")
        assert accepted(place)
        assert len(lines(started, "=died")) == 1


def test_process_that_serves_ends_with_its_guardian(place):
    with serving(place) as started:
        with connect(place.socket) as opened:
            opened.sendall(fastcgi.request(keep=True, **PROOF))
            Connection(opened).reply()
            started.process.kill()
            assert Connection(opened).hung_up() == b""


def test_predecessor_serves_until_its_successor_does(place):
    """A user who may have one thread more: enough for a process, not for one that serves."""
    threads = 4
    most = 1 + (responder.OTHER_THREADS + threads) + 1
    command = ["prlimit", f"--nproc={most}:{most}", place.fcgi, "-t", str(threads)]
    alone = {**responder.AS_SERVICE, "user": ALONE}
    with responder.listener(place.socket) as held, running(responder.Program(
            command, place.log, stdin=held.fileno(), env=responder.environment(place),
            **alone)) as started:
        first = wait_until(lambda: responder.serving(started.pid), "a process that serves")
        wait_until(lambda: lines(started, f"=started threads={threads}"), "its threads")
        started.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "threads: " in started.text(), "the successor's complaint")
        wait_until(lambda: children(started.pid) == [first], "the successor's end")
        assert accepted(place)


def test_kernel_without_landlock_is_told_once(place):
    trace = ["strace", "-D", "-f", "-o", "/dev/null",
             "-e", "inject=landlock_create_ruleset:error=ENOSYS", place.fcgi]
    with responder.listener(place.socket) as held:
        started = responder.Program(trace, place.log, stdin=held.fileno(),
                                    env=responder.environment(place), **responder.AS_SERVICE)
        with running(started):
            assert accepted(place)
            assert accepted(place)
            assert len(lines(started, "=unconfined")) == 1
