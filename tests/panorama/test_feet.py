"""Feet of walls are put where a plain wall is seen to end, over a skirting or not, and nothing else moves them."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panorama.feet import FARTHEST, standing
from panorama.layout import Feet, Layout, Wall
from panorama.sphere import Frame

FRAME = Frame.full(2048, 1024)
WALL, FLOOR, SKIRTING = (225, 222, 210), (150, 105, 60), (90, 60, 40)
HEIGHT = 0.06
"""Of the skirting, in camera heights."""
NOTHING = np.zeros((1024, 2048), bool)
YAW = FRAME.yaw(np.arange(2048))


def room() -> Layout:
    """A square room, its walls 1.8 camera heights away."""
    facings = [side * math.pi / 2 for side in range(4)]
    walls = [Wall(math.remainder(f - math.pi / 4, 2 * math.pi), f, 1.8) for f in facings]
    return Layout(tuple(sorted(walls, key=lambda wall: wall.start)), 0.8, 1.0)


def picture(offset: np.ndarray | float, high: float = HEIGHT) -> np.ndarray:
    """A room whose floor begins so much above the layout's, with a skirting so high, and grain."""
    rise = np.tan(FRAME.pitch(np.arange(1024)))[:, None] * room().away(YAW) + 1 - offset
    out = np.zeros((1024, 2048, 3))
    out[:] = WALL
    out[rise < high] = SKIRTING
    out[rise < 0] = FLOOR
    out += np.random.default_rng(0).normal(0, 2, (1024, 2048, 1))
    return np.clip(out, 0, 255).astype(np.uint8)


def found(layout: Layout) -> np.ndarray:
    """Height of the feet above the layout's floor, by the picture's columns."""
    return layout.foot(YAW) + 1


@pytest.mark.parametrize("high", [0.0, HEIGHT, 0.1])
@pytest.mark.parametrize("offset", [-0.04, 0.0, 0.03, 0.05])
def test_feet_are_found_above_and_below_the_layouts(offset: float, high: float) -> None:
    layout = standing(FRAME, picture(offset, high), NOTHING, room())
    assert layout.feet is not None
    assert layout.feet.seen.mean() > 0.6
    assert np.median(np.abs(found(layout) - offset)) < 0.012


def test_a_foot_that_rises_is_followed() -> None:
    slope = 0.03 * np.sin(YAW)
    layout = standing(FRAME, picture(slope), NOTHING, room())
    assert np.abs(found(layout) - slope).mean() < 0.012


def test_a_closet_beside_a_wall_leaves_the_walls_foot_where_it_is() -> None:
    """Its plinth ends much higher than the wall does."""
    seen = picture(-0.04)
    rise = np.tan(FRAME.pitch(np.arange(1024)))[:, None] * room().away(YAW) + 1 + 0.04
    closet = (np.abs(YAW) < 0.25)[None] & (rise > 0.15)
    plinth = (np.abs(YAW) < 0.25)[None] & (rise > 0) & (rise <= 0.15)
    seen[closet], seen[plinth] = WALL, SKIRTING
    hidden = np.abs(YAW)[None].repeat(1024, 0) > 0.55
    layout = standing(FRAME, seen, hidden, room())
    assert layout.feet is not None
    beside = (np.abs(YAW) > 0.3) & (np.abs(YAW) < 0.5)
    assert np.abs(found(layout)[beside] + 0.04).max() < 0.012


def test_behind_furniture_feet_lie_between_those_that_are_seen() -> None:
    hidden = NOTHING.copy()
    hidden[500:800, 900:1100] = True
    seen = picture(0.04)
    seen[hidden] = (30, 80, 30)
    layout = standing(FRAME, seen, hidden, room())
    middle = found(layout)[960:1040]
    assert layout.feet is not None
    assert not layout.feet.seen[470:530].any()
    assert (middle > 0.02).all() and (middle < 0.05).all()


def test_what_is_far_from_any_foot_seen_is_as_the_layout_has_it() -> None:
    hidden = NOTHING.copy()
    hidden[:, 200:] = True
    layout = standing(FRAME, picture(0.04), hidden, room())
    assert layout.feet is not None
    assert abs(found(layout)[1100]) < 0.01
    assert layout.feet.seen[20:80].all()


@pytest.mark.parametrize("case", ["all hidden", "no floor", "curtains"])
def test_where_no_foot_is_seen_the_layout_stays(case: str) -> None:
    seen, hidden = picture(0.03), NOTHING.copy()
    if case == "all hidden":
        hidden[:] = True
    elif case == "no floor":
        seen[:] = WALL
    else:
        seen = picture(0.05 * np.sign(np.sin(40 * YAW)), 0.0)
    assert standing(FRAME, seen, hidden, room()).feet is None


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-FARTHEST, FARTHEST), min_size=2, max_size=40), st.floats(-10, 10))
def test_feet_lie_between_their_columns_all_round(offsets: list[float], yaw: float) -> None:
    heights = np.array(offsets) - 1
    layout = replace(room(), feet=Feet(heights, np.ones(len(heights), bool)))
    foot = float(layout.foot(np.array(yaw)))
    assert heights.min() - 1e-9 <= foot <= heights.max() + 1e-9
    assert math.isclose(foot, float(layout.foot(np.array(yaw + 2 * math.pi))), abs_tol=1e-6)
    at = (np.arange(len(heights)) + 0.5) / len(heights) * 2 * math.pi - math.pi
    assert np.allclose(layout.foot(at), heights, atol=1e-9)


def test_planes_begin_at_the_feet() -> None:
    layout = replace(room(), feet=Feet(np.array([-0.9, -0.95]), np.ones(2, bool)))
    for yaw in (-2.0, -0.3, 1.2, 3.0):
        edge = math.atan2(float(layout.foot(np.array(yaw))), float(layout.away(np.array(yaw))))
        assert layout.planes(np.array(yaw), np.array(edge - 1e-3)) == 0
        assert layout.planes(np.array(yaw), np.array(edge + 1e-3)) > 1


@settings(max_examples=15, deadline=None)
@given(turn=st.integers(0, 255))
def test_it_does_not_matter_where_the_seam_is(turn: int) -> None:
    """Of a stretch of foot that is just long enough, wherever it is cut."""
    columns = 8 * turn
    hidden = NOTHING.copy()
    hidden[:, 120:] = True
    seen = picture(0.04)
    straight = standing(FRAME, seen, hidden, room())
    back = math.remainder(columns * FRAME.step, 2 * math.pi)
    walls = [
        Wall(math.remainder(w.start + back, 2 * math.pi), w.facing + back, w.distance) for w in room().walls
    ]
    turned = Layout(tuple(sorted(walls, key=lambda wall: wall.start)), 0.8, 1.0)
    rolled = standing(FRAME, np.roll(seen, columns, axis=1), np.roll(hidden, columns, axis=1), turned)
    assert straight.feet is not None and rolled.feet is not None
    assert np.abs(np.roll(found(straight), columns) - found(rolled)).max() < 0.004


@pytest.mark.parametrize("kind", ["grey", "alpha", "16 bit", "float"])
def test_pictures_of_any_kind_show_feet(kind: str) -> None:
    seen = picture(0.03)
    if kind == "grey":
        seen = seen[..., 1]
    elif kind == "alpha":
        seen = np.dstack([seen, np.full((1024, 2048), 200, np.uint8)])
    elif kind == "16 bit":
        seen = seen.astype(np.uint16) * 257
    else:
        seen = (seen / np.float32(255)) ** np.float32(2.2)
    layout = standing(FRAME, seen, NOTHING, room())
    assert np.median(np.abs(found(layout) - 0.03)) < 0.012


def test_small_pictures_show_no_feet() -> None:
    small = np.ascontiguousarray(picture(0.03)[::8, ::8])
    assert standing(Frame.full(256, 128), small, NOTHING[::8, ::8], room()).feet is None


@pytest.mark.parametrize("colour", [(110, 140, 80), (100, 118, 160)], ids=["green", "blue"])
def test_a_skirting_as_bright_as_the_floor_is_no_floor(colour: tuple[int, int, int]) -> None:
    """Its lower edge cannot be told by brightness, so nothing is said of the foot, least of all its upper edge."""
    truth = picture(0.0)
    rise = np.tan(FRAME.pitch(np.arange(1024)))[:, None] * room().away(YAW) + 1
    truth[(rise < HEIGHT) & (rise >= 0)] = colour
    layout = standing(FRAME, truth, NOTHING, room())
    assert np.abs(found(layout)).max() < 0.012
