"""Notifications as RingCentral sends them; odd enough that only a byte for byte copy passes."""

import json
import random
import threading

_serial = iter(range(10**6, 10**9))
_lock = threading.Lock()
_run = random.SystemRandom().randrange(10**12, 10**13)


def fresh_uuid():
    """Twenty decimal digits, a usual shape; never the same again."""
    with _lock:
        return f"{_run}{next(_serial):07d}"[:20]


def sms(uuid=None, size=0):
    """An inbound SMS, with blanks, a line end and letters that a re-encoder would
    change; padded by `size` bytes of text."""
    text = "Grüße, 你好 \N{GRINNING FACE} " + "x" * size
    return (
        '{"uuid":"' + (uuid or fresh_uuid()) + '",  '
        '"event":"/restapi/v1.0/account/400100200/extension/400100201/message-store/instant?type=SMS",\r\n'
        '"timestamp":"2026-08-01T10:00:00.123Z", "subscriptionId":"9b0d7d4e-1f2a",'
        ' "ownerId":"400100201", "body":{"subject":' + json.dumps(text, ensure_ascii=False)
        + ',"b":1.50,"a":null}}\n').encode()


def reminder(subscription):
    """What the platform sends when a subscription nears its end."""
    return json.dumps({
        "uuid": fresh_uuid(), "event": "/restapi/v1.0/subscription/~?threshold=86400&interval=3600",
        "timestamp": "2026-08-01T10:00:00.000Z", "subscriptionId": subscription,
        "ownerId": "400100201", "body": {"expiresIn": 86000}}).encode()
