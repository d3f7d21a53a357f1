"""The real daemon and a real browser for the page's tests.

Chromium is the system's own (Debian: `apt-get install chromium`); Playwright only drives it. WebGL runs in
software, so views are kept small. Nothing waits for a time, only for what the page shows.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
TOOLS = Path(__file__).parent / "page_tools"

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)

PATIENCE = 180_000
"""Milliseconds until a missing reaction counts as none; a busy machine is no failure."""


@dataclass(frozen=True)
class Daemon:
    """A running daemon: its address and its token."""

    url: str
    token: str

    def login_link(self) -> str:
        """A fresh one-time link."""
        return json.loads(self.ask("/v1/login-links", "POST"))["url"]

    def ask(self, path: str, method: str = "GET") -> bytes:
        """The body of an answer to an authorised request."""
        headers = {"Authorization": f"Bearer {self.token}"}
        with urllib.request.urlopen(
            urllib.request.Request(self.url + path, method=method, headers=headers)
        ) as got:
            return got.read()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon of this module's own, as a process."""
    state = tmp_path_factory.mktemp("state")
    command = [sys.executable, "-m", "local_server", "--port", "0", "--state", str(state)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VANISHER_")}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "runs at" in process.stdout.readline()
            said = json.loads((state / "daemon.json").read_text())
            yield Daemon(said["url"], said["token"])
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def chromium() -> Iterator:
    """A browser."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


class Visit:
    """A page in a window of its own."""

    def __init__(self, browser, url: str, width: int = 900, height: int = 600, **options) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": height}, **options)
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.failures: list[str] = []
        self.page.on("pageerror", lambda error: self.failures.append(str(error)))
        self.page.goto(url)

    def close(self) -> None:
        """Ends it; errors that nobody caught fail the test."""
        self.context.close()
        assert self.failures == []


class Client(Visit):
    """The paint page, with what tests do to it often."""

    def __init__(self, browser, daemon: Daemon, width: int = 900, height: int = 600, **options) -> None:
        super().__init__(browser, daemon.login_link(), width, height, **options)

    def action(self, name: str):
        """The first visible button of an action."""
        return self.page.locator(f"[data-action={name}]").locator("visible=true").first

    def choose(self, name: str, file: Path) -> None:
        """Gives a file to an action that asks for one."""
        with self.page.expect_file_chooser() as chooser:
            self.action(name).click()
        chooser.value.set_files(file)

    def open(self, file: Path) -> None:
        """Opens a photograph and waits until it is there."""
        self.choose("open", file)
        self.page.locator("#name", has_text=file.name).wait_for(state="attached")  # narrow screens hide it

    def drag(self, *points: tuple[float, float]) -> None:
        """One stroke through positions of the stage, given as shares of its width and height."""
        box = self.page.locator("#stage").bounding_box()
        assert box is not None
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place)
        self.page.mouse.up()

    def press(self, key: str, times: int = 1) -> None:
        """Presses a key; many presses cost one drawing."""
        self.page.evaluate(
            "([key, times]) => { for (let i = 0; i < times; i += 1)"
            " window.dispatchEvent(new KeyboardEvent('keydown', {key})); }",
            [key, times],
        )

    def saved(self, name: str) -> bytes:
        """The bytes an action lets the user save."""
        with self.page.expect_download() as download:
            self.action(name).click()
        return Path(download.value.path()).read_bytes()

    def mask(self) -> np.ndarray:
        """The mask as the user would save it: HxW uint8; all 0 when there is nothing to save."""
        if self.action("save-mask").is_disabled():
            return np.zeros((1, 1), np.uint8)
        return np.asarray(Image.open(BytesIO(self.saved("save-mask"))))

    def work(self, name: str) -> None:
        """Clicks an action that the daemon works on, and waits for its end.

        The card with the progress shows before the request leaves, so once that is answered its going means the end.
        """
        with self.page.expect_response(lambda answer: answer.request.method == "POST"):
            self.action(name).click()
        self.page.locator("#work").wait_for(state="hidden")

    def erase(self) -> None:
        """Erases and waits for the fill, or fails with the page's sentence."""
        self.work("erase")
        error = self.page.locator(".notice.is-error")
        assert not error.is_visible(), error.inner_text()


def textured(height: int, width: int, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    """A picture with something to continue: slopes, stripes and grain; HxWx3."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(float)
    base = 0.5 + 0.2 * np.sin(x / 9) * np.cos(y / 13) + 0.2 * y / height
    grain = random.normal(0, 0.03, (height, width, 3))
    return ((base[..., None] + grain).clip(0, 1) * np.iinfo(dtype).max).astype(dtype)
