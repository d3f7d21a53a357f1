"""Windows of homes: walls of glass, terraces before them, and exposures merged for what lies outside."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch

from panorama.rooms import Room
from panorama.rooms.classes import ROOM
from panorama.rooms.plan import Wall
from panorama.rooms.quality import quality_of
from panorama.rooms.render import render_scene
from panorama.rooms.scene import Scene, draw_scene
from panorama.rooms.terrace import TERRACE

SEEDS = range(5000, 5060)


@functools.cache
def scene(seed: int) -> Scene:
    return draw_scene(seed, lived_in=True)


def taken(got: Scene) -> Room:
    return render_scene(got, 1, 128, torch.device("cpu"), quality_of("draft"))


def test_walls_of_glass_reach_low_and_stay_in_their_walls() -> None:
    low = rows = 0
    for seed in SEEDS:
        for wall in scene(seed).plan.walls:
            windows = [gap for gap in wall.openings if gap.kind != "door"]
            assert all(0 < gap.left < gap.right < wall.length and gap.bottom < gap.top for gap in windows)
            low += sum(gap.kind == "french" for gap in windows)
            rows += sum(gap.rows > 1 for gap in windows)
    assert low > 20 and rows > 20


def test_terraces_lie_outside_and_hold_things() -> None:
    many = 0
    for seed in SEEDS:
        got = scene(seed)
        for thing in got.room:
            if thing.name == TERRACE:
                assert thing.kind == ROOM
                assert not any(got.plan.inside(*part.centre[:2].tolist()) for part in thing.parts)
                many += len(thing.parts) > 20
    assert many > 20


def test_plain_rooms_have_none() -> None:
    for seed in SEEDS:
        got = draw_scene(seed)
        assert got.merged == 1
        assert not any(thing.name == TERRACE for thing in got.room)
        assert not any(gap.rows for wall in got.plan.walls for gap in wall.openings)


def _with_terrace() -> Scene:
    """A home by day whose camera looks out over a terrace."""

    def looks(got: Scene, wall: Wall) -> bool:
        low = [gap for gap in wall.openings if gap.kind == "french"]
        return bool(low) and any(thing.name == TERRACE for thing in got.room)

    sheer = "net curtain"
    return next(
        got
        for got in map(scene, SEEDS)
        if not got.night
        and not any(thing.name == sheer for thing in got.room)
        and any(looks(got, wall) for wall in got.plan.walls)
    )


def test_merged_exposures_darken_what_lies_outside_and_nothing_else() -> None:
    got = replace(_with_terrace(), furniture=[], lights=[], merged=1.0)
    first = taken(got)
    lit = [light for light in _with_terrace().lights if not light.furnished]
    bright, dark = (taken(replace(got, lights=lit, merged=share)) for share in (1.0, 0.1))
    assert np.array_equal(bright.beyond, dark.beyond)
    assert np.array_equal(first.beyond, bright.beyond)
    there = bright.beyond & np.isfinite(bright.depth)
    assert there.sum() > 20, "no terrace is seen"
    for where in (there, bright.beyond & ~there):
        assert dark.empty[where].mean() < 0.8 * bright.empty[where].mean()
    inside = ~bright.beyond
    assert np.abs(dark.empty[inside].astype(int) - bright.empty[inside]).mean() < 6  # but for less glare


@pytest.mark.parametrize("seed", SEEDS[:6])
def test_the_sky_reaches_terraces(seed: int) -> None:
    got = scene(seed)
    things = sum(thing.name == TERRACE for thing in got.room)
    above = [light for light in got.lights if light.kind == "panel" and light.at[2] > got.plan.height]
    assert len(above) == things
    assert all(light.normal[2] < -0.9 for light in above)
