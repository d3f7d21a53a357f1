"""Lived-in rooms: what is added stays in the room, fixed things are the room's, and plain rooms are what they were."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panorama.rooms import CLASSES, Room, render
from panorama.rooms.classes import ROOM
from panorama.rooms.piece import DARK
from panorama.rooms.scene import Scene, draw_scene
from panorama.rooms.small import SMALL, SOFT, rod

SEEDS = range(2000, 2012)
OVER = 0.35
"""Metres by which a small thing at the edge of a shelf may reach into the wall behind it."""


@functools.cache
def scene(seed: int) -> Scene:
    return draw_scene(seed, lived_in=True)


@functools.cache
def room(seed: int) -> Room:
    return render(seed, 128, quality="draft", lived_in=True)


def with_open_door() -> int:
    """A seed of which a door stands open."""
    return next(
        seed for seed in SEEDS if any(gap.ajar for wall in scene(seed).plan.walls for gap in wall.openings)
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_added_stays_in_the_room(seed: int) -> None:
    got = scene(seed)
    low, high = got.plan.corners.min(axis=0) - OVER, got.plan.corners.max(axis=0) + OVER
    for thing in got.furniture:
        bounds = np.array([part.bounds() for part in thing.parts])
        assert (bounds[:, 0, :2] > low).all() and (bounds[:, 1, :2] < high).all(), thing.name
        assert bounds[:, 0, 2].min() > -0.05, thing.name
    assert all(thing.kind == ROOM for thing in got.room)
    assert all(0 < thing.kind < len(CLASSES) for thing in got.furniture)


def test_homes_hold_more_than_plain_rooms_and_fixed_things_as_well() -> None:
    parts = [sum(len(thing.parts) for thing in draw_scene(seed).furniture) for seed in SEEDS]
    more = [sum(len(thing.parts) for thing in scene(seed).furniture) for seed in SEEDS]
    assert sum(more) > 1.2 * sum(parts)
    fixed = {thing.name for seed in range(2000, 2040) for thing in scene(seed).room}
    assert fixed >= {"kitchen", "hearth", "closet", "radiator", "next room", "door frame"}


def test_plain_rooms_have_nothing_of_it() -> None:
    for seed in SEEDS:
        got = draw_scene(seed)
        assert not any(gap.ajar for wall in got.plan.walls for gap in wall.openings)
        assert not {thing.name for thing in got.room} & {"kitchen", "hearth", "closet", "next room"}


def test_an_open_door_shows_the_next_room_furnished_or_not() -> None:
    seed = with_open_door()
    got, plan = room(seed), scene(seed)
    behind = next(thing for thing in plan.room if thing.name == "next room")
    middle = np.mean([part.centre for part in behind.parts[:5]], axis=0) - plan.eye
    wide = got.depth.shape[1]
    column = int((np.arctan2(middle[0], middle[1]) / (2 * np.pi) + 0.5) * wide) % wide
    near = [(column + shift) % wide for shift in range(-wide // 12, wide // 12 + 1)]
    wall = max(np.hypot(*(corner - plan.eye[:2])) for corner in plan.plan.corners)
    assert got.depth[wide // 4, near].max() > 0.5 * wall
    assert np.isfinite(got.depth[wide // 4, near]).any()


def test_the_same_seed_gives_the_same_home() -> None:
    seed = SEEDS[0]
    again = render(seed, 128, quality="draft", lived_in=True)
    assert np.array_equal(again.furnished, room(seed).furnished)
    assert np.array_equal(again.classes, room(seed).classes)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 31), st.sampled_from((*SMALL, *SOFT)))
def test_small_things_stand_on_the_ground_and_are_small(seed: int, make) -> None:
    parts = make(np.random.default_rng(seed))
    bounds = np.array([part.bounds() for part in parts])
    assert bounds[:, 0, 2].min() > -0.25 and bounds[:, 1, 2].max() < 1.2
    assert np.abs(bounds[..., :2]).max() < 1


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.floats(-2, 2)] * 3), st.tuples(*[st.floats(-2, 2)] * 3))
def test_a_rod_ends_where_it_should(start: tuple[float, ...], end: tuple[float, ...]) -> None:
    part = rod(start, end, 0.01, DARK)
    along = part.axes[2] * part.half[2]
    length = np.linalg.norm(np.subtract(end, start))
    if length > 1e-3:
        assert np.allclose(part.centre - along, start, atol=1e-6)
        assert np.allclose(part.centre + along, end, atol=1e-6)
    assert np.allclose(part.axes @ part.axes.T, np.eye(3), atol=1e-6)
