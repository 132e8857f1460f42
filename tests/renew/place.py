"""A place of its own for each test: configuration, credentials, state, a spool; and
the program, run in it."""

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / os.environ.get("RINGSPOOL_BUILD", "build") / "ringspool-renew"
PATIENCE = 30
LONGEST_RUN = 60        # seconds; it may wait 30 of them

TOKEN = "first-verification-token"
OTHER_TOKEN = "second-verification-token"
LIST = ("GET", "/restapi/v1.0/subscription")
CREATE = ("POST", "/restapi/v1.0/subscription")
AUTHORISE = ("POST", "/restapi/oauth/token")
SUBSCRIPTIONS = LIST[1]


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE} s"
        time.sleep(0.01)
    return value


@dataclass(frozen=True)
class Result:
    status: int
    out: str
    err: str

    @property
    def document(self):
        return json.loads(self.out)


class Place:
    """`sections` maps a subscription's name to its settings, of which `filter` may be a
    list; `platform_settings` are further ones of [platform]."""

    def __init__(self, work, platform, hook):
        self.work = work
        self.platform = platform
        self.hook = hook
        self.config = work / "ringspool.conf"
        self.state = work / "state"
        self.spool = work / "spool"
        self.tokens = work / "tokens"
        self.state.mkdir(mode=0o755)
        (self.spool / "renew").mkdir(parents=True)
        self.use_token(TOKEN)
        self.sections = {"inbound": {"address": hook.address, "filter": ["inbound-sms",
                                                                         "voicemail"]}}
        self.platform_settings = {}
        self.wrapper = []               # what runs the program
        self.receiver_settings = {"verification_tokens": self.tokens}

    def use_token(self, *tokens):
        self.tokens.write_text("".join(f"{token}\n" for token in tokens))
        self.tokens.chmod(0o640)

    def declare(self, name="inbound", **settings):
        self.sections.setdefault(name, {}).update(settings)

    def write_config(self):
        receiver = {"spool": self.spool, **self.receiver_settings}
        platform = {"server": self.platform.url, "ca_file": self.platform.ca_file,
                    "credentials": self.platform.credentials_directory,
                    "state_dir": self.state, **self.platform_settings}
        sections = {"receiver": receiver, "platform": platform}
        sections.update({f"subscription {name}": settings
                         for name, settings in self.sections.items()})
        with self.config.open("w") as out:
            for section, settings in sections.items():
                out.write(f"[{section}]\n")
                for key, value in settings.items():
                    for one in value if isinstance(value, list) else [value]:
                        out.write(f"{key} = {one}\n")

    # -- running

    def start(self, *arguments, environment=None, **options):
        """The program, started; its output goes to files, as under a terminal's shell."""
        self.write_config()
        variables = {"PATH": os.environ["PATH"], "LANG": "C", **(environment or {})}
        command = [*self.wrapper, PROGRAM, "-c", self.config, *arguments]
        return subprocess.Popen(command, env=variables, stdin=subprocess.DEVNULL,
                                start_new_session=True, **options)

    def run(self, *arguments, environment=None):
        with (self.work / "out").open("w+") as out, (self.work / "err").open("w+") as err:
            process = self.start(*arguments, environment=environment, stdout=out, stderr=err)
            try:
                status = process.wait(LONGEST_RUN)
            finally:
                process.kill()
            out.seek(0)
            err.seek(0)
            return self._judged(Result(status, out.read(), err.read()))

    def run_under_cron(self, *arguments):
        """Its output goes to files without a name, as Debian's cron collects it, and
        there is no terminal."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = self.start(*arguments, stdout=out, stderr=err)
            try:
                process.wait(timeout=LONGEST_RUN)
            finally:
                process.kill()
            texts = [collected.seek(0) or collected.read().decode() for collected in (out, err)]
        return self._judged(Result(process.returncode, *texts))

    def run_under_another_cron(self, *arguments):
        """The same with pipes."""
        process = self.start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(timeout=LONGEST_RUN)
        finally:
            process.kill()
        return self._judged(Result(process.returncode, out.decode(), err.decode()))

    @staticmethod
    def _judged(result):
        for mark in ("Sanitizer", "runtime error:"):
            assert mark not in result.err, result.err
        return result

    def well(self, *arguments, **options):
        """A run that must be good and, without -v, silent."""
        result = self.run(*arguments, **options)
        assert result.status == 0, result
        assert result.err == "", result
        return result

    # -- what came of it

    def calls(self):
        """(method, path) of all requests since the last look, but for the token's."""
        calls = [(one["method"], one["path"]) for one in self.platform.requests()]
        self.platform.forget_requests()
        return [call for call in calls if call != AUTHORISE]

    def present(self):
        return self.platform.subscriptions()

    def ours(self, address=None):
        """The one subscription of our address."""
        found = [one for one in self.present()
                 if one["deliveryMode"]["address"] == (address or self.hook.address)]
        assert len(found) == 1, found
        return found[0]

    def learnt(self):
        return json.loads((self.state / "state.json").read_text())

    def change_state(self, change):
        state = self.learnt()
        change(state)
        (self.state / "state.json").write_text(json.dumps(state))

    def status(self):
        return json.loads((self.state / "status.json").read_text())

    def remind(self, subscription_id):
        (self.spool / "renew" / subscription_id).touch()

    def reminders(self):
        return sorted(one.name for one in (self.spool / "renew").iterdir())


def one(record):
    """The path of one subscription."""
    return f"{SUBSCRIPTIONS}/{record['id']}"
