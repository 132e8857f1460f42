"""The stand-in as a child process, for a test that must not share its interpreter."""

import json
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent.parent / "ringcentral.py"


class Remote:
    """Starts ringcentral.py with `arguments`; control() speaks to /stand-in/."""

    def __init__(self, directory, *arguments):
        self._child = subprocess.Popen(
            [sys.executable, PROGRAM, "--directory", directory, *arguments],
            stdout=subprocess.PIPE, text=True)
        ready = self._child.stdout.readline()
        if not ready:
            raise RuntimeError(f"ringcentral.py ended with {self._child.wait()}")
        for name, value in json.loads(ready).items():
            setattr(self, name, value)  # url, ca_file, credentials, hook_certificate, ...
        self._context = ssl.create_default_context(cafile=self.ca_file)

    def control(self, method, path, **values):
        """One call of the control interface; the decoded answer."""
        request = urllib.request.Request(
            f"{self.url}/stand-in/{path}", method=method,
            data=json.dumps(values).encode() if values else None)
        secure = self._context if self.url.startswith("https:") else None
        with urllib.request.urlopen(request, context=secure) as answer:
            return json.load(answer)

    def stop(self):
        self._child.terminate()
        self._child.wait(10)
        self._child.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()
