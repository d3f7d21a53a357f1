"""The paint client, driven like a user does: the real page, the real daemon, the real networks."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.local_server.page_browser import Client, Daemon, chromium, daemon, textured
from vanisher_core import Photo, Vanisher

__all__ = ["chromium", "daemon"]

GROW = 6


@pytest.fixture
def client(chromium, daemon: Daemon) -> Iterator[Client]:
    opened = Client(chromium, daemon)
    yield opened
    opened.close()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A 16-bit photograph."""
    file = tmp_path / "garden.png"
    Photo.from_array(textured(180, 240, np.uint16)).save(file)
    return file


def set_edge(client: Client, grow: int) -> None:
    """Grows every mask by a known width."""
    client.page.get_by_label("Automatic").uncheck()
    client.page.get_by_label("Grow").fill(str(grow))


def outside(mask: np.ndarray, grow: int, wrap: bool = False) -> np.ndarray:
    """Bool HxW: what no erasing may touch."""
    margin = mask.shape[1] // 2 if wrap else 0
    wide = np.pad(mask, ((0, 0), (margin, margin)), mode="wrap")
    away = cv2.distanceTransform((wide < 128).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return (away > grow + 1)[:, margin : margin + mask.shape[1]]


def test_paint_erase_undo_redo_download(client: Client, photo: Path) -> None:
    client.open(photo)
    assert "16 bit" in client.page.locator("#facts").text_content()
    set_edge(client, GROW)
    client.drag((0.45, 0.5), (0.55, 0.5))
    painted = client.mask()
    assert painted.shape == (180, 240) and set(np.unique(painted)) == {0, 255}

    client.page.keyboard.press("Control+z")
    assert client.action("erase").is_disabled()
    client.page.keyboard.press("Control+Shift+z")
    assert np.array_equal(client.mask(), painted)

    client.erase()
    assert client.action("erase").is_disabled(), "the mask is used up"
    after = Photo.from_bytes(client.saved("download")).array
    before = Photo.open(photo).array
    assert after.dtype == np.uint16
    kept = outside(painted, GROW)
    assert kept.any() and np.array_equal(after[kept], before[kept])
    assert (after[painted > 0] != before[painted > 0]).any()

    client.action("undo").click()  # takes the fill back and gives the mask again
    client.page.locator("[data-action=erase]:enabled").wait_for()
    assert np.array_equal(client.mask(), painted)
    assert client.saved("download") == photo.read_bytes()
    client.action("redo").click()
    client.page.locator("[data-action=erase]:disabled").wait_for()
    assert np.array_equal(Photo.from_bytes(client.saved("download")).array, after)


def test_another_fill_and_reload(client: Client, photo: Path) -> None:
    client.open(photo)
    client.drag((0.5, 0.4), (0.5, 0.6))
    client.erase()
    first = Photo.from_bytes(client.saved("download")).array
    client.work("another")
    second = Photo.from_bytes(client.saved("download")).array
    assert not np.array_equal(first, second)
    client.page.reload()
    client.page.locator("#name", has_text=photo.name).wait_for()
    assert np.array_equal(Photo.from_bytes(client.saved("download")).array, second)
    client.action("undo").click()
    client.page.locator("[data-action=undo]:disabled").wait_for()
    assert client.saved("download") == photo.read_bytes()


def test_people_button_proposes_a_mask_to_correct(client: Client, tmp_path: Path) -> None:
    from skimage import data

    file = tmp_path / "astronaut.png"
    Image.fromarray(data.astronaut()).save(file)
    client.open(file)
    client.action("people").click()
    client.page.locator("#notice", has_text="Marked people").wait_for()
    found = client.mask()
    assert np.array_equal(found, Vanisher(device="cpu").segment(Photo.open(file))["person"].array)
    client.page.keyboard.press("e")
    client.drag((0.4, 0.5), (0.6, 0.5))
    corrected = client.mask()
    assert corrected.sum() < found.sum() and (corrected <= found).all()
    client.page.keyboard.press("Control+z")
    client.page.keyboard.press("Control+z")
    assert client.action("erase").is_disabled(), "the proposal is one step of the history"


def test_furniture_button_answers_in_a_sentence(client: Client, photo: Path) -> None:
    client.open(photo)
    client.action("furniture").click()
    client.page.locator("#notice:visible").wait_for()
    assert "furniture" in client.page.locator("#notice-text").inner_text().lower()


def test_cancel_keeps_picture_and_mask(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "large.png"
    Photo.from_array(textured(1200, 1600)).save(file)
    client.open(file)
    client.page.keyboard.press("r")
    client.drag((0.2, 0.25), (0.8, 0.75))
    client.action("erase").click()
    client.action("cancel").click()
    client.page.locator("#notice", has_text="Cancelled").wait_for()
    assert client.action("redo").is_disabled() and client.action("erase").is_enabled()
    assert client.saved("download") == file.read_bytes()


def test_panorama_painted_across_the_seam(chromium, daemon: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "room.png"
    Photo.from_array(textured(256, 512)).save(file)
    client = Client(chromium, daemon, width=760, height=420)
    client.open(file)
    set_edge(client, GROW)
    client.action("sphere").click()
    client.page.locator("#sphere:visible").wait_for()
    client.press("ArrowLeft", half_turn(client))
    client.drag((0.3, 0.55), (0.7, 0.55))
    mask = client.mask()
    assert mask.shape == (256, 512)
    columns = np.flatnonzero(mask.any(axis=0))
    assert {0, 511} <= set(columns) and len(columns) < 256, "painted on both sides of the seam, nowhere else"
    rolled = np.roll(mask, 256, axis=1)
    assert cv2.connectedComponents((rolled > 0).astype(np.uint8))[0] == 2, "one piece"

    client.erase()
    after = np.asarray(Image.open(BytesIO(client.saved("download"))))
    before = np.asarray(Image.open(file))
    kept = outside(
        mask, GROW + 8, wrap=True
    )  # a circle on the sphere is wider in the picture off the equator
    assert np.array_equal(after[kept], before[kept])
    assert (after[mask > 0] != before[mask > 0]).any()
    client.close()


def test_shadows_are_lifted_from_panoramas_on_request(
    chromium, daemon: Daemon, photo: Path, tmp_path: Path
) -> None:
    file = tmp_path / "room.png"
    Photo.from_array(textured(256, 512)).save(file)
    client = Client(chromium, daemon, width=760, height=420)
    page = client.page
    client.open(photo)
    relight, sphere = page.get_by_label("Lift the shadows"), page.get_by_label("Full 360")
    assert not relight.is_visible(), "for panoramas only"
    client.open(file)
    assert relight.is_enabled() and not relight.is_checked()
    sphere.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert relight.is_checked(), "by keyboard"
    sphere.uncheck()
    assert relight.is_disabled()
    sphere.check()
    assert relight.is_enabled() and relight.is_checked()

    client.drag((0.45, 0.55), (0.52, 0.55))
    mask = client.mask()
    with page.expect_response(lambda answer: answer.url.endswith("/erase")) as started:
        client.erase()
    job = json.loads(daemon.ask(started.value.json()["urls"]["self"]))
    assert (job["kind"], job["state"]) == ("panorama", "done")
    done = job["result"]
    receipt = json.loads(
        daemon.ask(f"/v1/sessions/{done['session']}/versions/{done['version']['number']}/receipt")
    )
    assert receipt["relight"] is True and "room-light" in receipt["weights"]
    after, before = Photo.from_bytes(client.saved("download")).array, Photo.open(file).array
    assert (after[mask > 0] != before[mask > 0]).any()
    columns = np.flatnonzero(mask.any(axis=0))
    assert np.array_equal(after[:, columns[-1] + 128 :], before[:, columns[-1] + 128 :])
    client.close()


def half_turn(client: Client) -> int:
    """Presses of an arrow key (60 pixels each) for half a turn at the field of view a panorama opens with."""
    box = client.page.locator("#stage").bounding_box()
    assert box is not None
    return round(np.pi / (60 * 2 * np.tan(np.radians(37.5)) / box["height"]))


def test_masks_are_saved_and_loaded(client: Client, photo: Path, tmp_path: Path) -> None:
    client.open(photo)
    client.page.keyboard.press("l")
    client.drag((0.4, 0.4), (0.6, 0.42), (0.55, 0.6), (0.42, 0.58))
    painted = client.mask()
    file = tmp_path / "mask.png"
    file.write_bytes(client.saved("save-mask"))
    client.action("clear-mask").click()
    client.choose("load-mask", file)
    client.page.locator("[data-action=erase]:enabled").wait_for()
    assert np.array_equal(client.mask(), painted)

    Image.new("L", (10, 10), 255).save(file)
    client.choose("load-mask", file)
    client.page.locator(".notice.is-error", has_text="10 \u00d7 10").wait_for()
    assert np.array_equal(client.mask(), painted)


def test_what_is_no_photograph_is_refused_in_a_sentence(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "notes.png"
    file.write_text("not a picture")
    client.choose("open", file)
    client.page.locator(".notice.is-error").wait_for()
    assert len(client.page.locator("#notice-text").inner_text()) > 20
    assert client.page.locator("#welcome").is_visible()


def test_without_login_the_page_says_what_to_do(chromium, daemon: Daemon) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(daemon.url)
    page.locator(".notice.is-error", has_text="vanisher serve").wait_for()
    context.close()


def test_pen_pressure_and_fingers(chromium, daemon: Daemon, photo: Path) -> None:
    client = Client(chromium, daemon, width=700, height=600, has_touch=True)
    client.open(photo)
    devtools = client.context.new_cdp_session(client.page)
    box = client.page.locator("#stage").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def touch(kind: str, *points: tuple[float, float]) -> None:
        spots = [{"x": px, "y": py, "id": number} for number, (px, py) in enumerate(points)]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": spots})

    zoom = client.page.locator("#zoom").inner_text()
    touch("touchStart", (x - 20, y))
    touch("touchStart", (x - 20, y), (x + 20, y))
    touch("touchMove", (x - 60, y), (x + 60, y))
    touch("touchEnd")
    client.page.locator(f"#zoom:not(:text-is('{zoom}'))").wait_for()
    assert client.action("erase").is_disabled(), "a pinch paints nothing"

    def pen(force: float) -> int:
        common = {"x": x, "y": y, "button": "left", "clickCount": 1, "pointerType": "pen", "force": force}
        devtools.send("Input.dispatchMouseEvent", {"type": "mousePressed", **common})
        devtools.send("Input.dispatchMouseEvent", {"type": "mouseReleased", **common})
        area = int((client.mask() > 0).sum())
        client.page.keyboard.press("Control+z")
        return area

    assert 0 < pen(0.1) < pen(0.9)
    client.close()
