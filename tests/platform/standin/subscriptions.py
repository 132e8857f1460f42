"""The subscriptions of one user and one application, and what may be done to them.

The address and the verification token never change after creation, and the
token never comes back.  A record whose time is over is gone: 404, CMN-102.
"""

import threading
import uuid
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import events

from . import filters
from .errors import ApiError, invalid_parameter, not_found

LONGEST = 315_360_000                   # ten years, for WebHook


@dataclass
class Subscription:
    filters: list                       # as stored: ids filled in
    disabled: list                      # {filter, reason, message} without permission
    lifetime: int                       # seconds, as granted
    expires_at: float                   # platform clock
    created_at: float
    address: str
    transport: str = "WebHook"
    verification_token: str | None = None
    status: str = "Active"
    blacklisted: dict | None = None     # {reason, blacklistedAt}
    failing_since: float | None = None  # first failure after the last success
    last_failure: str = ""              # the reason that a blacklist would show
    reminded_at: float | None = None
    looked_at: float | None = None      # last reconciliation
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def extend(self, lifetime, now):
        self.lifetime = lifetime
        self.expires_at = now + lifetime

    def blacklist(self, now):
        self.status = "Blacklisted"
        self.blacklisted = {"reason": self.last_failure, "blacklistedAt": events.iso(now)}
        self.looked_at = now

    def revive(self):
        self.status, self.blacklisted, self.failing_since = "Active", None, None


class Subscriptions:
    """`validate(address, verification_token)` is the handshake; it raises ApiError."""

    def __init__(self, settings, clock, validate):
        self._settings = settings
        self._clock = clock
        self._validate = validate
        self._records = {}
        self.lock = threading.RLock()   # held by whoever changes a record

    # -- the API's calls

    def all(self):
        with self.lock:
            self._drop_expired()
            return list(self._records.values())

    def get(self, subscription_id):
        with self.lock:
            self._drop_expired()
            if subscription_id not in self._records:
                raise not_found()
            return self._records[subscription_id]

    def create(self, document):
        self._may_subscribe()
        paths, disabled = self._filters(document)
        address, token = self._delivery_mode(document)
        lifetime = self._lifetime(document)
        filters.check_reminders(paths, lifetime, self._settings.job_interval)
        self._check_limit()
        self._validate(address, token)
        now = self._clock.now()
        return self.add(Subscription(paths, disabled, lifetime, now + lifetime, now, address,
                                     verification_token=token))

    def update(self, subscription_id, document):
        """PUT; `document` is None for an empty body, which only renews."""
        record = self.get(subscription_id)
        if document is None:
            paths, disabled, lifetime = record.filters, record.disabled, self._lifetime({})
        else:
            paths, disabled = self._filters(document)
            lifetime = self._lifetime(document)
        filters.check_reminders(paths, lifetime, self._settings.job_interval)
        with self.lock:
            record.filters, record.disabled = paths, disabled
            self._extend(record, lifetime)
        return record

    def renew(self, subscription_id):
        """POST .../renew keeps the lifetime that was granted."""
        record = self.get(subscription_id)
        with self.lock:
            self._extend(record, record.lifetime)
        return record

    def delete(self, subscription_id):
        with self.lock:
            self.get(subscription_id)
            del self._records[subscription_id]

    def view(self, record, base_url):
        """SubscriptionInfo."""
        now = self._clock.now()
        paths = list(record.filters)
        if self._settings.list_disabled:
            paths += [one["filter"] for one in record.disabled]
        if self._settings.reorder_filters:
            paths = filters.reordered(paths)
        info = {"uri": f"{base_url}/restapi/v1.0/subscription/{record.id}", "id": record.id,
                "creationTime": events.iso(record.created_at), "status": record.status,
                "eventFilters": paths, "expirationTime": events.iso(record.expires_at),
                "expiresIn": max(0, round(record.expires_at - now)),
                "deliveryMode": {"transportType": record.transport, "encryption": False,
                                 "address": record.address}}
        if record.disabled:
            info["disabledFilters"] = record.disabled
        if record.blacklisted:
            info["blacklistedData"] = record.blacklisted
        return info

    # -- for tests: records that did not come through the API

    def add(self, record):
        with self.lock:
            self._records[record.id] = record
        return record

    def make(self, address, paths, *, expires_in=None, transport="WebHook",
             verification_token=None):
        """A record without a handshake: another transport's, or somebody else's."""
        now = self._clock.now()
        lifetime = expires_in or self._settings.default_expiry
        return self.add(Subscription(
            [filters.stored(path, self._settings) for path in paths], [], lifetime,
            now + lifetime, now, address, transport, verification_token))

    # -- rules

    def _drop_expired(self):
        now = self._clock.now()
        for record in [one for one in self._records.values() if one.expires_at <= now]:
            del self._records[record.id]

    def _extend(self, record, lifetime):
        if self._settings.renew_extends:
            record.extend(lifetime, self._clock.now())

    def _may_subscribe(self):
        if "SubscriptionWebhook" not in self._settings.permissions:
            raise ApiError(403, "CMN-401", "In order to call this API endpoint, application "
                           "needs to have [SubscriptionWebhook] permission",
                           permissionName="SubscriptionWebhook")

    def _check_limit(self):
        if len(self.all()) >= self._settings.subscription_limit:
            raise ApiError(403, "SUB-505", "Subscriptions limit exceeded")

    def _filters(self, document):
        """(stored filters, disabled filters) of a request."""
        wanted = document.get("eventFilters")
        if not isinstance(wanted, list) or not wanted:
            raise invalid_parameter("eventFilters")
        paths = list(dict.fromkeys(filters.stored(path, self._settings) for path in wanted))
        paths = [path for path in paths if not self._is_left_out(path)]
        disabled = [self._disabled(path) for path in paths if self._lacks(path)]
        return [path for path in paths if not self._lacks(path)], disabled

    def _lacks(self, path):
        needed = filters.permission(path)
        return needed is not None and needed not in self._settings.permissions

    def _is_left_out(self, path):
        return any(part in path for part in self._settings.leave_out)

    def _disabled(self, path):
        return {"filter": path, "reason": "SUB-412",
                "message": f"[{filters.permission(path)}] permission is missing"}

    def _delivery_mode(self, document):
        """(address, verification token); expiresIn in here is silently ignored."""
        mode = document.get("deliveryMode")
        if not isinstance(mode, dict):
            raise invalid_parameter("deliveryMode")
        if mode.get("transportType") != "WebHook":
            raise invalid_parameter("deliveryMode.transportType")
        address, token = mode.get("address"), mode.get("verificationToken")
        if not isinstance(address, str) or not _is_url(address):
            raise invalid_parameter("deliveryMode.address")
        if token is not None and not isinstance(token, str):
            raise invalid_parameter("deliveryMode.verificationToken")
        if not address.startswith("https:") and not self._settings.allow_http:
            raise ApiError(400, "SUB-523", "HTTPS is required",
                           parameterName="deliveryMode.address")
        return address, token

    def _lifetime(self, document):
        asked = document.get("expiresIn", self._settings.default_expiry)
        if type(asked) is not int or not 1 <= asked <= LONGEST:
            raise invalid_parameter("expiresIn")
        return min(asked, self._settings.grant_at_most or asked)


def _is_url(address):
    try:
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
