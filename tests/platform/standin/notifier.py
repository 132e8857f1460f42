"""What the platform posts to webhooks: the handshake, events, reminders.

A failed delivery is lost: it is never tried again.  A repeat comes only when a
test asks for it.  Every attempt is remembered, with the notification itself,
so that a test can compare what was acknowledged with what was kept.
"""

import secrets
import threading

import events

from . import endpoint, filters
from .errors import ApiError

COMMON = [("User-Agent", "RingCentral-Webhook/8.3"), ("Accept", "application/json"),
          ("Accept-Encoding", "UTF-8")]


class Notifier:
    """`ca_file` holds the authorities that an address's certificate must go back to."""

    def __init__(self, settings, clock, ca_file):
        self.subscriptions = None       # set by the platform: each needs the other
        self._settings = settings
        self._clock = clock
        self._ca_file = ca_file
        self._deliveries = []
        self._lock = threading.Lock()

    def deliveries(self):
        with self._lock:
            return list(self._deliveries)

    def forget(self):
        with self._lock:
            self._deliveries.clear()

    # -- the handshake

    def validate(self, address, verification_token, subscription_id=None):
        """The endpoint's check; ApiError with the SUB- code of what is wrong."""
        token = secrets.token_hex(17)   # 34 characters, as in the guide's sample
        headers = [*COMMON, ("Content-Type", "application/json"), ("Validation-Token", token)]
        if verification_token and self._settings.handshake_token:
            headers.append(("Verification-Token", verification_token))

        def judge(answer):
            endpoint.judge_handshake(answer, token, self._settings)
        record = self._post(address, headers, b"", judge,
                            kind="handshake", subscriptionId=subscription_id)
        if not record["ok"]:
            raise ApiError(400, record["code"], record["message"],
                           parameterName="deliveryMode.address")

    # -- events

    def emit(self, name, *, uuid=None, body=None, headers=(), count=1):
        """An event happens: one copy to each subscription that wants it.

        Copies differ only in `subscriptionId` and in `event`, which is the
        subscription's filter.  Returns what became of each.
        """
        results = []
        for _ in range(count):
            event = events.make(name, account=self._settings.account, uuid=uuid, body=body,
                                extension=self._settings.extension, now=self._clock.now())
            for record, path in self._subscribers(name, event):
                copy = addressed(event, record.id, events.KINDS[name].event or path)
                results.append(self._notify(record, name, copy, headers))
        return results

    def remind(self, record, path):
        """A renewal reminder; its `event` is the filter, `~` and all."""
        left = max(0, round(record.expires_at - self._clock.now()))
        event = events.make("reminder", subscription_id=record.id, event=path,
                            owner_id=self._settings.extension, now=self._clock.now(),
                            body={"expiresIn": left})
        return self._notify(record, "reminder", event)

    def repeat(self, uuid, new_timestamp=False):
        """Post again what was posted with this `uuid`, to the same subscriptions."""
        results, seen = [], set()
        for old in self.deliveries():
            if old.get("uuid") != uuid or old["subscriptionId"] in seen:
                continue
            seen.add(old["subscriptionId"])
            event = dict(old["notification"])
            if new_timestamp:
                event["timestamp"] = events.iso(self._clock.now())
            record = self.subscriptions.get(old["subscriptionId"])
            results.append(self._notify(record, old["name"], event))
        return results

    def _subscribers(self, name, event):
        source = events.filled(events.KINDS[name].filter, self._settings.account,
                               self._settings.extension)
        body = event.get("body") or event["pn_apns"]["body"]
        for record in self.subscriptions.all():
            path = next((one for one in record.filters
                         if filters.matches(one, source, body)), None)
            if path and record.status == "Active" and record.transport == "WebHook":
                yield record, path

    def _notify(self, record, name, event, headers=()):
        sent = [*COMMON, ("Content-Type", "application/json; charset=UTF-8"), *headers]
        if record.verification_token:
            sent.append(("Verification-Token", record.verification_token))
        result = self._post(record.address, sent, events.encode(event),
                            lambda answer: endpoint.judge_reply(answer, self._settings),
                            kind="reminder" if name == "reminder" else "event",
                            name=name, uuid=event["uuid"], subscriptionId=record.id,
                            notification=event)
        self._remember_health(record, result)
        return result

    def _remember_health(self, record, result):
        with self.subscriptions.lock:
            if result["ok"]:
                record.failing_since = None
                return
            record.last_failure = result["reason"]
            if record.failing_since is None:
                record.failing_since = self._clock.now()

    # -- one attempt

    def _post(self, address, headers, body, judge, **facts):
        result = {**facts, "time": events.iso(self._clock.now()), "ok": True}
        try:
            answer = endpoint.exchange(address, headers, body, self._ca_file,
                                       self._settings.reply_time)
            result.update(status=answer.status, bytes=answer.size,
                          seconds=round(answer.seconds, 3))
            judge(answer)
        except endpoint.EndpointError as error:
            result.update(ok=False, code=error.code, message=error.message, reason=error.reason)
        with self._lock:
            self._deliveries.append(result)
        return result


def addressed(event, subscription_id, path):
    """The event as one subscription gets it; members that its kind lacks stay away."""
    changes = {"subscriptionId": subscription_id, "event": path}
    copy = {key: changes.get(key, value) for key, value in event.items()}
    if "pn_apns" in copy:
        copy["pn_apns"] = {**copy["pn_apns"], **changes}
    return copy
