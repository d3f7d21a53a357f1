"""The page to look round in, as a visitor handles it: in a real browser, from a file."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from panorama import Frame, write_viewer
from tests.local_server.page_browser import Visit, chromium  # noqa: F401 - a fixture
from vanisher_core import Photo


@pytest.fixture
def page(chromium, tmp_path: Path) -> Iterator:  # noqa: F811 - the fixture
    """The page of a dark panorama before and a light one after, drawn; errors that nobody caught fail the test."""
    before, after = (Photo.from_array(np.full((64, 128, 3), value, np.uint8)) for value in (40, 220))
    write_viewer(tmp_path / "view.html", Frame.full(128, 64), before, after)
    visit = Visit(chromium, (tmp_path / "view.html").as_uri(), 480, 320)
    visit.page.locator("output", has_text="0°, 0°, 80°").wait_for()
    yield visit.page
    visit.close()


def looks_at(page) -> tuple[float, float, float]:
    """Yaw and pitch in degrees, and the field, as the page has them."""
    look = page.evaluate("window.look")
    return math.degrees(look["yaw"]), math.degrees(look["pitch"]), look["field"]


def test_dragging_turns_what_is_seen(page) -> None:
    page.mouse.move(200, 100)
    page.mouse.down()
    page.mouse.move(260, 140, steps=4)
    page.mouse.up()
    yaw, pitch, _ = looks_at(page)
    assert -25 < yaw < -10 and 5 < pitch < 15  # the picture follows the hand
    page.locator("output", has_text=f"{yaw:.0f}°").wait_for()
    page.mouse.move(300, 200)
    assert looks_at(page)[0] == yaw


def test_keys_and_the_wheel_turn_and_zoom(page) -> None:
    page.locator("canvas").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    yaw, pitch, field = looks_at(page)
    assert yaw > 0 and pitch > 0 and field == 80
    page.mouse.move(240, 100)
    page.mouse.wheel(0, -300)
    page.wait_for_function("window.look.field < 80")


def test_the_slider_moves_between_before_and_after(page) -> None:
    slider = page.locator("#part")
    box = slider.bounding_box()
    page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    page.wait_for_function("Number(document.querySelector('#part').value) < 0.1")
    page.wait_for_function("parseFloat(document.querySelector('#line').style.left) < 10")
    page.locator("canvas").focus()
    page.keyboard.press("Space")
    page.wait_for_function("Number(document.querySelector('#part').value) === 1")


def test_a_browser_that_cannot_draw_says_so(page) -> None:
    shown = page.locator("#failed")
    assert not shown.is_visible()
    page.evaluate("fail('no WebGL here')")
    assert shown.is_visible() and "no WebGL here" in shown.inner_text()
