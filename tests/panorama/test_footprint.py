"""Feet of walls stay straight between corners, and go through what was seen of them."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panorama.footprint import MOVED, straight
from panorama.layout import Layout, Wall

COLUMNS = 720
YAW = ((np.arange(COLUMNS) + 0.5) / COLUMNS - 0.5) * 2 * math.pi


def room(*distances: float) -> Layout:
    """Four walls that meet in corners."""
    facings = [side * math.pi / 2 for side in range(4)]
    walls = []
    for k, facing in enumerate(facings):
        before = distances[k - 1]
        start = facing - math.atan(before / distances[k])
        walls.append(Wall(math.remainder(start, 2 * math.pi), facing, distances[k]))
    return Layout(tuple(sorted(walls, key=lambda wall: wall.start)), 0.8, 1.0)


def heights(layout: Layout, corners: np.ndarray) -> np.ndarray:
    """Of the feet of walls between points of the plane, over the layout's floor: by meeting rays with segments."""
    found = np.empty(COLUMNS)
    for column, yaw in enumerate(YAW):
        ray = np.array([math.sin(yaw), math.cos(yaw)])
        for one, other in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            along, wall = np.linalg.solve(np.stack([ray, one - other], axis=1), one)
            if along > 0 and -1e-9 <= wall <= 1 + 1e-9:
                found[column] = 1 - float(layout.away(np.array(yaw))) / along
                break
    return found


def corners_of(layout: Layout, factors: np.ndarray) -> np.ndarray:
    """The layout's corners, each so many times as far away."""
    yaw = np.array([wall.start for wall in layout.walls])
    away = layout.away(yaw + 1e-6) * factors
    return np.stack([np.sin(yaw) * away, np.cos(yaw) * away], axis=1)


FACTOR = st.floats(0.87, 1.15)


@settings(max_examples=40, deadline=None)
@given(st.lists(FACTOR, min_size=4, max_size=4), st.sampled_from([(1.8,) * 4, (1.2, 2.0, 1.5, 1.0)]))
def test_walls_that_are_not_at_right_angles_are_found_from_half_of_their_feet(factors, distances) -> None:
    layout = room(*distances)
    truth = heights(layout, corners_of(layout, np.array(factors)))
    seen = np.where(np.arange(COLUMNS) // 45 % 2, truth, np.nan)
    found = straight(layout, YAW, seen)
    known = np.isfinite(seen)
    assert np.allclose(found[known], truth[known], atol=1e-9)
    assert np.abs(found - truth).max() < 0.03
    assert np.abs(found - truth).mean() < 0.006


def test_a_wall_far_from_all_that_was_seen_is_as_the_layout_has_it() -> None:
    layout = room(1.8, 1.8, 1.8, 1.8)
    seen = np.where(np.abs(YAW) < 0.5, -0.05, np.nan)
    found = straight(layout, YAW, seen)
    assert np.allclose(found[np.abs(YAW) > 2.5], 0, atol=1e-6)
    assert np.allclose(found[np.abs(YAW) < 0.7], -0.05, atol=0.004)  # it goes on where it leads


def test_a_short_run_does_not_turn_a_wall_and_no_corner_flies_off() -> None:
    layout = room(1.8, 1.8, 1.8, 1.8)
    seen = np.where(np.abs(YAW - 0.5) < 0.06, 0.03 * np.sin(200 * YAW), np.nan)
    assert np.abs(straight(layout, YAW, seen)).max() < 0.06
    steep = np.where(np.abs(YAW - 0.5) < 0.2, -(YAW - 0.3), np.nan)
    found = straight(layout, YAW, steep)
    assert np.abs(found[~np.isfinite(steep) & (np.abs(YAW - 0.5) > 0.8)]).max() <= MOVED


def test_a_wall_that_ends_in_front_of_another_moves_alone() -> None:
    near, far = Wall(-0.6, 0.0, 1.0), Wall(0.6, 0.0, 2.5)
    rest = [Wall(1.5, math.pi / 2, 2.0), Wall(2.4, math.pi, 2.0), Wall(-2.4, -math.pi / 2, 2.0)]
    layout = Layout(tuple(sorted([near, far, *rest], key=lambda wall: wall.start)), 0.8, 1.0)
    seen = np.where(np.abs(YAW) < 0.5, -0.05, np.nan)
    found = straight(layout, YAW, seen)
    assert np.allclose(found[(YAW > 0.75) & (YAW < 1.4)], 0, atol=0.01)


def test_a_wall_that_is_nowhere_seen_changes_nothing() -> None:
    layout = room(1.2, 2.0, 1.5, 1.0)
    hidden = Wall(layout.walls[2].start, 0.3, 5.0)
    walls = (*layout.walls[:2], hidden, *layout.walls[2:])
    seen = np.where(np.abs(YAW - 1) < 0.6, 0.04 * YAW, np.nan)
    assert np.allclose(straight(replace(layout, walls=walls), YAW, seen), straight(layout, YAW, seen))


def test_corners_that_were_moved_carry_the_next_wall_along() -> None:
    """Where a corner was seen two degrees off, walls of the layout meet only nearly."""
    layout = room(1.8, 1.8, 1.8, 1.8)
    corner = layout.walls[2].start + math.radians(2)
    moved = replace(layout.walls[2], start=corner)
    layout = replace(layout, walls=(*layout.walls[:2], moved, layout.walls[3]))
    seen = np.where((np.abs(YAW) < 0.7) | ((YAW > 0) & (corner > YAW)), -0.05, np.nan)
    found = straight(layout, YAW, seen)
    beyond = np.flatnonzero(corner < YAW)[:5]
    assert np.allclose(found[beyond], -0.05, atol=0.005)


@pytest.mark.parametrize("turn", [0.7, 2.9])
def test_it_does_not_matter_where_the_seam_is(turn: float) -> None:
    layout = room(1.2, 2.0, 1.5, 1.0)
    seen = np.where(np.abs(YAW) < 0.6, 0.04 * YAW, np.nan)
    columns = round(turn / (2 * math.pi) * COLUMNS)
    exact = columns / COLUMNS * 2 * math.pi
    walls = [
        replace(w, start=math.remainder(w.start + exact, 2 * math.pi), facing=w.facing + exact)
        for w in layout.walls
    ]
    turned = replace(layout, walls=tuple(sorted(walls, key=lambda wall: wall.start)))
    found = straight(turned, YAW, np.roll(seen, columns))
    assert np.allclose(found, np.roll(straight(layout, YAW, seen), columns), atol=1e-6)
