"""Rate groups: so many requests a window, then a penalty that early calls restart."""

import threading
from dataclasses import dataclass

from .errors import ApiError


@dataclass
class Usage:
    window_start: float = 0.0
    used: int = 0
    penalty_until: float = 0.0


class Rates:
    def __init__(self, settings, clock):
        self._settings = settings
        self._clock = clock
        self._groups = {}
        self._lock = threading.Lock()

    def forget(self):
        with self._lock:
            self._groups.clear()

    def admit(self, group):
        """Count a request; the headers for its reply, or ApiError 429."""
        with self._lock:
            now = self._clock.now()
            usage = self._groups.setdefault(group, Usage())
            refused = self._is_over(usage, group, now)
            if refused:
                usage.penalty_until = now + self._settings.penalty
            headers = self._headers(group, usage)
        if refused:
            raise ApiError(429, "CMN-301", "Request rate exceeded",
                           headers=headers + self._retry_after())
        return headers

    def _is_over(self, usage, group, now):
        if now < usage.penalty_until:
            return True
        if now >= usage.window_start + self._settings.rate_window or usage.penalty_until:
            usage.window_start, usage.used, usage.penalty_until = now, 0, 0.0
        usage.used += 1
        return usage.used > self._settings.rate_limits[group]

    def _headers(self, group, usage):
        limit = self._settings.rate_limits[group]
        return [("X-Rate-Limit-Group", group), ("X-Rate-Limit-Limit", str(limit)),
                ("X-Rate-Limit-Remaining", str(max(0, limit - usage.used))),
                ("X-Rate-Limit-Window", str(self._settings.rate_window))]

    def _retry_after(self):
        forms = {"seconds": lambda: [("Retry-After", str(self._settings.penalty))],
                 "date": lambda: [("Retry-After", self._clock.http_date(self._settings.penalty))],
                 "absent": lambda: []}
        return forms[self._settings.retry_after]()
