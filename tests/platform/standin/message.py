"""A request and a reply, with nothing of sockets in them."""

import json
from dataclasses import dataclass, field
from email.message import Message


@dataclass
class Request:
    method: str
    path: str                           # without the query, which no call here has
    headers: Message                    # get() whatever the case of the name
    body: bytes

    def document(self):
        """The body as JSON; ValueError when it is not."""
        return json.loads(self.body)


@dataclass
class Reply:
    """What goes back; the last three are what faults do to it on the wire."""
    status: int
    body: bytes = b""
    headers: list = field(default_factory=list)
    content_type: str | None = "application/json;charset=utf-8"
    dropped: bool = False               # close the connection without a reply
    cut_at: int | None = None           # announce the whole body, send so many bytes
    padding: int = 0                    # so many blanks more, chunked, after the body


def json_reply(status, document, headers=()):
    return Reply(status, json.dumps(document).encode(), list(headers))
