#!/usr/bin/python3
"""A stand-in for RingCentral: tokens, subscriptions, webhooks, and their troubles.

In a test:

    with RingCentral(tmp_path) as platform:
        ...                     # platform.url, platform.ca_file, platform.credentials
        platform.emit("inbound-sms")
        platform.advance(7 * 86400)
        assert [r["method"] for r in platform.requests()] == ["POST", "GET"]

By hand: `ringcentral.py --directory DIR` prints one line of JSON that says
where everything is, and serves until it gets SIGINT or SIGTERM.  `GET
/stand-in/` tells how to steer it.
"""

import argparse
import json
import signal
import threading
from pathlib import Path

from standin.api import Api
from standin.certificates import Authority
from standin.clock import Clock
from standin.control import Control
from standin.faults import Faults
from standin.httpd import CONTROL, RequestLog, Server
from standin.notifier import Notifier
from standin.rates import Rates
from standin.settings import Credentials, Settings
from standin.subscriptions import Subscriptions
from standin.timeline import Timeline
from standin.tls import POLL
from standin.tokens import Tokens

TICK = 0.1                              # seconds between looks at what is due


class RingCentral:
    """The whole platform.  Serves from start() to stop(), or as a context manager.

    directory    where certificates and credentials are written
    https        False: plain http on loopback
    credentials  what the token endpoint accepts; made up otherwise
    certificate  another Pair than a good one, for clients that must refuse it
    changes      settings by name, see standin/settings.py
    """

    def __init__(self, directory, *, https=True, port=0, credentials=None, certificate=None,
                 **changes):
        directory = Path(directory)
        self.settings = Settings()
        self.settings.change(**changes)
        self.authority = Authority(directory / "certificates")
        self.ca_file = self.authority.ca_file
        self.credentials = credentials or Credentials()
        self.credentials_directory = self.credentials.write(directory / "credentials")
        self._stopping = threading.Event()
        self._clock = Clock()
        self._log = RequestLog()
        self._faults = Faults(self._stopping.wait)
        self._rates = Rates(self.settings, self._clock)
        self._tokens = Tokens(self.settings, self.credentials, self._clock)
        self._notifier = Notifier(self.settings, self._clock, self.ca_file)
        self._records = Subscriptions(self.settings, self._clock, self._notifier.validate)
        self._notifier.subscriptions = self._records
        self._timeline = Timeline(self.settings, self._clock, self._records, self._notifier)
        self._api = Api(self.settings, self._tokens, self._rates, self._records)
        self._control = Control(self)
        pair = (certificate or self.authority.issue("platform")) if https else None
        self._server = Server(port, pair, self._clock, self._respond, self._log)
        self.url = self._api.base_url = self._server.origin
        self._threads = [threading.Thread(target=self._server.serve_forever, args=(POLL,)),
                         threading.Thread(target=self._keep_time)]

    def start(self):
        for thread in self._threads:
            thread.start()
        return self

    def stop(self):
        self._stopping.set()
        self._server.shutdown()
        for thread in self._threads:
            thread.join()
        self._server.server_close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()

    # -- the clock

    def now(self):
        return self._clock.now()

    def advance(self, seconds):
        """Move the platform's clock; all that falls due on the way has then happened."""
        self._timeline.advance(seconds)
        return self.now()

    # -- events

    def emit(self, name, **options):
        """An event happens; returns the delivery to each subscription that wants it.

        options: uuid, body (merged over the sample's), headers ([name, value]
        pairs beside the usual), count.  The names are those of events.KINDS.
        """
        return self._notifier.emit(name, **options)

    def repeat(self, uuid, new_timestamp=False):
        """The same event once more, which the platform never does by itself."""
        return self._notifier.repeat(uuid, new_timestamp)

    def deliveries(self):
        """All that was posted: kind (event, reminder, handshake), ok, reason, ..."""
        return self._notifier.deliveries()

    def forget_deliveries(self):
        self._notifier.forget()

    # -- subscriptions, behind the API's back

    def subscriptions(self):
        return [self._records.view(record, self.url) for record in self._records.all()]

    def add_subscription(self, address, paths, **options):
        """A record without a handshake.

        options: expires_in, transport (PubNub, WebSocket, WebHook),
        verification_token.
        """
        return self._records.view(self._records.make(address, paths, **options), self.url)

    def set_status(self, subscription_id, status, reason=""):
        """Suspended, Blacklisted (with a reason) or Active again."""
        record = self._records.get(subscription_id)
        with self._records.lock:
            record.revive()
            record.status = status
            if status == "Blacklisted":
                record.last_failure = reason
                record.blacklist(self.now())
        return self._records.view(record, self.url)

    def remove_subscription(self, subscription_id):
        self._records.delete(subscription_id)

    # -- troubles and settings

    def fault(self, kind, **details):
        """The next request(s) meet trouble: see standin/faults.py."""
        self._faults.add(kind, **details)

    def faults(self):
        return self._faults.waiting()

    def clear_faults(self):
        self._faults.clear()

    def change(self, **values):
        self.settings.change(**values)

    def forget_tokens(self):
        self._tokens.forget()

    def forget_rates(self):
        self._rates.forget()

    # -- what clients did

    def requests(self):
        """time, method, path, status (None: dropped), fault, request_id, document."""
        return self._log.entries()

    def forget_requests(self):
        self._log.clear()

    # -- inside

    def _respond(self, request):
        if request.path.startswith(CONTROL):
            return self._control.handle(request), None
        return self._faults.handle(request, lambda: self._api.handle(request))

    def _keep_time(self):
        while not self._stopping.wait(TICK):
            self._timeline.run_due()


def main():
    parser = argparse.ArgumentParser(
        description="A stand-in for RingCentral, on 127.0.0.1.",
        epilog="GET /stand-in/ of the address printed tells how to steer it.")
    parser.add_argument("--directory", required=True, type=Path,
                        help="for certificates and credentials (made here if missing)")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--http", action="store_true", help="plain http instead of https")
    parser.add_argument("--allow-http", action="store_true",
                        help="accept http:// webhook addresses (otherwise SUB-523)")
    parser.add_argument("--set", metavar="NAME=JSON", action="append", default=[],
                        type=lambda text: text.split("=", 1), help="any setting, repeatable")
    options = parser.parse_args()
    changes = {name: json.loads(value) for name, value in options.set}
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *unused: ended.set())
    platform = RingCentral(options.directory, https=not options.http, port=options.port,
                           **{"allow_http": options.allow_http, **changes})
    hook = platform.authority.issue("hook")
    with platform:
        print(json.dumps({
            "url": platform.url, "ca_file": str(platform.ca_file),
            "credentials": str(platform.credentials_directory),
            "hook_certificate": str(hook.certificate), "hook_key": str(hook.key)}), flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
