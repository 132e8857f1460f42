"""The check of our own endpoint: what is well passes, and each broken rule is told, it
and no other."""

import json
import re
import shutil
import ssl
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

import endpoints
from endpoints import BUILD, TOKEN, Reply, endpoint, healthy

RULES = ["https", "name", "public-address", "connection", "tls-version", "certificate",
         "certificate-expiry", "redirect", "status", "validation-token", "content-type",
         "compression", "size", "time", "verification-token", "wrong-token"]
SECRET = "a-secret-in-the-query"


@pytest.fixture(scope="session")
def directory():
    """The web servers' user must be able to enter it."""
    made = Path(tempfile.mkdtemp(prefix="ringspool-check-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="session")
def authority(directory):
    return endpoints.Authority(directory / "certificates")


@pytest.fixture(scope="session")
def pair(authority):
    return authority.serve("good")


@pytest.fixture
def receiver(directory, request):
    work = directory / request.node.name
    work.mkdir()
    return endpoints.receiver(work)


@pytest.fixture
def run(tmp_path, authority):
    """Runs `ringspool-renew check` on an address; no secret is in what it says."""
    def ran(address, token=TOKEN, ca_file=authority.root, options=()):
        tokens, config = tmp_path / "tokens", tmp_path / "ringspool.conf"
        tokens.write_text(f"{token}\n")
        tokens.chmod(0o640)
        config.write_text("\n".join([
            "[receiver]", *([f"verification_tokens = {tokens}"] if token else []),
            "[platform]", f"ca_file = {ca_file}", f"state_dir = {tmp_path}",
            "[subscription checked]", f"address = {address}?{SECRET}", "filter = voicemail", ""]))
        done = subprocess.run([BUILD / "ringspool-renew", "-c", config, *options, "check"],
                              capture_output=True, text=True, timeout=60, check=False)
        for word in (SECRET, TOKEN, "Sanitizer", "runtime error:"):
            assert word not in done.stdout + done.stderr, done
        return done
    return ran


@pytest.fixture
def check(run):
    """The report, by rule."""
    def checked(address, **how):
        done = run(address, options=["--json"], **how)
        (document,) = json.loads(done.stdout)["checks"]
        lines = document["rules"]
        assert [line["rule"] for line in lines] == RULES
        report = {line["rule"]: line for line in lines}
        assert done.returncode == (69 if with_outcome(report, "fail") else 0), done.stderr
        return report
    return checked


def with_outcome(report, *outcomes):
    return {rule for rule, line in report.items() if line["outcome"] in outcomes}


def fails(report, rule, measured, sub_code):
    """That rule alone fails, with a figure and a remedy."""
    assert with_outcome(report, "fail") == {rule}, report
    assert re.search(measured, report[rule]["measured"]), report[rule]
    assert report[rule]["sub_code"] == sub_code
    assert len(report[rule]["remedy"]) > 40


# What is well

@pytest.mark.parametrize("server", [endpoints.lighttpd, endpoints.apache])
def test_the_receiver_passes_and_spools_nothing(server, receiver, pair, check):
    with server(receiver, pair) as address:
        report = check(address)
    assert with_outcome(report, "pass") == set(RULES) - {"public-address"}, report
    assert report["public-address"]["outcome"] == "warn"    # it is 127.0.0.1
    assert report["tls-version"]["measured"] == "TLSv1.3"
    assert report["certificate"]["measured"] == "verified, 2 sent"
    assert re.fullmatch(r"(59|60) days left, until \d{4}-\d\d-\d\d",
                        report["certificate-expiry"]["measured"])
    assert receiver.spooled() == []


def test_a_site_that_adds_to_every_reply(receiver, pair, check):
    with endpoints.apache(receiver, pair, [f'Header always set X-Site "{"x" * 1000}"']) as address:
        fails(check(address), "size", r"^1[12]\d\d of 1024 bytes", "SUB-525")


def test_a_site_that_redirects_all(receiver, pair, check):
    with endpoints.lighttpd(receiver, pair, [
            'server.modules += ( "mod_redirect" )',
            'url.redirect = ( "" => "https://www.example.com${url.path}" )']) as address:
        fails(check(address), "redirect",
              "^301 to https://www.example.com/cgi-bin/ringspool.cgi$", "SUB-525")


def test_a_receiver_that_takes_any_sender(receiver, pair, check):
    receiver.config.write_text(f"[receiver]\nspool = {receiver.spool}\n")
    with endpoints.lighttpd(receiver, pair) as address:
        fails(check(address), "wrong-token", "^200$", None)
    assert receiver.spooled() == []


def test_a_receiver_without_its_spool(receiver, pair, check):
    receiver.spool.rename(receiver.work / "elsewhere")
    with endpoints.lighttpd(receiver, pair) as address:
        fails(check(address), "verification-token", "^503$", None)


def test_the_healthy_stand_in_passes(pair, check):
    """So that what the tests below see is what they broke."""
    with endpoint(healthy, pair) as (address, requests):
        report = check(address)
    assert with_outcome(report, "pass") == set(RULES) - {"public-address"}, report
    assert [bool(request.body) for request in requests] == [False, True, True]


def test_it_asks_as_ringcentral_asks(pair, check):
    with endpoint(healthy, pair) as (address, requests):
        check(address)
    for request in requests:
        assert request.headers["content-type"] == "application/json"
        assert request.headers["accept-encoding"] == "UTF-8"
        assert request.headers["user-agent"].startswith("RingCentral-Webhook/")
        assert "expect" not in request.headers
    handshake, right, wrong = requests
    assert handshake.headers["content-length"] == "0"
    assert re.fullmatch("[a-z2-7]{34}", handshake.headers["validation-token"])
    assert json.loads(right.body)["event"] == "/ringspool/check"
    assert right.headers["verification-token"] == TOKEN
    assert wrong.headers["verification-token"] not in (TOKEN, "")
    assert json.loads(right.body)["uuid"] != json.loads(wrong.body)["uuid"]


def test_tokens_differ_from_run_to_run(pair, check):
    with endpoint(healthy, pair) as (address, requests):
        check(address)
        check(address)
    assert requests[0].headers["validation-token"] != requests[3].headers["validation-token"]


def test_without_a_token_the_wrong_one_is_not_tried(pair, check):
    with endpoint(anybody, pair) as (address, requests):
        report = check(address, token=None)
    assert not with_outcome(report, "fail")
    assert report["verification-token"]["outcome"] == "pass"
    assert report["wrong-token"]["outcome"] == "skipped"
    assert "verification-token" not in requests[1].headers


def test_http_is_a_warning(check):
    with endpoint(healthy, None) as (address, _):
        report = check(address)
    assert with_outcome(report, "warn") == {"https", "public-address"}
    assert report["https"]["sub_code"] == "SUB-523"
    assert with_outcome(report, "skipped") == {"tls-version", "certificate", "certificate-expiry"}


# One rule broken in every reply

def changed(**headers):
    def respond(request):
        reply = healthy(request)
        reply.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        return reply
    return respond


def status(line, only_events=False):
    def respond(request):
        reply = healthy(request)
        if bool(request.body) == only_events:
            reply.status = line
        return reply
    return respond


def no_echo(request):
    reply = healthy(request)
    reply.headers.pop("Validation-Token", None)
    return reply


def altered_echo(request):
    reply = healthy(request)
    if "Validation-Token" in reply.headers:
        reply.headers["Validation-Token"] = reply.headers["Validation-Token"].upper()
    return reply


def double_echo(request):
    reply = healthy(request)
    if "Validation-Token" in reply.headers:
        reply.headers["validation-token"] = reply.headers["Validation-Token"]
    return reply


def no_content_type(request):
    reply = healthy(request)
    del reply.headers["Content-Type"]
    return reply


def html_to_events(request):
    reply = healthy(request)
    if request.body:
        reply.headers["Content-Type"] = "text/html"
    return reply


def compressed_to_events(request):
    reply = healthy(request)
    if request.body:
        reply.headers["Content-Encoding"] = "gzip"
    return reply


def of_size(size, chunked=False, only_events=False):
    """Replies of exactly that many bytes on the wire."""
    def respond(request):
        reply = healthy(request)
        if only_events and not request.body:
            return reply
        if chunked:
            reply.headers["Transfer-Encoding"] = "chunked"
            reply.body = b"1\r\n1\r\n" * 20 + b"0\r\n\r\n"
        reply.headers["X-Padding"] = ""
        reply.headers["X-Padding"] = "x" * (size - len(reply.encode()))
        assert len(reply.encode()) == size
        return reply
    return respond


def endless(request):
    head = healthy(request).encode().replace(b"Content-Length: 0\r\n", b"")
    return Reply(raw=head, endless=True)


def no_reply(request):
    request.gone()
    return Reply(raw=b"")


def hang_up(_request):
    return Reply(raw=b"")


def cut_short(request):
    return Reply(raw=healthy(request).encode().replace(b"Length: 0", b"Length: 9"))


def no_http(_request):
    return Reply(raw=b"220 mail.example.com ESMTP\r\n")


def slow(request):
    threading.Event().wait(3.1)
    return healthy(request)


def sluggish(request):
    threading.Event().wait(1.1)
    return healthy(request)


def anybody(request):
    reply = healthy(request)
    reply.status = "200 OK"
    return reply


def nobody(request):
    reply = healthy(request)
    if request.body:
        reply.status = "401 Unauthorized"
    return reply


def redirect(request):
    return changed(Location="https://other.example.com/here?token=geheim")(request)


BROKEN = {
    "404": (status("404 Not Found"), "status", "^404$", "SUB-525"),
    "204": (status("204 No Content"), "status", "^204$", "SUB-525"),
    "201": (status("201 Created"), "status", "^201$", "SUB-525"),
    "no reply": (hang_up, "status", "Empty reply", "SUB-525"),
    "cut short": (cut_short, "status", "9 bytes remaining", "SUB-525"),
    "no HTTP": (no_http, "status", "HTTP/0.9", "SUB-525"),
    "no echo": (no_echo, "validation-token", "^not echoed$", "SUB-520"),
    "altered echo": (altered_echo, "validation-token", "^echoed altered$", "SUB-520"),
    "echoed twice": (double_echo, "validation-token", "more than once", "SUB-520"),
    "html": (changed(Content_Type="text/html"), "content-type",
             r"^text/html \(handshake\)$", "SUB-525"),
    "json-like": (changed(Content_Type="application/json5"), "content-type",
                  "^application/json5", "SUB-525"),
    "no type": (no_content_type, "content-type", "^none", "SUB-525"),
    "html to events": (html_to_events, "content-type", r"\(test delivery\)$", "SUB-525"),
    "compressed": (changed(Content_Encoding="gzip"), "compression", "^gzip", "SUB-525"),
    "compressed to events": (compressed_to_events, "compression", r"\(test delivery\)$",
                             "SUB-525"),
    "1025 bytes": (of_size(1025), "size", "^1025 of 1024 bytes", "SUB-525"),
    "1025 bytes in chunks": (of_size(1025, chunked=True), "size", "^1025 of", "SUB-525"),
    "1025 bytes to events": (of_size(1025, only_events=True), "size",
                             r"\(test delivery\)$", "SUB-525"),
    "endless": (endless, "size", "^over .*of 1024", "SUB-525"),
    "right token refused": (nobody, "verification-token", "^401$", None),
    "no room for events": (status("503 Service Unavailable", only_events=True),
                           "verification-token", "^503$", None),
    "any token accepted": (anybody, "wrong-token", "^200$", None),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_rule_is_told(case, pair, check):
    respond, rule, measured, sub_code = BROKEN[case]
    with endpoint(respond, pair) as (address, _):
        report = check(address)
    if case == "no room for events":
        assert report.pop("wrong-token")["measured"] == "503"
    fails(report, rule, measured, sub_code)


@pytest.mark.parametrize("respond", [
    of_size(1024), of_size(1024, chunked=True),
    changed(Content_Type="Application/JSON; charset=UTF-8"), changed(Content_Encoding="identity")])
def test_what_is_just_allowed_passes(respond, pair, check):
    with endpoint(respond, pair) as (address, _):
        assert not with_outcome(check(address), "fail")


def test_a_redirect_is_not_followed(pair, check):
    def respond(request):
        reply = redirect(request)
        reply.status = "302 Found"
        return reply
    with endpoint(respond, pair) as (address, requests):
        report = check(address)
    fails(report, "redirect", "^302 to https://other.example.com/here$", "SUB-525")
    assert len(requests) == 1
    assert report["status"]["outcome"] == "skipped"


# Time

def test_more_than_3000_ms(pair, check):
    def respond(request):
        return healthy(request) if request.body else slow(request)
    with endpoint(respond, pair) as (address, _):
        fails(check(address), "time", r"^[345]\d\d\d of 3000 ms \(handshake\)$", "SUB-521")


def test_more_than_the_1000_ms_of_older_guides(pair, check):
    def respond(request):
        return sluggish(request) if request.body else healthy(request)
    with endpoint(respond, pair) as (address, _):
        report = check(address)
    assert not with_outcome(report, "fail")
    assert report["time"]["outcome"] == "warn"


def test_no_reply_at_all(pair, check):
    with endpoint(no_reply, pair) as (address, _):
        fails(check(address), "time", "^no reply in 6000 ms$", "SUB-521")


# Place, TLS, certificate

def test_no_such_name(check):
    fails(check("https://nothing.invalid/hook"), "name", ".", "SUB-521")


def test_nobody_listens(check):
    fails(check(f"https://localhost:{endpoints.free_port()}/hook"), "connection",
          "Failed to connect", "SUB-521")


@pytest.mark.filterwarnings("ignore:.*TLSv1_1 is deprecated")
def test_tls_1_1(pair, check):
    with endpoint(healthy, pair, ssl.TLSVersion.TLSv1_1) as (address, requests):
        fails(check(address), "tls-version", "protocol", "SUB-524")
    assert not requests


def test_tls_1_2(pair, check):
    with endpoint(healthy, pair, ssl.TLSVersion.TLSv1_2) as (address, _):
        report = check(address)
    assert report["tls-version"]["measured"] == "TLSv1.2"
    assert not with_outcome(report, "fail")


def test_plain_http_on_the_port(check):
    def respond(_request):
        return Reply(status="400 Bad Request")
    with endpoint(respond, None, ends_at=b"\x16") as (address, _):
        fails(check(address.replace("http:", "https:")), "tls-version", "wrong version",
              "SUB-524")


def test_no_answer_to_the_tls_handshake(check):
    with endpoint(no_reply, None, ends_at=b"\x16") as (address, _):
        fails(check(address.replace("http:", "https:")), "tls-version", "timed out", "SUB-524")


def test_a_full_backlog(check):
    with endpoints.full_backlog() as address:
        fails(check(address), "connection", "timed out", "SUB-521")


CERTIFICATES = {
    "expired": ({"days": "-1"}, "expired"),
    "lonely": ({"intermediates": False}, "unable to get local issuer"),
    "foreign": ({"names": "DNS:hooks.example.com"}, "subject name"),
}


@pytest.mark.parametrize("case", CERTIFICATES)
def test_bad_certificate(case, authority, check):
    how, measured = CERTIFICATES[case]
    with endpoint(healthy, authority.serve(case, **how)) as (address, requests):
        fails(check(address), "certificate", measured, "SUB-524")
    assert not requests     # nothing is told to whom is not trusted


def test_unknown_authority(pair, check):
    with endpoint(healthy, pair) as (address, _):
        fails(check(address, ca_file=""), "certificate", "unable to get local issuer", "SUB-524")


def test_ca_file_that_is_none(pair, check):
    with endpoint(healthy, pair) as (address, _):
        fails(check(address, ca_file="/nonexistent"), "certificate", ".", "SUB-524")


def test_about_to_expire(authority, check):
    with endpoint(healthy, authority.serve("old", days="13")) as (address, _):
        report = check(address)
    assert not with_outcome(report, "fail")
    assert report["certificate-expiry"]["outcome"] == "warn"
    assert re.match("1[23] days left", report["certificate-expiry"]["measured"])


# As text

def test_as_text(pair, run):
    with endpoint(changed(Content_Type="text/html"), pair) as (address, _):
        title, *lines = run(address).stdout.splitlines()
    assert title == f"checked: {address}?***"
    assert [line.split()[1] for line in lines if line[0] != " "] == RULES
    at = next(i for i, line in enumerate(lines) if line.startswith("fail"))
    assert lines[at] == "fail     content-type        text/html (handshake) [SUB-525]"
    assert lines[at + 1].startswith("         Apache: no ForceType")
