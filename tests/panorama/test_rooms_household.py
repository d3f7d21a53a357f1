"""What homes hold besides suites: pieces stand where they say, and homes hold them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panorama.rooms.classes import ROOM
from panorama.rooms.household import bench, cartons, show_case, side_table, wall_unit
from panorama.rooms.piece import Piece
from panorama.rooms.scene import draw_scene

TOP = 2.6
MAKERS: dict[str, Callable[[np.random.Generator], Piece]] = {
    "bench": bench,
    "cartons": cartons,
    "show case": show_case,
    "side table": side_table,
    "wall unit": lambda random: wall_unit(random, TOP),
}
WOODEN = ("cabinet", "bookcase", "side table", "desk", "dining table", "coffee table", "wall unit")
OVER = {"cartons": 0.25}
"""Metres by which boxes that stand askew, and their flaps, reach beyond."""


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1 << 31), st.sampled_from(sorted(MAKERS)))
def test_pieces_stand_on_the_floor_in_the_place_they_ask_for(seed: int, name: str) -> None:
    piece = MAKERS[name](np.random.default_rng(seed))
    assert piece.name == name
    assert piece.kind != ROOM
    bounds = np.array([part.bounds() for part in piece.parts])
    low, high = bounds[:, 0].min(axis=0), bounds[:, 1].max(axis=0)
    over = OVER.get(name, 0.03)
    assert -0.01 < low[2] < 0.05 and high[2] < TOP
    assert low[0] > -piece.width / 2 - over and high[0] < piece.width / 2 + over
    assert low[1] > -over and high[1] < piece.depth + over


def test_homes_hold_them_and_some_hold_little_else() -> None:
    scenes = [draw_scene(seed, lived_in=True) for seed in range(2000, 2050)]
    names = {thing.name for scene in scenes for thing in scene.furniture}
    assert names >= set(MAKERS)
    suites = {"bed", "sofa", "desk", "dining table", "cabinet", "bookcase", "tv", "armchair", "picture"}
    empty = [scene for scene in scenes if suites.isdisjoint(thing.name for thing in scene.furniture)]
    assert 2 <= len(empty) <= 10


def test_some_homes_are_mostly_white_their_lampshades_too() -> None:
    shares, shades = [], 0
    for seed in range(2000, 2050):
        things = draw_scene(seed, lived_in=True).furniture
        own = [thing for thing in things if thing.name in WOODEN]
        painted = [all(part.material.kind != "wood" for part in thing.parts) for thing in own]
        if len(own) >= 3:
            shares.append(sum(painted) / len(own))
        lamps = [thing for thing in things if thing.name in ("floor lamp", "table lamp")]
        shades += sum(part.material.kind == "plain" and min(part.material.colour) > 0.8
                      for lamp in lamps for part in lamp.parts)  # fmt: skip
    assert sum(share >= 0.6 for share in shares) >= 8
    assert sum(share < 0.4 for share in shares) >= 8
    assert shades >= 3


@pytest.mark.parametrize("seed", range(3))
def test_a_wall_unit_reaches_up_to_the_ceiling_or_near_it(seed: int) -> None:
    piece = wall_unit(np.random.default_rng(seed), TOP)
    assert max(float(part.bounds()[1][2]) for part in piece.parts) > TOP - 0.51
