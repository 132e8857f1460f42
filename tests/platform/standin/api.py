"""The paths of the platform: routing, authorisation, rate groups, replies."""

import re

from .errors import ApiError, invalid_parameter, not_found
from .message import Reply, json_reply
from .tokens import OAuthError

SUBSCRIPTIONS = "/restapi/v1.0/subscription"


class Api:
    def __init__(self, settings, tokens, rates, subscriptions):
        self._settings = settings
        self._tokens = tokens
        self._rates = rates
        self._subscriptions = subscriptions
        self.base_url = ""              # known once the server listens
        self._routes = [
            # method, path, rate group, needs an access token, function
            ("POST", r"/restapi/oauth/token", "auth", False, self._token),
            ("POST", r"/restapi/oauth/revoke", "auth", False, self._revoke),
            ("GET", SUBSCRIPTIONS, "light", True, self._list),
            ("POST", SUBSCRIPTIONS, "medium", True, self._create),
            ("GET", SUBSCRIPTIONS + r"/([^/]+)", "light", True, self._get),
            ("PUT", SUBSCRIPTIONS + r"/([^/]+)", "medium", True, self._update),
            ("POST", SUBSCRIPTIONS + r"/([^/]+)/renew", "light", True, self._renew),
            ("DELETE", SUBSCRIPTIONS + r"/([^/]+)", "medium", True, self._delete),
        ]

    def handle(self, request):
        """The reply to any request below /restapi; errors have become bodies."""
        rate_headers = []
        try:
            group, needs_token, function, arguments = self._route(request)
            if needs_token:
                self._tokens.check(request.headers)
            rate_headers = self._rates.admit(group)
            reply = function(request, *arguments)
        except OAuthError as error:
            reply = json_reply(error.status, error.body, error.headers)
        except ApiError as error:
            reply = json_reply(error.status, error.body(self._settings.errors_only),
                               error.headers)
        reply.headers[:0] = rate_headers
        return reply

    def _route(self, request):
        allowed = []
        for method, pattern, group, needs_token, function in self._routes:
            match = re.fullmatch(pattern, request.path)
            if match and method == request.method:
                return group, needs_token, function, match.groups()
            if match:
                allowed.append(method)
        if allowed:
            raise ApiError(405, "CMN-103", "Method is not allowed",
                           headers=[("Allow", ", ".join(allowed))])
        raise not_found("uri")

    def _token(self, request):
        return json_reply(200, self._tokens.grant(request.headers, request.body),
                          [("Cache-Control", "no-store"), ("Pragma", "no-cache")])

    def _revoke(self, request):
        self._tokens.revoke(request.headers, request.body)
        return Reply(200, content_type=None)

    def _list(self, request):
        return json_reply(200, {
            "uri": self.base_url + SUBSCRIPTIONS,
            "records": [self._view(record) for record in self._subscriptions.all()]})

    def _create(self, request):
        return json_reply(200, self._view(self._subscriptions.create(_document(request))))

    def _get(self, request, subscription_id):
        return json_reply(200, self._view(self._subscriptions.get(subscription_id)))

    def _update(self, request, subscription_id):
        document = _document(request) if request.body else None
        return json_reply(200, self._view(self._subscriptions.update(subscription_id, document)))

    def _renew(self, request, subscription_id):
        return json_reply(200, self._view(self._subscriptions.renew(subscription_id)))

    def _delete(self, request, subscription_id):
        self._subscriptions.delete(subscription_id)
        return Reply(204, content_type=None)

    def _view(self, record):
        return self._subscriptions.view(record, self.base_url)


def _document(request):
    """The JSON object of a request."""
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ApiError(415, "CMN-115", "Unsupported media type")
    try:
        document = request.document()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise invalid_parameter("body")
    return document
