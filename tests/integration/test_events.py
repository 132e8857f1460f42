"""Events of every family that RingCentral has, and odd ones, arrive byte for byte."""

import sys

import pytest

from settings import ROOT, TOKENS

sys.path.append(str(ROOT / "tests" / "platform"))
from events import encode, oddities, samples     # noqa: E402


def families():
    return {f"{family}: {name}": encode(event) for family, name, event in samples()}


def odd_ones():
    return dict(oddities())


@pytest.mark.parametrize("kinds", [families, odd_ones], ids=lambda make: make.__name__)
def test_events_arrive_unchanged(client, site, kinds):
    events = kinds()
    for name, event in events.items():
        reply = client.post(event, Verification_Token=TOKENS[0])
        assert (reply.status, reply.body) == (200, b""), name
    assert sorted(site.spool.contents()) == sorted(events.values())
    assert site.spool.names("bad") == []
