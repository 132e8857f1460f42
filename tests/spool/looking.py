"""A site to look at: spools filled by the real receiver and put into states as the tool
would, a configuration, and a status.json as ringspool-renew writes it."""

import json
import os
import subprocess
import time
import uuid as uuids

import pytest

from consuming import PATIENCE, RECEIVER, TOOL, Place

EXTENSION = "/restapi/v1.0/account/37439510/extension/400144455008"
SMS = EXTENSION + "/message-store/instant?type=SMS"
VOICEMAIL = EXTENSION + "/voicemail"
PRESENCE = EXTENSION + "/presence"
SMS_FAMILY = "extension/~/message-store/instant?type=SMS"
SUBSCRIPTION = "9d38419f-645f-4ee3-a053-8cf1368c21c4"

PHONE = "+16505550100"
TEXT = "Running late, be there at ten"

CLOCK_REALTIME_COARSE = 5       # of <time.h>; time(2) reads it


def event(path=SMS, uuid=None, subscription=SUBSCRIPTION, **body):
    """A notification, as bytes."""
    return json.dumps({
        "uuid": uuid or str(uuids.uuid4()), "event": path,
        "timestamp": "2026-11-24T10:00:00.123Z", "subscriptionId": subscription,
        "ownerId": "400144455008",
        "body": {"from": {"phoneNumber": PHONE}, "subject": TEXT, **body}}).encode()


class Site(Place):
    def __init__(self, directory):
        directory.mkdir()
        super().__init__(directory)
        self.fallback = self.directory / "fallback"
        self.make(self.fallback)
        self.state = self.directory / "state"
        self.state.mkdir()
        self.config = self.directory / "ringspool.conf"
        self.configure()
        for name in ("RINGSPOOL_SPOOL", "RINGSPOOL_LOG_LEVEL", "NO_COLOR", "TERM"):
            self.env.pop(name, None)
        self.env["RINGSPOOL_CONFIG"] = str(self.config)
        self.complaint = ""

    def configure(self, more="", min_free="1M"):
        self.config.write_text(
            f"[receiver]\nspool = {self.spool}\nfallback_spool = {self.fallback}\n"
            f"min_free = {min_free}\n[platform]\nstate_dir = {self.state}\n{more}")

    # -- in

    def deliver(self, body, spool=None):
        """Through the receiver, whatever it makes of it; the NAME."""
        spool = spool or self.spool
        before = self.files("waiting", spool) | self.files("bad", spool)
        reply = subprocess.run(
            [RECEIVER], input=body, capture_output=True, check=True,
            env=self.env | {"RINGSPOOL_SPOOL": str(spool), "REQUEST_METHOD": "POST",
                            "GATEWAY_INTERFACE": "CGI/1.1", "CONTENT_LENGTH": str(len(body)),
                            "CONTENT_TYPE": "application/json"})
        made = (self.files("waiting", spool) | self.files("bad", spool)) - before
        assert len(made) == 1, reply
        return made.pop().removesuffix(".json")

    def put(self, body, state="waiting", ago=0, spool=None):
        """Deliver, and move to a state as the tool would; the NAME."""
        spool = spool or self.spool
        name = self.deliver(body, spool)
        day = time.strftime("%Y-%m-%d", time.gmtime())
        made = spool / "bad" / name if state == "bad" else spool / "new" / f"{name}.json"
        target = {
            "running": spool / "work" / f"{name}.1.json",
            "retrying": spool / "retry" / f"{name}.2.{int(time.time()) + 3600}.json",
            "held": spool / "held" / f"{name}.json",
            "failed": spool / "failed" / f"{name}.3.exit-1.json",
            "done": spool / "done" / day / f"{name}.json",
        }.get(state, made)
        target.parent.mkdir(parents=True, exist_ok=True)
        made.rename(target)
        self.age(target, ago)
        return name

    @staticmethod
    def age(path, ago):
        # The programs' clock, which is some milliseconds behind time.time().
        then = time.clock_gettime(CLOCK_REALTIME_COARSE) - ago
        os.utime(path, (then, then))

    def age_mark(self, name, ago):
        """As if the event had arrived so many seconds ago."""
        [mark] = self.spool.glob(f"seen/*/{name}")
        day = self.spool / "seen" / time.strftime("%Y-%m-%d", time.gmtime(time.time() - ago))
        day.mkdir(exist_ok=True)
        self.age(mark.rename(day / name), ago)

    def status(self, *subscriptions, **more):
        """Write a status.json as ringspool-renew does."""
        self.write_status({
            "version": 1, "program": "ringspool-renew 0.1.0", "run_at": moment(-60),
            "exit_status": 0, "last_good_run": moment(-60), "retry_after": None,
            "error": None, "subscriptions": list(subscriptions), **more})

    def write_status(self, document):
        text = document if isinstance(document, bytes) else json.dumps(document).encode()
        (self.state / "status.json").write_bytes(text)

    # -- out

    def look(self, *words, status=0, env=(), **options):
        """Run the tool; its standard output as bytes, what it complained of kept aside."""
        done = subprocess.run([TOOL, *map(str, words)], capture_output=True,
                              env=self.env | dict(env), timeout=PATIENCE, **options)
        self.complaint = done.stderr.decode(errors="replace")
        for mark in ("Sanitizer", "runtime error:"):
            assert mark not in self.complaint, self.complaint
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return done.stdout

    def text(self, *words, **options):
        return self.look(*words, **options).decode()

    def rows(self, *words):
        """What `list --json` says."""
        return [json.loads(line) for line in self.text("list", "--json", *words).splitlines()]

    def names(self, *words):
        return [row["name"] for row in self.rows(*words)]


def moment(seconds):
    """So many seconds from now, as status.json writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def subscription(name="inbound", status="Active", ends=6 * 86400, **more):
    """A subscription as status.json tells of it."""
    return {"name": name, "address": "https://hooks.example.com/", "id": "9d38419f",
            "status": status, "expires_at": moment(ends) if ends is not None else None,
            "filters": 2, "disabled_filters": [], "last_good_run": moment(-60),
            "failing_since": None, "error": None, **more}


@pytest.fixture
def site(place):
    return Site(place.directory / "site")
