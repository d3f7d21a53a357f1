"""Skirting goes on through what was erased: same height, same colour, only inside the holes."""

import math

import numpy as np
import pytest

from panorama.layout import Layout, Wall
from panorama.objects import Part, grown_objects
from panorama.sphere import Frame
from panorama.trim import BINS, draw_on, heights, measured

FRAME = Frame.full(1024, 512)
HEIGHT = 0.07
"""Of the skirting, in camera heights."""


def room() -> Layout:
    """A square room, its walls two camera heights away."""
    facings = [side * math.pi / 2 for side in range(4)]
    walls = [Wall(math.remainder(f - math.pi / 4, 2 * math.pi), f, 2.0) for f in facings]
    return Layout(tuple(sorted(walls, key=lambda wall: wall.start)), 0.8, 1.0)


def picture(skirting: bool = True, dtype: str = "uint8") -> np.ndarray:
    """Brown floor, white skirting, green walls; HxWx3."""
    rise = np.tan(FRAME.pitch(np.arange(512)))[:, None] * room().away(FRAME.yaw(np.arange(1024))) + 1
    out = np.zeros((512, 1024, 3), np.uint8)
    out[:] = (60, 110, 80)
    out[rise < 0] = (130, 90, 60)
    if skirting:
        out[(rise >= 0) & (rise < HEIGHT)] = (235, 235, 230)
    return (
        out
        if dtype == "uint8"
        else out.astype(np.uint16) * 257
        if dtype == "uint16"
        else out / np.float32(255)
    )


def hole(left: int, right: int) -> list[Part]:
    """What stood at the foot of a wall."""
    mask = np.zeros((512, 1024), np.uint8)
    mask[300:400, left:right] = 255
    return grown_objects(mask, FRAME, 4, 0)


def emptied(truth: np.ndarray, parts: list[Part]) -> np.ndarray:
    """The picture with plain wall and floor in the hole, as a fill without skirting leaves it."""
    bare = picture(False, str(truth.dtype))
    out = truth.copy()
    for part in parts:
        own = FRAME.cut(out, part.region)
        FRAME.put(out, part.region, np.where(part.hole[..., None], FRAME.cut(bare, part.region), own))
    return out


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("span", [(480, 560), (600, 700), (-60, 60)])
def test_a_skirting_goes_on_through_a_hole(dtype: str, span: tuple[int, int]) -> None:
    truth = picture(dtype=dtype)
    left, right = span
    parts = hole(left, right) if left >= 0 else hole(0, 60)
    work = emptied(truth, parts)
    scale = 1.0 if dtype == "float32" else np.iinfo(truth.dtype).max
    before = np.abs(work.astype(float) - truth).sum() / scale
    draw_on(FRAME, work, parts, room())
    assert np.abs(work.astype(float) - truth).sum() / scale < 0.2 * before
    covered = np.zeros((512, 1024), bool)
    for part in parts:
        FRAME.put(covered, part.region, FRAME.cut(covered, part.region) | part.hole)
    assert np.array_equal(work[~covered], truth[~covered])


def test_a_wall_whose_foot_is_hidden_takes_its_neighbours() -> None:
    truth = picture()
    parts = hole(380, 644)  # a whole wall
    work = emptied(truth, parts)
    draw_on(FRAME, work, parts, room())
    row = int((0.5 - math.atan2(HEIGHT / 2 - 1, 2) / math.pi) * 512)
    assert (work[row, 512] > 220).all()


def test_a_wall_whose_foot_is_hidden_has_no_skirting_where_most_walls_have_none() -> None:
    """What looks like one in a part of one wall is the frame of a balcony's door."""
    truth = picture(skirting=False)
    truth[:, 650:760] = picture()[:, 650:760]
    parts = hole(380, 644)
    work = emptied(truth, parts)
    before = work.copy()
    draw_on(FRAME, work, parts, room())
    assert np.array_equal(work, before)


def feet_of(high: float) -> np.ndarray:
    """Logarithms of colours at the foot of a wall with a skirting so high, 40 columns."""
    at = heights()
    feet = np.zeros((BINS, 40, 3), np.float32)
    feet[at < 0] = -1.0
    feet[(at >= 0) & (at < high)] = 0.8
    return feet


@pytest.mark.parametrize("high", [0.05, 0.07, 0.1])
def test_where_the_foot_was_seen_what_resembles_the_floor_is_skirting_too(high: float) -> None:
    feet = feet_of(high)
    feet[feet > 0] = -0.98
    crooked, found = (measured(feet, np.ones((BINS, 40), bool), straight) for straight in (False, True))
    assert crooked is not None and not crooked.share.any()
    assert found is not None
    assert np.array_equal(found.share > 0, (heights() >= 0) & (heights() < high))


def test_what_is_too_high_for_a_skirting_tells_nothing() -> None:
    assert measured(feet_of(0.14), np.ones((BINS, 40), bool), straight=True) is None


def test_a_door_alone_does_not_tell_that_a_wall_has_no_skirting() -> None:
    feet, known = feet_of(0.0), np.zeros((BINS, 40), bool)
    known[:, :12] = True
    assert measured(feet, known, straight=True) is None
    assert measured(feet, np.ones((BINS, 40), bool), straight=True) is not None


def test_a_room_without_skirting_stays_as_it_is() -> None:
    parts = hole(480, 560)
    work = picture(skirting=False)
    before = work.copy()
    draw_on(FRAME, work, parts, room())
    assert np.array_equal(work, before)


def test_grey_pictures_and_alpha_are_kept() -> None:
    truth = picture()
    parts = hole(480, 560)
    with_alpha = np.dstack([emptied(truth, parts), np.full((512, 1024), 77, np.uint8)])
    draw_on(FRAME, with_alpha, parts, room())
    assert (with_alpha[..., 3] == 77).all()
    grey = emptied(truth, parts)[..., 0].copy()
    draw_on(FRAME, grey, parts, room())
    assert np.abs(grey.astype(int) - truth[..., 0]).mean() < 0.05


def test_what_is_measured_is_where_it_stands() -> None:
    at = heights()
    feet = np.zeros((BINS, 40, 3), np.float32)
    feet[at < 0] = -1.0
    feet[(at >= 0) & (at < HEIGHT)] = 0.8
    known = np.ones((BINS, 40), bool)
    found = measured(feet, known)
    assert found is not None
    assert np.array_equal(found.share > 0, (at >= 0) & (at < HEIGHT))
    assert np.allclose(found.colour[found.share > 0], 0.8)
    known[:, 5:] = False
    assert measured(feet, known) is None  # too little is seen
    bare = measured(np.where(feet > 0, 0, feet), np.ones((BINS, 40), bool))
    assert bare is not None
    assert not bare.share.any()
