"""Every figure and switch of the platform, and the credentials it accepts."""

import secrets
from dataclasses import dataclass, field, fields
from pathlib import Path

import events

PERMISSIONS = ("SubscriptionWebhook", "ReadMessages", "SMS", "ReadPresence", "CallControl",
               "ReadAccounts", "ReadContacts", "TeamMessaging")


@dataclass
class Settings:
    """Defaults are the strict reading of what is known of the platform."""
    account: str = events.ACCOUNT_ID
    extension: str = events.EXTENSION_ID
    permissions: list = field(default_factory=lambda: list(PERMISSIONS))
    errors_only: bool = False           # leave out the top-level errorCode

    basic: str = "either"               # client credentials: raw, form (RFC 6749), either
    token_lifetime: int = 3600
    live_tokens: int = 5                # a sixth invalidates the oldest
    refresh_token: bool = False         # often not issued

    rate_limits: dict = field(default_factory=lambda: {
        "light": 50, "medium": 40, "heavy": 10, "auth": 5})
    rate_window: int = 60
    penalty: int = 60                   # restarted by each early request
    retry_after: str = "seconds"        # of a 429: seconds, date, absent

    subscription_limit: int = 30
    default_expiry: int = 604_800       # where expiresIn is left out, and after an empty PUT
    grant_at_most: int | None = None    # grant less than was asked for
    renew_extends: bool = True          # False: answers 200, expirationTime stays
    list_disabled: bool = False         # disabled filters stay among eventFilters, too
    leave_out: list = field(default_factory=list)   # filters dropped without a word: parts of them
    reorder_filters: bool = False       # answer them, and their parameters, in another order
    job_interval: int = 60              # least threshold and interval of a reminder

    allow_http: bool = False            # otherwise SUB-523
    reply_time: float = 3.0             # seconds for the whole exchange
    reply_size: int = 1024              # bytes of headers and body together
    handshake_token: bool = False       # the handshake carries Verification-Token

    blacklist_after: int = 600          # seconds of failures without a success
    reconcile: bool = False             # look again at blacklisted addresses
    reconcile_every: int = 900

    def change(self, **values):
        """Set by name; a name that does not exist is a mistake of the test."""
        known = {one.name for one in fields(self)}
        unknown = set(values) - known
        if unknown:
            raise ValueError(f"no such setting: {', '.join(sorted(unknown))}")
        for name, value in values.items():
            setattr(self, name, value)


@dataclass
class Credentials:
    """What the token endpoint accepts.

    The secret made up here holds what a careless client mangles: a percent
    sign, a plus, a colon.  A real JWT has some 1,500 characters.
    """
    client_id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    client_secret: str = field(default_factory=lambda: "s%41:+/ =&" + secrets.token_urlsafe(24))
    jwt: str = field(default_factory=lambda: ".".join(
        secrets.token_urlsafe(n) for n in (30, 840, 256)))

    def write(self, directory):
        """The three files of a credentials directory, private to their owner."""
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in ("client_id", "client_secret", "jwt"):
            path = directory / name
            path.touch(mode=0o600)
            path.write_text(getattr(self, name), encoding="utf-8")
        return directory
