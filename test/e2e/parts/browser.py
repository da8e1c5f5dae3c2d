"""Chromium, headless, driven over its DevTools protocol."""

import json
import re
import shutil
import tempfile

from .process import PATIENCE, Process, wait_until
from .ws import WsPeer


class Browser(Process):
    is_client = True

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="chromium-")
        super().__init__("chromium", [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-breakpad", "--disable-crash-reporter", "--disable-extensions", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--mute-audio", "--remote-debugging-port=0",
            f"--user-data-dir={self.profile}", "about:blank"])
        address, path = self.wait_line(
            lambda line: (m := re.search(r"DevTools listening on ws://([^/]+)(/\S+)", line)) and m.groups())
        self.tools = WsPeer(address)
        assert self.tools.open(path, host=address).status == 101
        self.number = 0

    def call(self, method, session=None, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        self.tools.text(json.dumps({**message, "sessionId": session} if session else message))
        while True:
            answer = json.loads(self.tools.message()[1])
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]

    def page(self, url="about:blank"):
        return Page(self, url)

    def finish(self):
        try:
            self.call("Browser.close")
            self.tools.close()
            self.wait()
        except BaseException:
            self.kill()
            raise
        finally:
            shutil.rmtree(self.profile, ignore_errors=True)


class Page:
    def __init__(self, browser, url):
        self.browser = browser
        self.target = browser.call("Target.createTarget", url=url)["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]

    def js(self, expression):
        """The value of a JavaScript expression; a promise is awaited."""
        result = self.browser.call("Runtime.evaluate", self.session, expression=expression, returnByValue=True,
                                   awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait(self, expression, patience=PATIENCE):
        return wait_until(f"{expression} in the page", lambda: self.js(expression), patience)

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
