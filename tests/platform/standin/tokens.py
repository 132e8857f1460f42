"""The token endpoint: JWT bearer grant (RFC 7523), revocation (RFC 7009).

Errors have the form of RFC 6749 section 5.2.  Access tokens live until their
end, their revocation, or until newer ones push them out.
"""

import base64
import binascii
import hmac
import secrets
import threading
from urllib.parse import parse_qs, unquote_plus

from .errors import ApiError

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class OAuthError(Exception):
    def __init__(self, status, error, description, headers=()):
        super().__init__(f"{status} {error}")
        self.status = status
        self.headers = list(headers)
        self.body = {"error": error, "error_description": description}


class Tokens:
    def __init__(self, settings, credentials, clock):
        self._settings = settings
        self._credentials = credentials
        self._clock = clock
        self._live = {}                 # access token -> its end, oldest first
        self._lock = threading.Lock()

    def grant(self, headers, body):
        """POST /restapi/oauth/token: the token document, or OAuthError."""
        self._authenticate(headers)
        form = _form(headers, body)
        grant_type = form.get("grant_type")
        if not grant_type:
            raise OAuthError(400, "invalid_request", "grant_type is missing")
        if grant_type != JWT_BEARER:
            raise OAuthError(400, "unsupported_grant_type", "Unsupported grant type")
        if not form.get("assertion"):
            raise OAuthError(400, "invalid_request", "assertion is missing")
        if not _same(form["assertion"], self._credentials.jwt):
            raise OAuthError(400, "invalid_grant", "Invalid assertion")
        return self._issue()

    def revoke(self, headers, body):
        """POST /restapi/oauth/revoke: an unknown token is revoked already."""
        self._authenticate(headers)
        token = _form(headers, body).get("token")
        if not token:
            raise OAuthError(400, "invalid_request", "token is missing")
        with self._lock:
            self._live.pop(token, None)

    def check(self, headers):
        """ApiError 401 unless the request carries a live access token."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        with self._lock:
            end = self._live.get(token) if scheme.lower() == "bearer" else None
        if end is None:
            raise unauthorized()
        if self._clock.now() >= end:
            raise unauthorized("TokenExpired", "The token is expired")

    def forget(self):
        """Invalidate all, as if newer sessions had pushed them out."""
        with self._lock:
            self._live.clear()

    def _authenticate(self, headers):
        scheme, _, encoded = headers.get("Authorization", "").partition(" ")
        try:
            text = base64.b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            text = ""
        client_id, colon, secret = text.partition(":")
        if scheme.lower() != "basic" or not colon or not self._is_client(client_id, secret):
            raise OAuthError(401, "invalid_client", "Client authentication is required",
                             [("WWW-Authenticate", 'Basic realm="oauth"')])

    def _is_client(self, client_id, secret):
        """RFC 6749 form-encodes both before Basic; RingCentral's samples do not."""
        forms = []
        if self._settings.basic in ("raw", "either"):
            forms.append((client_id, secret))
        if self._settings.basic in ("form", "either"):
            forms.append((unquote_plus(client_id), unquote_plus(secret)))
        return any(_same(one, self._credentials.client_id)
                   and _same(other, self._credentials.client_secret) for one, other in forms)

    def _issue(self):
        token = secrets.token_urlsafe(48)
        with self._lock:
            self._live[token] = self._clock.now() + self._settings.token_lifetime
            while len(self._live) > self._settings.live_tokens:
                del self._live[next(iter(self._live))]
        document = {"access_token": token, "token_type": "bearer",
                    "expires_in": self._settings.token_lifetime,
                    "scope": " ".join(self._settings.permissions),
                    "owner_id": self._settings.extension,
                    "endpoint_id": secrets.token_urlsafe(16)}
        if self._settings.refresh_token:
            document.update(refresh_token=secrets.token_urlsafe(48),
                            refresh_token_expires_in=604_800)
        return document


def unauthorized(code="TokenInvalid", message="Token not found"):
    return ApiError(401, code, message, headers=[
        ("WWW-Authenticate", f'Bearer realm="RingCentral REST API", error="invalid_token", '
                             f'error_description="{message}"')])


def _form(headers, body):
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise OAuthError(400, "invalid_request", "Unsupported media type")
    try:
        fields = parse_qs(body.decode(), strict_parsing=True)
    except ValueError as error:
        raise OAuthError(400, "invalid_request", "Malformed body") from error
    if any(len(values) > 1 for values in fields.values()):
        raise OAuthError(400, "invalid_request", "Repeated parameter")
    return {name: values[0] for name, values in fields.items()}


def _same(one, other):
    return hmac.compare_digest(one.encode(), other.encode())
