"""Load, processor time, and the tables of the figures."""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from ground import PROGRAMS, Waiting
from settings import TOKENS

TICK = 1 / os.sysconf("SC_CLK_TCK")
PROCESS_CLOCK = 2       # CPUCLOCK_SCHED of clock_getcpuclockid(3)


# Processor time

def own_time(pid):
    """Seconds that a process used in all its threads, those that ended too."""
    return time.clock_gettime(~pid << 3 | PROCESS_CLOCK)


def ended_children_time(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) * TICK


def children(pid):
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield from map(int, (task / "children").read_text().split())


def descendants_time(pid):
    """Seconds that the descendants of a process used, those that ended and those that run."""
    spent = ended_children_time(pid)
    for child in children(pid):
        try:
            spent += tree_time(child)
        except OSError:
            continue        # ended just now: it is among the ended ones next time
    return spent


def tree_time(pid):
    return own_time(pid) + descendants_time(pid)


# Load

@dataclass
class Candidate:
    """Something that takes events in at an address."""
    address: str
    processor_time: Callable[[], float]     # seconds that it used so far
    waiting: Waiting = None                 # where each event becomes a file, if it does


@dataclass
class Sample:
    """What one run of one candidate gave."""
    rate: float             # events a second
    processor: float        # seconds an event
    p50: float = 0          # seconds
    p99: float = 0
    longest: float = 0


def post(candidate, event, connections, seconds):
    """Load for some seconds. A reply other than 200, or an event without its file, ends
    the measurement."""
    waiting, spent = candidate.waiting, candidate.processor_time()
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s",
               "-s", Path(__file__).with_name("events.lua"), candidate.address, "--", event, TOKENS[0]]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("result")]
    acknowledged, took, failed, p50, p99, longest = map(float, result[0])
    settle(candidate)
    spent = candidate.processor_time() - spent
    taken = waiting.count() if waiting else acknowledged
    if failed or not acknowledged or not acknowledged <= taken <= acknowledged + connections:
        sys.exit(f"{candidate.address}: {acknowledged:.0f} replies, {failed:.0f} failures,"
                 f" {taken:.0f} files\n{done.stdout}{done.stderr}")
    if waiting:
        waiting.clear()
    return Sample(acknowledged / took, spent / taken, p50, p99, longest)


def settle(candidate):
    """Until what wrk left unanswered when it ended is done."""
    before = None
    while before != (now := (candidate.waiting and candidate.waiting.count(),
                             round(candidate.processor_time(), 3))):
        before = now
        time.sleep(0.05)


def bare_loop(place, threads, seconds):
    command = [PROGRAMS / "bare_loop", place.spool.path, str(threads), str(round(seconds * 1000))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    events, took, spent = map(float, done.stdout.split())
    place.waiting.clear()
    return Sample(events / took, spent / events)


def rounds(number, what):
    for each in range(number):
        print(f"{what}: round {each + 1} of {number}", file=sys.stderr)
        yield each


# Figures

class Figures:
    """The samples of each candidate, a round each."""

    def __init__(self):
        self.samples = {}

    def add(self, key, sample):
        self.samples.setdefault(key, []).append(sample)

    def of(self, key, what):
        return [getattr(sample, what) for sample in self.samples[key]]

    def median(self, key, what):
        return statistics.median(self.of(key, what))

    def ratio(self, key, *others, what="rate"):
        """Over the sum of the others, round by round: the median and the range."""
        sums = map(sum, zip(*(self.of(other, what) for other in others)))
        ratios = [one / total for one, total in zip(self.of(key, what), sums)]
        return f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f}–{max(ratios):.2f})"


def rate(figures, key):
    return f"{figures.median(key, 'rate'):,.0f}"


def microseconds(figures, key):
    return f"{figures.median(key, 'processor') * 1e6:,.0f}"


def table(title, heads, rows):
    """In Markdown, as docs/performance.md has it."""
    print(f"\n{title}\n\n| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |")
    sys.stdout.flush()
