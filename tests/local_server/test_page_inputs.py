"""What comes in by hand: files dropped and pasted, fingers and pens; all as the browser itself delivers them."""

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.local_server.page_browser import Client, Daemon, chromium, daemon, textured
from vanisher_core import Photo

__all__ = ["chromium", "daemon"]

Place = tuple[float, float]


class Hands:
    """A client with a touch screen, a pen, and files that can be dropped on it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.devtools = client.context.new_cdp_session(client.page)

    def at(self, x: float, y: float) -> Place:
        """Page position of a share of the stage."""
        box = self.client.page.locator("#stage").bounding_box()
        assert box is not None
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def touch(self, kind: str, *points: Place) -> None:
        """One touch event, with all fingers that are down after it."""
        spots = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": spots})

    def pinch(self, start: tuple[Place, Place], end: tuple[Place, Place], steps: int = 4) -> None:
        """Two fingers, one after the other, from two places to two others."""
        self.touch("touchStart", start[0])
        self.touch("touchStart", *start)
        for share in np.linspace(0, 1, steps + 1)[1:]:
            here = np.array(start) + share * (np.array(end) - np.array(start))
            self.touch("touchMove", *((float(x), float(y)) for x, y in here))
        self.touch("touchEnd")

    def pen(self, kind: str, place: Place, force: float = 0.5) -> None:
        """One event of a pen: Pressed, Moved or Released."""
        self.devtools.send(
            "Input.dispatchMouseEvent",
            {"type": f"mouse{kind}", "x": place[0], "y": place[1], "button": "left", "buttons": 1,
             "clickCount": 1, "pointerType": "pen", "force": force},
        )  # fmt: skip

    def drag_in(self, *kinds: str, files: tuple[Path, ...] = (), texts: dict[str, str] | None = None) -> None:
        """Something dragged over the stage: files, or texts by their media type."""
        items = [{"mimeType": kind, "data": text} for kind, text in (texts or {}).items()]
        items += [{"mimeType": "image/png", "data": ""} for _ in files]
        data = {"items": items, "files": [str(file) for file in files], "dragOperationsMask": 1}
        x, y = self.at(0.5, 0.5)
        for kind in kinds:
            self.devtools.send("Input.dispatchDragEvent", {"type": kind, "x": x, "y": y, "data": data})

    def drop(self, *files: Path) -> None:
        """Drags files over the stage and lets go."""
        self.drag_in("dragEnter", "dragOver", "drop", files=files)

    def shows(self, name: str) -> None:
        """Waits until a photograph is open and no work goes on."""
        self.client.page.locator("#name", has_text=name).wait_for(state="attached")
        self.client.page.locator("#work").wait_for(state="hidden")


@pytest.fixture
def hands(chromium, daemon: Daemon) -> Iterator[Hands]:
    client = Client(chromium, daemon, width=800, height=600, has_touch=True)
    yield Hands(client)
    client.close()


@pytest.fixture
def photos(tmp_path: Path) -> tuple[Path, Path]:
    """Two small photographs."""
    files = tmp_path / "first.png", tmp_path / "second.png"
    for number, file in enumerate(files):
        Photo.from_array(textured(120, 160 + 40 * number, seed=number)).save(file)
    return files


def test_dropped_photographs_open(hands: Hands, photos: tuple[Path, Path]) -> None:
    first, second = photos
    page = hands.client.page
    veil = page.locator(".veil")
    hands.drag_in("dragEnter", "dragOver", files=(first,))
    veil.wait_for()
    page.evaluate(
        "() => document.body.dispatchEvent(new DragEvent('dragleave', {bubbles: true}))"
    )  # the devtools send none
    veil.wait_for(state="hidden")
    hands.drop(first)
    hands.shows("first.png")
    veil.wait_for(state="hidden")
    assert hands.client.saved("download") == first.read_bytes()
    hands.drop(second)  # nothing to lose: no question
    hands.shows("second.png")
    assert hands.client.saved("download") == second.read_bytes()


def test_a_drop_onto_unsaved_work_asks_first(hands: Hands, photos: tuple[Path, Path]) -> None:
    first, second = photos
    client, asked = hands.client, []
    hands.drop(first)
    hands.shows("first.png")
    client.drag((0.45, 0.5), (0.55, 0.5))
    painted = client.mask()

    def answer(yes: bool) -> None:
        def reply(dialog) -> None:
            asked.append(dialog.message)
            dialog.accept() if yes else dialog.dismiss()

        client.page.once("dialog", reply)

    answer(yes=False)
    hands.drop(second)
    assert len(asked) == 1 and "lost" in asked[0]
    hands.shows("first.png")
    assert np.array_equal(client.mask(), painted)
    answer(yes=True)
    hands.drop(second)
    hands.shows("second.png")
    assert client.action("erase").is_disabled(), "the old mask is gone"


def test_text_and_links_are_not_taken(hands: Hands, photos: tuple[Path, Path]) -> None:
    page = hands.client.page
    address = page.url
    for texts in ({"text/plain": "hello"}, {"text/uri-list": "http://127.0.0.1:9/elsewhere"}):
        hands.drag_in("dragEnter", "dragOver", texts=texts)
        assert not page.locator(".veil").is_visible(), "nothing would open"
        hands.drag_in("drop", texts=texts)
        assert page.url == address and page.locator("#welcome").is_visible()
    assert not page.locator("#notice").is_visible()
    hands.drop(photos[0])
    hands.shows("first.png")


def test_of_several_files_the_first_photograph_opens(
    hands: Hands, photos: tuple[Path, Path], tmp_path: Path
) -> None:
    notes = tmp_path / "a-notes.txt"
    notes.write_text("not a picture")
    hands.drop(notes, *photos)
    hands.shows("first.png")
    assert "3 files" in hands.client.page.locator("#notice-text").inner_text()
    for useless in (notes, tmp_path):
        hands.drop(useless)
        hands.client.page.locator(".notice.is-error").wait_for()
        hands.shows("first.png")
        hands.client.page.locator("#notice-close").click()


def test_a_photograph_left_behind_says_nothing(hands: Hands, photos: tuple[Path, Path]) -> None:
    """Views of a closed picture that were still on their way are no errors of the next one."""
    first, second = photos
    page, held = hands.client.page, []
    page.route("**/view?*", lambda route: held.append(route))  # the daemon's answers wait
    hands.drop(first)
    hands.shows("first.png")
    while not held:
        page.wait_for_timeout(20)
    hands.drop(second)
    hands.shows("second.png")
    while len({route.request.url.split("/view")[0] for route in held}) < 2:
        page.wait_for_timeout(20)
    with page.expect_response(held[-1].request.url):
        for route in held:
            route.continue_()
    assert not page.locator(".notice.is-error").is_visible()


def test_a_pasted_picture_opens(hands: Hands, photos: tuple[Path, Path]) -> None:
    client, first = hands.client, photos[0]
    client.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = client.page
    page.bring_to_front()
    page.evaluate("() => navigator.clipboard.writeText('only words')")
    page.keyboard.press("Control+v")
    assert page.locator("#welcome").is_visible() and not page.locator("#notice").is_visible()
    page.evaluate(
        """async (text) => {
          const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          const blob = new Blob([bytes], {type: 'image/png'});
          await navigator.clipboard.write([new ClipboardItem({'image/png': blob})]);
        }""",
        base64.b64encode(first.read_bytes()).decode(),
    )
    page.keyboard.press("Control+v")
    hands.shows(".png")
    after = Photo.from_bytes(client.saved("download")).array
    assert np.array_equal(after[..., :3], Photo.open(first).array)


def test_a_pinch_zooms_and_moves_and_never_paints(hands: Hands, photos: tuple[Path, Path]) -> None:
    client = hands.client
    client.open(photos[0])
    page = client.page
    page.keyboard.press("1")
    page.locator("#zoom", has_text="100 %").wait_for()
    x, y = hands.at(0.5, 0.5)
    start = ((x - 30, y), (x + 30, y))
    end = ((x - 40, y + 25), (x + 80, y + 25))  # twice as far apart, 20 to the right, 25 down
    for tool in "bp":
        page.keyboard.press(tool)
        hands.pinch(start, end)
        page.locator("#zoom", has_text="200 %").wait_for()
        hands.pinch(end, start)
        page.locator("#zoom", has_text="100 %").wait_for()
        assert client.action("erase").is_disabled() and client.action("undo").is_disabled(), tool
    hands.pinch(start, end)
    page.keyboard.press("b")
    page.keyboard.press("[")
    page.mouse.click(*end[1])
    rows, columns = np.nonzero(client.mask())
    # the photograph's place that was under the right finger, whose centre is the stage's
    assert abs(columns.mean() + 0.5 - (80 + 30)) < 1 and abs(rows.mean() + 0.5 - 60) < 1


def test_a_pinch_keeps_the_corners_of_a_polygon(hands: Hands, photos: tuple[Path, Path]) -> None:
    client = hands.client
    client.open(photos[0])
    page = client.page
    page.keyboard.press("p")
    corners = [hands.at(x, y) for x, y in ((0.45, 0.45), (0.55, 0.45), (0.5, 0.55))]
    for corner in corners:
        page.touchscreen.tap(*corner)
    x, y = corners[0]  # a tap here would close the shape
    hands.pinch(((x, y), (x + 60, y)), ((x - 30, y), (x + 90, y)))
    hands.pinch(((x - 30, y), (x + 90, y)), ((x, y), (x + 60, y)))
    assert client.action("erase").is_disabled(), "not closed by the first finger of a pinch"
    page.keyboard.press("Enter")
    marked = client.mask() > 0
    width = corners[1][0] - corners[0][0]
    height = corners[2][1] - corners[0][1]
    assert abs(marked.sum() - width * height / 2) < 0.05 * width * height


def test_a_pen_paints_and_a_resting_hand_does_not(hands: Hands, photos: tuple[Path, Path]) -> None:
    client = hands.client
    client.open(photos[0])
    palm, start, end = hands.at(0.55, 0.6), hands.at(0.45, 0.5), hands.at(0.52, 0.5)

    def stroke() -> np.ndarray:
        hands.pen("Pressed", start)
        hands.pen("Moved", end)
        hands.pen("Released", end)
        area = client.mask() > 0
        client.page.keyboard.press("Control+z")
        assert client.action("erase").is_disabled()
        return area

    alone = stroke()
    assert alone.sum() > 100
    hands.touch("touchStart", palm)  # the hand lies down before the pen
    assert np.array_equal(stroke(), alone)
    hands.touch("touchEnd")

    hands.pen("Pressed", start)  # and here while the pen draws
    hands.touch("touchStart", palm)
    hands.touch("touchMove", (palm[0] + 15, palm[1] + 15))
    hands.pen("Moved", end)
    hands.touch("touchEnd")
    hands.pen("Released", end)
    assert np.array_equal(client.mask() > 0, alone)
