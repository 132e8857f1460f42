"""A spool filled by the real receiver, and `ringspool run` with commands that write down
what happened to them."""

import json
import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("RINGSPOOL_BUILD", "build")
TOOL = BUILD / "ringspool"
RECEIVER = BUILD / "ringspool.cgi"
PATIENCE = 60       # seconds until a condition counts as failed
STATES = {"waiting": "new", "running": "work", "retrying": "retry", "held": "held",
          "failed": "failed", "done": "done", "bad": "bad"}


def wait_until(condition, what, patience=PATIENCE):
    """Until the condition holds; its value."""
    deadline = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {patience} s"
        time.sleep(0.005)
    return value


def takes_signals(process):
    """Whether a `run` is far enough to end in good order: before that, SIGTERM ends it
    by the signal. It blocks what it reads from a signalfd."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    blocked = int(re.search(r"^SigBlk:\s*(\w+)", status, re.MULTILINE)[1], 16)
    return blocked >> (signal.SIGTERM - 1) & 1


def notification(uuid, owner="1", event="/restapi/v1.0/account/1/extension/2/presence"):
    return json.dumps({"uuid": uuid, "event": event, "timestamp": "2026-08-01T10:00:00.000Z",
                       "subscriptionId": f"sub-{owner}", "ownerId": owner,
                       "body": {"text": "secret text"}}).encode()


class Place:
    """A spool, a directory for what commands leave behind, and the tool."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.spool = self.directory / "spool"
        self.notes = self.directory / "notes"
        self.log = self.directory / "run.log"
        self.directory.mkdir(exist_ok=True)
        self.make(self.spool)
        self.before = []        # words before the tool's name, where it is started
        self.env = {name: value for name, value in os.environ.items()
                    if not name.startswith("RINGSPOOL_")}
        self.env |= {"RINGSPOOL_SPOOL": str(self.spool), "NOTES": str(self.notes),
                     "RINGSPOOL_LOG_LEVEL": "debug", "TZ": "UTC"}

    @staticmethod
    def make(spool):
        spool.mkdir()
        spool.chmod(0o2770)

    def deliver(self, uuid, body=None, spool=None, **members):
        """Through the receiver; the NAME."""
        spool = spool or self.spool
        body = body if body is not None else notification(uuid, **members)
        reply = subprocess.run(
            [RECEIVER], input=body, capture_output=True, check=True,
            env=self.env | {"RINGSPOOL_SPOOL": str(spool), "REQUEST_METHOD": "POST",
                            "GATEWAY_INTERFACE": "CGI/1.1", "CONTENT_LENGTH": str(len(body)),
                            "CONTENT_TYPE": "application/json"})
        name = re.search(rb"result=stored .*name=(\S+)", reply.stderr)
        assert name, reply
        return name[1].decode()

    def paths(self, state, spool=None):
        """The files in a state's directory."""
        directory = (spool or self.spool) / STATES[state]
        return [path for path in directory.glob("**/*")
                if path.is_file() and not path.name.startswith(".")]

    def files(self, state, spool=None):
        """Their names."""
        return {path.name for path in self.paths(state, spool)}

    def counts(self):
        """How many there are in each state that has any."""
        return {state: count for state in STATES if (count := len(self.files(state)))}

    def tool(self, *words, status=0, **options):
        """Run it to its end; what it printed."""
        options = {"timeout": PATIENCE} | options
        with open(self.log, "ab") as log:
            done = subprocess.run([TOOL, *map(str, words)], env=self.env, stderr=log,
                                  stdout=subprocess.PIPE, text=True,
                                  stdin=subprocess.DEVNULL, **options)
        self.assert_clean()
        assert done.returncode == status, (done.returncode, done.stdout, self.logged())
        return done.stdout

    def run(self, *words, script, **options):
        """`ringspool run` with a shell script as the command."""
        return self.tool("run", *words, "--", "sh", "-c", script, **options)

    @contextmanager
    def started(self, *words, script):
        """The same in the background; SIGTERM at the end, unless it is gone by then."""
        process = self.start(*words, script=script)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(PATIENCE)
            self.assert_clean()

    def start(self, *words, script):
        with open(self.log, "ab") as log:
            return subprocess.Popen([*self.before, TOOL, "run", *map(str, words), "--", "sh", "-c", script],
                                    env=self.env, stderr=log, stdout=log,
                                    stdin=subprocess.DEVNULL)

    def logged(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def assert_clean(self):
        for mark in ("Sanitizer", "runtime error:"):
            assert mark not in self.logged(), self.logged()

    def noted(self):
        """The lines that commands wrote, in order, as lists of words."""
        return [line.split() for line in self.notes.read_text().splitlines()] \
            if self.notes.exists() else []


def fill(spool, count, owners=1):
    """A spool with many waiting events, a second apart: for scale the receiver, a process
    an event, is too slow."""
    new = spool / "new"
    new.mkdir(exist_ok=True)
    directory = os.open(new, os.O_RDONLY)
    began = int(time.time()) - count
    for i in range(count):
        name = f"{i}-{i:016x}.json"
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640, dir_fd=directory)
        os.write(file, notification(str(i), owner=str(i % owners)))
        os.close(file)
        os.utime(name, (began + i, began + i), dir_fd=directory)
    os.close(directory)


def kill(pid):
    """SIGKILL to a process that may be gone."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
