"""Clients that post one event after another, and remember what was answered with 200."""

import threading

from notification import fresh_uuid, sms
from process import wait_until
from settings import TOKENS
from wire import Client, check_rules, read_reply, request


class Load:
    """Runs from `with` to the end of its block. With `persistent`, what was not
    acknowledged is posted again until it is; else it counts as a failure."""

    def __init__(self, site, certificates, clients=8, persistent=False):
        self.client = Client(site.port, site.path, certificates.authority)
        self.persistent = persistent
        self.posted = {}            # uuid -> body
        self.acknowledged = set()   # uuids
        self.failures = []
        self.enough = threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.wait_for_more(len(self.threads))
        return self

    def __exit__(self, *_):
        self.enough.set()
        for thread in self.threads:
            thread.join()

    def wait_for_more(self, count):
        """Until `count` further events were acknowledged."""
        wanted = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= wanted, f"{count} more acknowledgements")

    def run(self):
        connection = None
        while not self.enough.is_set():
            uuid = fresh_uuid()
            self.posted[uuid] = sms(uuid)
            connection, failure = self.post(connection, self.posted[uuid])
            while failure and self.persistent and not self.enough.is_set():
                connection, failure = self.post(connection, self.posted[uuid])
            if failure:
                self.failures.append(failure)
            else:
                self.acknowledged.add(uuid)
        if connection:
            connection.close()

    def post(self, connection, body):
        """Post on a kept connection, or a new one; the connection if it may be used
        again, and what went wrong."""
        data = request("POST", self.client.path,
                       {"Content-Type": "application/json", "Verification-Token": TOKENS[0]}, body)
        try:
            connection = connection or self.client.connect()
            connection.sendall(data)
            reply = read_reply(connection, "POST")
        except (OSError, AssertionError) as problem:
            if connection:
                connection.close()
            return None, repr(problem)
        failure = None if reply.status == 200 else repr(reply)
        if not failure:
            check_rules(reply)
        if reply.header("connection") == "close":
            connection.close()
            connection = None
        return connection, failure


def spooled_once(load, spool):
    """What was acknowledged is in new/ byte for byte, and nothing is there twice, in
    part or unasked."""
    contents = spool.contents()
    assert len(contents) == len(set(contents)), "an event was kept twice"
    assert set(contents) <= set(load.posted.values()), "something was kept that nobody sent"
    lost = {load.posted[uuid] for uuid in load.acknowledged} - set(contents)
    assert not lost, f"{len(lost)} of {len(load.acknowledged)} acknowledged events are not there"
