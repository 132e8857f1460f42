"""No secret in any output, in the files of the state, or in the process listing: not even
where the platform repeats it."""

import json
from pathlib import Path

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
