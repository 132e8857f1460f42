"""A long run with all that happens in a year: the responder is restarted again and again, the
disk is full for a while, `ringspool run` and a consumer that only renames take the events out
side by side, and clients repeat what was not acknowledged, and some of what was."""

import json
import multiprocessing
import os
import time
from collections import Counter
from contextlib import ExitStack

import responder
import servers
from consuming import TOOL
from disk import disk
from load import Clients, Web
from notification import sms
from process import Program, running, wait_until
from scale import scaled
from settings import WEB
from spool import Spool

EVENTS = scaled(200_000, 2_000)
RESTARTS = scaled(60, 4)
SENDERS = 4
REPEATED = 20           # one event in so many is posted again after its acknowledgement
SPARE = scaled(256 << 20, 32 << 20)     # bytes for marks and for what waits
REFUSALS = 50           # the full disk shall cause, at least
IN_FLIGHT = 1           # seconds until the last reply of the full disk is there
GROWTH_KIB = 512        # of a responder after its first events
GROWTH_FILES = 2 * SENDERS      # of each thread the directory of tomorrow, and what it writes
PATIENCE = 600          # seconds for a part of the run

fork = multiprocessing.get_context("fork")


class Load:
    """Processes that post events, each until it is acknowledged."""

    def __init__(self, web, directory):
        self.web, self.directory = web, directory
        self.acknowledged, self.refused = fork.Value("q", 0), fork.Value("q", 0)
        self.calm = fork.Event()    # else nothing is posted again that was acknowledged
        self.calm.set()
        self.processes = [fork.Process(target=self.send, args=(number,), daemon=True)
                          for number in range(SENDERS)]

    def __enter__(self):
        for process in self.processes:
            process.start()
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
            process.join()

    def send(self, sender):
        client, connection = Clients(self.web), None
        with open(self.directory / f"refusals.{sender}", "w", encoding="utf-8") as notes:
            for number in range(sender, EVENTS, SENDERS):
                connection = self.post(client, connection, sms(str(number)), notes)
                with self.acknowledged:
                    self.acknowledged.value += 1
                if number // SENDERS % REPEATED == 0 and self.calm.is_set():
                    connection = self.post(client, connection, sms(str(number)), notes)

    def post(self, client, connection, body, notes):
        while True:
            connection, failure = client.try_post(connection, body)
            if not failure:
                return connection
            print(time.monotonic(), failure, file=notes, flush=True)
            with self.refused:
                self.refused.value += 1
            time.sleep(0.05)    # as a sender does that means to try again

    def is_over(self):
        return self.acknowledged.value == EVENTS

    def wait_for(self, part):
        """Until a part of the events was acknowledged."""
        wait_until(lambda: self.acknowledged.value >= part * EVENTS, f"{part} of the load", PATIENCE)

    def refusals(self):
        for path in self.directory.glob("refusals.*"):
            for line in path.read_text(encoding="utf-8").splitlines():
                when, _, what = line.partition(" ")
                yield float(when), what


class Mover:
    """A consumer of what the contract says, and no more: rename, read, remove. It leaves one
    event in eight to the other one."""

    def __init__(self, spool, notes):
        self.new, self.taken, self.notes = spool / "new", spool / "taken", notes
        self.over = fork.Event()
        self.process = fork.Process(target=self.consume, daemon=True)

    def __enter__(self):
        self.taken.mkdir()
        self.process.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.process.join()
        assert self.process.exitcode == 0

    def consume(self):
        with open(self.notes, "w", encoding="ascii") as notes:
            while not self.over.wait(0.02):
                for name in os.listdir(self.new):
                    if name.removesuffix(".json")[-1] in "01" or not self.take(name):
                        continue
                    print(uuid_of(self.taken / name), file=notes, flush=True)
                    (self.taken / name).unlink()

    def take(self, name):
        try:
            (self.new / name).rename(self.taken / name)
            return True
        except OSError:     # the other one was faster, or the full disk has no room for the name
            return False


class Responders:
    """The generations of the responder on one socket, which is held meanwhile."""

    def __init__(self, place, stack):
        self.place, self.stack = place, stack
        self.held = stack.enter_context(responder.listener(place.socket))
        self.ends = []      # (exit status, seconds)
        self.sizes = []     # of each generation before its end
        self.start()

    def start(self):
        environment = responder.environment(self.place, RINGSPOOL_SPOOL=str(self.place.spool.path))
        self.current = self.stack.enter_context(running(responder.on_standard_input(
            self.place, self.held, "-t", str(SENDERS), env=environment)))

    def restart(self):
        self.sizes.append(self.size())
        self.ends.append(self.current.stop())
        self.start()

    def size(self):
        """Its memory in KiB, and how much is open beside the connections."""
        process = f"/proc/{responder.serving(self.current.pid)}"
        with open(f"{process}/status", encoding="ascii") as status:
            memory = next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
        opened = [os.readlink(f"{process}/fd/{fd}") for fd in os.listdir(f"{process}/fd")
                  if os.path.lexists(f"{process}/fd/{fd}")]
        return memory, len([name for name in opened if not name.startswith("socket:")])


def uuid_of(path):
    return json.loads(path.read_bytes())["uuid"]


def fill(point, spare=0):
    """Take all that is left, to the last block, but for `spare` bytes."""
    ballast = os.open(point / "ballast", os.O_WRONLY | os.O_CREAT)
    for size in (16 << 20, 1 << 20, 4096):
        try:
            while os.fstatvfs(ballast).f_bavail * 4096 > spare:
                os.posix_fallocate(ballast, os.fstat(ballast).st_size, size)
        except OSError:
            pass
    os.close(ballast)


def full_for_a_while(load, point):
    """The disk is full until enough was refused; from when to when."""
    load.calm.clear()
    begun, before = time.monotonic(), load.refused.value
    wait_until(lambda: fill(point) or load.refused.value >= before + REFUSALS or load.is_over(),
               "refusals", PATIENCE)
    (point / "ballast").unlink()
    load.calm.set()
    assert not load.is_over(), "too few events for so large a disk"
    return begun, time.monotonic()


def consume_with_run(place, notes):
    command = [TOOL, "run", "--follow", "-j", "2", "--", "sh", "-c",
               f'echo "$RINGSPOOL_UUID" >> {notes}']
    return Program(command, place.work / "run.log",
                   env=responder.environment(place, RINGSPOOL_SPOOL=str(place.spool.path)))


def waiting(spool):
    return [uuid_of(path) for folder in ("new", "work", "retry", "taken")
            for path in (spool / folder).glob("*.json")]


def live_long(load, responders):
    """Half of the load with one process: its sizes after its first events, and at last."""
    load.wait_for(0.05)
    first = responders.size()
    load.wait_for(0.5)
    return first, responders.size()


def live_dangerously(load, responders, point):
    """The other half with many; when the disk was full."""
    for number in range(RESTARTS):
        load.wait_for(0.5 + 0.5 * number / RESTARTS)
        responders.restart()
        if number == RESTARTS // 2:
            full = full_for_a_while(load, point)
    load.wait_for(1)
    return full


def test_soak(place, certificates, figures):
    began = time.monotonic()
    with disk("xfs") as mounted, ExitStack() as stack:     # xfs has room for as many names as come
        fill(mounted.point, SPARE)
        place.spool = Spool(mounted.point / "spool", WEB.pw_gid)
        responders = Responders(place, stack)
        site = stack.enter_context(servers.lighttpd_to_socket(place))
        load = stack.enter_context(Load(Web(site, certificates), place.work))
        wait_until(lambda: load.acknowledged.value >= SENDERS, "the first events")
        os.utime(place.spool.path / "lock", (0, 0))     # house-keeping is due, and has its effect
        stack.enter_context(running(consume_with_run(place, place.work / "ran")))
        stack.enter_context(Mover(place.spool.path, place.work / "moved"))
        first, last = live_long(load, responders)
        full_from, full_to = live_dangerously(load, responders, mounted.point)
        responders.restart()
        seconds = time.monotonic() - began
        stack.close()
        consumed = [Counter((place.work / notes).read_text().split()) for notes in ("ran", "moved")]
        left = Counter(waiting(place.spool.path))
    everything = sum(consumed, left)
    figures(f"{EVENTS} events, {RESTARTS} restarts in {seconds:.0f} s: {consumed[0].total()} consumed by run, "
            f"{consumed[1].total()} by renaming, {left.total()} left; {load.refused.value} refused in "
            f"{full_to - full_from:.1f} s; {first[0]} KiB and {first[1]} files open, at last {last[0]} and {last[1]}")
    assert all(consumed)
    assert everything.keys() == {str(number) for number in range(EVENTS)}
    assert max(everything.values()) == 1, everything.most_common(3)
    for when, what in load.refusals():
        assert "status=503" in what and full_from <= when <= full_to + IN_FLIGHT, (when, what)
    assert {status for status, _ in responders.ends} == {0}
    for memory, opened in [last, *responders.sizes]:
        assert memory <= first[0] + GROWTH_KIB and opened <= first[1] + GROWTH_FILES
