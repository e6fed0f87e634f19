"""A browser as a test has it: Chromium, driven by plain WebDriver requests."""

import base64
import json
import re
import subprocess
import time
import urllib.request

PATIENCE = 30

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"

OPTIONS = {
    "args": [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
    ],
}

KEYS = {"Enter": "\ue007", "Tab": "\ue004", "Escape": "\ue00c", "Shift": "\ue008", "Control": "\ue009"}


class Browser:
    """One window of its own, without anything remembered from before."""

    def __init__(self):
        command = ["chromedriver", "--port=0"]
        self.driver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        port = next(filter(None, (re.search(r"started successfully on port (\d+)", line) for line in self.driver.stdout)))
        self.base = f"http://127.0.0.1:{port[1]}"
        wanted = {"browserName": "chrome", "goog:chromeOptions": OPTIONS, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = f"/session/{session['sessionId']}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.ask("DELETE", self.session)
        finally:
            self.driver.kill()
            self.driver.wait()

    def ask(self, method, path, body=None):
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=2 * PATIENCE) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {json.load(error)['value']['message']}") from None

    def do(self, path, body=None):
        return self.ask("POST", self.session + path, body)

    def do_get(self, path):
        return self.ask("GET", self.session + path)

    def devtools(self, command, **params):
        return self.do("/goog/cdp/execute", {"cmd": command, "params": params})

    def open(self, url):
        # A new fragment alone would not load the page anew.
        self.do("/url", {"url": "about:blank"})
        self.do("/url", {"url": url})

    def run(self, script, *args):
        return self.do("/execute/sync", {"script": script, "args": list(args)})

    def run_async(self, script, *args):
        return self.do("/execute/async", {"script": script, "args": list(args)})

    def wait(self, what, script, *args):
        """Waits until the expression is so, and gives back what it is."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = self.run(f"return {script}", *args)
            if found:
                return found
        raise AssertionError(f"waited in vain until {what}: {self.run('return document.body.innerText')}")

    def text(self, selector):
        """What is seen of the one element."""
        return self.wait(f"{selector} is there", "document.querySelector(arguments[0])?.innerText", selector)

    def texts(self, selector):
        script = "return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility()).map(e => e.innerText)"
        return self.run(script, selector)

    def find(self, selector):
        self.wait(f"{selector} is there", "document.querySelector(arguments[0])", selector)
        return self.do("/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.do(f"/element/{self.find(selector)}/click")

    def type_into(self, selector, text):
        self.do(f"/element/{self.find(selector)}/value", {"text": text})

    def press(self, *keys):
        """Presses keys one after the other, and lets them go backwards."""
        down = [{"type": "keyDown", "value": KEYS.get(key, key)} for key in keys]
        up = [{"type": "keyUp", "value": KEYS.get(key, key)} for key in reversed(keys)]
        self.do("/actions", {"actions": [{"type": "key", "id": "keys", "actions": down + up}]})

    def type(self, text):
        keys = [{"type": kind, "value": letter} for letter in text for kind in ("keyDown", "keyUp")]
        self.do("/actions", {"actions": [{"type": "key", "id": "keys", "actions": keys}]})

    def set_width(self, width, height=900):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def set_scheme(self, scheme):
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def log(self, kind):
        return self.do("/se/log", {"type": kind})

    def requests(self):
        """The URLs that were asked for since the last time."""
        messages = (json.loads(entry["message"])["message"] for entry in self.log("performance"))
        return [message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"]

    def save(self, path):
        shot = self.do_get("/screenshot")
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot))
