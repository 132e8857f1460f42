"""What is in examples/ does what it says, under `ringspool run`."""

import json
import os
import sqlite3
import stat
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from consuming import ROOT, notification

EXAMPLES = ROOT / "examples"
VOICEMAIL = "/restapi/v1.0/account/1/extension/2/voicemail"


def test_to_sqlite_keeps_each_event_once(place):
    database = place.directory / "events.db"
    bodies = {f"u{i}": notification(f"u{i}", owner="it's") for i in range(3)}
    names = {place.deliver(uuid, body) for uuid, body in bodies.items()}
    words = ("run", "-j", 3, "--keep", 1, "--", EXAMPLES / "to-sqlite", database)
    place.tool(*words)
    place.tool("replay", "--all")
    place.tool(*words)
    assert place.counts() == {"done": 3}
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT name, uuid, owner, body FROM event").fetchall()
    connection.close()
    assert {name for name, *_ in rows} == names and len(rows) == 3
    assert {uuid: body.encode() for _, uuid, _, body in rows} == bodies
    assert {owner for _, _, owner, _ in rows} == {"it's"}


@contextmanager
def endpoint(statuses):
    """An HTTP server that answers with one status after the other; what it got."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(statuses.pop(0))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *unused):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def forward(place, url):
    """The command, with the address in a file."""
    target = place.directory / "target.curl"
    target.write_text(f'url = "{url}"\nheader = "Authorization: Bearer secret"\n')
    return EXAMPLES / "forward", target


def test_forward_posts_the_bytes_and_tries_again(place):
    body = notification("u1") + b"\r\n \n"
    name = place.deliver("u1", body)
    with endpoint([503, 200]) as (url, got):
        for _ in range(2):
            place.tool("run", "--retry-delay", "0s", "--retries", 1, "--", *forward(place, url))
    assert [received for _, received in got] == [body, body]
    assert got[0][0]["Content-Type"] == "application/json"
    assert got[0][0]["X-Ringspool-Name"] == name
    assert got[0][0]["Authorization"] == "Bearer secret"
    assert place.counts() == {}


@pytest.mark.parametrize("status, state", [(422, "failed"), (429, "retrying"), (500, "retrying")])
def test_forward_knows_what_is_final(place, status, state):
    place.deliver("u1")
    with endpoint([status]) as (url, _):
        place.tool("run", "--retry-delay", "1h", "--", *forward(place, url))
    assert place.counts() == {state: 1}


def test_forward_to_nobody(place):
    place.deliver("u1")
    with endpoint([]) as (url, _):
        pass
    place.tool("run", "--retry-delay", "1h", "--", *forward(place, url))
    assert place.counts() == {"retrying": 1}


@pytest.fixture
def outbox(place):
    sendmail = place.directory / "sendmail"
    sendmail.write_text(f"#!/bin/sh\necho \"$@\" > {place.directory}/mail.arguments\n"
                        f"cat > {place.directory}/mail\n")
    sendmail.chmod(0o755)
    place.env["SENDMAIL"] = str(sendmail)
    return place.directory / "mail"


def voicemail(**members):
    return json.dumps({"uuid": "v1", "event": VOICEMAIL, "subscriptionId": "s", "ownerId": "2",
                       "body": {"from": {"phoneNumber": "+16505550100", **members},
                                "creationTime": "2026-08-01T10:00:00Z"}}).encode()


def test_mail_on_voicemail_and_on_nothing_else(place, outbox):
    place.deliver("u1")
    words = ("run", "--", EXAMPLES / "mail-voicemail", "office@example.com")
    place.tool(*words)
    assert not outbox.exists() and place.counts() == {}
    place.deliver("v1", voicemail(name="Jo\r\nBcc: evil@example.com"))
    place.tool(*words)
    text = outbox.read_text()
    assert "To: office@example.com\n" in text
    assert "Subject: Voicemail from Jo Bcc: evil@example.com\n" in text
    assert "\nBcc:" not in text
    assert "Number: +16505550100" in text
    assert place.counts() == {}


def test_mail_of_a_body_that_is_no_voicemail_fails_at_once(place, outbox):
    place.deliver("v1", json.dumps({"uuid": "v1", "event": VOICEMAIL, "body": []}).encode())
    place.tool("run", "--", EXAMPLES / "mail-voicemail", "office@example.com")
    assert place.counts() == {"failed": 1}
    assert not outbox.exists()


def test_examples_are_executable():
    files = list(EXAMPLES.iterdir())
    assert len(files) >= 3
    for path in files:
        assert path.stat().st_mode & stat.S_IXOTH and os.access(path, os.X_OK), path
