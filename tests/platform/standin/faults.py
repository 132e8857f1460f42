"""Troubles on demand: which requests they meet, how often, and what happens.

    method  GET, POST, ... or * for any
    path    a pattern: /restapi/v1.0/subscription is list and create,
            /restapi/v1.0/subscription/* is all that is done to one record
    count   how many requests (default 1; 0: all, until removed)
    kind    one of KINDS; the other members are its details
"""

import json
import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from .errors import ApiError
from .message import Reply, json_reply
from .tokens import unauthorized

HTML = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body></body></html>"


@dataclass
class Fault:
    kind: str
    method: str = "*"
    path: str = "/restapi/*"
    count: int = 1
    details: dict = field(default_factory=dict)


# Each takes the fault's details and `act`, which does what the request asks for
# and returns its Reply; so a fault may come before the act, after it, or instead.

def _status(act, wait, status=500, retry_after=None, headers=(), code="CMN-211"):
    more = [("Retry-After", str(retry_after))] if retry_after is not None else []
    error = ApiError(status, code, "Service is temporarily unavailable")
    return json_reply(status, error.body(False), [*map(tuple, headers), *more])


def _slow(act, wait, seconds=5):
    reply = act()
    wait(seconds)
    return reply


def _truncated(act, wait, keep=0.5):
    """JSON that ends in the middle, in a reply that is whole as HTTP."""
    reply = act()
    reply.body = reply.body[:int(len(reply.body) * keep)]
    return reply


def _cut(act, wait, keep=0.5):
    """The connection ends before the announced length."""
    reply = act()
    reply.cut_at = int(len(reply.body) * keep)
    return reply


def _drop_before(act, wait):
    return Reply(0, dropped=True)


def _drop_after(act, wait):
    act()
    return Reply(0, dropped=True)


def _html(act, wait, status=502):
    return Reply(status, HTML, content_type="text/html")


def _no_content_type(act, wait):
    reply = act()
    reply.content_type = None
    return reply


def _wrong_types(act, wait, changes=None):
    """Members of a wrong type; in a list, in its last record only.  What answers without
    a body has none."""
    reply = act()
    if not reply.body:
        return reply
    document = json.loads(reply.body)
    records = document.get("records")
    victim = records[-1] if records else document
    victim.update(changes or {"id": 12345, "eventFilters": "none", "expirationTime": True,
                              "access_token": ["a"], "records": {}})
    reply.body = json.dumps(document).encode()
    return reply


def _huge(act, wait, size=65 * 1024 * 1024):
    """The true document, and then blanks (which JSON allows) beyond all measure."""
    reply = act()
    reply.padding = size
    return reply


def _body(act, wait, text="", status=200, content_type="application/json"):
    """This very text, instead of doing anything."""
    return Reply(status, text.encode(), content_type=content_type)


def _unauthorized(act, wait):
    error = unauthorized()
    return json_reply(401, error.body(False), error.headers)


KINDS = {"status": _status, "slow": _slow, "truncated": _truncated, "cut": _cut,
         "drop-before": _drop_before, "drop-after": _drop_after, "html": _html,
         "no-content-type": _no_content_type, "wrong-types": _wrong_types, "huge": _huge,
         "body": _body, "unauthorized": _unauthorized}


class Faults:
    """`wait(seconds)` must end early when the platform stops."""

    def __init__(self, wait):
        self._wait = wait
        self._faults = []
        self._lock = threading.Lock()

    def add(self, kind, method="*", path="/restapi/*", count=1, **details):
        if kind not in KINDS:
            raise ValueError(f"no such fault: {kind}; there are {', '.join(KINDS)}")
        with self._lock:
            self._faults.append(Fault(kind, method, path, count, details))

    def waiting(self):
        with self._lock:
            return [vars(fault) for fault in self._faults]

    def clear(self):
        with self._lock:
            self._faults.clear()

    def handle(self, request, act):
        """(reply, kind of the fault that met this request or None)."""
        fault = self._take(request)
        if fault is None:
            return act(), None
        return KINDS[fault.kind](act, self._wait, **fault.details), fault.kind

    def _take(self, request):
        with self._lock:
            for fault in self._faults:
                if fault.method in ("*", request.method) and fnmatchcase(request.path, fault.path):
                    if fault.count == 1:
                        self._faults.remove(fault)
                    fault.count = max(0, fault.count - 1)
                    return fault
        return None
