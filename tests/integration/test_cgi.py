"""ringspool.cgi as a CGI program: its arguments, environment and time limit."""

import fcntl
import os
import subprocess
import time
from contextlib import ExitStack, suppress

import pytest

import servers
from notification import sms
from settings import CGI, TOKENS
from wire import Client, parse

HANDSHAKE = {"HTTP_VALIDATION_TOKEN": "wtdwi2y88489yr34iwegsekshwekfhsdfh"}


def variables(body=b"", method="POST", **more):
    return {"PATH": os.environ["PATH"], "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": method,
            "SERVER_PROTOCOL": "HTTP/1.1", "CONTENT_LENGTH": str(len(body)), **more}


def answer(body=b"", arguments=(), program=CGI, **more):
    """What the program answers when a web server of ours starts it."""
    done = subprocess.run([program, *arguments], input=body, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=variables(body, **more), check=True)
    return reply_of(done.stdout)


def reply_of(output):
    head, _, body = output.partition(b"\r\n\r\n")
    assert head.startswith(b"Status: "), output
    return parse(b"HTTP/1.1 " + head.removeprefix(b"Status: "), body)


@pytest.mark.parametrize("arguments", [["-T"], ["-V"], ["-c", "/etc/passwd"]], ids=lambda words: words[0])
def test_arguments_do_not_count_where_a_web_server_calls(place, arguments):
    """A query without '=' comes as command-line arguments (RFC 3875, 4.4)."""
    event = sms()
    reply = answer(event, arguments, RINGSPOOL_SPOOL=str(place.spool.path))
    assert (reply.status, reply.body) == (200, b"")
    assert place.spool.contents() == [event]


def test_settings_by_set_env_alone(place, certificates):
    """Dropped into cgi-bin, with a spool and nothing else."""
    event = sms()
    with servers.apache_set_env(place, {"RINGSPOOL_SPOOL": place.spool.path,
                                        "RINGSPOOL_MAX_BODY": "1K"}) as site:
        client = Client(site.port, site.path, certificates.authority)
        assert client.post(event).status == 200
        assert client.post(sms(size=1024)).status == 413
    assert place.spool.contents() == [event]


def test_every_setting_can_come_by_the_environment(place):
    fallback = place.work / "fallback"
    settings = {
        "RINGSPOOL_SPOOL": place.spool.path, "RINGSPOOL_VERIFICATION_TOKENS": place.work / "tokens",
        "RINGSPOOL_MAX_BODY": "2M", "RINGSPOOL_MIN_FREE": "3M", "RINGSPOOL_FALLBACK_SPOOL": fallback,
        "RINGSPOOL_SEEN_DAYS": "5", "RINGSPOOL_LOG": "syslog", "RINGSPOOL_LOG_LEVEL": "debug",
        "RINGSPOOL_REQUEST_TIMEOUT": "7",
    }
    fallback.mkdir(mode=0o2770)
    settings = {name: str(value) for name, value in settings.items()}
    done = subprocess.run([CGI, "-T"], env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = {line.partition("=")[0].strip(): line for line in done.stdout.splitlines()}
    for name in settings:
        key = name.removeprefix("RINGSPOOL_").lower()
        assert "environment" in shown[key] or name in shown[key], done.stdout


def test_bad_value_in_the_environment_opens_nothing(place):
    event = sms()
    reply = answer(event, RINGSPOOL_SPOOL=str(place.spool.path), RINGSPOOL_MAX_BODY="lots")
    assert reply.status == 503
    assert int(reply.header("retry-after")) > 0
    assert place.spool.names() == []


def test_missing_configuration_lets_nobody_in():
    """As for a moment, while it is replaced: by default there would be no token."""
    empty = ("mount -t tmpfs none /etc && mount -t tmpfs none /var/spool"
             ' && mkdir -m 2770 /var/spool/ringspool && exec "$0"')
    arguments = ["--mount", "sh", "-c", empty, str(CGI)]
    assert answer(sms(), arguments, "unshare").status == 503
    assert answer(b"", arguments, "unshare", **HANDSHAKE).status == 200


def test_handshake_needs_no_valid_configuration(place):
    place.config.write_text("[receiver]\nnonsense = 1\n")
    assert answer(RINGSPOOL_CONFIG=str(place.config), **HANDSHAKE).status == 200
    assert answer(sms(), RINGSPOOL_CONFIG=str(place.config)).status == 503


@pytest.mark.parametrize("tokens", ["missing", "empty", "world-readable"])
def test_unusable_token_file_lets_nobody_in(place, tokens):
    path = place.work / "tokens"
    if tokens == "missing":
        path.unlink()
    elif tokens == "empty":
        path.write_text("\n")
    else:
        path.chmod(0o644)
    proof = {"HTTP_VERIFICATION_TOKEN": TOKENS[0], "RINGSPOOL_CONFIG": str(place.config)}
    reply = answer(sms(), **proof)
    assert reply.status == 503
    assert int(reply.header("retry-after")) > 0
    assert place.spool.names() == []
    assert answer(**proof, **HANDSHAKE).status == 200


def test_fallback_spool_takes_what_the_spool_cannot(place):
    fallback = servers.Spool(place.work / "fallback", place.spool.gid)
    place.spool.remove()
    event = sms()
    settings = {"RINGSPOOL_SPOOL": str(place.spool.path), "RINGSPOOL_FALLBACK_SPOOL": str(fallback.path)}
    assert answer(event, **settings).status == 200
    assert fallback.contents() == [event]


def test_locks_that_somebody_holds_are_not_waited_for_one_after_the_other(place):
    fallback = servers.Spool(place.work / "fallback", place.spool.gid)
    settings = {"RINGSPOOL_SPOOL": str(place.spool.path), "RINGSPOOL_FALLBACK_SPOOL": str(fallback.path)}
    with ExitStack() as held:
        for spool in (place.spool, fallback):
            lock = held.enter_context((spool.path / "lock").open("w"))
            fcntl.lockf(lock, fcntl.LOCK_EX)
        begun = time.monotonic()
        assert answer(sms(), **settings).status == 503
        assert time.monotonic() - begun < 5     # 3, on a machine of one's own
    assert answer(sms(), **settings).status == 200


def test_silent_client_is_waited_for_until_the_time_limit_only(place):
    event = sms()
    environment = variables(event, RINGSPOOL_SPOOL=str(place.spool.path), RINGSPOOL_REQUEST_TIMEOUT="1")
    begun = time.monotonic()
    with subprocess.Popen([CGI], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, env=environment) as program:
        program.stdin.write(event[:-1])
        program.stdin.flush()
        reply = reply_of(program.stdout.read())
        assert reply.status == 400
        assert time.monotonic() - begun > 0.5
        with suppress(BrokenPipeError):
            program.stdin.close()
    assert place.spool.names() == []


def test_client_that_went_away_before_the_reply_costs_no_event(place):
    """Nobody reads the reply: the event is kept all the same, the program ends well."""
    event = sms()
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([CGI], input=event, stdout=writer, stderr=subprocess.DEVNULL, check=False,
                          env=variables(event, RINGSPOOL_SPOOL=str(place.spool.path)))
    os.close(writer)
    assert done.returncode == 0
    assert place.spool.contents() == [event]
