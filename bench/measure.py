"""Load, processor time, and the tables of the figures."""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ground import PROGRAMS, Waiting
from settings import TOKENS

TICK = 1 / os.sysconf("SC_CLK_TCK")
PROCESS_CLOCK = 2       # CPUCLOCK_SCHED of clock_getcpuclockid(3)


# Processes

def own_time(pid):
    """Seconds of processor time of a process in all its threads, those that ended too."""
    return time.clock_gettime(~pid << 3 | PROCESS_CLOCK)


def ended_children_time(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) * TICK


def own_memory(pid):
    """Bytes, with its part of what it shares with others."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))


def is_busy(pid):
    """Whether one of its threads runs, or waits for a disk."""
    return any((task / "stat").read_text().rpartition(")")[2].split()[0] in "RD"
               for task in Path(f"/proc/{pid}/task").iterdir())


def children(pid):
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield from map(int, (task / "children").read_text().split())


def over_children(pid, figure):
    """The sum of a figure over the descendants of a process."""
    total = 0
    for child in children(pid):
        try:
            total += figure(child) + over_children(child, figure)
        except OSError:
            continue        # ended just now
    return total


# Load

@dataclass
class Candidate:
    """Something that takes events in at an address."""
    address: str
    pid: int
    waiting: Waiting = None         # where each event becomes a file, if it does
    only_children: bool = False     # of the process: it is a web server that runs CGI programs

    def processor_time(self):
        """Seconds that it used so far."""
        def spent(pid):
            return own_time(pid) + ended_children_time(pid)
        own = ended_children_time(self.pid) if self.only_children else spent(self.pid)
        return own + over_children(self.pid, spent)

    def is_busy(self):
        return (not self.only_children and is_busy(self.pid)) or over_children(self.pid, is_busy)

    def memory(self):
        own = 0 if self.only_children else own_memory(self.pid)
        return own + over_children(self.pid, own_memory)


@dataclass
class Sample:
    """What one run of one candidate gave."""
    rate: float             # events a second
    processor: float        # seconds an event
    p50: float = 0          # seconds
    p99: float = 0
    longest: float = 0
    memory: int = 0         # bytes in the middle of the run


def post(candidate, event, connections, seconds):
    """Load for some seconds. A reply other than 200, or an event without its file, ends
    the measurement."""
    spent = candidate.processor_time()
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s",
               "-s", Path(__file__).with_name("events.lua"), candidate.address, "--", event, TOKENS[0]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as load:
        time.sleep(seconds / 2)
        memory = candidate.memory()
        output = load.communicate()[0]
    result = [line.split()[1:] for line in output.splitlines() if line.startswith("result")]
    acknowledged, took, failed, p50, p99, longest = map(float, result[0])
    settle(candidate)
    spent = candidate.processor_time() - spent
    taken = candidate.waiting.take() if candidate.waiting else acknowledged
    if not acknowledged and seconds < 60:
        return post(candidate, event, connections, 2 * seconds)     # the disk is that slow
    if failed or not acknowledged <= taken <= acknowledged + connections:
        sys.exit(f"{candidate.address}: {acknowledged:.0f} replies, {failed:.0f} failures,"
                 f" {taken:.0f} files\n{output}")
    return Sample(acknowledged / took, spent / taken, p50, p99, longest, memory)


def settle(candidate):
    """Until what wrk left unanswered when it ended is done."""
    before, now = None, candidate.processor_time()
    while before is None or candidate.is_busy() or now - before > 0.001:
        time.sleep(0.05)
        before, now = now, candidate.processor_time()


def bare_loop(place, threads, seconds):
    command = [PROGRAMS / "bare_loop", place.spool.path, str(threads), str(round(seconds * 1000))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    events, took, spent = map(float, done.stdout.split())
    place.waiting.take()
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


def milliseconds(figures, key, what):
    median = figures.median(key, what)
    return f"{median * 1e3:,.1f}" if median else "–"


def megabytes(figures, key):
    median = figures.median(key, "memory")
    return f"{median / 1e6:,.1f}" if median else "–"


def table(title, heads, rows):
    """In Markdown, as docs/performance.md has it."""
    print(f"\n{title}\n\n| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |")
    sys.stdout.flush()
