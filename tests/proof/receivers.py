"""The receivers driven without a web server: quickly, and with nothing else to be killed."""

import subprocess

import fastcgi
import responder
from settings import TOKENS
from wire import parse

PROOF = {"HTTP_VERIFICATION_TOKEN": TOKENS[0]}


class Responder:
    """ringspool.fcgi on a socket that is held for it, as systemd does."""

    how = {}

    def __init__(self, place, processes=1):
        self.place, self.processes = place, processes
        self.held = responder.listener(place.socket)
        self.programs = []

    def start(self):
        """As many as are not running."""
        while len(self.programs) < self.processes:
            self.programs.append(responder.on_standard_input(self.place, self.held, **self.how))

    def kill_one(self, which):
        responder.kill(self.programs.pop(which))

    def kill(self):
        while self.programs:
            self.kill_one(0)

    def close(self):
        self.kill()
        self.held.close()
        self.place.socket.unlink()

    def connect(self):
        return fastcgi.connect(self.place.socket)

    def exchange(self, connection, body):
        connection.sendall(fastcgi.request(body, keep=True, **PROOF))
        return fastcgi.Connection(connection).reply()


class ResponderWithoutProc(Responder):
    """Without /proc an unnamed file cannot be given a name: it is written in tmp/, and
    renamed, as where the file system has no unnamed files."""

    how = {"before": ("unshare", "--mount", "sh", "-c", 'umount -l /proc && exec "$@"', "sh"),
           "user": None, "group": None, "extra_groups": None}


class Cgi:
    """ringspool.cgi, a process for each request as RFC 3875 has it."""

    def __init__(self, place):
        self.place = place
        self.log = open(place.log, "ab")
        self.running = set()    # processes

    def start(self):
        """Each request does."""

    kill = start

    def connect(self):
        return self

    def close(self):
        """A connection is nothing but this."""

    def exchange(self, _, body):
        """A process that was killed is an AssertionError, like a connection that broke."""
        variables = fastcgi.variables(body, **PROOF)
        with subprocess.Popen([self.place.cgi], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=self.log,
                              env=responder.environment(self.place, **variables)) as process:
            self.running.add(process)
            output, _ = process.communicate(body)
            self.running.remove(process)
        assert process.returncode == 0, process.returncode
        head, _, body = output.partition(b"\r\n\r\n")
        return parse(b"HTTP/1.1 " + head.removeprefix(b"Status: "), body)
