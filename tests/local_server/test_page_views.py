"""What the page shows: the 360° view when the graphics card goes away, the ring round the mask, light and dark."""

import base64
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.local_server.page_browser import PATIENCE, Client, Daemon, chromium, daemon, textured
from vanisher_core import Photo
from vanisher_core.mask import Mask, grown

__all__ = ["chromium", "daemon"]

LOSE = """() => {
  window.card = document.getElementById('sphere').getContext('webgl2').getExtension('WEBGL_lose_context');
  window.card.loseContext();
}"""


@pytest.fixture
def client(chromium, daemon: Daemon) -> Iterator[Client]:
    opened = Client(chromium, daemon, width=760, height=420)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def lab(chromium, daemon: Daemon) -> Iterator[Client]:
    opened = Client(chromium, daemon)
    yield opened
    opened.close()


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """A panorama."""
    file = tmp_path / "room.png"
    Photo.from_array(textured(256, 512)).save(file)
    return file


def seen(client: Client) -> np.ndarray:
    """The lower part of the 360 view as it is on the screen, where no message lies: HxWx3."""
    client.page.mouse.move(2, 2)  # no brush outline
    shot = Image.open(BytesIO(client.page.locator("#sphere").screenshot())).convert("RGB")
    return np.asarray(shot).astype(int)[shot.height // 3 :]


def until_seen(client: Client, wanted: Callable[[np.ndarray], bool]) -> np.ndarray:
    """The 360 view once it shows what is wanted."""
    for _ in range(PATIENCE // 50):
        if wanted(now := seen(client)):
            return now
        client.page.wait_for_timeout(50)
    raise AssertionError("the view never showed what it should")


def settled(client: Client) -> np.ndarray:
    """The view once its picture is there: no longer the even grey it begins with."""
    return until_seen(client, lambda now: now.std() > 10)


def wait_until_seen(client: Client, wanted: np.ndarray) -> None:
    """Until the view shows what it showed before."""
    until_seen(client, lambda now: np.abs(now - wanted).max() <= 8)


def test_the_360_view_comes_back_with_picture_and_mask(client: Client, room: Path) -> None:
    page = client.page
    client.open(room)
    client.action("sphere").click()
    bare = settled(client)
    client.drag((0.4, 0.5), (0.6, 0.5))
    before, painted = seen(client), client.mask()
    assert np.abs(before - bare).max() > 60, "the mask shows"

    page.evaluate(LOSE)
    page.locator(".notice.is-error", has_text="comes back by itself").wait_for()
    client.drag((0.3, 0.3), (0.3, 0.4), (0.3, 0.3))
    assert np.array_equal(client.mask(), painted), "nobody paints on what cannot be seen"
    page.evaluate("() => window.card.restoreContext()")
    page.locator("#notice", has_text="is back").wait_for()
    wait_until_seen(client, before)
    assert np.array_equal(client.mask(), painted)
    client.drag((0.3, 0.3), (0.3, 0.4))
    assert client.mask().sum() > painted.sum(), "and painting goes on"


def test_a_card_lost_meanwhile_is_no_lost_view(client: Client, room: Path) -> None:
    """Lost while the flat picture is on, or left while it is lost: the view can be opened again."""
    page = client.page
    client.open(room)
    client.action("sphere").click()
    before = settled(client)
    client.action("sphere").click()
    page.evaluate(LOSE)
    page.wait_for_function("() => document.getElementById('sphere').getContext('webgl2').isContextLost()")
    client.action("sphere").click()
    page.locator(".notice.is-error", has_text="flat view").wait_for()
    client.action("sphere").click()
    client.drag((0.5, 0.5))
    assert client.mask().any(), "the flat view goes on"
    page.keyboard.press("Control+z")
    client.action("sphere").click()
    page.evaluate("() => window.card.restoreContext()")
    wait_until_seen(client, before)


def test_without_webgl_the_flat_view_stays(chromium, daemon: Daemon, room: Path) -> None:
    client = Client(chromium, daemon, width=760, height=420)
    page = client.page
    page.add_init_script(
        "const real = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        " return kind === 'webgl2' ? null : real.call(this, kind, ...rest); };"
    )
    page.reload()
    client.open(room)
    client.action("sphere").click()
    page.locator(".notice.is-error", has_text="WebGL 2").wait_for()
    assert page.locator("#picture").is_visible() and not page.locator("#sphere").is_visible()
    assert client.action("sphere").get_attribute("aria-pressed") == "false"
    client.drag((0.4, 0.5), (0.6, 0.5))
    assert client.mask().any()
    client.close()


def test_flat_canvases_come_back(client: Client, room: Path) -> None:
    """A graphics reset empties them too, and only tells."""
    client.open(room)
    client.drag((0.4, 0.5), (0.6, 0.5))
    film = canvas(client)
    assert film.any()
    client.page.evaluate(
        """() => { for (const id of ['picture', 'mask', 'guides']) {
          const canvas = document.getElementById(id);
          canvas.width = canvas.width;
          canvas.dispatchEvent(new Event('contextrestored'));
        } }"""
    )
    assert np.array_equal(canvas(client), film)


def canvas(client: Client, name: str = "mask") -> np.ndarray:
    """A flat canvas' own pixels, after the next drawing: HxWx4."""
    address = client.page.evaluate(
        """(name) => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
          done(document.getElementById(name).toDataURL()))))""",
        name,
    )
    return np.asarray(Image.open(BytesIO(base64.b64decode(address.split(",")[1]))).convert("RGBA"))


def painted_ring(client: Client, file: Path, grow: int, soften: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Paints with a chosen edge; what the canvas shows (bool), and what the core will erase (bool)."""
    page = client.page
    client.open(file)
    page.keyboard.press("1")
    client.drag((0.45, 0.45), (0.55, 0.5))
    page.keyboard.press("r")
    client.drag((0.6, 0.4), (0.65, 0.45))
    plain = canvas(client)[..., 3] > 0
    page.get_by_label("Automatic").uncheck()
    page.get_by_label("Grow").fill(str(grow))
    page.get_by_label("Soften").fill(str(soften))
    shown = canvas(client)[..., 3] > 0
    assert shown.sum() > plain.sum() and shown[plain].all()
    return shown, grown(Mask.from_array(client.mask()), grow, soften).hole


def box(marks: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns that hold everything."""
    rows, columns = np.flatnonzero(marks.any(axis=1)), np.flatnonzero(marks.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def test_the_ring_is_what_will_be_erased(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "photo.png"
    Photo.from_array(textured(300, 400)).save(file)
    shown, hole = painted_ring(client, file, grow=23, soften=9)
    assert np.array_equal(shown[box(shown)], hole[box(hole)])
    client.drag((0.3, 0.6), (0.35, 0.6))  # the rest follows without a look at all of it
    shown, hole = canvas(client)[..., 3] > 0, grown(Mask.from_array(client.mask()), 23, 9).hole
    assert np.array_equal(shown[box(shown)], hole[box(hole)])
    client.page.keyboard.press("0")
    client.page.get_by_label("Automatic").check()
    assert (canvas(client)[..., 3] > 0).sum() < 0.8 * hole.sum()


def test_the_ring_from_far_away(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "large.png"
    Photo.from_array(textured(800, 1200)).save(file)
    _, hole = painted_ring(client, file, grow=60)
    client.page.keyboard.press("0")
    shown = canvas(client)[..., 3] > 0
    scale = float(client.page.locator("#zoom").inner_text().removesuffix(" %")) / 100
    for far, near in zip(box(shown), box(hole), strict=True):
        assert abs((far.stop - far.start) - (near.stop - near.start) * scale) <= 3
    assert abs(shown.sum() / scale**2 / hole.sum() - 1) < 0.06


def test_a_sphere_grows_by_another_rule(client: Client, room: Path) -> None:
    """There the ring would not be true off the horizon, so none is shown."""
    client.open(room)
    client.drag((0.45, 0.5), (0.55, 0.5))
    bare = canvas(client)
    client.page.get_by_label("Automatic").uncheck()
    assert np.array_equal(canvas(client), bare)
    client.page.locator("#panorama").uncheck()
    assert (canvas(client)[..., 3] > 0).sum() > (bare[..., 3] > 0).sum()


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**31), share=st.floats(0.0005, 0.05), grow=st.integers(1, 40), part=st.floats(0, 1)
)
def test_ring_values_are_the_core_s(lab: Client, seed: int, share: float, grow: int, part: float) -> None:
    marks = (np.random.default_rng(seed).random((60, 80)) < share).astype(np.uint8) * 255
    marks[30, 40] = 255
    feather = round(part * grow)
    found = lab.page.evaluate(
        """async ([text, width, edge]) => {
          const {ringOf} = await import('/modules/ring.js');
          return Array.from(ringOf(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)), width, 1, edge));
        }""",
        [base64.b64encode(marks.tobytes()).decode(), 80, {"grow": grow, "feather": feather}],
    )
    wanted = grown(Mask.from_array(marks), grow, feather).alpha.astype(int)
    assert np.abs(np.reshape(found, wanted.shape) - wanted).max() <= 1  # the core rounds floats of 32 bit
    assert np.array_equal(np.reshape(found, wanted.shape) > 0, wanted > 0)


def test_light_and_dark_follow_the_system_until_chosen(chromium, daemon: Daemon) -> None:
    client = Client(chromium, daemon, color_scheme="light")
    page = client.page

    def ground() -> str:
        return page.evaluate("() => getComputedStyle(document.getElementById('stage')).backgroundColor")

    light, dark = "rgb(211, 211, 213)", "rgb(22, 22, 23)"
    assert ground() == light
    page.emulate_media(color_scheme="dark")
    assert ground() == dark
    page.locator("#theme").click()
    assert ground() == light
    page.reload()
    assert ground() == light, "kept"
    page.emulate_media(color_scheme="light")
    page.locator("#theme").click()
    assert ground() == dark
    client.close()
