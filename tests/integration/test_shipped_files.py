"""Configuration as shipped: what the tools of the system say of it, and its defaults."""

import os
import re
import shutil
import stat
import subprocess

import pytest

import fastcgi
import responder
from notification import sms
from process import Program, running, wait_until
from settings import CGI, FCGI, ROOT, SERVICE, TOKENS, WEB

ETC = ROOT / "etc"
EXAMPLE = ETC / "ringspool.conf"


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=False, stdin=subprocess.DEVNULL, **options)


def in_force(config, **environment):
    """What -T says of the settings: key to value."""
    done = run(CGI, "-T", "-c", config, env=environment)
    return dict(re.findall(r"^(\w+) = (.*?)  \(", done.stdout, re.M)), done.returncode


def test_example_configuration_is_accepted(place):
    _, status = in_force(EXAMPLE, RINGSPOOL_SPOOL=str(place.spool.path))
    assert status == 0


def test_example_configuration_names_every_setting_and_its_default(place):
    receiver, _, _ = EXAMPLE.read_text().partition("[platform]")
    shown = dict(re.findall(r"^;(\w+) = (.*)$", receiver, re.M))
    place.config.write_text("[receiver]\n")
    defaults, _ = in_force(place.config)
    assert shown.keys() == defaults.keys()
    for key, value in defaults.items():
        assert value in (shown[key], "none"), key


@pytest.fixture
def root(place):
    """A file system root with the programs and the unit files installed."""
    made = place.work / "root"
    shutil.copytree("/usr/lib/systemd/system", made / "usr/lib/systemd/system", symlinks=True)
    for name, folder in (("ringspool.service", "systemd/system"), ("ringspool.socket", "systemd/system"),
                         ("sysusers.d/ringspool.conf", "sysusers.d"),
                         ("tmpfiles.d/ringspool.conf", "tmpfiles.d")):
        target = made / "usr/lib" / folder
        target.mkdir(exist_ok=True)
        shutil.copy(ETC / name, target)
    for folder in ("usr/bin", "etc"):
        (made / folder).mkdir()
    for program in (FCGI, shutil.which("kill")):
        shutil.copy(program, made / "usr/bin")
    return made


def test_systemd_accepts_the_units(root):
    done = run("systemd-analyze", "verify", f"--root={root}", "--man=no",
               "ringspool.socket", "ringspool.service")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_service_is_confined():
    """systemd's own measure, from 0 (safe) to 10, times 10."""
    done = run("systemd-analyze", "security", "--offline=true", "--threshold=10",
               ETC / "ringspool.service")
    assert done.returncode == 0, done.stdout


def test_service_user_and_socket_directory_are_made(root):
    """Not the spool: it would be taken for the volume that was to be mounted there."""
    for command in (["systemd-sysusers"], ["systemd-tmpfiles", "--create"]):
        done = run(*command, f"--root={root}", "ringspool.conf")
        assert done.returncode == 0, done.stderr
    assert re.search(r"^ringspool:x:", (root / "etc/group").read_text(), re.M)
    assert re.search(r"^ringspool:x:", (root / "etc/passwd").read_text(), re.M)
    assert stat.S_IMODE((root / "run/ringspool").stat().st_mode) == 0o755
    assert not (root / "var/spool/ringspool").exists()


def system_calls(group):
    """The members of one of systemd's groups of system calls."""
    members = set()
    for word in run("systemd-analyze", "syscall-filter", group).stdout.split("\n")[1:]:
        word = word.strip()
        if word.startswith("@"):
            members |= system_calls(word)
        elif word and not word.startswith("#"):
            members.add(word)
    return members


def allowed_system_calls():
    allowed = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", (ETC / "ringspool.service").read_text(), re.M):
        named = set().union(*(system_calls(word) if word.startswith("@") else {word}
                              for word in line.lstrip("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed


def test_service_may_do_what_the_responder_does(place):
    """All system calls of a life: start, handshake, event, repeat, refusal, end;
    in a spool without set-group-ID bit, where it must set the group itself."""
    place.spool.path.chmod(0o770)
    trace = place.work / "run" / "trace"
    proof = {"HTTP_VERIFICATION_TOKEN": TOKENS[0]}
    event = sms()
    with responder.listener(place.socket) as held:
        environment = responder.environment(place, ASAN_OPTIONS="detect_leaks=0")
        user = {"user": SERVICE, "group": SERVICE, "extra_groups": [WEB.pw_gid]}
        traced = Program(["strace", "-D", "-f", "-o", trace, place.fcgi], place.log,
                         stdin=held.fileno(), env=environment, **user)
        with running(traced):
            assert fastcgi.ask(place.socket, HTTP_VALIDATION_TOKEN="token").status == 200
            assert fastcgi.ask(place.socket, event, **proof).status == 200
            assert fastcgi.ask(place.socket, event, **proof).status == 200
            assert fastcgi.ask(place.socket, event).status == 401
            assert fastcgi.ask(place.socket, method="GET").status == 200
    ended = re.compile(rf"^{traced.pid} +\+\+\+ exited with 0", re.M)
    wait_until(lambda: ended.search(trace.read_text()), "end of the trace")
    calls = re.findall(r"^\d+ +(\w+)\((.*)$", trace.read_text(), re.M)
    assert len(calls) > 100
    assert {name for name, _ in calls} - allowed_system_calls() == set()
    families = {arguments.split(",")[0] for name, arguments in calls if name == "socket"}
    assert families <= {"AF_UNIX"}
    writable_code = [arguments for name, arguments in calls
                     if name in ("mmap", "mprotect") and "PROT_WRITE|PROT_EXEC" in arguments]
    assert writable_code == []


APACHE_MODULES = ["mpm_event", "authz_core", "alias", "env", "headers", "reqtimeout",
                  "socache_shmcb", "ssl", "http2", "cgid", "proxy", "proxy_fcgi", "fcgid"]


@pytest.mark.parametrize("front", ["cgi", "proxy-fcgi", "fcgid"])
def test_apache_accepts_the_defaults(place, certificates, front):
    """Nothing defined but what must exist: certificate and program."""
    config = place.work / "apache.conf"
    conf_available = place.work / "conf-available"
    shutil.copytree(ROOT / "apache-conf", conf_available)
    config.write_text("\n".join([
        f"ServerRoot {place.work}", f"PidFile {place.work}/pid", f"ErrorLog {place.work}/log",
        f"DefaultRuntimeDir {place.work}", "ServerName localhost", "Listen 127.0.0.1:1",
        *(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in APACHE_MODULES),
        *([] if front == "cgi" else [f"Define RINGSPOOL_FRONT conf-available/ringspool-{front}.conf"]),
        f"Define RINGSPOOL_CERTIFICATE {certificates.chain}", f"Define RINGSPOOL_KEY {certificates.key}",
        f"Define RINGSPOOL_FCGI {place.fcgi}", "Include conf-available/ringspool-tls.conf", ""]))
    done = run("apache2", "-t", "-f", config)
    assert (done.returncode, done.stderr) == (0, "Syntax OK\n")


@pytest.mark.parametrize("front", ["cgi", "fastcgi", "fastcgi-spawn"])
def test_lighttpd_accepts_the_defaults(place, front):
    shipped = ROOT / "lighttpd-conf"
    config = place.work / "lighttpd.conf"
    config.write_text("\n".join([
        f'server.document-root = "{place.work}"', "server.port = 1", "server.modules = ()",
        *(f'include "{shipped}/ringspool-{name}.conf"' for name in ("vars", front, "tls")), ""]))
    done = run("lighttpd", "-p", "-f", config)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert "/etc/ssl/ringspool/fullchain.pem" in done.stdout


def test_nginx_accepts_the_defaults(place, certificates):
    config = place.work / "nginx.conf"
    config.write_text(f"""
error_log stderr;
pid {place.work}/pid;
events {{ }}
http {{
    access_log off;
    include {ETC}/nginx-ringspool-upstream.conf;
    server {{
        listen 127.0.0.1:1 ssl;
        ssl_certificate {certificates.chain};
        ssl_certificate_key {certificates.key};
        include {ETC}/nginx-ringspool.conf;
    }}
}}
""")
    done = run("nginx", "-t", "-e", "stderr", "-c", config)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def test_reload_tries_first_what_the_new_settings_name(place):
    """systemd ends a reload with the first of its commands that fails."""
    test, hang_up = re.findall("^ExecReload=(.*)$", (ETC / "ringspool.service").read_text(), re.M)
    assert hang_up == "kill -HUP $MAINPID"
    command = test.replace("/usr/bin/ringspool.fcgi", str(place.fcgi)).split()
    try_out = {"env": responder.environment(place), **responder.AS_SERVICE,
               "stdout": subprocess.PIPE, "text": True, "check": False}
    assert subprocess.run(command, **try_out).returncode == 0
    place.config.write_text(place.config.read_text().replace("spool\n", "spoool\n"))
    done = subprocess.run(command, **try_out)
    assert done.returncode == os.EX_CONFIG
    assert "spoool: does not exist" in done.stdout
