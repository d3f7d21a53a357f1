"""What lies by itself on a surface is told from its pattern, and is copied nowhere."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vanisher_core.test_shifts import box, tiled
from vanisher_core import Mask, Photo, Result, Vanisher
from vanisher_core.piece import Fill, Piece
from vanisher_core.quality import score
from vanisher_core.shifts import lone
from vanisher_core.shifts.lone import FEW

SIDE = 320


def boards(seed: int = 0) -> np.ndarray:
    """A floor of boards of many tones; SIDExSIDEx3 float32."""
    generator = np.random.default_rng(seed)
    tones = generator.uniform(0.42, 0.58, (SIDE // 10, SIDE // 40 + 1))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    floor = tones[rows // 10, (columns + rows // 10 * 17) // 40 % tones.shape[1]]
    floor = floor[..., None] * np.array([1.0, 0.8, 0.6]) + generator.normal(0, 0.01, (SIDE, SIDE, 3))
    return floor.astype(np.float32)


def erased(vanisher: Vanisher, floor: np.ndarray, hole: np.ndarray) -> tuple[np.ndarray, Result]:
    """A floor as a photograph (uint8), and what comes of it once a hole was filled, not grown."""
    picture = np.rint(floor.clip(0, 1) * 255).astype(np.uint8)
    return picture, vanisher.erase(
        Photo.from_array(picture), Mask.from_array(hole), grow=0, feather=0, surface="floor"
    )


def test_nothing_is_known_of_a_surface_that_is_not_seen() -> None:
    assert not lone(boards(), np.zeros((SIDE, SIDE), bool)).any()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 50))
def test_boards_and_tiles_are_texture(seed: int) -> None:
    everywhere = np.ones((SIDE, SIDE), bool)
    assert not lone(boards(seed), everywhere).any()
    assert not lone(tiled(SIDE, SIDE), everywhere).any()


@settings(max_examples=10, deadline=None)
@given(st.integers(30, 270), st.integers(30, 270), st.booleans())
def test_a_cable_on_boards_lies_by_itself(top: int, left: int, known: bool) -> None:
    floor = boards()
    floor[top : top + 6, left : left + 24] = 0.05
    marks = lone(floor, np.full((SIDE, SIDE), known))
    assert marks[top : top + 6, left : left + 24].mean() > 0.9 if known else not marks.any()
    assert marks.sum() < 6 * 24 * 8


@pytest.mark.parametrize(("count", "told"), [(FEW, True), (FEW + 1, False)])
def test_many_of_a_kind_are_texture(count: int, told: bool) -> None:
    """Cables of together less than 3 % of the floor: what tells them from texture is that they are few."""
    floor = np.tile(boards(), (2, 2, 1))
    for index in range(count):
        top, left = 40 + 140 * (index // 4), 40 + 150 * (index % 4)
        floor[top : top + 12, left : left + 48] = 0.05
    assert lone(floor, np.ones((640, 640), bool)).any() == told


def test_glare_is_not_counted_and_a_margin_changes_nothing() -> None:
    floor = boards()
    floor[60:66, 150:180] = 0.05
    for index in range(FEW + 1):
        top, left = 120 + 60 * (index // 5), 20 + 60 * (index % 5)
        floor[top : top + 8, left : left + 8] = 1
    marks = lone(floor, np.ones((SIDE, SIDE), bool))
    assert marks[60:66, 150:180].mean() > 0.9
    wide = np.pad(floor, ((0, 0), (200, 500), (0, 0)))
    known = np.pad(np.ones((SIDE, SIDE), bool), ((0, 0), (200, 500)))
    assert np.array_equal(lone(wide, known)[:, 200 : 200 + SIDE], marks)


def test_what_nobody_sees_on_a_plain_surface_is_not_told() -> None:
    plain = np.full((SIDE, SIDE, 3), 0.6, np.float32)
    plain[100:120, 100:120] += 1 / 255
    assert not lone(plain, np.ones((SIDE, SIDE), bool)).any()


def test_a_receipt_scores_the_picture_that_is_given_back() -> None:
    """The stain half under the hole stays outside it, and its torn end is seen by the score."""
    floor, hole = boards(), box(SIDE, SIDE, 120, 120, 60)
    floor[140:160, 170:184] = 0.05
    picture, result = erased(Vanisher(device="cpu"), floor, hole)
    given_back = result.photo.array.astype(np.float32) / 255
    assert result.receipt.windows[0].method == "shifts"
    seen = score(picture.astype(np.float32) / 255, given_back, hole, hole)
    assert result.receipt.windows[0].scores["seam"] == pytest.approx(seen.seam, rel=0.1)


def test_what_lies_on_a_floor_is_not_copied_and_stays_where_it_is() -> None:
    floor, hole = boards(), box(SIDE, SIDE, 120, 120, 120)
    floor[60:66, 150:180] = 0.05
    picture, result = erased(Vanisher(device="cpu"), floor, hole)
    assert result.photo.array[hole].min() > 35  # nothing as dark as that lies in the hole
    assert np.array_equal(result.photo.array[~hole], picture[~hole])


def test_where_nothing_else_fits_a_lone_thing_may_be_copied() -> None:
    asked = []

    class Picky(Vanisher):
        def _surface(self, piece: Piece, surface: str) -> Fill | None:
            asked.append(int(piece.usable.sum()))
            return None if len(asked) == 1 else super()._surface(piece, surface)

    floor, hole = boards(), box(SIDE, SIDE, 120, 120, 60)
    floor[60:66, 150:180] = 0.05
    _, result = erased(Picky(device="cpu"), floor, hole)
    assert len(asked) == 2 and asked[0] < asked[1]
    assert result.receipt.windows[0].method == "shifts"
