"""The paths of the test, below /stand-in/: the same as the Python methods.

They need no token and are neither counted nor logged.
"""

from .errors import ApiError
from .message import Reply, json_reply

HELP = """\
GET    /stand-in/log                       requests so far, without secrets; DELETE forgets
GET    /stand-in/deliveries                what was posted to webhooks; DELETE forgets
GET    /stand-in/subscriptions             all records as the API shows them
POST   /stand-in/subscriptions             {"address", "paths", "transport"?, "expires_in"?}
                                           a record without a handshake
PATCH  /stand-in/subscriptions/ID          {"status": "Suspended" | "Blacklisted" | "Active",
                                           "reason"?}; DELETE removes it
POST   /stand-in/clock                     {"advance": SECONDS}; GET tells the time
POST   /stand-in/events                    {"name", "uuid"?, "body"?, "headers"?, "count"?}
POST   /stand-in/repeat                    {"uuid", "new_timestamp"?} the same event again
POST   /stand-in/faults                    {"kind", "method"?, "path"?, "count"?, DETAILS};
                                           GET lists, DELETE removes all
GET    /stand-in/settings                  all settings; PATCH {NAME: VALUE} changes some
DELETE /stand-in/tokens                    invalidate all access tokens
DELETE /stand-in/rates                     forget what was counted, end penalties
"""


class Control:
    def __init__(self, platform):
        self._platform = platform

    def handle(self, request):
        name, _, argument = request.path.removeprefix("/stand-in/").partition("/")
        function = getattr(self, f"_{request.method.lower()}_{name}", None)
        if not name and request.method == "GET":
            return Reply(200, HELP.encode(), content_type="text/plain")
        if function is None:
            return json_reply(404, {"error": "see GET /stand-in/"})
        try:
            values = request.document() if request.body else {}
            return json_reply(200, function(*([argument] if argument else []), **values))
        except (TypeError, ValueError, KeyError) as error:
            return json_reply(400, {"error": str(error)})
        except ApiError as error:
            return json_reply(error.status, error.body(False))

    def _get_log(self):
        return self._platform.requests()

    def _delete_log(self):
        return self._platform.forget_requests()

    def _get_deliveries(self):
        return self._platform.deliveries()

    def _delete_deliveries(self):
        return self._platform.forget_deliveries()

    def _get_subscriptions(self):
        return self._platform.subscriptions()

    def _post_subscriptions(self, **values):
        return self._platform.add_subscription(**values)

    def _patch_subscriptions(self, subscription_id, **values):
        return self._platform.set_status(subscription_id, **values)

    def _delete_subscriptions(self, subscription_id):
        return self._platform.remove_subscription(subscription_id)

    def _get_clock(self):
        return {"now": self._platform.now()}

    def _post_clock(self, advance):
        return {"now": self._platform.advance(advance)}

    def _post_events(self, **values):
        return self._platform.emit(**values)

    def _post_repeat(self, **values):
        return self._platform.repeat(**values)

    def _get_faults(self):
        return self._platform.faults()

    def _post_faults(self, **values):
        return self._platform.fault(**values)

    def _delete_faults(self):
        return self._platform.clear_faults()

    def _get_settings(self):
        return vars(self._platform.settings)

    def _patch_settings(self, **values):
        return self._platform.change(**values)

    def _delete_tokens(self):
        return self._platform.forget_tokens()

    def _delete_rates(self):
        return self._platform.forget_rates()
