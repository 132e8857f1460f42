"""No secret in any output, in the files of the state, or in the process listing: not even
where the platform repeats it."""

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from place import TOKEN, SUBSCRIPTIONS, wait_until

QUERY = "auth_token=hush-hush-hush"


@pytest.fixture
def secretive(place):
    place.declare(address=f"{place.hook.address}?{QUERY}")
    return place


def secrets(place):
    credentials = place.platform.credentials
    found = [credentials.client_secret, credentials.jwt, TOKEN, "hush-hush-hush"]
    cache = place.state / "token.json"
    if cache.exists():
        found.append(json.loads(cache.read_text())["access_token"])
    return found


def search(place, text, where):
    for secret in secrets(place):
        assert secret not in text, f"a secret in {where}"


def search_files(place):
    for path in place.state.iterdir():
        if path.name != "token.json":
            search(place, path.read_text(), path.name)


COMMANDS = [[], ["list"], ["show", "inbound"], ["update"], ["renew"], ["token"], ["check"],
            ["delete", "inbound"], ["create"]]


def test_no_command_shows_a_secret(secretive):
    for command in COMMANDS:
        for options in ([], ["-vv"], ["--json", "-vv"], ["-n", "-vv"]):
            result = secretive.run(*command, *options)
            search(secretive, result.out + result.err, f"the output of {command} {options}")
            search_files(secretive)
            secretive.platform.forget_rates()


@pytest.mark.parametrize("method, path", [
    ("POST", "/restapi/oauth/token"), ("GET", SUBSCRIPTIONS), ("POST", SUBSCRIPTIONS)])
def test_what_the_platform_repeats_is_masked(secretive, method, path):
    credentials = secretive.platform.credentials
    told = f"refused: {credentials.jwt} {credentials.client_secret} {TOKEN} {QUERY}"
    body = {"error": "invalid_grant", "error_description": told, "errorCode": "CMN-101",
            "message": told, "errors": [{"errorCode": "CMN-101", "message": told}]}
    for options in ([], ["-vv"], ["--json", "-vv"]):
        secretive.platform.fault("body", method=method, path=path, status=400,
                                 text=json.dumps(body))
        result = secretive.run(*options)
        assert result.status in (76, 77, 78) and "refused: *** *** ***" in result.err
        search(secretive, result.out + result.err, "the output")
        search_files(secretive)


def test_the_access_token_repeated_in_a_header_is_masked(secretive):
    secretive.well()
    token = json.loads((secretive.state / "token.json").read_text())["access_token"]
    secretive.platform.fault("status", method="GET", status=400,
                             headers=[["X-Debug", f"Bearer {token}"],
                                      ["WWW-Authenticate", token], ["Set-Cookie", "s=hush"]])
    result = secretive.run("-vv")
    assert "X-Debug: Bearer ***" in result.err
    assert token not in result.err and "s=hush" not in result.err


def test_what_the_platform_repeats_in_a_record_is_masked(secretive):
    secretive.well()
    secretive.hook.behave(status=404)
    record = secretive.present()[0]
    secretive.platform.set_status(record["id"], f"Odd {TOKEN}")
    secretive.platform.fault("wrong-types", method="GET", count=0, changes={
        "status": f"Odd {TOKEN}", "blacklistedData": {"reason": QUERY},
        "disabledFilters": [{"filter": "/x", "reason": TOKEN, "message": QUERY}]})
    for command in ([], ["list"], ["show", "inbound"], ["list", "--json"]):
        result = secretive.run(*command)
        assert "Odd ***" in result.out + result.err
        search(secretive, result.out + result.err, f"the output of {command}")
        search_files(secretive)
    assert secretive.status()["subscriptions"][0]["status"] == "Odd ***"


def test_a_long_header_is_masked_before_it_is_cut(secretive):
    """Of a secret across the cut the first half would be shown."""
    secretive.well()
    token = json.loads((secretive.state / "token.json").read_text())["access_token"]
    jwt = secretive.platform.credentials.jwt
    secretive.platform.fault("status", method="GET", status=400, headers=[
        ["X-Debug", f"assertion={jwt * 3}"], ["X-Cut", "x" * 580 + token],
        ["RCRequestId", "r" * 70 + token]])
    result = secretive.run("-vv")
    assert "X-Debug: assertion=***" in result.err
    for secret in (jwt, token):
        assert secret[:8] not in result.err


SECRET_VALUES = ["hush-hush-hush", "hush hush/hush", "hush&hush=hush"]


@pytest.mark.parametrize("value", SECRET_VALUES)
@pytest.mark.parametrize("quoted", ["?tenant=1&amp;auth_token={raw}", "auth_token is {raw}",
                                    "auth_token is {decoded}", "{all}"])
def test_each_parameter_of_an_address_is_masked(place, value, quoted):
    raw = quote(value, safe="/")
    query = f"tenant=1&auth_token={raw}"
    place.declare(address=f"{place.hook.address}?{query}")
    body = {"errorCode": "CMN-101", "message": "refused: " + quoted.format(
        raw=raw, decoded=value, all=quote(query, safe=""))}
    place.platform.fault("body", method="POST", path=SUBSCRIPTIONS, status=400,
                         text=json.dumps(body))
    result = place.run()
    assert result.status == 78 and "***" in result.err
    told = result.err + (place.state / "status.json").read_text()
    assert "hush" not in told


def test_an_active_subscription_is_active_whatever_the_query_holds(place):
    place.declare(address=f"{place.hook.address}?state=Active&type=application/json")
    for _ in range(2):
        place.well()
    assert place.status()["subscriptions"][0]["status"] == "Active"
    (report,) = place.run("check", "--json").document["checks"]
    outcomes = {line["rule"]: line["outcome"] for line in report["rules"]}
    assert outcomes["content-type"] == "pass"


def test_basic_authorisation_repeated_is_masked(place):
    credentials = place.platform.credentials
    pair = f"{credentials.client_id}:{credentials.client_secret}".encode()
    text = base64.b64encode(pair).decode()
    place.platform.fault("body", path="/restapi/oauth/token", status=400, text=json.dumps({
        "error": "invalid_client", "error_description": f"bad: Basic {text}"}))
    result = place.run()
    assert result.status == 77 and "bad: Basic ***" in result.err
    assert text not in result.err + (place.state / "status.json").read_text()


@pytest.mark.parametrize("before", [0, 70])
def test_what_the_endpoint_repeats_is_masked(place, before):
    """Also where the figure's length cuts it."""
    place.hook.behave(content_type="x" * before + TOKEN)
    for arguments in (["check"], ["check", "--json"], ["--json"], []):
        result = place.run(*arguments)
        assert result.status == 69
        assert "content-type" in result.out + result.err
        assert TOKEN[:8] not in result.out + result.err
    assert TOKEN[:8] not in (place.state / "status.json").read_text()


def test_a_password_in_somebody_else_s_address_is_not_shown(place):
    place.platform.add_subscription("https://user:pass-word@hooks.example.com/x?secret=1",
                                    ["/restapi/v1.0/account/~/presence"])
    for arguments in (["list"], ["list", "--json"]):
        result = place.well(*arguments)
        assert "https://***@hooks.example.com/x?***" in result.out
        assert "pass-word" not in result.out


def test_texts_of_the_platform_do_not_steer_a_terminal(secretive):
    secretive.well()
    secretive.platform.fault("wrong-types", method="GET", path=SUBSCRIPTIONS, count=2,
                             changes={"status": "\033[2JActive\n"})
    for command in (["list"], ["show", "inbound"]):
        result = secretive.run(*command)
        assert "\033" not in result.out + result.err and "\\x1B[2J" in result.out


def test_nothing_shows_in_the_process_listing(secretive):
    secretive.platform.fault("slow", method="GET", path=SUBSCRIPTIONS, seconds=60)
    process = secretive.start("-vv", stderr=(secretive.work / "err").open("w"))
    wait_until(lambda: (secretive.state / "token.json").exists(), "the token")
    search(secretive, Path(f"/proc/{process.pid}/cmdline").read_text(), "the process listing")
    search(secretive, Path(f"/proc/{process.pid}/environ").read_text(), "the environment")
    process.kill()
    process.wait()


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604])
def test_credentials_that_others_get_at_are_refused(secretive, mode):
    directory = secretive.work / "credentials"
    directory.mkdir(mode=0o700)
    for path in secretive.platform.credentials_directory.iterdir():
        (directory / path.name).write_text(path.read_text())
        (directory / path.name).chmod(0o600)
    secretive.platform_settings["credentials"] = directory
    secretive.well()
    (directory / "jwt").chmod(mode)
    result = secretive.run()
    assert result.status == 77 and "jwt" in result.err and "chmod 0600" in result.err
    (directory / "jwt").chmod(0o600)
    directory.chmod(0o777)
    assert "chmod 0700" in secretive.run().err
