"""Endpoints to be checked: a small one that breaks a single rule, and the real web
servers with the receiver behind them."""

import os
import pwd
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("RINGSPOOL_BUILD", "build")
WEB = pwd.getpwnam("www-data")
TOKEN = "the-verification-token"
PATIENCE = 20


# Certificates

def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """A root, an intermediate below it, and server certificates of the latter."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir()
        self.root = self._issue("root", None, "CA:TRUE", "90")
        self._issue("intermediate", "root", "CA:TRUE", "90")

    def _issue(self, name, issuer, constraint, days, names="DNS:localhost"):
        """A certificate and its key, NAME.pem and NAME.key."""
        place = self.directory / name
        extensions = place.with_suffix(".ext")
        extensions.write_text(f"basicConstraints=critical,{constraint}\nsubjectAltName={names}\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-subj", f"/CN=ringspool test {name}",
                "-keyout", place.with_suffix(".key"), "-out", place.with_suffix(".csr"))
        signer = self.directory / (issuer or name)
        openssl("x509", "-req", "-in", place.with_suffix(".csr"), "-days", days,
                *(["-CA", signer.with_suffix(".pem"), "-CAkey", signer.with_suffix(".key")]
                  if issuer else ["-signkey", place.with_suffix(".key")]),
                "-extfile", extensions, "-out", place.with_suffix(".pem"))
        return place.with_suffix(".pem")

    def serve(self, name, days="60", names="DNS:localhost", intermediates=True):
        """What a server presents, and its key."""
        leaf = self._issue(name, "intermediate", "CA:FALSE", days, names)
        chain = self.directory / f"{name}-chain.pem"
        chain.write_bytes(leaf.read_bytes() + (
            (self.directory / "intermediate.pem").read_bytes() if intermediates else b""))
        return Pair(chain, leaf.with_suffix(".key"))


@dataclass(frozen=True)
class Pair:
    chain: Path
    key: Path


# The small one

@dataclass
class Request:
    headers: dict
    body: bytes
    gone: object        # called: waits until the client hung up


@dataclass
class Reply:
    status: str = "200 OK"
    headers: dict = field(default_factory=lambda: {"Content-Type": "application/json"})
    body: bytes = b""
    raw: bytes = None   # instead of all that
    endless: bool = False   # goes on until the client hangs up

    def encode(self):
        lines = [f"HTTP/1.1 {self.status}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if "Transfer-Encoding" not in self.headers:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join(lines + ["", ""]).encode() + self.body if self.raw is None else self.raw


def healthy(request):
    """What the receiver does."""
    reply = Reply()
    if "validation-token" in request.headers:
        reply.headers["Validation-Token"] = request.headers["validation-token"]
    if request.body and request.headers.get("verification-token") != TOKEN:
        reply.status = "401 Unauthorized"
    return reply


def read_request(connection, ends_at):
    data = b""
    while ends_at not in data:
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")[1:]
    headers = {name.lower(): value.strip() for name, _, value in
               (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)

    def gone():
        with suppress(OSError):
            while connection.recv(65536):
                continue
    return Request(headers, body, gone)


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        server = self.server
        self.request.settimeout(PATIENCE)
        # A client that does not like the certificate goes away: it may.
        with suppress(OSError):
            connection = self.request
            if server.context:
                connection = server.context.wrap_socket(connection, server_side=True)
            request = read_request(connection, server.ends_at)
            if request:
                server.requests.append(request)
                reply = server.respond(request)
                connection.sendall(reply.encode())
                while reply.endless:
                    connection.sendall(b" " * 65536)
                connection.close()


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 16


@contextmanager
def endpoint(respond, pair, version=None, ends_at=b"\r\n\r\n"):
    """Serves on a port of its own; with `version` only that of TLS; without a pair HTTP.
    `ends_at` is where a request's head ends. Gives the address and the requests that
    came."""
    with Server(("127.0.0.1", 0), Handler) as server:
        server.respond, server.requests, server.context = respond, [], None
        server.ends_at = ends_at
        if pair:
            server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.context.load_cert_chain(pair.chain, pair.key)
        if version:
            server.context.set_ciphers("ALL:@SECLEVEL=0")
            server.context.minimum_version = server.context.maximum_version = version
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        scheme = "https" if pair else "http"
        try:
            yield f"{scheme}://localhost:{server.server_address[1]}/hook", server.requests
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def full_backlog():
    """Somebody listens and has no room for one connection more."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield f"https://localhost:{listener.getsockname()[1]}/hook"


# The real ones

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Receiver:
    """ringspool.cgi with a spool and one verification token."""
    work: Path
    spool: Path
    cgi: Path
    config: Path

    def spooled(self):
        return [path for name in ("new", "bad", "renew", "seen")
                for path in (self.spool / name).rglob("*") if path.is_file()]


def receiver(work):
    """`work` and what is above must be open to the web server's user."""
    spool, tokens, config = work / "spool", work / "tokens", work / "ringspool.conf"
    spool.mkdir()
    os.chown(spool, 0, WEB.pw_gid)
    spool.chmod(0o2770)
    tokens.write_text(TOKEN + "\n")
    os.chown(tokens, 0, WEB.pw_gid)
    tokens.chmod(0o640)
    config.write_text(f"[receiver]\nspool = {spool}\nverification_tokens = {tokens}\n")
    cgi = Path(shutil.copy(BUILD / "ringspool.cgi", work))
    return Receiver(work, spool, cgi, config)


@contextmanager
def started(command, port, log):
    with open(log, "wb") as output:
        # Apache ends its whole process group, hence a session of its own.
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=output, start_new_session=True)
    try:
        deadline = time.monotonic() + PATIENCE
        while not accepts(port):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.01)
        yield f"https://localhost:{port}/cgi-bin/ringspool.cgi"
    finally:
        process.terminate()
        process.wait(PATIENCE)


def lighttpd(place, pair, extra=()):
    port, conf, config = free_port(), ROOT / "lighttpd-conf", place.work / "lighttpd.conf"
    config.write_text("\n".join([
        'server.bind = "127.0.0.1"', f"server.port = {port}",
        f'server.document-root = "{place.work}"', f'server.username = "{WEB.pw_name}"',
        f'server.groupname = "{WEB.pw_name}"', f'include "{conf}/ringspool-vars.conf"',
        f'var.ringspool_listen := "127.0.0.1:{port}"',
        f'var.ringspool_certificate := "{pair.chain}"', f'var.ringspool_key := "{pair.key}"',
        f'var.ringspool_cgi := "{place.cgi}"',
        f'var.ringspool_environment := ( "RINGSPOOL_CONFIG" => "{place.config}" )',
        f'include "{conf}/ringspool-cgi.conf"', f'include "{conf}/ringspool-tls.conf"',
        *extra, ""]))
    return started(["lighttpd", "-D", "-f", config], port, place.work / "lighttpd.log")


def apache(place, pair, extra=()):
    port, work, config = free_port(), place.work, place.work / "apache.conf"
    modules = ("alias", "authz_core", "cgid", "env", "headers", "mpm_event", "reqtimeout",
               "socache_shmcb", "ssl")
    values = {"NAME": "localhost", "LISTEN": f"127.0.0.1:{port}", "CERTIFICATE": pair.chain,
              "KEY": pair.key, "CGI": place.cgi, "CONFIG": place.config,
              "FRONT": ROOT / "apache-conf/ringspool-cgi.conf"}
    config.write_text("\n".join([
        f"ServerRoot {work}", f"PidFile {work}/apache.pid", f"DefaultRuntimeDir {work}",
        f"ErrorLog {work}/apache-error.log", f"Mutex file:{work}", "ServerName localhost",
        f"Listen 127.0.0.1:{port}", f"User {WEB.pw_name}", f"Group {WEB.pw_name}",
        *(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
          for name in modules),
        f"ScriptSock {work}/cgisock", *extra,
        *(f"Define RINGSPOOL_{name} {value}" for name, value in values.items()),
        f"Include {ROOT}/apache-conf/ringspool-tls.conf", ""]))
    return started(["apache2", "-D", "FOREGROUND", "-f", config], port, work / "apache.log")
