"""The platform's time: it runs like the machine's, and can be moved forward."""

import threading
import time
from email.utils import formatdate


class Clock:
    def __init__(self):
        self._offset = 0.0
        self._lock = threading.Lock()

    def now(self):
        """Seconds since 1970, as the platform sees them."""
        return time.time() + self._offset

    def forward_to(self, moment):
        """Time never goes back: a moment already passed changes nothing."""
        with self._lock:
            self._offset = max(self._offset, moment - time.time())

    def http_date(self, seconds_ahead=0):
        return formatdate(self.now() + seconds_ahead, usegmt=True)
