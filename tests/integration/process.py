"""Programs that a test starts: ready by condition, ended by process id, logs kept."""

import ctypes
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 30       # seconds until a condition counts as failed
logs = set()        # every log file of this session, for the report of a failed test


def wait_until(condition, what, patience=PATIENCE):
    """Until the condition holds; its value."""
    deadline = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {patience} s"
        time.sleep(0.005)
    return value


def children(pid):
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def has_ended(pid):
    """Whether none of a process's threads runs; its first one may stay until somebody
    asks for the status."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "Z" and len(os.listdir(f"/proc/{pid}/task")) == 1
    except (FileNotFoundError, ProcessLookupError):
        return True


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(address):
    """Whether somebody listens: a (host, port) or the path of a Unix socket."""
    family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
    with socket.socket(family) as probe:
        return probe.connect_ex(address if family == socket.AF_INET else str(address)) == 0


class Program:
    """A running program. `log` gets its standard error and output. It has a session
    of its own, for Apache ends its whole process group."""

    def __init__(self, command, log, stop_signal=signal.SIGTERM, **options):
        self.log = Path(log)
        self.stop_signal = stop_signal
        logs.add(self.log)
        options.setdefault("stdin", subprocess.DEVNULL)
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen([str(word) for word in command],
                                            stdout=output, stderr=output,
                                            start_new_session=True, **options)

    @property
    def pid(self):
        return self.process.pid

    def ready(self, condition):
        def ready_or_dead():
            assert self.process.poll() is None, f"{self.process.args} ended:\n{self.text()}"
            return condition()
        wait_until(ready_or_dead, f"{self.process.args[0]} ready")
        return self

    def text(self):
        return self.log.read_text(errors="replace")

    def stop(self):
        """Ask it to end; its exit status and the seconds that took."""
        begin = time.monotonic()
        self.process.send_signal(self.stop_signal)
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        return status, time.monotonic() - begin


@contextmanager
def running(program):
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.stop()


def adopt_orphans():
    """Become the parent of what a daemon leaves behind, so that its exit status is ours
    to see: spawn-fcgi's responders have no other parent."""
    set_child_subreaper = 36
    assert ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0) == 0


def end(pid):
    """End an adopted process; its exit status and the seconds that took."""
    begin = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    _, status = wait_until(lambda: waited_for(pid), f"end of process {pid}")
    return os.waitstatus_to_exitcode(status), time.monotonic() - begin


def waited_for(pid):
    done = os.waitpid(pid, os.WNOHANG)
    return done if done[0] else None
