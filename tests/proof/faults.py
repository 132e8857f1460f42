"""Faults in the system calls of a program: strace first records the calls of an
undisturbed run, then lets one of them fail, so the tests follow the code by themselves.

A call that fails here is not made at all. So what no kernel leaves undone is spared:
close(2) gives the descriptor back whatever it answers, a futex or an epoll set that is
there can be used. Memory has a test of its own."""

import errno
import os
import re
from collections import Counter
from dataclasses import dataclass

from scale import scaled

ERRORS = ("ENOSPC", "EDQUOT", "EIO", "EROFS", "EMFILE", "ENFILE", "ENOMEM", "EINTR")
SPARED = {"close", "futex", "epoll_wait", "epoll_ctl", "mmap", "munmap", "mprotect", "mremap",
          "madvise", "brk", "rt_sigaction", "rt_sigprocmask", "umask", "exit_group"}


@dataclass(frozen=True)
class Call:
    name: str       # of the system call
    ordinal: int    # among the calls of that name
    line: str       # as strace wrote it


@dataclass(frozen=True)
class Fault:
    call: Call
    error: str
    for_good: bool  # from that call on, not once

    def __str__(self):
        """As strace is told."""
        return f"{self.call.name}:error={self.error}:when={self.call.ordinal}{'+' if self.for_good else ''}"

    @property
    def text(self):
        return os.strerror(getattr(errno, self.error))


def calls(trace, first=""):
    """The calls of a trace that can fail, from the line on that begins with `first`."""
    counts, found, begun = Counter(), [], False
    for line in trace.splitlines():
        begun = begun or line.startswith(first)
        name = re.match(r"\w+(?=\()", line)
        if name:
            counts[name[0]] += 1
            if begun and name[0] not in SPARED:
                found.append(Call(name[0], counts[name[0]], line))
    assert found, trace
    return found


def strace(trace, faults, *what):
    return ["strace", "-o", trace, *(word for fault in faults for word in ("-e", f"inject={fault}")),
            *what]


def injected(trace):
    return [line for line in trace.splitlines() if line.endswith("(INJECTED)")]


def faults(found, short, lasts, errors=ERRORS):
    """Each call with each error, once, and where the call `lasts` says so with two that
    stay. In a short run about `short` of them."""
    every = [Fault(call, error, for_good) for call in found
             for error, for_good in [*((error, False) for error in errors),
                                     *((error, True) for error in ("ENOSPC", "EIO") if lasts(call))]]
    return every[::scaled(1, 1 + len(every) // short)]
