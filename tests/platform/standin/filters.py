"""Event filters: how the platform stores them and which events they let through."""

from urllib.parse import unquote, urlsplit

import events

from .errors import ApiError

REMINDER_PREFIX = "/restapi/v1.0/subscription/"

# Today's names of the team messaging filters.
ALIASES = {"/team-messaging/v1/posts": "/restapi/v1.0/glip/posts",
           "/team-messaging/v1/groups": "/restapi/v1.0/glip/groups"}

# The first row that occurs in the path says which permission a filter needs.
PERMISSIONS = (("/glip/", "TeamMessaging"), ("/team-messaging/", "TeamMessaging"),
               ("/message-store/instant", "SMS"), ("/a2p-sms/", "SMS"),
               ("/message-threads/", "SMS"), ("/message-store", "ReadMessages"),
               ("/fax", "ReadMessages"), ("/voicemail", "ReadMessages"),
               ("/telephony/sessions", "CallControl"), ("/presence", "ReadPresence"),
               ("/favorite", "ReadContacts"), ("/account/", "ReadAccounts"))

# Parameters that let fewer events through; others (sipData, ...) only add detail.
RESTRICTING = ("type", "direction", "usageType", "statusCode", "missedCall", "from", "to",
               "batchId")


def stored(path, settings):
    """The filter with ids filled in, or ApiError SUB-508."""
    well_formed = (isinstance(path, str) and path.startswith("/")
                   and not any(one in "{}" or one.isspace() for one in path))
    if not well_formed:
        raise ApiError(400, "SUB-508", "Event filters are invalid", parameterName="eventFilters")
    return events.filled(path, settings.account, settings.extension)


def permission(path):
    """The application permission that a filter needs, or None."""
    return next((name for part, name in PERMISSIONS if part in path), None)


def reminder(path):
    """(threshold, interval) of a reminder filter, None for any other filter."""
    if not path.startswith(REMINDER_PREFIX):
        return None
    parameters = dict(_parameters(path))
    try:
        return int(parameters["threshold"]), int(parameters["interval"])
    except (KeyError, ValueError):
        raise _bad_reminder() from None


def check_reminders(paths, lifetime, job_interval):
    """ApiError SUB-516 for a reminder that RingCentral's bounds do not allow."""
    for bounds in map(reminder, paths):
        if bounds is None:
            continue
        threshold, interval = bounds
        if not (job_interval <= threshold <= lifetime / 2
                and job_interval <= interval <= threshold / 2):
            raise _bad_reminder()


def _bad_reminder():
    return ApiError(400, "SUB-516", "Invalid reminder parameters", parameterName="eventFilters")


def reordered(paths):
    """The same filters as a platform that keeps no order might list them."""
    return [_with_reversed_query(path) for path in reversed(paths)]


def _with_reversed_query(path):
    parts = urlsplit(path)
    return parts._replace(query="&".join(reversed(parts.query.split("&")))).geturl()


def _parameters(path):
    """(name, value) of the query; a plus is a plus, for numbers begin with it."""
    for pair in urlsplit(path).query.split("&"):
        name, _, value = pair.partition("=")
        yield unquote(name), unquote(value)


def matches(path, event_filter, body):
    """Whether an event of `event_filter` (stored form) passes the filter `path`."""
    if not _same_resource(_resource(path), _resource(event_filter)):
        return False
    known = _properties(dict(_parameters(event_filter)), body)
    return all(value in known.get(name, (value,))
               for name, value in _parameters(path) if name in RESTRICTING)


def _resource(path):
    plain = urlsplit(path).path
    return ALIASES.get(plain, plain)


def _same_resource(wanted, offered):
    """The filter of all message batches covers each single batch."""
    return wanted == offered or (wanted.endswith("/a2p-sms/batches")
                                 and offered.startswith(wanted + "/"))


def _properties(parameters, body):
    """What is known of an event, per restricting parameter."""
    known = {name: {value} for name, value in parameters.items()}
    for name in ("type", "direction", "from", "batchId"):
        if isinstance(body.get(name), str):
            known.setdefault(name, {body[name]})
    if isinstance(body.get("to"), list) and isinstance(body["to"][0], str):
        known["to"] = set(body["to"])
    if "changes" in body:
        known["type"] = {change["type"] for change in body["changes"]}
    if "parties" in body:
        known["direction"] = {party["direction"] for party in body["parties"]}
        known["statusCode"] = {party["status"]["code"] for party in body["parties"]}
        known["missedCall"] = {str(party["missedCall"]).lower() for party in body["parties"]}
    return known
