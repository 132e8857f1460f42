"""A receiver, and `ringspool run`, killed before each of their system calls in turn: between
two of them nothing becomes of a file."""

import random
import shutil
import signal
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

import consuming
import responder
from disk import FAST
from faults import calls, strace
from mutants import mutate
from notification import sms
from process import wait_until
from receivers import PROOF
from scale import scaled
from traced import Cgi, Responder

FRONT_ENDS = {"cgi": Cgi, "fcgi": Responder}
NOTE = 'echo "$RINGSPOOL_ATTEMPT" >> "$NOTES"; '

# Words of `run`, how its command ends, and where the event is then.
WAYS = {"done": ([], "exit 0", {}), "kept": (["--keep", 1], "exit 0", {"done": 1}),
        "failed": (["--retries", 0], "exit 1", {"failed": 1})}


@dataclass(frozen=True)
class Scene:
    """How a receiver is killed."""
    bare: bool = False      # the spool has no directories yet
    faults: tuple = ()      # what fails in any case
    quick: bool = True      # a consumer takes what is there before the event comes again


SCENES = {"taken": Scene(), "left": Scene(quick=False), "bare-spool": Scene(bare=True),
          "named-files": Scene(faults=("access:error=ENOENT",))}      # as without /proc


def some_of(found):
    """In a short run every eighth, from where chance has it."""
    step = scaled(1, 8)
    return found[random.randrange(step)::step]


def killed(call):
    return f"{call.name}:signal=KILL:when={call.ordinal}"


class Victim:
    def __init__(self, place, front_end):
        self.place, self.spool = place, place.spool
        self.front_end = FRONT_ENDS[front_end]

    def lay_out(self, bare):
        self.spool.remove()
        self.spool.make()
        if not bare:
            self.post(sms())
            self.spool.take()
            for mark in self.marks():
                mark.unlink()

    def marks(self):
        return list((self.spool.path / "seen").glob("*/*"))

    def post(self, body):
        return Cgi(self.place).ask(body, **PROOF).reply.status

    @contextmanager
    def receiver(self):
        receiver = self.front_end(self.place)
        try:
            yield receiver
        finally:
            if receiver.program:
                responder.kill(receiver.program)

    def calls(self, scene):
        """The system calls of a request that nothing disturbs."""
        self.lay_out(scene.bare)
        with self.receiver() as receiver:
            answer = receiver.ask(sms(), scene.faults, **PROOF)
        assert answer.reply.status == 200, answer
        return calls(answer.trace, self.front_end.first)

    def harm(self, scene, call):
        """What is wrong after a kill before this call; None: nothing."""
        self.lay_out(scene.bare)
        body = sms()
        with self.receiver() as receiver:
            reply = receiver.ask_killed(body, (*scene.faults, killed(call)), **PROOF)
        there, marked = self.spool.contents(), bool(self.marks())
        if there not in ([], [body]):
            return "a part of it"
        if marked and not there:
            return "a mark without its event"
        if reply and not marked:
            return "a reply before the mark"
        taken = len(self.spool.take()) if scene.quick else 0
        if self.post(body) != 200:
            return "refused when it came again"
        times = taken + len(self.spool.contents())
        # A second time only between link and mark, and where the consumer was quick.
        return None if times == (2 if taken and not marked else 1) else f"there {times} times"


@pytest.fixture(params=FRONT_ENDS)
def victim(request, place):
    return Victim(place, request.param)


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_receiver_killed_before_each_call(victim, scene, figures):
    found = some_of(victim.calls(scene))
    harm = {call.line: what for call in found if (what := victim.harm(scene, call))}
    assert harm == {}
    figures(f"{len(found)} kills, each before another call: nothing lost")


@pytest.mark.only_in_full
def test_mark_first_is_caught(place, victim):
    mutate(place, "mark-first")
    found = victim.calls(SCENES["left"])
    assert "a mark without its event" in {victim.harm(SCENES["left"], call) for call in found}


class Run:
    """`ringspool run` with one event."""

    def __init__(self, place, words, end):
        self.place, self.words, self.script = place, words, NOTE + end
        self.trace = place.directory / "trace"
        shutil.rmtree(place.spool)
        consuming.Place.make(place.spool)
        place.notes.unlink(missing_ok=True)
        place.deliver("u1")

    def traced(self, *faults):
        """Its exit status."""
        self.place.before = strace(self.trace, faults, "-qq")
        process = self.place.start(*self.words, script=self.script)
        self.place.before = []
        return process.wait(20)

    def settle(self, counts):
        """Where the event ought to be in the end, there it is."""
        def settled():
            self.place.run(*self.words, script=self.script)
            return self.place.counts() == counts
        wait_until(settled, f"{counts}, not {self.place.counts()}")

    def tries(self):
        return [int(number) for [number] in self.place.noted()]


@pytest.fixture
def runs():
    directory = tempfile.mkdtemp(prefix="ringspool-kills-", dir=FAST)
    yield consuming.Place(directory)
    shutil.rmtree(directory)


@pytest.mark.parametrize("words, end, counts", WAYS.values(), ids=WAYS)
def test_run_killed_before_each_call(runs, words, end, counts, figures):
    """An event that was in work/ then runs, or runs again; another one runs once."""
    undisturbed = Run(runs, words, end)
    assert undisturbed.traced() == 0 and undisturbed.tries() == [1]
    found = some_of(calls(undisturbed.trace.read_text(), "umask("))
    hits = 0
    for call in found:
        run = Run(runs, words, end)
        hits += run.traced(killed(call)) == -signal.SIGKILL
        interrupted = runs.counts().get("running")
        run.settle(counts)
        assert run.tries() in ([[1, 2], [2]] if interrupted else [[1]]), call
    assert hits > len(found) * 0.8, "how often it waits for its command is chance"
    figures(f"{hits} kills of run, each before another call: nothing lost")
