"""A headless Chromium for the tests of pages: open a file, look at it, click, type, take a picture.

    with Browser(tmp_path) as browser:
        page = browser.open(tmp_path / "report.html", width=390)
        assert page.run("document.title") == "..." and page.errors == [] and page.requests == [page.url]

It speaks the DevTools protocol over two pipes (JSON objects, each ended by a zero byte), so it needs no package and no
port.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 60.0
"""Seconds to wait for an answer; two busy cores are slow."""
_KEYS = {"ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39, "Enter": 13, "Tab": 9, "Escape": 27,
         "Home": 36, "End": 35}
ALT, CONTROL, SHIFT = 1, 2, 8
"""Keys that are held while another is pressed; add them up."""


class Browser:
    """One Chromium with a profile of its own; every page is opened in it."""

    def __init__(self, folder: Path) -> None:
        """`folder`: where it may keep its profile. Skips the test where there is no Chromium."""
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if program is None:
            pytest.skip("needs chromium on the PATH")
        read, their_write = os.pipe()
        their_read, write = os.pipe()
        command = [
            program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
            "--disable-default-apps", "--mute-audio", "--hide-scrollbars", "--remote-debugging-pipe",
            f"--user-data-dir={folder / 'profile'}", "about:blank",
        ]
        # Chromium reads at 3 and writes at 4.
        shell = f'exec "$@" 3<&{their_read} 4>&{their_write}'
        self.process = subprocess.Popen(
            ["bash", "-c", shell, "browser", *command], pass_fds=(their_read, their_write), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(their_read)
        os.close(their_write)
        self._read, self._write = read, write
        self._buffer = b""
        self._number = 0
        self.pages: dict[str, Page] = {}

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self.call("Browser.close")
            self.process.wait(10)
        except (OSError, AssertionError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self._read)
        os.close(self._write)

    def open(self, path: Path | str, width: int = 1280, height: int = 900, dark: bool = False) -> Page:
        """Load a file, or an address, and wait until it has run."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self.pages[session] = Page(self, session, path if isinstance(path, str) else path.resolve().as_uri())
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=False)
        page.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        page.call("Page.navigate", url=page.url)
        self._until(lambda: page.loaded)
        return page

    def call(self, method: str, session: str = "", **values: Any) -> Any:
        """Send a command and return what it answers."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": values} | ({"sessionId": session} if session else {})
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data):]
        found: list[Any] = []

        def answered() -> bool:
            if found:
                return True
            got = self._last
            if got.get("id") == number:
                found.append(got)
            return bool(found)

        self._last: dict[str, Any] = {}
        self._until(answered)
        assert "error" not in found[0], f"{method}: {found[0]['error']}"
        return found[0]["result"]

    def _until(self, done: Any) -> None:
        end = time.monotonic() + PATIENCE
        while not done():
            while b"\0" not in self._buffer:
                ready, _, _ = select.select([self._read], [], [], max(0.0, end - time.monotonic()))
                assert ready, "the browser does not answer"
                some = os.read(self._read, 1 << 20)
                assert some, "the browser is gone"
                self._buffer += some
            first, self._buffer = self._buffer.split(b"\0", 1)
            self._last = json.loads(first)
            if (page := self.pages.get(self._last.get("sessionId", ""))) is not None and "method" in self._last:
                page.heard(self._last["method"], self._last["params"])


class Page:
    """A loaded page."""

    def __init__(self, browser: Browser, session: str, url: str) -> None:
        self.browser, self.session, self.url = browser, session, url
        self.loaded = False
        self.errors: list[str] = []
        """What the console says of errors and warnings, and what was thrown."""
        self.requests: list[str] = []
        """Every address that was asked for, without those inside the page (`data:`, `blob:`)."""

    def call(self, method: str, **values: Any) -> Any:
        """A command to this page."""
        return self.browser.call(method, self.session, **values)

    def run(self, script: str) -> Any:
        """The value of an expression in the page, as plain data."""
        got = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in got, got["exceptionDetails"]
        return got["result"].get("value")

    def click(self, selector: str, nth: int = 0) -> None:
        """Click in the middle of an element, as a mouse does."""
        spot = self.run(f"""(() => {{ const e = document.querySelectorAll({json.dumps(selector)})[{nth}];
            e.scrollIntoView({{block: "center"}}); const r = e.getBoundingClientRect();
            return [r.x + r.width / 2, r.y + r.height / 2]; }})()""")
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=spot[0], y=spot[1], clickCount=1,
                      button="none" if kind == "mouseMoved" else "left")

    def press(self, key: str, held: int = 0) -> None:
        """Press and let go of a key, while others are held."""
        types = (len(key) == 1 or key == "Enter") and not held & ~SHIFT
        text = {"text": "\r" if key == "Enter" else key} if types else {}
        code = _KEYS.get(key, ord(key.upper()) if len(key) == 1 else 0)
        for kind, more in (("keyDown", text), ("keyUp", {})):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, modifiers=held, **more)

    def type(self, text: str) -> None:
        """Put text where the cursor is."""
        self.call("Input.insertText", text=text)

    def picture(self, path: Path, whole: bool = True) -> None:
        """Save what is seen, or the whole page, as PNG."""
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(data["data"]))

    def heard(self, method: str, values: dict[str, Any]) -> None:
        """An event from the browser."""
        if method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Runtime.exceptionThrown":
            self.errors.append(str(values["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and values["type"] in ("error", "warning", "assert"):
            self.errors.append(str(values["args"]))
        elif method == "Log.entryAdded" and values["entry"]["level"] in ("error", "warning"):
            self.errors.append(str(values["entry"]))
        elif method == "Network.requestWillBeSent":
            url = values["request"]["url"]
            if not url.startswith(("data:", "blob:")):
                self.requests.append(url)
