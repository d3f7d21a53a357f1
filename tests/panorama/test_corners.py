"""Corners of a room are put where the picture shows a step of colour, and only there."""

import math
from dataclasses import replace

import numpy as np
import pytest

from panorama.corners import REACH, meet, snapped
from panorama.layout import CEILING, FIRST_WALL, FLOOR, Layout, Wall
from panorama.sphere import Frame

FRAME = Frame.full(1024, 512)
HALF, HEIGHT = (1.6, 2.4), 0.8
PAINT = np.array(
    [(120, 90, 60), (235, 235, 230), (200, 195, 190), (60, 110, 170), (180, 150, 120), (110, 160, 110)]
)


def room(turn: float = 0.3) -> Layout:
    """A rectangular room round its middle."""
    walls = []
    for side in range(4):
        facing, before, own = turn + side * math.pi / 2, HALF[(side + 1) % 2], HALF[side % 2]
        walls.append(Wall(math.remainder(facing - math.atan2(before, own), 2 * math.pi), facing, own))
    return Layout(tuple(sorted(walls, key=lambda wall: wall.start)), HEIGHT, 1.0)


def picture(layout: Layout, paint: np.ndarray = PAINT) -> np.ndarray:
    """Floor, ceiling and walls in these colours, with grain."""
    planes = layout.planes(FRAME.yaw(np.arange(1024)), FRAME.pitch(np.arange(512))[:, None])
    assert {FLOOR, CEILING, FIRST_WALL} <= set(np.unique(planes).tolist())
    noise = np.random.default_rng(0).normal(0, 2, (512, 1024, 1))
    return np.clip(paint[planes] + noise, 0, 255).astype(np.uint8)


def moved(layout: Layout, by: float) -> Layout:
    """The layout with every corner at another yaw."""
    return replace(layout, walls=tuple(replace(wall, start=wall.start + by) for wall in layout.walls))


def starts(layout: Layout) -> np.ndarray:
    return np.array([wall.start for wall in layout.walls])


@pytest.mark.parametrize("degrees", [-4.0, -1.5, 2.0, 4.0])
def test_corners_move_to_the_steps_of_colour(degrees: float) -> None:
    truth = room()
    nothing = np.zeros((512, 1024), bool)
    found = snapped(FRAME, picture(truth), nothing, moved(truth, math.radians(degrees)))
    off = np.degrees(np.abs(starts(found) - starts(truth)))
    assert off.max() < 0.6


def test_a_corner_seen_only_near_the_ceiling_is_found() -> None:
    truth, hidden = room(), np.zeros((512, 1024), bool)
    hidden[230:] = True
    seen = picture(truth)
    seen[hidden] = 0
    found = snapped(FRAME, seen, hidden, moved(truth, math.radians(3)))
    assert np.degrees(np.abs(starts(found) - starts(truth))).max() < 0.6


@pytest.mark.parametrize("degrees, moves", [(1.0, True), (2.2, False), (3.0, False)])
def test_a_strong_step_of_which_only_the_middle_shows_is_a_corner_if_it_is_near(
    degrees: float, moves: bool
) -> None:
    """A television hides the upper part of a corner; a door's edge is no corner."""
    truth, hidden = room(), np.zeros((512, 1024), bool)
    hidden[:250], hidden[300:] = True, True
    seen = picture(truth, np.array([(20, 20, 20), (250, 250, 250)] * 3))
    found = snapped(FRAME, seen, hidden, room(0.3 + math.radians(degrees)))
    off = np.degrees(np.abs(starts(found) - starts(truth)))
    assert (off.max() < 0.6) if moves else (off.min() > degrees - 0.6)


def test_where_nothing_is_seen_corners_stay_where_walls_meet() -> None:
    truth = room()
    plain = np.concatenate([PAINT[:2], np.repeat(PAINT[2:3], 4, axis=0)])
    found = snapped(FRAME, picture(truth, plain), np.zeros((512, 1024), bool), truth)
    assert np.allclose(starts(found), starts(truth), atol=1e-6)
    assert np.allclose([w.distance for w in found.walls], [w.distance for w in truth.walls], rtol=1e-6)
    everything = np.ones((512, 1024), bool)
    found = snapped(FRAME, picture(truth), everything, truth)
    assert np.allclose(starts(found), starts(truth), atol=1e-6)


def test_an_edge_beyond_reach_is_no_corner() -> None:
    truth = room()
    far = moved(truth, REACH + math.radians(4))
    found = snapped(FRAME, picture(truth), np.zeros((512, 1024), bool), far)
    assert np.abs(starts(found) - starts(truth)).min() > math.radians(3)


def test_a_slow_change_of_light_is_no_corner() -> None:
    truth = room()
    light = np.interp(np.arange(1024), [0, 512, 1024], [90, 220, 90])
    seen = np.broadcast_to(light[None, :, None], (512, 1024, 3)).astype(np.uint8)
    found = snapped(FRAME, seen, np.zeros((512, 1024), bool), truth)
    assert np.allclose(starts(found), starts(truth), atol=1e-6)


def test_walls_meet_where_geometry_says() -> None:
    before, after = Wall(-1.0, 0.0, 2.0), Wall(math.pi / 4, math.pi / 2, 2.0)
    at = meet(before, after)
    assert at is not None
    assert abs(at - math.pi / 4) < 1e-9
    assert meet(before, replace(after, facing=0.0)) is None
    assert meet(before, replace(after, start=2.5)) is None
