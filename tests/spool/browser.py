"""Headless Chromium, driven over its debugging pipe: a page in a window of a given size,
in light or dark, and what the browser made of it."""

import base64
import json
import os
import shutil
import subprocess
import tempfile

SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--remote-debugging-pipe")


class Browser:
    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="ringspool-chromium-")
        here, there = os.pipe(), os.pipe()
        # It reads what it shall do from descriptor 3 and answers on 4.
        script = f"exec chromium {' '.join(SWITCHES)} --user-data-dir={self.home} about:blank " \
                 f"3<&{here[0]} 4>&{there[1]}"
        self.process = subprocess.Popen(
            ["bash", "-c", script], pass_fds=(here[0], there[1]), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | {"HOME": self.home, "XDG_CONFIG_HOME": self.home,
                              "XDG_CACHE_HOME": self.home})
        os.close(here[0])
        os.close(there[1])
        self.out = os.fdopen(here[1], "wb", buffering=0)
        self.into = os.fdopen(there[0], "rb")
        self.number, self.session, self.events = 0, None, []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def message(self):
        text = b""
        while not text.endswith(b"\0"):
            byte = self.into.read1(1)
            assert byte, "Chromium ended"
            text += byte
        return json.loads(text[:-1])

    def ask(self, method, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        self.out.write(json.dumps(request).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                assert "error" not in answer, (method, answer)
                return answer["result"]
            self.events.append(answer)

    def open(self, path, width, height=844, scheme="light"):
        """Show a file in a window of this size."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=1, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events.clear()
        self.ask("Page.navigate", url=f"file://{path}")
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self.message())

    def ask_page(self, expression):
        """The value of an expression in the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def requests(self):
        """The addresses that were asked for."""
        return [event["params"]["request"]["url"] for event in self.events
                if event["method"] == "Network.requestWillBeSent"]

    def complaints(self):
        """What it wrote to its console: of the page's errors, or its policy."""
        return [event["params"] for event in self.events
                if event["method"] in ("Log.entryAdded", "Runtime.exceptionThrown",
                                       "Runtime.consoleAPICalled")]

    def picture(self):
        """The whole page, as PNG."""
        return base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def close(self):
        self.session = None
        self.ask("Browser.close")
        self.process.wait(60)
        self.out.close()
        self.into.close()
        shutil.rmtree(self.home, ignore_errors=True)
