"""ringspool.fcgi in each of the ways it can be started."""

import os
import socket
import subprocess
from contextlib import contextmanager

from process import Program, accepts, adopt_orphans, children, end, has_ended, wait_until
from settings import CONFINED, ROOT, SERVICE, WEB

# Beside those that serve: who takes the signals, and the scout.
OTHER_THREADS = 2 if CONFINED else 1

# The service's user in the web server's group, which stands in for the spool's.
AS_SERVICE = {"user": SERVICE, "group": WEB.pw_gid, "extra_groups": []}


def environment(place, **more):
    """Nothing of ours but where the configuration is."""
    return {"PATH": os.environ["PATH"], "RINGSPOOL_CONFIG": str(place.config), **more}


def listener(path, backlog=1024):
    """A listening socket that the web server may use, held by this process."""
    held = socket.socket(socket.AF_UNIX)
    held.bind(str(path))
    os.chown(path, SERVICE, WEB.pw_gid)
    path.chmod(0o660)
    held.listen(backlog)
    return held


def on_standard_input(place, held, *options, before=(), **how):
    """As spawn-fcgi and mod_fcgid start it: the listener is descriptor 0. `before` are
    words in front of the program's name."""
    how = {"env": environment(place), **AS_SERVICE, **how}
    return Program([*before, place.fcgi, *options], place.log, stdin=held.fileno(), **how)


def with_own_socket(place, *options):
    """By itself: -s binds the socket, and puts it in place when it is ready."""
    before = inode(place.socket)
    started = Program([place.fcgi, "-s", place.socket, "-m", "0660", *options], place.log,
                      env=environment(place), **AS_SERVICE)
    return started.ready(lambda: inode(place.socket) not in (None, before))


def socket_activated(place, *options):
    """As systemd starts it: the listener is descriptor 3, told by LISTEN_FDS."""
    command = ["systemd-socket-activate", "-l", place.socket,
               "-E", f"RINGSPOOL_CONFIG={place.config}", place.fcgi, *options]
    started = Program(command, place.log, env={"PATH": os.environ["PATH"]}, **AS_SERVICE)
    started.ready(place.socket.exists)
    place.socket.chmod(0o660)   # what SocketMode= says in the shipped unit
    return started


@contextmanager
def under_spawn_fcgi(place, processes, *options):
    """By the shipped script; gives the process ids of the responders. Who ends one
    takes it from that list."""
    adopt_orphans()
    pids = place.work / "run" / "pids"
    values = {"SOCKET": place.socket, "PIDFILE": pids, "PROGRAM": place.fcgi,
              "PROCESSES": processes, "SERVICE_USER": SERVICE, "SERVICE_GROUP": WEB.pw_gid,
              "WEB_GROUP": WEB.pw_gid}
    values = {name: str(value) for name, value in values.items()}
    subprocess.run([ROOT / "etc/spawn-fcgi.sh", *options], check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   env=environment(place, **values))
    started = [int(word) for word in pids.read_text().split()]
    try:
        assert len(started) == processes
        wait_until(lambda: accepts(place.socket), "spawn-fcgi's socket")
        wait_until(lambda: all(serving(pid) for pid in started), "responders")
        yield started
    finally:
        for pid in started:
            end(pid)


def serving(pid):
    """The process that serves for a responder, which itself only guards it; None: not
    yet. One that is about to end may stand beside it, as the older."""
    found = [child for child in children(pid) if threads(child) > OTHER_THREADS]
    return found[-1] if found else None


def threads(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:     # it has ended meanwhile
        return 0


def kill(started):
    """As a crash ends it: with its guardian the process that serves is killed, too."""
    serving_ones = children(started.pid)
    started.process.kill()
    started.process.wait()
    wait_until(lambda: all(has_ended(pid) for pid in serving_ones), "its end")


def inode(path):
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return None
