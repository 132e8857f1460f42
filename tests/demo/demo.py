#!/usr/bin/python3
"""What `make demo` shows: the main job for real, in a few seconds.

A lighttpd with TLS and both front ends behind it; the handshake; an event of
every family into the spool; the subscription created and renewed on a stand-in
for RingCentral, which then sends its own events; and the events taken out by a
command each.  All of it lives in a temporary directory and is gone at the end.
"""

import os
import pwd
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("RINGSPOOL_BUILD", "build")
sys.path.insert(0, str(ROOT / "tests/platform"))

import events
from ringcentral import RingCentral

TOKEN = "demo-verification-token"
CGI_PATH, FASTCGI_PATH = "/cgi-bin/ringspool.cgi", "/ringspool"
CONFIG = """[receiver]
spool = {scene.spool}
verification_tokens = {scene.directory}/tokens

[platform]
server = {scene.platform.url}
credentials = {scene.platform.credentials_directory}
ca_file = {scene.platform.ca_file}
state_dir = {scene.directory}/state

[subscription demo]
address = https://127.0.0.1:{scene.port}/ringspool
filter = inbound-sms
filter = voicemail
expires_in = 604800
renew_before = 86400
reminder_threshold = 172800
reminder_interval = 3600
"""
# Fails for voicemail, to show what becomes of an event that cannot be handled.
CONSUMER = '''case "$RINGSPOOL_EVENT" in *voicemail*) exit 100 ;; esac; cat >>"$1"'''


def say(text=""):
    print(text, flush=True)


def heading(text):
    say(f"\n== {text}")


def wait_until(condition, what):
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"demo: {what}: not within 20 s")
        time.sleep(0.01)


def listens(address):
    family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Scene:
    """The directory, who the web server runs as, and where the endpoint is."""

    def __init__(self, directory):
        self.directory = directory
        self.user = pwd.getpwnam("www-data") if os.geteuid() == 0 else None
        self.spool = directory / "spool"
        self.log = directory / "log"
        self.port = free_port()
        directory.chmod(0o755)
        self.spool.mkdir()
        (directory / "run").mkdir()
        (directory / "tokens").write_text(TOKEN + "\n")
        if self.user:
            os.chown(self.spool, 0, self.user.pw_gid)
            os.chown(directory / "tokens", 0, self.user.pw_gid)
            os.chown(directory / "run", self.user.pw_uid, self.user.pw_gid)
        self.spool.chmod(0o2770)
        (directory / "tokens").chmod(0o640)
        self.platform = RingCentral(directory / "ringcentral")
        self.authority = self.platform.authority
        self.pair = self.authority.issue("web-server")
        (directory / "state").mkdir()
        self.config = directory / "ringspool.conf"
        self.config.write_text(CONFIG.format(scene=self))

    def as_web_server(self):
        if not self.user:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def address(self, path):
        return f"https://127.0.0.1:{self.port}{path}"

    def names(self, folder="new"):
        return sorted(os.listdir(self.spool / folder))


@contextmanager
def running(scene, command, **options):
    """A program whose output goes to the demo's log."""
    with open(scene.log, "ab") as log:
        process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log,
                                   stdin=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextmanager
def responder(scene):
    path = scene.directory / "run/ringspool.sock"
    program = scene.directory / "ringspool.fcgi"
    program.write_bytes((BUILD / "ringspool.fcgi").read_bytes())
    program.chmod(0o755)
    with running(scene, [program, "-c", scene.config, "-s", path], **scene.as_web_server()):
        wait_until(lambda: listens(str(path)), "the responder")
        yield path


@contextmanager
def web_server(scene, socket_path):
    """lighttpd with the files as shipped; only the values are the demo's."""
    program = scene.directory / "ringspool.cgi"
    program.write_bytes((BUILD / "ringspool.cgi").read_bytes())
    program.chmod(0o755)
    shipped = ROOT / "lighttpd-conf"
    values = {"listen": f'"127.0.0.1:{scene.port}"', "cgi": f'"{program}"',
              "socket": f'"{socket_path}"', "certificate": f'"{scene.pair.certificate}"',
              "key": f'"{scene.pair.key}"',
              "environment": f'( "RINGSPOOL_CONFIG" => "{scene.config}" )'}
    lines = ['server.bind = "127.0.0.1"', f"server.port = {scene.port}",
             f'server.document-root = "{scene.directory}/run"',
             f'server.upload-dirs = ( "{scene.directory}/run" )']
    if scene.user:
        lines += ['server.username = "www-data"', 'server.groupname = "www-data"']
    lines += [f'include "{shipped}/ringspool-vars.conf"',
              *(f"var.ringspool_{name} := {value}" for name, value in values.items()),
              *(f'include "{shipped}/ringspool-{part}.conf"' for part in ("cgi", "fastcgi", "tls"))]
    config = scene.directory / "lighttpd.conf"
    config.write_text("\n".join(lines) + "\n")
    with running(scene, ["/usr/sbin/lighttpd", "-D", "-f", config]):
        wait_until(lambda: listens(("127.0.0.1", scene.port)), "lighttpd")
        yield


def post(scene, path, body=b"", **headers):
    """One request by curl; the reply's status line and headers, as text."""
    command = ["curl", "-sS", "-i", "--http1.1", "--cacert", str(scene.authority.ca_file),
               "-X", "POST", "-H", "Content-Type: application/json", "-H", "Expect:",
               "--data-binary", "@-"]
    for name, value in headers.items():
        command += ["-H", f"{name.replace('_', '-')}: {value}"]
    done = subprocess.run([*command, scene.address(path)], input=body,
                          capture_output=True, check=True)
    return done.stdout.decode()


def status(reply):
    return int(reply.split()[1])


def show_handshake(scene):
    heading("The handshake, as RingCentral does it before it creates a subscription")
    for path in (CGI_PATH, FASTCGI_PATH):
        reply = post(scene, path, Validation_Token="wtdwi2y88489yr34iwegsekshwekfhsdfh")
        say(f"POST {scene.address(path)}")
        say("  " + reply.strip().replace("\r\n", "\n  "))
        assert status(reply) == 200
        assert "Validation-Token: wtdwi2y88489yr34iwegsekshwekfhsdfh" in reply


def show_events(scene):
    heading("An event of every family, by CGI and by FastCGI in turn")
    before = set()
    for number, (family, name, event) in enumerate(events.samples()):
        path = (CGI_PATH, FASTCGI_PATH)[number % 2]
        body = events.encode(event)
        reply = post(scene, path, body, Verification_Token=TOKEN)
        [new] = set(scene.names()) - before
        before.add(new)
        say(f"  {status(reply)}  {'cgi ' if path == CGI_PATH else 'fcgi'}  {name:28} new/{new}")
        assert status(reply) == 200
        assert (scene.spool / "new" / new).read_bytes() == body
    say(f"{len(before)} events, each answered 200 and on disk byte for byte.")


def show_refusals(scene):
    heading("What is not taken in twice, or not at all")
    event = events.encode(events.make("inbound-sms"))
    count = len(scene.names())
    for what, body, token, expected in (
            ("a new event", event, TOKEN, 200), ("the same again, by the other front end",
                                                 event, TOKEN, 200),
            ("a wrong verification token", event, "guessed", 401),
            ("no event, from a proven sender (kept in bad/)", b"[1, 2]", TOKEN, 200)):
        path = FASTCGI_PATH if "again" in what else CGI_PATH
        reply = post(scene, path, body, Verification_Token=token)
        say(f"  {status(reply)}  {what}")
        assert status(reply) == expected
    assert len(scene.names()) == count + 1
    assert len(scene.names("bad")) == 1


def show_spool(scene):
    heading("The spool: a consumer takes files from new/ by rename or unlink")
    say(subprocess.run(["ls", "-l", scene.spool], capture_output=True, text=True,
                       check=True).stdout.rstrip())
    say(f"new/: {len(scene.names())} events, bad/: {len(scene.names('bad'))}, "
        f"renew/: {len(scene.names('renew'))} (a reminder was among the events)")


def call(scene, program, *arguments, expected=0):
    """One of the programs, as typed; what it printed."""
    words = [program, "-c", str(scene.config), *arguments]
    shown = [f"'{word}'" if " " in word else word for word in words]
    say("$ " + " ".join(shown).replace(str(scene.directory), "..."))
    done = subprocess.run([BUILD / program, *words[1:]], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in done.stdout.replace(str(scene.directory), "...").splitlines():
        say("  " + line)
    assert done.returncode == expected, f"{program} ended with {done.returncode}"
    return done.stdout


def show_renewal(scene):
    heading("The subscription, kept by cron's ringspool-renew on a stand-in for RingCentral")
    call(scene, "ringspool-renew", "-v")
    call(scene, "ringspool-renew", "list")
    say("A second run finds all well, and says nothing:")
    assert call(scene, "ringspool-renew") == ""
    before = len(scene.names())
    for kind in ("inbound-sms", "voicemail"):
        [delivery] = scene.platform.emit(kind)
        assert delivery["ok"], delivery
    say(f"RingCentral sends a text and a voicemail: {len(scene.names()) - before} new events.")
    assert len(scene.names()) == before + 2
    for mark in scene.names("renew"):       # of the sample, which is not ours
        (scene.spool / "renew" / mark).unlink()
    scene.platform.advance(5.5 * 86400)
    say(f"Five days and a half later its reminder arrives: renew/{scene.names('renew')[0]}")
    assert "renewed" in call(scene, "ringspool-renew", "-v")
    assert scene.names("renew") == []


def show_outage(scene):
    heading("An outage: the spool is gone, RingCentral gives up; and the recovery")
    scene.spool.rename(scene.directory / "gone")
    [delivery] = scene.platform.emit("inbound-sms")
    say(f"a text is refused: {delivery['reason']}")
    scene.platform.advance(600)
    [subscription] = scene.platform.subscriptions()
    say(f"ten minutes later the subscription is {subscription['status']}")
    call(scene, "ringspool-renew", expected=69)
    (scene.directory / "gone").rename(scene.spool)
    say("The spool is back:")
    assert "created" in call(scene, "ringspool-renew", "-v")
    [delivery] = scene.platform.emit("inbound-sms")
    assert delivery["ok"], delivery
    say("and events arrive again.")


def show_consumer(scene):
    heading("The events taken out by a command each; one kind fails, and is replayed")
    waiting = len(scene.names())
    handled = scene.directory / "handled"
    call(scene, "ringspool", "run", "--", "sh", "-c", CONSUMER, "sh", str(handled))
    call(scene, "ringspool", "list", "--state", "failed")
    call(scene, "ringspool", "replay", "--state", "failed", "--all")
    call(scene, "ringspool", "run", "--", "sh", "-c", 'cat >>"$1"', "sh", str(handled))
    say(f"{waiting} events were handed over; new/ holds {len(scene.names())}.")
    assert scene.names() == scene.names("failed") == []


def main():
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="ringspool-demo-"))
        scene = Scene(Path(directory))
        heading("A web server (lighttpd, TLS) with ringspool.cgi and ringspool.fcgi behind it")
        socket_path = stack.enter_context(responder(scene))
        stack.enter_context(web_server(scene, socket_path))
        stack.enter_context(scene.platform)
        say(f"serving {scene.address(CGI_PATH)} and {scene.address(FASTCGI_PATH)}")
        try:
            show_handshake(scene)
            show_events(scene)
            show_refusals(scene)
            show_spool(scene)
            show_renewal(scene)
            show_outage(scene)
            show_consumer(scene)
        except BaseException:
            say(scene.log.read_text(errors="replace"))
            raise
    say("\nAll as it should be; nothing is left running.")


if __name__ == "__main__":
    main()
