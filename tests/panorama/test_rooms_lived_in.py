"""Lived-in rooms: what is added stays in the room, fixed things are the room's, and plain rooms are what they were."""

from __future__ import annotations

import functools
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panorama.rooms import CLASSES, Room, render
from panorama.rooms.classes import ROOM
from panorama.rooms.piece import DARK
from panorama.rooms.scene import Scene, draw_scene
from panorama.rooms.shell import THICK
from panorama.rooms.small import SMALL, SOFT, rod

SEEDS = range(2000, 2012)
PLAIN = [(193, 642.979), (333, 1366.646)]
"""Parts of rooms 300 and 10,000, and the sum of their places, at the commit before."""
OVER = 0.35
"""Metres by which a small thing at the edge of a shelf may reach into the wall behind it."""


@functools.cache
def scene(seed: int) -> Scene:
    return draw_scene(seed, lived_in=True)


@functools.cache
def room(seed: int) -> Room:
    return render(seed, 128, quality="draft", lived_in=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_added_stays_in_the_room(seed: int) -> None:
    got = scene(seed)
    low, high = got.plan.corners.min(axis=0) - OVER, got.plan.corners.max(axis=0) + OVER
    for thing in got.furniture:
        bounds = np.array([part.bounds() for part in thing.parts])
        assert (bounds[:, 0, :2] > low).all() and (bounds[:, 1, :2] < high).all(), thing.name
        assert bounds[:, 0, 2].min() > -0.05, thing.name
        assert bounds[:, 1, 2].max() < got.plan.height, thing.name
    assert all(thing.kind == ROOM for thing in got.room)
    assert all(0 < thing.kind < len(CLASSES) for thing in got.furniture)


def test_homes_hold_more_than_plain_rooms_and_fixed_things_as_well() -> None:
    seeds = range(2000, 2060)
    parts = [sum(len(thing.parts) for thing in draw_scene(seed).furniture) for seed in seeds]
    more = [sum(len(thing.parts) for thing in scene(seed).furniture) for seed in seeds]
    assert sum(more) > 1.1 * sum(parts)
    fixed = {thing.name for seed in seeds for thing in scene(seed).room}
    assert fixed >= {"kitchen", "hearth", "closet", "radiator", "next room", "door frame", "column"}
    assert fixed >= {"cooker", "refrigerator", "washing machine"}


def test_plain_rooms_are_what_they_were_before_homes_could_be_drawn() -> None:
    """A change of their random draws would make every figure measured on them incomparable."""
    sums = []
    for seed in (300, 10_000):
        got = draw_scene(seed)
        parts = [part for thing in (*got.room, *got.furniture) for part in thing.parts]
        sums.append((len(parts), round(float(sum(abs(part.centre).sum() for part in parts)), 3)))
    assert sums == PLAIN


def test_plain_rooms_have_nothing_of_it() -> None:
    for seed in SEEDS:
        got = draw_scene(seed)
        assert not any(gap.ajar for wall in got.plan.walls for gap in wall.openings)
        assert not {thing.name for thing in got.room} & {"kitchen", "hearth", "closet", "next room"}


def test_open_doors_show_the_next_room_and_not_the_sky() -> None:
    """Lines of sight through the middle of openings end behind the wall, yet at a finite distance."""
    through = 0
    for seed in (2003, 2005, 2009, 2010):
        got, plan = room(seed), scene(seed)
        height, wide = got.depth.shape
        for wall in plan.plan.walls:
            for gap in wall.openings:
                seen = wall.at(gap.middle, 0.0, 1.9) - plan.eye
                x = int((np.arctan2(seen[0], seen[1]) / (2 * np.pi) + 0.5) * wide) % wide
                y = int((0.5 - np.arctan2(seen[2], np.hypot(*seen[:2])) / np.pi) * height)
                if gap.ajar and got.classes[y, x] == ROOM and got.depth[y, x] > np.linalg.norm(seen) + THICK:
                    assert np.isfinite(got.depth[y, x])
                    through += 1
    assert through >= 2


def test_ways_through_stay_in_their_walls_and_off_other_openings() -> None:
    wide = unframed = 0
    for seed in range(2000, 2100):
        for wall in scene(seed).plan.walls:
            gaps = sorted(wall.openings, key=lambda gap: gap.left)
            assert all(0 < gap.left < gap.right < wall.length for gap in gaps)
            assert all(gap.top < scene(seed).plan.height for gap in gaps)
            assert all(one.right < other.left for one, other in pairwise(gaps))
            assert all(gap.framed for gap in gaps if not gap.ajar)
            unframed += sum(not gap.framed for gap in gaps)
            wide += sum(gap.ajar and gap.right - gap.left > 1.1 for gap in gaps)
            things = [thing for thing in scene(seed).room if thing.name == "doorway"]
            assert all((part.half > 0).all() for thing in things for part in thing.parts)
    assert unframed > 20 and wide > 10


def test_what_lies_beyond_the_walls_is_marked() -> None:
    right = wrong = 0
    shifts = (THICK + 0.03) * np.array([(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)])
    for seed in SEEDS:
        got, here = room(seed), scene(seed)
        height, wide = got.depth.shape
        yaw = ((np.arange(wide) + 0.5) / wide - 0.5) * 2 * np.pi
        pitch = (0.5 - (np.arange(height) + 0.5) / height) * np.pi
        for y, x in np.argwhere(got.objects == 0):
            away = got.depth[y, x] * np.cos(pitch[y])
            if not np.isfinite(away):
                continue  # through a window
            at = here.eye[:2] + away * np.array([np.sin(yaw[x]), np.cos(yaw[x])])
            if here.plan.inside(float(at[0]), float(at[1]), 0.03):
                wrong += bool(got.beyond[y, x])
            elif not any(here.plan.inside(*(at + shift).tolist()) for shift in shifts):
                right += bool(got.beyond[y, x])
                wrong += not got.beyond[y, x]
        assert got.beyond[~np.isfinite(got.depth)].all()
    assert right > 200 and wrong < 0.02 * right


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
