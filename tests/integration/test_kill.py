"""Programs killed at any moment: what was acknowledged is there, whole, and once.

Nobody takes the events here. Where a consumer takes one between a kill and its mark in
seen/, a repeat is kept again: an event rather twice than not at all.
"""

import os
import random
import signal
from contextlib import suppress
from pathlib import Path

import responder
import servers
from load import Load, Witness

KILLS = 40
SIZE = 200_000      # of the events: so that writing one takes its time


def pauses():
    """Events to wait for between two kills: chance decides where a kill hits."""
    chance = random.Random()
    return (chance.randrange(1, 15) for _ in range(KILLS))


def test_responder_killed_at_random_moments(place, certificates):
    with responder.listener(place.socket) as held, servers.lighttpd_to_socket(place) as site:
        current = responder.on_standard_input(place, held)
        try:
            with Load(site, certificates, persistent=True, size=SIZE) as load:
                witness = Witness(load, place.spool)
                for pause in pauses():
                    load.wait_for_more(pause)
                    current.process.kill()
                    current.process.wait()
                    witness.look()
                    current = responder.on_standard_input(place, held)
        finally:
            current.stop()
    witness.has_each_once()


def test_cgi_killed_at_random_moments(place, certificates):
    killed = 0
    with servers.lighttpd_cgi(place) as site, \
            Load(site, certificates, persistent=True, size=SIZE) as load:
        witness = Witness(load, place.spool)
        while killed < KILLS:
            for pid in children(site.server.pid):
                # It may have done its work between the look and the kill.
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
            witness.look()
            load.wait_for_more(3)
    witness.has_each_once()


def children(pid):
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
