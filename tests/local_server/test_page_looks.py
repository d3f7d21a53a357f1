"""The page on every screen and for everyone: sizes, keyboard, accessibility, types."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.local_server.page_browser import ROOT, TOOLS, Client, Daemon, chromium, daemon, textured
from vanisher_core import Photo

__all__ = ["chromium", "daemon"]

PAGE = ROOT / "local_server" / "page"
INSTALL = "needs npm install --no-package-lock --prefix tests/local_server/page_tools"

OVERFLOWING = """() => [...document.querySelectorAll('button, input, select, canvas, h1, h2, p')]
  .filter((each) => each.checkVisibility())
  .filter((each) => { const box = each.getBoundingClientRect();
                      return box.left < -1 || box.right > innerWidth + 1 || box.top < -1; })
  .map((each) => each.outerHTML.slice(0, 120))"""


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "wide.png"
    Photo.from_array(textured(160, 320)).save(file)
    return file


@pytest.fixture(params=["dark", "light"])
def client(request: pytest.FixtureRequest, chromium, daemon: Daemon) -> Iterator[Client]:
    opened = Client(chromium, daemon, color_scheme=request.param)
    yield opened
    opened.close()


def serious(client: Client) -> list[str]:
    """What axe-core finds that keeps people out."""
    found = client.page.evaluate("() => axe.run(document)")
    return [
        f"{each['id']}: {node['html'][:120]} {node['failureSummary']}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def test_nothing_keeps_people_out(client: Client, photo: Path) -> None:
    axe = TOOLS / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.is_file():
        pytest.skip(INSTALL)
    client.page.evaluate(axe.read_text())
    assert serious(client) == []
    client.open(photo)
    client.page.get_by_label("Automatic").uncheck()
    client.drag((0.4, 0.5), (0.6, 0.5))
    assert serious(client) == []
    client.page.keyboard.press("c")
    client.page.locator("#divider:visible").wait_for()
    assert serious(client) == []
    client.page.keyboard.press("?")
    client.page.locator("#help:visible").wait_for()
    assert serious(client) == []


@pytest.mark.parametrize("width, height", [(1440, 900), (820, 1100), (390, 780)])
def test_fits_the_screen(chromium, daemon: Daemon, photo: Path, width: int, height: int) -> None:
    client = Client(chromium, daemon, width, height)
    assert client.page.evaluate(OVERFLOWING) == []
    client.open(photo)
    assert client.page.evaluate(OVERFLOWING) == []
    for name in ("open", "undo", "compare", "brush", "polygon", "erase", "download"):
        box = client.action(name).bounding_box()
        assert box is not None and box["y"] + box["height"] <= height, name
    stage = client.page.locator("#stage").bounding_box()
    assert stage is not None and stage["width"] * stage["height"] > 0.55 * width * height, "picture first"
    if width < 640:
        client.page.locator("#options").click()
        client.page.locator("#size").wait_for()
        assert client.page.evaluate(OVERFLOWING) == []
    client.close()


def test_everything_by_keyboard(chromium, daemon: Daemon, photo: Path) -> None:
    client = Client(chromium, daemon)
    client.open(photo)
    page = client.page
    reached = set()
    page.locator("body").click(position={"x": 2, "y": 2})
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("() => document.activeElement.dataset.action ?? document.activeElement.id"))
    wanted = {
        "open",
        "compare",
        "sphere",
        "fit",
        "brush",
        "polygon",
        "stage",
        "people",
        "size",
        "automatic",
        "panorama",
        "relight",
    }
    assert wanted <= reached

    page.locator("#stage").focus()
    page.keyboard.press("p")
    assert page.locator("[data-action=polygon]").get_attribute("aria-pressed") == "true"
    for x, y in ((0.4, 0.45), (0.6, 0.45), (0.5, 0.6)):
        client.drag((x, y))
    page.keyboard.press("Backspace")
    client.drag((0.5, 0.58))
    page.keyboard.press("Enter")
    assert (client.mask() > 0).any()
    size = page.locator("#size").input_value()
    page.keyboard.press("]")
    page.locator(f"#size-value:not(:text-is('{size} px'))").wait_for()
    page.keyboard.press("c")
    divider = page.locator("#divider")
    divider.wait_for()
    page.keyboard.press("End")
    assert divider.get_attribute("aria-valuenow") == "100"
    page.keyboard.press("Escape")
    divider.wait_for(state="hidden")
    page.keyboard.press("?")
    assert page.locator("#help dt").count() > 20
    client.close()


def test_zoom_keeps_the_place_under_the_pointer(chromium, daemon: Daemon, photo: Path) -> None:
    client = Client(chromium, daemon)
    client.open(photo)
    page = client.page
    page.keyboard.press("1")
    page.locator("#zoom", has_text="100 %").wait_for()
    page.keyboard.press("[")
    client.drag((0.55, 0.5))
    first = client.mask()
    page.keyboard.press("Control+z")
    client.drag((0.55, 0.5))  # leaves the pointer there
    page.keyboard.press("Control+z")
    page.mouse.wheel(0, -500)
    page.locator("#zoom:not(:text-is('100 %'))").wait_for()
    client.drag((0.55, 0.5))
    second = client.mask()
    centre = [np.argwhere(mask > 0).mean(axis=0) for mask in (first, second)]
    assert np.abs(centre[0] - centre[1]).max() < 1.5
    assert (second > 0).sum() < (first > 0).sum(), "the brush is finer when one looks closer"
    client.close()


def test_types() -> None:
    compiler = TOOLS / "node_modules" / ".bin" / "tsc"
    if not compiler.is_file():
        pytest.skip(INSTALL)
    done = subprocess.run([compiler, "-p", PAGE / "jsconfig.json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_nothing_from_elsewhere() -> None:
    """No address, no inline script or style: all the page needs comes from the daemon."""
    for file in PAGE.rglob("*"):
        if file.suffix not in (".html", ".js", ".css"):
            continue
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text and "https://" not in text, file
        assert "<style" not in text and "style=" not in text and " onclick=" not in text, file
        assert len(text.splitlines()) <= 400, file
