"""A webhook endpoint in the test's own process, healthy or sick as a test wants.

    with Hook(platform.authority.issue("hook")) as hook:
        hook.behave(status=404)
        ... hook.address ... hook.received[0].headers["verification-token"]
"""

import http.client
import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

from .tls import POLL, LocalServer


@dataclass
class Received:
    target: str
    headers: dict                       # lower-case names
    body: bytes


@dataclass
class Behaviour:
    """How to answer; the defaults are a healthy endpoint."""
    status: int = 200
    echo: bool | str = True             # False: no token; a text: another token
    content_type: str | None = "application/json"
    headers: tuple = ()
    body: bytes = b""
    seconds: float = 0.0                # to wait before the answer
    size: int = 0                       # fill the answer up to so many bytes on the wire
    raw: bytes | None = None            # these very bytes instead

    def answer(self, token):
        if self.raw is not None:
            return self.raw
        lines = [f"HTTP/1.1 {self.status} {http.client.responses[self.status]}",
                 f"Content-Length: {len(self.body)}"]
        if self.content_type:
            lines.append(f"Content-Type: {self.content_type}")
        if token and self.echo:
            lines.append(f"Validation-Token: {token if self.echo is True else self.echo}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        return self._filled("\r\n".join(lines).encode())

    def _filled(self, head):
        missing = self.size - len(head + self.body) - len("\r\n\r\n")
        if missing > 0:
            head += b"\r\nX: ".ljust(missing, b"f")
        return head + b"\r\n\r\n" + self.body


class Hook:
    """`pair` None is plain http; `newest` an old TLS version that clients must refuse."""

    def __init__(self, pair=None, newest=ssl.TLSVersion.MAXIMUM_SUPPORTED):
        self._server = LocalServer(0, _Handler, pair, newest)
        self._server.hook = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL,))
        self.address = self._server.origin + "/hook"
        self.stopping = threading.Event()
        self.received = []
        self.behaviour = Behaviour()

    def behave(self, **changes):
        """Answer so from now on; what is not named is healthy again."""
        self.behaviour = Behaviour(**changes)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers["content-length"]))
        hook = self.server.hook
        hook.received.append(Received(self.path, headers, body))
        hook.stopping.wait(hook.behaviour.seconds)
        self.close_connection = hook.behaviour.raw is not None
        self.wfile.write(hook.behaviour.answer(headers.get("validation-token")))

    def log_message(self, format, *args):
        """Nothing on standard error."""
