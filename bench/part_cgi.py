"""The CGI receiver beside a program that only reads the body and replies."""

import os
import uuid

import web
from ground import PROGRAMS, event, spool_place
from measure import Candidate, Figures, Sample, microseconds, post, rounds, table
from settings import TOKENS

REQUESTS = 300      # of a run without a web server
CONNECTIONS = 8


def environment(place):
    return {"GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1",
            "REQUEST_METHOD": "POST", "SCRIPT_NAME": "/ringspool", "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(event())),
            "HTTP_VERIFICATION_TOKEN": TOKENS[0], "RINGSPOOL_CONFIG": str(place.config)}


def start_each(program, place, spool):
    """Starts the program once a request, without a web server."""
    variables, body = environment(place), place.work / "body"
    streams = [(os.POSIX_SPAWN_OPEN, 0, body, os.O_RDONLY, 0),
               (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
               (os.POSIX_SPAWN_OPEN, 2, place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)]
    spent = 0
    for _ in range(REQUESTS):
        body.write_bytes(event(str(uuid.uuid4())))
        pid = os.posix_spawn(program, [program], variables, file_actions=streams)
        _, status, usage = os.wait4(pid, 0)
        assert status == 0, f"{program}: status {status}"
        spent += usage.ru_utime + usage.ru_stime
    if spool:
        taken = spool.take()
        assert taken == REQUESTS, f"{taken} files of {REQUESTS} requests"
    return Sample(0, spent / REQUESTS)


def measure(stack, work, options):
    figures = Figures()
    work = work["tmpfs"]
    sent = work / "event.json"
    sent.write_bytes(event())
    candidates = {}
    for name in ("ours", "empty"):
        place = spool_place(work / name)
        program = place.cgi if name == "ours" else PROGRAMS / "empty_cgi"
        spool = place.waiting if name == "ours" else None
        server, address = stack.enter_context(web.lighttpd_to_cgi(
            place, program, {"RINGSPOOL_CONFIG": place.config}))
        candidates[name] = (program, place, spool), Candidate(
            address, server.pid, spool, only_children=True)
    for _ in rounds(options.rounds, "cgi"):
        for name, (direct, behind) in candidates.items():
            figures.add((name, "started directly"), start_each(*direct))
            figures.add((name, "lighttpd"), post(behind, sent, CONNECTIONS, options.seconds))
    show(figures)


def show(figures):
    rows = [(how, microseconds(figures, ("ours", how)), microseconds(figures, ("empty", how)),
             figures.ratio(("ours", how), ("empty", how), what="processor"))
            for how in ("started directly", "lighttpd")]
    table("CGI on tmpfs, processor time of a request in µs; goal: at most 1.5",
          ("by", "ours", "program that only replies", "ratio"), rows)
