"""What lies by itself on a surface is told from its pattern, and is copied nowhere."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vanisher_core.test_shifts import box, tiled
from vanisher_core import Mask, Photo, Vanisher
from vanisher_core.shifts import lone

SIDE = 320


def boards(seed: int = 0) -> np.ndarray:
    """A floor of boards of many tones; SIDExSIDEx3 float32."""
    generator = np.random.default_rng(seed)
    tones = generator.uniform(0.42, 0.58, (SIDE // 10, SIDE // 40 + 1))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    floor = tones[rows // 10, (columns + rows // 10 * 17) // 40 % tones.shape[1]]
    floor = floor[..., None] * np.array([1.0, 0.8, 0.6]) + generator.normal(0, 0.01, (SIDE, SIDE, 3))
    return floor.astype(np.float32)


def test_nothing_is_known_of_a_surface_that_is_not_seen() -> None:
    assert not lone(boards(), np.zeros((SIDE, SIDE), bool)).any()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 50))
def test_boards_and_tiles_are_texture(seed: int) -> None:
    everywhere = np.ones((SIDE, SIDE), bool)
    assert lone(boards(seed), everywhere).mean() < 0.002
    assert not lone(tiled(SIDE, SIDE), everywhere).any()


@settings(max_examples=10, deadline=None)
@given(st.integers(30, 270), st.integers(30, 270), st.booleans())
def test_a_cable_on_boards_lies_by_itself(top: int, left: int, known: bool) -> None:
    floor = boards()
    floor[top : top + 6, left : left + 24] = 0.05
    marks = lone(floor, np.full((SIDE, SIDE), known))
    assert marks[top : top + 6, left : left + 24].mean() > 0.9 if known else not marks.any()
    assert marks.sum() < 6 * 24 * 8


def test_many_of_a_kind_are_none() -> None:
    floor = boards()
    for top in range(10, SIDE - 10, 40):
        for left in range(10, SIDE - 30, 40):
            floor[top : top + 6, left : left + 24] = 0.05
    assert not lone(floor, np.ones((SIDE, SIDE), bool)).any()


def test_what_lies_on_a_floor_is_not_copied_and_stays_where_it_is() -> None:
    floor, hole = boards(), box(SIDE, SIDE, 120, 120, 120)
    floor[60:66, 150:180] = 0.05
    picture = np.rint(floor.clip(0, 1) * 255).astype(np.uint8)
    result = Vanisher(device="cpu").erase(
        Photo.from_array(picture), Mask.from_array(hole), grow=0, feather=0, surface="floor"
    )
    assert result.photo.array[hole].min() > 35  # nothing as dark as that lies in the hole
    assert np.array_equal(result.photo.array[~hole], picture[~hole])
