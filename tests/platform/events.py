#!/usr/bin/python3
"""Sample notifications of every family of RingCentral's event filters.

The stand-in platform delivers these, and tests of the receiver post them
directly.  Each call makes new identifiers, so that no two events are repeats
of each other unless a test asks for it (pass the same `uuid`).

    for family, name, event in samples(): post(encode(event))
    event = make("inbound-sms", subscription_id="...", uuid="...")

By hand: `events.py` lists the names, `events.py inbound-sms` prints one,
`events.py --write DIR` writes one file of each.
"""

import argparse
import json
import random
import sys
import time
import uuid as uuids
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

ACCOUNT_ID = "37439510"
EXTENSION_ID = "400144455008"
SUBSCRIPTION_ID = "9d38419f-645f-4ee3-a053-8cf1368c21c4"

# Filters as a client may send them; the platform fills the numbers in for `~`.
EXTENSION = "/restapi/v1.0/account/~/extension/~"
ACCOUNT = "/restapi/v1.0/account/~"
# The `~` of the reminder filter stays literal in the event.
REMINDER = "/restapi/v1.0/subscription/~?threshold=86400&interval=3600"

# Texts that break what is not clean for UTF-8: emoji beyond the BMP, a joined
# emoji, right-to-left, combining marks, quotes, backslash, line end, tab.
TEXTS = (
    "Running late \U0001f68c be there at 10 \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "Bonjour, c\u2019est la r\u00e9ponse \u00e0 \u00ab votre question \u00bb \u2014 mer\u0301ci",
    "\u041f\u0440\u0438\u0432\u0435\u0442! \u3053\u3093\u306b\u3061\u306f \u05e9\u05dc\u05d5\u05dd",
    "She said \"C:\\temp\\new\"\nand then\ttabbed away </script> & 100% sure",
)


@dataclass
class Ids:
    """What one event is about; bodies are built from it."""
    account: str = ACCOUNT_ID
    extension: str = EXTENSION_ID
    now: float = 0.0
    rng: random.Random = field(default_factory=random.Random)

    def number(self, digits=12):
        """A decimal identifier, as a string: RingCentral's ids overflow floats."""
        return str(self.rng.randrange(10 ** (digits - 1), 10 ** digits))

    def stamp(self, before=0.0, digits=3):
        return iso(self.now - before, digits)

    def text(self):
        return self.rng.choice(TEXTS)


def iso(seconds, digits=3, zone="Z"):
    """ISO 8601 with `digits` (0 to 6) of fraction: the platform sends all of them."""
    micros = round(seconds * 1_000_000)
    whole, fraction = divmod(micros, 1_000_000)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
    return text + (f".{fraction:06d}"[:digits + 1] if digits else "") + zone


def decimal_uuid(rng):
    """The usual `uuid` of a notification: 18 to 20 digits, not an RFC 4122 UUID."""
    digits = rng.choice((18, 19, 20))
    return str(rng.randrange(10 ** (digits - 1), 10 ** digits))


def any_uuid(rng):
    """Both forms are met; the decimal one is the more frequent."""
    if rng.random() < 0.7:
        return decimal_uuid(rng)
    return str(uuids.UUID(int=rng.getrandbits(128), version=4))


# -- bodies -----------------------------------------------------------------

def _attachment(ids, message, kind, content_type, **more):
    part = ids.number()
    uri = (f"https://platform.ringcentral.com/restapi/v1.0/account/{ids.account}"
           f"/extension/{ids.extension}/message-store/{message}/content/{part}")
    return {"id": part, "uri": uri, "type": kind, "contentType": content_type, **more}


def _message(ids, kind, attachments, **more):
    message = ids.number()
    return {
        "id": message,
        "to": [{"phoneNumber": "+16505550100", "name": "Jos\u00e9 N\u00fa\u00f1ez",
                "location": "Belmont, CA", "target": True}],
        "from": {"phoneNumber": "+12125550123", "name": "TheCat Jerry",
                 "location": "New York, NY"},
        "type": kind,
        "creationTime": ids.stamp(before=2),
        "lastModifiedTime": ids.stamp(before=1),
        "readStatus": "Unread",
        "priority": "Normal",
        "attachments": [_attachment(ids, message, *parts[:2], **parts[2])
                        for parts in attachments],
        "direction": "Inbound",
        "availability": "Alive",
        "messageStatus": "Received",
        **more,
    }


def _inbound_sms(ids):
    conversation = ids.number(16)
    return _message(ids, "SMS", [("Text", "text/plain", {"size": 0})],
                    subject=ids.text(), conversationId=conversation,
                    conversation={"id": conversation})


def _inbound_fax(ids):
    return _message(ids, "Fax", [("RenderedDocument", "application/pdf", {"size": 48213})],
                    subject="+12125550123", faxResolution="High", faxPageCount=2)


def _voicemail(ids):
    return _message(ids, "Voicemail",
                    [("AudioRecording", "audio/mpeg", {"size": 21480, "vmDuration": 12}),
                     ("AudioTranscription", "text/plain", {"size": 214, "vmDuration": 12})],
                    subject="Voice mail", conversationId=ids.number(16),
                    vmTranscriptionStatus="Completed")


def _message_store(ids):
    return {"accountId": ids.account, "extensionId": ids.extension,
            "lastUpdated": ids.stamp(before=1),
            "changes": [{"type": "SMS", "newCount": 1},
                        {"type": "Fax", "newCount": 0, "updatedCount": 2}]}


def _batch(ids):
    return {"id": ids.number(6), "from": "+16505550100", "batchSize": 250,
            "processedCount": 250, "rejectedCount": 0, "status": "Completed",
            "creationTime": ids.stamp(before=60, digits=6),
            "lastModifiedTime": ids.stamp(digits=6)}


def _batch_message(ids):
    return {"id": ids.number(5), "from": "+12125550123", "to": ["+16505550100"],
            "text": ids.text(), "segmentCount": 2, "cost": 0.014,
            "messageStatus": "Delivered", "direction": "Inbound",
            "creationTime": ids.stamp(before=1, digits=6),
            "lastModifiedTime": ids.stamp(before=1, digits=6)}


def _opt_out(ids):
    return {"from": "+16505550100", "to": "+12125550123", "active": True}


def _contact_center_number(ids):
    number = ids.number(9)
    return {"eventType": "Updated",
            "phoneNumberInfo": {
                "uri": "https://platform.ringcentral.com/restapi/v1.0"
                       f"/account/{ids.account}/phone-number/{number}",
                "id": number, "phoneNumber": "+12025550174", "paymentType": "Local",
                "location": "Washington, DC", "type": "VoiceFax",
                "usageType": "ContactCenterNumber", "status": "Normal",
                "contactCenterProvider": {"id": "12345", "name": "Provider & Sons"}}}


def _party(ids, session, number, direction, code):
    return {"accountId": ids.account, "extensionId": ids.extension,
            "id": f"p-{session}-{number}", "direction": direction,
            "to": {"phoneNumber": "+16505550100", "name": "Tom Sawyer",
                   "extensionId": ids.extension, "deviceId": ids.number(9)},
            "from": {"phoneNumber": "+12125550123", "name": "TheCat Jerry"},
            "status": {"code": code, "rcc": False}, "missedCall": False,
            "standAlone": False, "muted": False}


def _telephony(ids):
    session = f"s-{ids.rng.getrandbits(56):014x}z{ids.rng.getrandbits(40):010x}z"
    return {"sequence": ids.rng.randrange(1, 40), "sessionId": ids.number(),
            "telephonySessionId": session, "serverId": "10.62.25.111.TAM",
            "eventTime": ids.stamp(before=0.1), "accountId": ids.account,
            "origin": {"type": "Call"},
            "parties": [_party(ids, session, 1, "Inbound", "Proceeding"),
                        _party(ids, session, 2, "Outbound", "Setup")]}


def _presence(ids):
    return {"extensionId": ids.extension, "telephonyStatus": "Ringing",
            "sequence": ids.rng.randrange(1, 10_000), "presenceStatus": "Busy",
            "userStatus": "Available", "meetingStatus": "Disconnected",
            "dndStatus": "TakeAllCalls", "allowSeeMyPresence": True,
            "ringOnMonitoredCall": False, "pickUpCallsOnHold": False}


def _presence_detailed(ids):
    call = {"id": ids.number(), "direction": "Inbound", "queueCall": False,
            "from": "+12125550123", "fromName": "TheCat Jerry", "to": "101",
            "toName": "Tom Sawyer", "startTime": ids.stamp(before=3),
            "telephonyStatus": "Ringing", "sessionId": ids.number(),
            "telephonySessionId": f"s-{ids.number(16)}", "partyId": f"p-{ids.number(16)}-2",
            "sipData": {"toTag": "gK0a1b2c", "fromTag": "10.13.4.6-5060-7f",
                        "remoteUri": "sip:12125550123@192.0.2.9:5060",
                        "localUri": "sip:101@sip.example.com"}}
    return {**_presence(ids), "totalActiveCalls": 1, "activeCalls": [call]}


def _presence_line(ids):
    return {"extension": {"id": ids.extension}, "sequence": ids.rng.randrange(1, 10_000)}


def _dnd(ids):
    return {"extensionId": ids.extension, "dndStatus": "DoNotAcceptAnyCalls"}


def _queue_presence(ids):
    return {"member": {"id": ids.extension}, "acceptCurrentQueueCalls": True}


def _post(ids, event_type="PostAdded"):
    return {"id": ids.number(14), "groupId": ids.number(12), "type": "TextMessage",
            "text": ids.text(), "creatorId": ids.number(10), "addedPersonIds": None,
            "creationTime": ids.stamp(before=1), "lastModifiedTime": ids.stamp(before=1),
            "attachments": None, "activity": None, "title": None, "iconUri": None,
            "iconEmoji": ":tada:", "mentions": [{"id": ids.number(10), "type": "Person",
                                                 "name": "\u5c71\u7530 \U0001f31f"}],
            "eventType": event_type}


def _post_changed(ids):
    return _post(ids, "PostChanged")


def _post_removed(ids):
    return {"id": ids.number(14), "eventType": "PostRemoved"}


def _group(ids, event_type="GroupChanged"):
    return {"id": ids.number(12), "name": "Caf\u00e9 planning \u2615", "description": "",
            "type": "Team", "status": "Active", "isPublic": True,
            "members": [ids.number(10), ids.number(10)],
            "creationTime": ids.stamp(before=86400), "lastModifiedTime": ids.stamp(),
            "eventType": event_type}


def _group_joined(ids):
    return _group(ids, "GroupJoined")


def _directory(ids):
    return {"contacts": [{
        "id": ids.extension, "eventType": "Update", "type": "User", "status": "Enabled",
        "firstName": "Zo\u00eb", "lastName": "O\u2019Hara", "department": "R&D",
        "email": "zoe@example.com", "extensionNumber": "101",
        "account": {"id": ids.account}, "site": {"id": "main-site", "name": "Main Site"},
        "phoneNumbers": [{"phoneNumber": "+16505550100", "usageType": "DirectNumber",
                          "type": "VoiceFax"}]}]}


def _emergency_address(ids):
    return {"extensionId": ids.extension, "deviceId": "8475874957"}


def _extension_only(ids):
    return {"extensionId": ids.extension}


def _extension_change(ids):
    return {"extensionId": ids.extension, "eventType": "Update",
            "hints": ["ExtensionInfo", "CompanyNumbers"]}


def _threads(ids):
    return {"lastModifiedTime": ids.stamp()}


def _insights(ids):
    lines = [{"speakerId": str(n % 2), "text": ids.text(), "start": n * 4.2,
              "end": n * 4.2 + 3.9, "confidence": 0.93} for n in range(120)]
    return {"title": "Call with TheCat Jerry", "domain": "pbx", "callDirection": "Inbound",
            "sourceSessionId": ids.number(), "recordingDurationMs": 504_000,
            "speakerInfo": [{"speakerId": "0", "name": "Tom Sawyer",
                             "extensionId": ids.extension},
                            {"speakerId": "1", "phoneNumber": "+12125550123"}],
            "insights": {"Transcript": lines,
                         "Summary": [{"name": "Short summary", "value": ids.text()}]}}


def _reminder(ids):
    return {"expiresIn": 86_000}


# -- the catalogue ----------------------------------------------------------

@dataclass(frozen=True)
class Kind:
    """One kind of event: where it comes from and what its body holds."""
    name: str
    family: str
    filter: str
    body: Callable
    event: str = ""                 # where `event` differs from the filter
    without: tuple = ()             # envelope members that this kind lacks
    push_style: bool = False        # everything once more below `pn_apns`


def _catalogue():
    sms, messages, presence = "SMS", "Messages", "Presence"
    team, account = "Team messaging", "Account"
    rows = [
        Kind("inbound-sms", sms, EXTENSION + "/message-store/instant?type=SMS", _inbound_sms),
        Kind("message-batches", sms, ACCOUNT + "/a2p-sms/batches", _batch),
        Kind("message-batch", sms, ACCOUNT + "/a2p-sms/batches/7086", _batch),
        Kind("batch-messages", sms, ACCOUNT + "/a2p-sms/messages", _batch_message),
        Kind("opt-outs", sms, ACCOUNT + "/a2p-sms/opt-outs", _opt_out),
        Kind("message-threads", sms, ACCOUNT + "/message-threads/sync", _threads),
        Kind("inbound-fax", messages, EXTENSION + "/fax?direction=Inbound", _inbound_fax),
        Kind("message-store", messages, EXTENSION + "/message-store", _message_store),
        Kind("voicemail", messages, EXTENSION + "/voicemail", _voicemail),
        Kind("contact-center-number", "Contact center",
             ACCOUNT + "/phone-number?usageType=ContactCenterNumber", _contact_center_number),
        Kind("account-telephony", "Telephony", ACCOUNT + "/telephony/sessions", _telephony),
        Kind("account-presence", presence, ACCOUNT + "/presence", _presence),
        Kind("extension-telephony", presence, EXTENSION + "/telephony/sessions", _telephony),
        Kind("extension-telephony-push", presence, EXTENSION + "/telephony/sessions",
             _telephony, without=("event", "timestamp"), push_style=True),
        Kind("dnd-status", presence, EXTENSION + "/presence/dnd", _dnd,
             without=("subscriptionId",)),
        Kind("extension-presence", presence, EXTENSION + "/presence", _presence),
        Kind("extension-presence-detailed", presence,
             EXTENSION + "/presence?detailedTelephonyState=true&sipData=true",
             _presence_detailed),
        Kind("line-presence", presence, EXTENSION + "/presence/line/presence", _presence),
        Kind("favorite-presence", presence, EXTENSION + "/favorite/presence", _presence),
        Kind("presence-line", presence, EXTENSION + "/presence/line", _presence_line),
        Kind("queue-presence", presence, ACCOUNT + "/call-queues/62534323/presence",
             _queue_presence),
        Kind("posts", team, "/restapi/v1.0/glip/posts", _post),
        Kind("post-changed", team, "/team-messaging/v1/posts", _post_changed),
        Kind("post-removed", team, "/team-messaging/v1/posts", _post_removed),
        Kind("groups", team, "/restapi/v1.0/glip/groups", _group),
        Kind("group-joined", team, "/restapi/v1.0/glip/groups", _group_joined,
             event="/restapi/v1.0/glip/posts"),
        Kind("company-directory", account, ACCOUNT + "/directory/entries", _directory),
        Kind("emergency-address", account, ACCOUNT + "/device/8475874957/emergency-address",
             _emergency_address),
        Kind("extension-favorites", account, EXTENSION + "/favorite", _extension_only),
        Kind("extension-grants", account, EXTENSION + "/grant", _extension_only),
        Kind("extension-info", account, EXTENSION, _extension_change),
        Kind("extension-list", account, ACCOUNT + "/extension", _extension_change),
        Kind("insights", "RingSense", "/ai/ringsense/v1/public/accounts/~"
             "/domains/pbx/insights", _insights),
        Kind("reminder", "Subscription", REMINDER, _reminder),
    ]
    return {kind.name: kind for kind in rows}


KINDS = _catalogue()


def filled(path, account=ACCOUNT_ID, extension=EXTENSION_ID):
    """A filter as the platform stores it: numbers where a client writes `~`."""
    return (path.replace("/account/~", f"/account/{account}")
            .replace("/accounts/~", f"/accounts/{account}")
            .replace("/extension/~", f"/extension/{extension}"))


def make(name, *, account=ACCOUNT_ID, extension=EXTENSION_ID,
         subscription_id=SUBSCRIPTION_ID, owner_id=None, now=None, uuid=None,
         event=None, body=None, rng=None):
    """One notification of kind `name` as a dict; what is not given is made up.

    `now` is in seconds since 1970, `body` is merged over the sample's body.
    """
    kind = KINDS[name]
    rng = rng or random.Random()
    ids = Ids(account, extension, time.time() if now is None else now, rng)
    envelope = {
        "uuid": uuid or any_uuid(rng),
        "event": event or kind.event or filled(kind.filter, account, extension),
        "timestamp": iso(ids.now),
        "subscriptionId": subscription_id,
        "ownerId": owner_id or extension,
        "body": {**kind.body(ids), **(body or {})},
    }
    shown = {key: value for key, value in envelope.items() if key not in kind.without}
    if kind.push_style:
        del shown["body"]
        shown["pn_apns"] = {"aps": {"content-available": 1}, **envelope}
    return shown


def samples(**options):
    """(family, name, event) for each kind; `options` as for make()."""
    for kind in KINDS.values():
        yield kind.family, kind.name, make(kind.name, **options)


def encode(event):
    """The bytes on the wire: UTF-8, not \\u-escaped, no blanks."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def oddities(**options):
    """(name, bytes) of events that are unusual and yet events: none may be refused."""
    sms = make("inbound-sms", **options)
    rng = options.get("rng") or random.Random()

    def varied(**members):
        return encode({**sms, "uuid": decimal_uuid(rng), **members})

    yield "owner-is-a-number", varied(ownerId=400144455008)
    yield "zone-without-colon", varied(timestamp=iso(time.time(), 3, "+0000"))
    yield "no-fraction", varied(timestamp=iso(time.time(), 0))
    yield "six-digits", varied(timestamp=iso(time.time(), 6))
    yield "escaped-ascii", json.dumps({**sms, "uuid": decimal_uuid(rng)}, indent=2).encode()
    yield "cut-emoji", json.dumps(
        {**sms, "uuid": decimal_uuid(rng), "body": {**sms["body"], "subject": "cut \ud83d"}}
    ).encode()
    yield "flat", encode({"lastModifiedTime": iso(time.time()), "subscriptionId": SUBSCRIPTION_ID})
    yield "no-uuid", encode({key: value for key, value in sms.items() if key != "uuid"})
    yield "long", varied(body={"transcript": ["\U0001f4ac " + "word " * 50] * 1200})


def main():
    parser = argparse.ArgumentParser(description="Sample RingCentral notifications.")
    parser.add_argument("name", nargs="?", choices=KINDS, metavar="NAME",
                        help="print one event of this kind")
    parser.add_argument("--write", metavar="DIR", type=Path,
                        help="write one NAME.json of each kind into DIR")
    options = parser.parse_args()
    if options.write:
        options.write.mkdir(parents=True, exist_ok=True)
        for _, name, event in samples():
            (options.write / f"{name}.json").write_bytes(encode(event))
    elif options.name:
        sys.stdout.buffer.write(encode(make(options.name)) + b"\n")
    else:
        for kind in KINDS.values():
            print(f"{kind.family:16}{kind.name:30}{kind.filter}")


if __name__ == "__main__":
    main()
