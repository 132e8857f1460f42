"""The receiver beside others that do the same job with the same durability: a temporary
file, its fsync, its name, the directory's fsync, only then 200. None of them knows a
repeat, which the receiver does; so they have less to do."""

import os
import shutil
from pathlib import Path

import web
from ground import MEDIA, event, spool_place
from measure import (Candidate, Figures, bare_loop, megabytes, microseconds, milliseconds, post,
                     rate, rounds, table)
from part_fcgi import THREADS, receiver
from process import Program, accepts, free_port, running
from settings import WEB

PEERS = Path(__file__).with_name("peers")
CONNECTIONS = 32


def ringspool_fcgi(place, stack):
    pid = stack.enter_context(receiver(place)).pid
    return Candidate(stack.enter_context(web.lighttpd_to_socket(place)), pid, place.waiting)


def ringspool_cgi(place, stack):
    return cgi(place, stack, place.cgi, RINGSPOOL_CONFIG=place.config)


def perl_cgi(place, stack):
    return cgi(place, stack, copy(place, "receive.pl"), SPOOL=place.spool.path)


def cgi(place, stack, program, **variables):
    server, address = stack.enter_context(web.lighttpd_to_cgi(place, program, variables))
    return Candidate(address, server.pid, place.waiting, only_children=True)


def php_fpm(place, stack):
    copy(place, "receive.php", "web")
    socket = place.work / "web" / "php.sock"
    program = min(Path("/usr/sbin").glob("php-fpm*"))
    pid = start(stack, place, [program, "-F", "-O", "-y", copy(place, "fpm.conf")], socket,
                SOCKET=socket, LOG=socket.with_name("php.log"), WORKERS=THREADS)
    lines = ('server.modules += ( "mod_fastcgi" )',
             f'fastcgi.server = ( ".php" => (( "socket" => "{socket}" )) )')
    _, address = stack.enter_context(web.lighttpd(place, *lines))
    return Candidate(f"{address}/receive.php", pid, place.waiting)


def node(place, stack):
    port = free_port()
    return proxied(place, stack, port, ["node", copy(place, "receive.js")], "/",
                   PORT=port, UV_THREADPOOL_SIZE=THREADS)


def gunicorn(place, stack):
    port, workers = free_port(), os.cpu_count()
    copy(place, "receive.py")
    command = ["gunicorn", "--bind", f"127.0.0.1:{port}", "--chdir", place.work,
               "--workers", workers, "--threads", -(-THREADS // workers), "receive:application"]
    return proxied(place, stack, port, command, "/", PYTHONDONTWRITEBYTECODE=1)


def webhook(place, stack):
    port = free_port()
    command = ["webhook", "-ip", "127.0.0.1", "-port", port, "-template",
               "-hooks", copy(place, "hooks.json")]
    return proxied(place, stack, port, command, "/hooks/receive", SCRIPT=copy(place, "receive.sh"))


def proxied(place, stack, port, command, path, **variables):
    pid = start(stack, place, command, ("127.0.0.1", port), **variables)
    lines = ('server.modules += ( "mod_proxy" )',
             f'proxy.server = ( "" => (( "host" => "127.0.0.1", "port" => {port} )) )')
    _, address = stack.enter_context(web.lighttpd(place, *lines))
    return Candidate(address + path, pid, place.waiting)


def copy(place, name, folder="."):
    """Where the candidate's user may read it."""
    return shutil.copy(PEERS / name, place.work / folder)


def start(stack, place, command, address, **variables):
    variables = {"SPOOL": place.spool.path, "PATH": os.environ["PATH"], **variables}
    started = Program(command, place.log, user=WEB.pw_uid, group=WEB.pw_gid, extra_groups=[],
                      env={name: str(value) for name, value in variables.items()})
    stack.enter_context(running(started.ready(lambda: accepts(address))))
    return started.pid


CANDIDATES = {"ringspool.fcgi": ringspool_fcgi, "PHP-FPM": php_fpm, "gunicorn": gunicorn,
              "Node.js": node, "webhook": webhook, "ringspool.cgi": ringspool_cgi,
              "Perl CGI": perl_cgi}


def measure(stack, work, options):
    figures = Figures()
    for medium in MEDIA:
        sent = work[medium] / "event.json"
        sent.write_bytes(event())
        bare = spool_place(work[medium] / "bare")
        candidates = {name: make(spool_place(work[medium] / name), stack)
                      for name, make in CANDIDATES.items()}
        for _ in rounds(options.rounds, f"peers on {medium}"):
            figures.add((medium, "bare loop"), bare_loop(bare, THREADS, options.seconds))
            for name, candidate in candidates.items():
                figures.add((medium, name), post(candidate, sent, CONNECTIONS, options.seconds))
        show(figures, medium)


def show(figures, medium):
    rows = []
    for name in ("bare loop", *CANDIDATES):
        key = medium, name
        latencies = [milliseconds(figures, key, what) for what in ("p50", "p99", "longest")]
        rows.append((name, rate(figures, key), microseconds(figures, key),
                     figures.ratio(key, (medium, "ringspool.fcgi"), what="processor"),
                     *latencies, megabytes(figures, key)))
    table(f"Behind lighttpd, {CONNECTIONS} connections, on {'tmpfs' if medium == 'tmpfs' else 'the disk'};"
          " goal: first in every column, on tmpfs all others at 3 or more",
          ("receiver", "events/s", "processor time of an event, µs", "beside ringspool.fcgi",
           "p50, ms", "p99, ms", "longest, ms", "memory, MB"), rows)
