"""What the layout is not to look at: all that will be filled but its ring, however thin, soft or rolled."""

import math

import numpy as np
import pytest

from panorama import canvas
from panorama.canvas import Canvas
from panorama.files import Panorama


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
