"""Finding on the sphere: votes of many views, merged without edges."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from panorama import Frame, Panorama, find_in_panorama
from panorama.find import LOOKS
from vanisher_core import errors
from vanisher_core.segment import Segmenter


class RedFinder(nn.Module):
    """A real network of one layer that finds what is redder than green."""

    short = 128

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x[:, :1] - x[:, 1:2]) * 20 - 6


@pytest.fixture
def red(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the segmenter know the class "red"."""
    monkeypatch.setattr("vanisher_core.segment.known_classes", lambda: {"red": "segment-red"})
    monkeypatch.setattr(Segmenter, "network", lambda self, name: (RedFinder(), 0))


def painted(frame: Frame, yaw: float, pitch: float, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """A grey panorama with a red disc, and where it is."""
    middle = np.array([math.sin(yaw) * math.cos(pitch), math.sin(pitch), math.cos(yaw) * math.cos(pitch)])
    d = frame.directions(np.arange(frame.width)[None], np.arange(frame.height)[:, None])
    inside = d @ middle >= math.cos(radius)
    array = np.full((frame.height, frame.width, 3), 128, np.uint8)
    array[inside] = (220, 40, 40)
    return array, inside


@pytest.mark.parametrize(
    ("yaw", "pitch"),
    [(0.4, 0.0), (math.pi, -0.2), (1.0, -math.pi / 2), (math.pi / 8, 0.3), (0.2, 1.2), (-2.0, -0.8)],
)
def test_a_thing_is_found_whole_wherever_it_lies(yaw: float, pitch: float, red: None) -> None:
    frame = Frame.full(512, 256)
    array, inside = painted(frame, yaw, pitch, 0.3)
    found = find_in_panorama(Panorama.from_array(array), ("red",), device="cpu")["red"].hole
    assert (found & inside).sum() / inside.sum() > 0.99
    extra = found & ~inside
    weight = np.cos(frame.pitch(np.arange(256)))[:, None]
    assert (extra * weight).sum() < 0.45 * (inside * weight).sum()  # its outline, and the band of its shadow


def test_nothing_is_found_where_nothing_is(red: None) -> None:
    array = np.full((128, 256, 3), 128, np.uint8)
    assert find_in_panorama(Panorama.from_array(array), ("red",), device="cpu")["red"].is_empty


def test_every_direction_is_seen_well_by_a_view() -> None:
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(2000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    aims = np.array([[math.sin(y) * math.cos(p), math.sin(p), math.cos(y) * math.cos(p)] for y, p in LOOKS])
    assert np.degrees(np.arccos((directions @ aims.T).max(axis=1))).max() < 48


def test_people_are_looked_for_with_the_shipped_network() -> None:
    found = find_in_panorama(
        Panorama.from_array(np.full((64, 128, 3), 128, np.uint8)), ("person",), device="cpu"
    )
    assert found["person"].size == (128, 64)


def test_an_unknown_class_is_refused() -> None:
    with pytest.raises(errors.UsageError, match="unicorn"):
        find_in_panorama(Panorama.from_array(np.zeros((32, 64, 3), np.uint8)), ("unicorn",))
