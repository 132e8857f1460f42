"""One exchange with a webhook address, and what RingCentral makes of the reply.

The sockets are read by hand: the size rule counts the bytes on the wire, which
an HTTP library does not tell.  The time limit covers everything from the
connection to the last byte.  A redirect is a reply like any other.
"""

import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

READ_AT_MOST = 256 * 1024               # far over the limit: enough to tell how far over


class EndpointError(Exception):
    """The exchange failed: the SUB- code of a handshake, the reason for a blacklist."""

    def __init__(self, code, message, reason):
        super().__init__(f"{code} {message}: {reason}")
        self.code = code
        self.message = message
        self.reason = reason


@dataclass(frozen=True)
class Answer:
    status: int
    phrase: str
    headers: dict                       # lower-case names
    size: int                           # bytes of headers and body on the wire
    seconds: float


def unreachable(reason):
    return EndpointError("SUB-521", "WebHook is not reachable",
                         f"I/O operation is failed. Details: [{reason}]")


def invalid(reason):
    return EndpointError("SUB-525", "WebHook server response is invalid", reason)


def exchange(address, headers, body, ca_file, time_limit):
    """POST to the address; the Answer, or EndpointError."""
    started = time.monotonic()
    try:
        with _connected(address, ca_file, started + time_limit) as connection:
            connection.settimeout(_left(started + time_limit))
            connection.sendall(_request(address, headers, body))
            raw = _reply(connection, started + time_limit)
    except TimeoutError as error:
        raise unreachable("Read timed out") from error
    except ssl.SSLError as error:
        raise EndpointError("SUB-524", "HTTPS certificate is not valid",
                            f"I/O operation is failed. Details: [{error}]") from error
    except OSError as error:
        raise unreachable(error.strerror or error) from error
    return _parsed(raw, time.monotonic() - started)


def judge_reply(answer, settings):
    """The rules of every reply: status exactly 200, at most 1024 bytes."""
    if answer.size > settings.reply_size:
        raise invalid("Webhook response exceeds max size. "
                      f"Read bytes count: [{settings.reply_size}]")
    if answer.status != 200:
        raise invalid(f"Webhook responses with code: [{answer.status}], "
                      f"reason: [{answer.phrase}]")


def judge_handshake(answer, token, settings):
    """The rules of a handshake: those of every reply, media type, token echoed."""
    judge_reply(answer, settings)
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise invalid(f"Content-Type is [{media_type}]")
    echoed = answer.headers.get("validation-token")
    if echoed is None:
        raise EndpointError("SUB-520", "WebHook response doesn't contain Validation-Token header",
                            "Validation-Token is missing")
    if echoed != token:
        raise invalid("Validation-Token differs from the one sent")


def _left(deadline):
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _connected(address, ca_file, deadline):
    parts = urlsplit(address)
    secure = parts.scheme == "https"
    plain = socket.create_connection((parts.hostname, parts.port or (443 if secure else 80)),
                                     timeout=_left(deadline))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not secure:
        return plain
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        plain.settimeout(_left(deadline))
        return context.wrap_socket(plain, server_hostname=parts.hostname)
    except OSError:
        plain.close()
        raise


def _request(address, headers, body):
    parts = urlsplit(address)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"POST {target} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _reply(connection, deadline):
    raw = b""
    while len(raw) < READ_AT_MOST and not _complete(raw):
        connection.settimeout(_left(deadline))
        more = connection.recv(65_536)
        if not more:
            break
        raw += more
    return raw


def _complete(raw):
    head, blank, body = raw.partition(b"\r\n\r\n")
    if not blank:
        return False
    if head.split(b" ", 2)[1:2] in ([b"204"], [b"304"]):
        return True                     # these have no body, whatever they announce
    headers = _headers(head)
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return body.endswith(b"0\r\n\r\n")
    length = headers.get("content-length", "")
    return length.isdigit() and len(body) >= int(length)


def _headers(head):
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)}


def _parsed(raw, seconds):
    head, blank, body = raw.partition(b"\r\n\r\n")
    first = head.partition(b"\r\n")[0].decode("latin-1").split(" ", 2)
    well_formed = (blank and first[0].startswith("HTTP/1.") and len(first) > 1
                   and first[1].isdigit())
    if not well_formed:
        if not raw:
            raise unreachable("Connection closed without a reply")
        raise invalid("Not an HTTP reply")
    headers = _headers(head)
    length = headers.get("content-length", "")
    if length.isdigit() and len(body) < int(length) and len(raw) < READ_AT_MOST:
        raise unreachable("Connection closed before the end of the reply")
    return Answer(int(first[1]), first[2] if len(first) > 2 else "", headers, len(raw), seconds)
