"""The platform's server: requests in, replies out, and the log of both."""

import threading
import uuid
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

import events

from .message import Reply, Request
from .tls import LocalServer

CONTROL = "/stand-in/"
SECRETS = ("verificationToken", "validationToken")


class RequestLog:
    """What clients asked for: never a header of theirs but User-Agent, no token."""

    def __init__(self):
        self._entries = []
        self._lock = threading.Lock()

    def add(self, entry):
        with self._lock:
            self._entries.append(entry)

    def entries(self):
        with self._lock:
            return list(self._entries)

    def clear(self):
        with self._lock:
            self._entries.clear()


class Server(LocalServer):
    """`respond` makes (Reply, kind of fault or None) of a Request."""

    def __init__(self, port, pair, clock, respond, log):
        self.clock = clock
        self.respond = respond
        self.log = log
        super().__init__(port, Handler, pair)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True
    wbufsize = -1                       # one packet for a small reply

    def _serve(self):
        request = self._request()
        if request is None:
            reply, fault = Reply(411, content_type=None), None
        else:
            reply, fault = self.server.respond(request)
        request_id = str(uuid.uuid4())
        if request is None or not request.path.startswith(CONTROL):
            self._log(request, reply, fault, request_id)
        self._send(reply, request_id)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _serve

    def _request(self):
        """The whole request, or None when its length is not announced."""
        length = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not length.isdigit():
            self.close_connection = True
            return None
        parts = urlsplit(self.path)
        return Request(self.command, parts.path, self.headers,
                       self.rfile.read(int(length)))

    def _log(self, request, reply, fault, request_id):
        self.server.log.add({
            "time": events.iso(self.server.clock.now()), "method": self.command,
            "path": urlsplit(self.path).path, "fault": fault, "request_id": request_id,
            "status": None if reply.dropped else reply.status,
            "user_agent": self.headers.get("User-Agent"),
            "document": _without_secrets(request)})

    def _send(self, reply, request_id):
        if reply.dropped:
            self.close_connection = True
            return
        self.send_response(reply.status)
        self.send_header("RCRequestId", request_id)
        for name, value in reply.headers:
            self.send_header(name, value)
        if reply.content_type:
            self.send_header("Content-Type", reply.content_type)
        if reply.padding:
            self._send_padded(reply)
        else:
            self._send_plain(reply)
        self.wfile.flush()

    def _send_plain(self, reply):
        if reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body[:reply.cut_at])
        if reply.cut_at is not None:
            self.close_connection = True

    def _send_padded(self, reply):
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._chunk(reply.body)
        blanks, left = b" " * 65_536, reply.padding
        while left > 0:
            self._chunk(blanks[:left])
            left -= len(blanks)
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def version_string(self):
        return "nginx"

    def date_time_string(self, timestamp=None):
        return self.server.clock.http_date()

    def log_message(self, format, *args):
        """Nothing on standard error: the log is for tests to read."""


def _without_secrets(request):
    """The JSON document of an API request with secrets masked; never a form."""
    if request is None or "oauth" in request.path:
        return None
    try:
        document = request.document()
    except ValueError:
        return None
    mode = document.get("deliveryMode") if isinstance(document, dict) else None
    if isinstance(mode, dict):
        document["deliveryMode"] = {key: _masked(key, value) for key, value in mode.items()}
    return document


def _masked(key, value):
    """Tokens, and the query of an address: people put secrets there."""
    if key == "address" and "?" in str(value):
        return str(value).partition("?")[0] + "?***"
    return "***" if key in SECRETS else value
