"""What the layout is not to look at: all that will be filled but its ring, however thin, soft or rolled."""

import math

import numpy as np
import pytest

from panorama import canvas
from panorama.canvas import Canvas
from panorama.files import Panorama
from panorama.plan import view_of
from panorama.sphere import Frame
from tests.panorama.test_corners import room


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """The masks that a layout was asked for with."""
    masks: list[np.ndarray] = []
    monkeypatch.setattr(canvas, "room_layout", lambda frame, work, hidden, yaw: masks.append(hidden))
    return masks


def emptied(width: int, mask: np.ndarray, grow: int | None) -> Canvas:
    picture = np.full((width // 2, width, 3), 128, np.uint8)
    picture[:, :: max(width // 64, 1)] = 30
    return Canvas(Panorama.from_array(picture), mask, grow, None)


@pytest.mark.parametrize(
    ("value", "grow", "hides"), [(255, None, True), (20, None, True), (3, None, False), (3, 0, True)]
)
def test_whatever_is_filled_is_hidden(
    asked: list[np.ndarray], value: int, grow: int | None, hides: bool
) -> None:
    mask = np.zeros((256, 512), np.uint8)
    mask[100:140, 200:240] = 255
    mask[100:140, 240:260] = value
    emptied(512, mask, grow)
    (hidden,) = asked
    assert hidden.sum() == 40 * (60 if hides else 40)


@pytest.mark.parametrize("width", [2048, 3000, 5000])
def test_thin_things_in_large_pictures_are_hidden(asked: list[np.ndarray], width: int) -> None:
    mask = np.zeros((width // 2, width), np.uint8)
    mask[width // 4 - 30 : width // 4, 1001] = 255
    emptied(width, mask, None)
    (hidden,) = asked
    assert hidden.shape[1] <= 2048 and hidden.shape[1] == math.ceil(width / math.ceil(width / 2048))
    assert hidden.any(axis=0).sum() == 1


@pytest.mark.parametrize("grey", [False, True])
def test_what_lies_by_itself_is_not_copied(monkeypatch: pytest.MonkeyPatch, grey: bool) -> None:
    """A socket beside the hole is transparent in the view that the hole is filled in; the wall is not."""
    monkeypatch.setattr(canvas, "room_layout", lambda frame, work, hidden, yaw: room())
    monkeypatch.setattr(canvas, "first_column", lambda picture, mask: 0)
    grain = np.random.default_rng(0).normal(200, 1, (512, 1024, 1))
    picture = np.repeat(np.clip(grain, 0, 255).astype(np.uint8), 3, axis=2)
    mask = np.zeros((512, 1024), np.uint8)
    mask[240:280, 500:540] = 255
    picture[255:262, 560:568] = 30
    panorama = Panorama.from_array(picture[..., 0] if grey else picture)

    def looked() -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
        own = Canvas(panorama, mask, None, None)
        piece = own.pieces[0]
        view = view_of(piece, own.frame, own.room, own.layout)
        photo, hole = own.look(piece, view)
        ahead = Frame.full(1024, 512).directions(np.array([564.0]), np.array([258.0])).reshape(1, 3)
        x, y = (int(places[0]) for places in view.pixel(ahead))
        seen = photo.array.reshape(*hole.hole.shape, -1)
        clear = seen[..., -1] == 0 if seen.shape[2] in (2, 4) else np.zeros_like(hole.hole)
        return clear, hole.hole, (x, y)

    clear, hole, (x, y) = looked()
    assert clear[y - 2 : y + 3, x - 2 : x + 3].all() and not (clear & hole).any()
    monkeypatch.setattr(canvas.leftovers, "lone", lambda frame, picture, hidden: np.zeros_like(hidden))
    more = clear & ~looked()[0]
    assert more[y - 2 : y + 3, x - 2 : x + 3].all() and more.sum() < 600
