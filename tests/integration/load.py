"""Clients that post one event after another, and remember what was answered with 200."""

import threading

from notification import fresh_uuid, sms
from process import wait_until
from settings import TOKENS
from wire import Client, check_rules, read_reply, request


class Web:
    """An endpoint behind a web server."""

    def __init__(self, site, certificates):
        self.client = Client(site.port, site.path, certificates.authority)

    def connect(self):
        return self.client.connect()

    def exchange(self, connection, body):
        headers = {"Content-Type": "application/json", "Verification-Token": TOKENS[0]}
        connection.sendall(request("POST", self.client.path, headers, body))
        return read_reply(connection, "POST")


class Clients:
    """Post to a receiver, from `with` to the end of its block. With `persistent`, what was
    not acknowledged is posted again until it is."""

    def __init__(self, receiver, clients=8, persistent=False, event=sms):
        self.receiver = receiver
        self.persistent = persistent
        self.event = event          # makes the body of the event with this uuid
        self.posted = {}            # uuid -> body
        self.acknowledged = {}      # uuid -> how many had been posted by then
        self.failures = []          # (uuid, why) of each post without a 200
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
            self.posted[uuid] = self.event(uuid)
            connection, failure = self.post(connection, uuid)
            while failure and self.persistent and not self.enough.is_set():
                connection, failure = self.post(connection, uuid)
            if not failure:
                self.acknowledged[uuid] = len(self.posted)
        if connection:
            connection.close()

    def post(self, connection, uuid):
        """Post on a kept connection, or a new one; the connection if it may be used
        again, and what went wrong."""
        connection, failure = self.try_post(connection, self.posted[uuid])
        if failure:
            self.failures.append((uuid, failure))
        return connection, failure

    def try_post(self, connection, body):
        try:
            connection = connection or self.receiver.connect()
            reply = self.receiver.exchange(connection, body)
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


class Load(Clients):
    """Clients of a web server. `size` pads the events."""

    def __init__(self, site, certificates, size=0, **how):
        super().__init__(Web(site, certificates), event=lambda uuid: sms(uuid, size), **how)


class Witness:
    """Looks at the spool while it fills: each file in new/ is whole whenever it is seen."""

    def __init__(self, load, spool):
        self.load, self.spool = load, spool
        self.kept = {}      # name -> contents

    def look(self):
        for name in set(self.spool.names()) - self.kept.keys():
            contents = (self.spool.path / "new" / name).read_bytes()
            assert contents in list(self.load.posted.values()), f"{name} is not what was sent, or a part of it"
            self.kept[name] = contents

    def has_each_once(self):
        """Once the load has ended: all that was acknowledged, and nothing twice."""
        self.look()
        contents = self.kept.values()
        assert len(contents) == len(set(contents)), "an event was kept twice"
        lost = {self.load.posted[uuid] for uuid in self.load.acknowledged} - set(contents)
        assert not lost, f"{len(lost)} of {len(self.load.acknowledged)} acknowledged events are not there"
