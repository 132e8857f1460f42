"""Each system call of `ringspool run` fails once, and from there on: no event is lost, none
runs twice, and what went wrong is told."""

import shutil
import subprocess
import tempfile

import pytest

from consuming import TOOL, Place
from faults import calls, faults, injected, strace

UUIDS = ["u1", "u2"]
NOTE = 'echo "$RINGSPOOL_UUID" >> "$NOTES"; '
# How often it waits for its commands is chance.
CHANCE = {"poll", "read", "waitid", "wait4"}
WAYS = {
    "done": ([], "exit 0", {}),
    "kept": (["--keep", "1"], "exit 0", {"done": 2}),
    "retried": (["--retry-delay", "5h"], "exit 1", {"retrying": 2}),
    "failed": (["--retries", "0"], "exit 1", {"failed": 2}),
}


@pytest.fixture
def place():
    directory = tempfile.mkdtemp(prefix="ringspool-faults-", dir="/dev/shm")
    yield Place(directory)
    shutil.rmtree(directory)


class Trial:
    def __init__(self, place, words, script):
        self.place = place
        self.command = [TOOL, "run", *words, "--", "sh", "-c", NOTE + script]
        self.trace = place.directory / "trace"
        shutil.rmtree(place.spool)
        Place.make(place.spool)
        place.notes.unlink(missing_ok=True)
        for uuid in UUIDS:
            place.deliver(uuid)

    def run(self, *command):
        return subprocess.run(command or self.command, env=self.place.env, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=60, check=False)

    def run_traced(self, *injections):
        done = self.run(*strace(self.trace, injections, "-qq", *self.command))
        return done, self.trace.read_text()

    def ran(self):
        return sorted(word for [word] in self.place.noted())

    def fails(self, fault, counts):
        """What is wrong with a run during which the call fails, and with the next one."""
        done, trace = self.run_traced(fault)
        try:
            assert injected(trace)
            self.nothing_is_lost(done, fault)
            after = self.run()
            assert after.returncode == 0, after
            if not fault.for_good:      # else what ran well is removed rather than run again
                assert self.place.counts() == counts
            if not (fault.for_good and "stays in work/" in done.stderr):
                assert self.ran() == UUIDS
        except AssertionError as problem:
            return f"{fault}, {fault.call.line}: {problem!r}\n{done}\n{injected(trace)}"
        return None

    def nothing_is_lost(self, done, fault):
        there = sum(self.place.counts().values())
        assert there + len(set(self.ran())) >= len(UUIDS)
        if done.returncode == 0:        # one that cannot be opened stops nobody else
            left = len(UUIDS) - len(self.ran())
            assert left == 0 or (left == 1 and fault.text in done.stderr)
        else:
            assert done.returncode in (69, 71, 74, 78)
            assert fault.text in done.stderr


def lasts(call):
    """Five seconds of patience each: not for all."""
    return call.name in ("fsync", "mkdirat", "renameat2", "unlinkat")


@pytest.mark.parametrize("words, script, counts", WAYS.values(), ids=WAYS)
def test_any_call_fails(place, words, script, counts):
    undisturbed = Trial(place, words, script)
    done, trace = undisturbed.run_traced()
    assert done.returncode == 0, done
    assert undisturbed.ran() == UUIDS and place.counts() == counts
    found = [call for call in calls(trace, "umask(") if call.name not in CHANCE]
    failures = [failure for fault in faults(found, 5, lasts, ("EIO", "EMFILE"))
                if (failure := Trial(place, words, script).fails(fault, counts))]
    assert not failures, f"{len(failures)} failed:\n" + "\n".join(failures)
