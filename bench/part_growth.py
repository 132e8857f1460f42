"""The FastCGI receiver and the bare loop over one spool in which more and more files wait."""

import subprocess

import web
from ground import MEDIA, PROGRAMS, event, spool_place, sync
from measure import Candidate, Figures, bare_loop, post, rate, rounds, table
from part_fcgi import receiver

SIZES = (0, 10_000, 100_000, 1_000_000)
CONNECTIONS = 16


def fill(waiting, first, last):
    """Files to wait and their marks."""
    numbers = [str(first), str(last)]
    programs = [subprocess.Popen([PROGRAMS / "fill", directory, suffix, *numbers])
                for directory, suffix in ((waiting.events, ".json"), (waiting.marks, ""))]
    for program in programs:
        assert program.wait() == 0
    sync(waiting.events)


def measure(stack, work, options):
    figures = Figures()
    for medium in MEDIA:
        sent = work[medium] / "event.json"
        sent.write_bytes(event())
        place = spool_place(work[medium] / "spool")
        pid = stack.enter_context(receiver(place)).pid
        ours = Candidate(stack.enter_context(web.lighttpd_to_socket(place)), pid, place.waiting)
        filled = 0
        for size in SIZES:
            fill(place.waiting, filled, size)
            filled = size
            for _ in rounds(options.rounds, f"growth on {medium}, {size:,} files"):
                figures.add((medium, "bare", size), bare_loop(place, CONNECTIONS, options.seconds))
                figures.add((medium, "ours", size), post(ours, sent, CONNECTIONS, options.seconds))
    show(figures)


def show(figures):
    rows = []
    for medium in MEDIA:
        for size in SIZES:
            ours, bare, ours_empty, bare_empty = (
                (medium, name, of) for of in (size, 0) for name in ("ours", "bare"))
            kept = figures.median(ours, "rate") / figures.median(ours_empty, "rate")
            kept_bare = figures.median(bare, "rate") / figures.median(bare_empty, "rate")
            rows.append((medium, f"{size:,}", rate(figures, ours), rate(figures, bare),
                         figures.ratio(ours, bare), f"{kept / kept_bare:.2f}"))
    table("Files waiting and as many marks, lighttpd, 16 connections; goal: at least 0.8, on tmpfs"
          " (where the disk does not hide FastCGI) 0.8 of what it is with no file",
          ("on", "files", "ours, events/s", "bare loop", "ratio", "beside no file"), rows)
