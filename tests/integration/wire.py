"""A client that sees the bytes on the wire, and the rules that every reply keeps."""

import functools
import socket
import ssl
import subprocess
from contextlib import suppress
from dataclasses import dataclass

TIMEOUT = 20
WIRE_LIMIT = 512    # bytes of a reply beside the echoed token; RingCentral allows 1024


@dataclass(frozen=True)
class Reply:
    status: int
    headers: list   # (lower-case name, value)
    body: bytes
    wire: int       # bytes of status line, headers and body

    def header(self, name):
        values = [value for key, value in self.headers if key == name]
        return values[0] if len(values) == 1 else values or None


def parse(head, body):
    lines = head.decode("latin-1").split("\r\n")
    headers = [(name.lower(), value.strip())
               for name, _, value in (line.partition(":") for line in lines[1:])]
    return Reply(int(lines[0].split()[1]), headers, body, len(head) + 4 + len(body))


def check_rules(reply, token=None, method="POST"):
    """What RingCentral demands of every reply, whatever its status."""
    assert reply.wire - len(token or "") <= WIRE_LIMIT, reply
    assert reply.header("content-type") == "application/json", reply
    if method != "HEAD":    # to which Apache drops a length of 0
        assert reply.header("content-length") == str(len(reply.body)), reply
    assert reply.header("transfer-encoding") is None, reply
    assert reply.header("content-encoding") is None, reply
    assert reply.header("validation-token") == token, reply


@functools.cache
def context(authority, version):
    """Trusts the test authority and speaks that one version of TLS. The security
    level is 0, so that an old version is the server's to refuse."""
    made = ssl.create_default_context(cafile=authority)
    made.set_ciphers("ALL:@SECLEVEL=0")
    made.minimum_version = made.maximum_version = ssl.TLSVersion[version]
    return made


def request(method, path, headers, body=b"", chunked=False, length=None):
    """A request as bytes. `length` is the length to announce, if it is not the body's."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if chunked:
        lines.append("Transfer-Encoding: chunked")
        middle = len(body) // 2
        parts = [part for part in (body[:middle], body[middle:]) if part] + [b""]
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    elif method == "POST":
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines + ["", ""]).encode("latin-1") + body


class Client:
    """Speaks to one endpoint with one version of TLS."""

    def __init__(self, port, path, authority, version="TLSv1.3"):
        self.port, self.path, self.authority = port, path, authority
        self.version = version.replace(".", "_")

    def connect(self):
        raw = socket.create_connection(("127.0.0.1", self.port), TIMEOUT)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return context(self.authority, self.version).wrap_socket(
            raw, server_hostname="localhost", suppress_ragged_eofs=True)

    def send(self, method="POST", headers=None, body=b"", query="", **how):
        """One request on a connection of its own; the reply keeps the rules."""
        headers = {"Content-Type": "application/json", **(headers or {})}
        reply = self.exchange(method, headers, body, query, **how)
        check_rules(reply, headers.get("Validation-Token"), method)
        return reply

    def exchange(self, method, headers, body, query="", **how):
        """The same, whatever the reply: the web server itself may have refused."""
        with self.connect() as connection:
            # Refused before it was read to the end? The reply tells.
            with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
                connection.sendall(request(method, self.path + query, headers, body, **how))
            return read_reply(connection, method)

    def post(self, body, **headers):
        return self.send(body=body, headers={name.replace("_", "-"): value
                                             for name, value in headers.items()})

    def abort(self, headers, body, length):
        """Announce more than is sent, then go away; back when the server hung up."""
        with self.connect() as connection:
            connection.sendall(request("POST", self.path, headers, body, length=length))
            connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError):
                while connection.recv(65536):
                    continue

    def curl(self, headers, body=b""):
        """Post with a client that offers HTTP/2; the version that was agreed on, and the
        reply."""
        limits = {"TLSv1_2": ["--tls-max", "1.2"], "TLSv1_3": ["--tlsv1.3"]}[self.version]
        command = ["curl", "-sS", "--http2", "--cacert", self.authority, *limits,
                   "--max-time", str(TIMEOUT), "-i", "-X", "POST"]
        for name, value in {"Content-Type": "application/json", **headers}.items():
            command += ["-H", f"{name}: {value}"]
        command += ["--data-binary", "@-", f"https://localhost:{self.port}{self.path}"]
        done = subprocess.run(command, input=body, capture_output=True, check=True)
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        reply = parse(head, rest)
        check_rules(reply, headers.get("Validation-Token"))
        return head.split()[0].decode(), reply


def read_reply(connection, method):
    """Read one reply: the head, and as many bytes as Content-Length says."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += receive(connection, data)
    head, _, body = data.partition(b"\r\n\r\n")
    announced = parse(head, b"").header("content-length")
    wanted = 0 if method == "HEAD" or announced is None else int(announced)
    while len(body) < wanted:
        body += receive(connection, body)
    return parse(head, body)


def receive(connection, so_far):
    part = connection.recv(65536)
    assert part, f"connection closed after {so_far!r}"
    return part
