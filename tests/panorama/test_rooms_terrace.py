"""Windows of homes: walls of glass, terraces before them, and exposures merged for what lies outside."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from panorama.rooms.classes import ROOM
from panorama.rooms.quality import quality_of
from panorama.rooms.scene import Scene, draw_scene
from panorama.rooms.studio import Studio
from panorama.rooms.terrace import TERRACE

SEEDS = range(5000, 5060)


@functools.cache
def scene(seed: int) -> Scene:
    return draw_scene(seed, lived_in=True)


class Seen(NamedTuple):
    """HxWx3 radiance of the empty room, HxW what lies beyond its walls, and HxW what of it is a terrace."""

    light: np.ndarray
    beyond: np.ndarray
    terrace: np.ndarray


def seen(got: Scene) -> Seen:
    with torch.inference_mode():
        studio = Studio(got, 1, 128, torch.device("cpu"), quality_of("draft"))
        bare, *_ = studio.expose()
        part = studio.fine[0].part
        names = np.array([thing.name for thing in got.room])[studio.surfaces.owner[part.clamp(min=0)]]
        terrace = (part >= 0).numpy() & (names == TERRACE)
        return Seen(bare.permute(1, 2, 0).numpy(), studio.beyond().numpy(), terrace)


def test_walls_of_glass_reach_low_and_stay_in_their_walls() -> None:
    low = rows = 0
    for seed in SEEDS:
        for wall in scene(seed).plan.walls:
            windows = [gap for gap in wall.openings if gap.kind != "door"]
            assert all(0 < gap.left < gap.right < wall.length and gap.bottom < gap.top for gap in windows)
            assert all((gap.kind == "french") == (gap.bottom < 0.1) for gap in windows)
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
        assert not any(gap.rows > 1 for wall in got.plan.walls for gap in wall.openings)


@functools.cache
def _bare(sunny: bool) -> Scene:
    """The fixed things of a home by day from which a terrace is seen, in the sun or not."""
    for seed in SEEDS:
        got = scene(seed)
        suns = [light for light in got.lights if light.kind == "sun"]
        if any(thing.name == TERRACE for thing in got.room) and not got.night and bool(suns) == sunny:
            lights = [light for light in got.lights if not light.furnished]
            bare = replace(got, furniture=[], lights=lights, merged=1.0)
            if (not sunny or _shines_on_a_terrace(bare)) and seen(bare).terrace.sum() > 20:
                return bare
    raise AssertionError("no such home")


def _without(got: Scene, kind: str) -> Scene:
    return replace(got, lights=[light for light in got.lights if light.kind != kind])


def _shines_on_a_terrace(got: Scene) -> bool:
    """Whether the sun stands on the side of all terraces."""
    sun = next(light for light in got.lights if light.kind == "sun")
    out = [light.at - got.eye for light in got.lights if light.kind == "sky"]
    return all(
        float(way[:2] @ sun.at[:2]) > 0.5 * np.linalg.norm(way[:2]) * np.linalg.norm(sun.at[:2])
        for way in out
    )


def test_merged_exposures_darken_what_lies_outside_and_nothing_else() -> None:
    bright, dark = (seen(replace(_bare(False), merged=share)) for share in (1.0, 0.1))
    ratio = dark.light.sum(2) / bright.light.sum(2)
    assert 0.09 < np.median(ratio[bright.terrace]) < 0.11
    assert np.median(ratio[~bright.beyond]) == 1


def test_the_sun_shines_on_terraces() -> None:
    bright, dark = (seen(got) for got in (_bare(True), _without(_bare(True), "sun")))
    assert bright.light[bright.terrace].mean() > 1.1 * dark.light[bright.terrace].mean()


def test_the_sky_lights_terraces_and_no_room() -> None:
    """A room is lit through its windows; what stands before them adds nothing."""
    skies = 0
    for seed in SEEDS:
        got = scene(seed)
        above = [light for light in got.lights if light.kind == "sky"]
        assert len(above) == sum(thing.name == TERRACE for thing in got.room)
        assert all(light.normal[2] < -0.9 for light in above)
        skies += len(above)
    assert skies > 20
    bright, dark = (seen(got) for got in (_bare(False), _without(_bare(False), "sky")))
    assert bright.light[bright.terrace].mean() > 1.5 * dark.light[bright.terrace].mean()
    inside = ~bright.beyond
    assert abs(bright.light[inside].mean() / dark.light[inside].mean() - 1) < 0.1
