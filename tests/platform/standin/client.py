"""The least client of the platform that its own tests need."""

import base64
import http.client
import json
import ssl
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SUBSCRIPTIONS = "/restapi/v1.0/subscription"


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def document(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.document["errors"][0]["errorCode"]


class Client:
    def __init__(self, platform):
        self.platform = platform
        self.token = None

    def call(self, method, path, body=None, headers=()):
        """One request on a connection of its own; no token is added."""
        parts = urlsplit(self.platform.url)
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=self.platform.ca_file)
            connection = http.client.HTTPSConnection(parts.netloc, context=context, timeout=20)
        else:
            connection = http.client.HTTPConnection(parts.netloc, timeout=20)
        try:
            connection.request(method, path, body, dict(headers))
            reply = connection.getresponse()
            return Answer(reply.status, reply.headers, reply.read())
        finally:
            connection.close()

    def form(self, path, fields, user=None, password=None):
        credentials = self.platform.credentials
        user = credentials.client_id if user is None else user
        password = credentials.client_secret if password is None else password
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        return self.call("POST", path, urlencode(fields), {
            "Authorization": f"Basic {basic}",
            "Content-Type": "application/x-www-form-urlencoded"})

    def authorise(self, **changes):
        return self.form("/restapi/oauth/token", {
            "grant_type": JWT_BEARER, "assertion": self.platform.credentials.jwt, **changes})

    def api(self, method, path=SUBSCRIPTIONS, document=None, token=None):
        """A call with an access token, which is obtained when there is none."""
        if token is None and self.token is None:
            self.token = self.authorise().document["access_token"]
        headers = {"Authorization": f"Bearer {token or self.token}"}
        if document is None:
            return self.call(method, path, None, headers)
        return self.call(method, path, json.dumps(document),
                         {**headers, "Content-Type": "application/json"})

    def create(self, address, filters=("/restapi/v1.0/account/~/presence",), token=None,
               **members):
        mode = {"transportType": "WebHook", "address": address}
        if token:
            mode["verificationToken"] = token
        return self.api("POST", document={"eventFilters": list(filters), "deliveryMode": mode,
                                          **members})
