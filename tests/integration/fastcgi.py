"""FastCGI spoken by hand: what no web server would send, or would not let through."""

import fcntl
import socket
import struct
import termios
from dataclasses import dataclass

from wire import parse

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6
TIMEOUT = 20


def record(kind, content):
    return struct.pack("!BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def begin(keep=False):
    return record(BEGIN, struct.pack("!HB5x", 1, keep))


def stream(kind, content):
    """A whole stream: its records, then the empty one that ends it."""
    parts = [content[at:at + 32768] for at in range(0, len(content), 32768)] + [b""]
    return b"".join(record(kind, part) for part in parts)


def pairs(variables):
    encoded = b""
    for name, value in variables.items():
        name, value = name.encode(), value.encode()
        encoded += struct.pack("!II", len(name) | 1 << 31, len(value) | 1 << 31) + name + value
    return encoded


def variables(body=b"", method="POST", **more):
    """What a web server tells of a request; `more` are further meta-variables."""
    return {"GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1",
            "REQUEST_METHOD": method, "SCRIPT_NAME": "/ringspool", "REMOTE_ADDR": "192.0.2.1",
            "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)), **more}


def request(body=b"", keep=False, **more):
    return begin(keep) + stream(PARAMS, pairs(variables(body, **more))) + stream(STDIN, body)


def connect(path):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(TIMEOUT)
    connection.connect(str(path))
    return connection


def unread(peer):
    """Bytes sent that the responder has not taken."""
    return struct.unpack("i", fcntl.ioctl(peer, termios.TIOCOUTQ, bytes(4)))[0]


@dataclass
class Connection:
    """A connection to the responder."""
    socket: socket.socket

    def exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            assert part, f"the responder hung up after {data!r}"
            data += part
        return data

    def reply(self):
        """The next reply: its output up to END_REQUEST."""
        output = b""
        while True:
            _, kind, _, length, padding, _ = struct.unpack("!BBHHBB", self.exactly(8))
            content = self.exactly(length)
            self.exactly(padding)
            if kind == END:
                head, _, body = output.partition(b"\r\n\r\n")
                return parse(b"HTTP/1.1 " + head.removeprefix(b"Status: "), body)
            assert kind == STDOUT, kind
            output += content

    def hung_up(self):
        """Wait for the responder to close; what it still said."""
        said = b""
        while part := self.socket.recv(65536):
            said += part
        return said


def ask(path, body=b"", **more):
    """One request on a connection of its own."""
    with connect(path) as opened:
        opened.sendall(request(body, **more))
        return Connection(opened).reply()
