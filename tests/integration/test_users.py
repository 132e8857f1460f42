"""Four users share a spool: the web server, the service, the consumer, the renewal program.

Each has a group of its own and the spool's besides. The users are numbers without
an account, and none of them is root; the umask is whatever a system may have.
"""

import os
import stat
import subprocess

import pytest

import responder
from fastcgi import ask
from notification import reminder, sms
from process import Program, running
from settings import CONSUMER, RENEWAL, SERVICE, WEB
from spool import Spool

GROUP = 64200
NOBODY = 65534
TOKEN = "first-verification-token"


def as_user(uid, **more):
    """In the spool's group, but not by its primary one."""
    return {"user": uid, "group": NOBODY, "extra_groups": [GROUP], **more}


@pytest.fixture
def shared(place):
    """A spool of the group, as its administrator made it."""
    place.spool.remove()
    place.spool = Spool(place.spool.path, GROUP)
    os.chown(place.work / "tokens", 0, GROUP)
    return place


def by_cgi(place, body, umask):
    variables = {"REQUEST_METHOD": "POST", "GATEWAY_INTERFACE": "CGI/1.1",
                 "CONTENT_LENGTH": str(len(body)), "HTTP_VERIFICATION_TOKEN": TOKEN,
                 "RINGSPOOL_CONFIG": str(place.config)}
    done = subprocess.run([place.cgi], input=body, env=variables, check=True,
                          stdout=subprocess.PIPE, **as_user(WEB.pw_uid, umask=umask))
    assert done.stdout.startswith(b"Status: 200 "), done.stdout


def by_fcgi(place, body, umask):
    with responder.listener(place.socket) as held, \
            running(responder.on_standard_input(place, held, **as_user(SERVICE, umask=umask))):
        assert ask(place.socket, body, HTTP_VERIFICATION_TOKEN=TOKEN).status == 200
    place.socket.unlink()


def expected_mode(path):
    if path.is_dir():
        return stat.S_IFDIR | 0o2770
    return stat.S_IFREG | (0o660 if path.name == "lock" else 0o640)


@pytest.mark.parametrize("umask", [0o777, 0o000, 0o022], ids=lambda mask: f"umask-{mask:03o}")
@pytest.mark.parametrize("ways", [(by_cgi, by_fcgi), (by_fcgi, by_cgi)],
                         ids=["web-server-first", "service-first"])
def test_four_users_share_a_spool(shared, ways, umask):
    first, second = sms(), sms()
    for way, event in zip(ways, (first, second)):
        way(shared, event, umask)
        way(shared, reminder(f"subscription-{way.__name__}"), umask)
    by_cgi(shared, first, umask)        # a repeat is known to the other program, too
    by_fcgi(shared, second, umask)

    for path in [shared.spool.path, *shared.spool.path.rglob("*")]:
        status = path.lstat()
        assert status.st_gid == GROUP, path
        assert oct(status.st_mode) == oct(expected_mode(path)), path

    taken = shared.work / "taken"
    taken.mkdir()
    os.chown(taken, CONSUMER, CONSUMER)
    new = shared.spool.path / "new"
    names = shared.spool.names()
    assert len(names) == 4
    subprocess.run(["mv", "-t", taken, *(new / name for name in names)], check=True,
                   **as_user(CONSUMER))
    contents = subprocess.run(["cat", *(taken / name for name in names)], check=True,
                              stdout=subprocess.PIPE, **as_user(CONSUMER)).stdout
    assert first in contents and second in contents
    assert shared.spool.names() == []

    marks = [shared.spool.path / "renew" / name for name in shared.spool.names("renew")]
    assert {mark.name for mark in marks} == {"subscription-by_cgi", "subscription-by_fcgi"}
    subprocess.run(["rm", *marks], check=True, **as_user(RENEWAL))


def test_others_cannot_look_into_the_spool(shared):
    by_cgi(shared, sms(), 0)
    outsider = {"user": CONSUMER, "group": NOBODY, "extra_groups": []}
    done = subprocess.run(["ls", shared.spool.path], capture_output=True, check=False, **outsider)
    assert done.returncode != 0


def test_user_outside_the_group_is_told_and_refused(shared):
    """An administrator's classic: the web server was not added to the group."""
    outsider = {"user": WEB.pw_uid, "group": NOBODY, "extra_groups": []}
    checked = subprocess.run([shared.cgi, "-T", "-c", shared.config], capture_output=True,
                             check=False, **outsider)
    assert checked.returncode == 78
    assert str(shared.spool.path).encode() in checked.stdout + checked.stderr


def test_web_server_under_a_hostile_umask(place):
    """The program's own umask counts, not the one of the service manager."""
    started = Program([place.fcgi, "-s", place.socket], place.log, umask=0o777,
                      env=responder.environment(place), **responder.AS_SERVICE)
    with running(started.ready(place.socket.exists)):
        assert stat.S_IMODE(place.socket.stat().st_mode) == 0o660
        assert ask(place.socket, sms(), HTTP_VERIFICATION_TOKEN=TOKEN).status == 200
