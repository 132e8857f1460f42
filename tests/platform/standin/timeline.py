"""What falls due as the platform's clock moves.

Expiry, reminders, blacklisting and reconciliation happen at their moment and
in their order, also when a test advances the clock over many of them at once.
"""

import threading

from . import filters
from .errors import ApiError


class Timeline:
    def __init__(self, settings, clock, subscriptions, notifier):
        self._settings = settings
        self._clock = clock
        self._subscriptions = subscriptions
        self._notifier = notifier
        self._lock = threading.Lock()   # one mover at a time

    def advance(self, seconds):
        """Move the clock forward, doing all that falls due on the way."""
        self._run_until(self._clock.now() + seconds)

    def run_due(self):
        self._run_until(self._clock.now())

    def _run_until(self, end):
        with self._lock:
            while due := min(self._due(end), key=lambda one: one[0], default=None):
                moment, action = due
                self._clock.forward_to(moment)
                action()
            self._clock.forward_to(end)

    def _due(self, end):
        """(moment, action) of all that is due until `end`.

        An expired record leaves the list by itself: until then it is still
        here, and is skipped when its end comes before its other moments.
        """
        for record in self._subscriptions.all():
            for moment, action in self._plans(record):
                if moment <= min(end, record.expires_at - 1):
                    yield moment, action

    def _plans(self, record):
        if record.status == "Blacklisted" and self._settings.reconcile:
            yield record.looked_at + self._settings.reconcile_every, lambda: self._look(record)
        if record.status != "Active" or record.transport != "WebHook":
            return
        if record.failing_since is not None:
            moment = record.failing_since + self._settings.blacklist_after
            yield moment, lambda: self._blacklist(record, moment)
        for path in record.filters:
            bounds = filters.reminder(path)
            if bounds:
                yield (self._next_reminder(record, *bounds),
                       lambda path=path: self._remind(record, path))

    @staticmethod
    def _next_reminder(record, threshold, interval):
        first = record.expires_at - threshold
        return first if record.reminded_at is None else max(first, record.reminded_at + interval)

    def _remind(self, record, path):
        record.reminded_at = self._clock.now()
        self._notifier.remind(record, path)

    def _blacklist(self, record, moment):
        with self._subscriptions.lock:
            record.blacklist(moment)

    def _look(self, record):
        """The reconciliation: a healthy address gets its events again."""
        record.looked_at = self._clock.now()
        try:
            self._notifier.validate(record.address, record.verification_token, record.id)
        except ApiError:
            return
        with self._subscriptions.lock:
            record.revive()
