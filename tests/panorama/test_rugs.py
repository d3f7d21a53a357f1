"""Rugs are found whole where their colours go on, and floor is never taken for rug."""

import math

import numpy as np
import pytest

from panorama.layout import Layout, Wall
from panorama.rugs import whole
from panorama.sphere import Frame

FRAME = Frame.full(1024, 512)
FLOOR, RUG = (160, 120, 70), (150, 150, 155)
PITCH = FRAME.pitch(np.arange(512))[:, None]
AWAY = np.where(PITCH < -0.2, 1 / np.tan(-np.minimum(PITCH, -0.2)), 1e3)
X, Z = np.sin(FRAME.yaw(np.arange(1024))) * AWAY, np.cos(FRAME.yaw(np.arange(1024))) * AWAY
"""Places on the floor; far away above."""


def rectangle(
    turn: float = 0.4, x: float = 0.3, z: float = 0.8, wide: float = 1.6, deep: float = 1.1
) -> np.ndarray:
    """Where a rug lies, seen from above: its middle, sides and turn; in camera heights."""
    u = np.cos(turn) * (X - x) + np.sin(turn) * (Z - z)
    v = -np.sin(turn) * (X - x) + np.cos(turn) * (Z - z)
    return (np.abs(u) < wide / 2) & (np.abs(v) < deep / 2) & (PITCH < -0.2)


def disc() -> np.ndarray:
    return ((X - 0.2) ** 2 + (Z - 0.9) ** 2 < 0.49) & (PITCH < -0.2)


def room(rug: np.ndarray, second: tuple[int, int, int] = RUG) -> np.ndarray:
    """Grainy floor and a grainy rug, one half of it in another colour."""
    out = np.zeros((512, 1024, 3))
    out[:] = FLOOR
    out[rug] = RUG
    out[rug & (X > 0.4)] = second
    out += np.random.default_rng(0).normal(0, 5, (512, 1024, 1))
    return np.clip(out, 0, 255).astype(np.uint8)


def corner_of(rug: np.ndarray) -> np.ndarray:
    """A part of a rug that a network missed."""
    return rug & (X - 0.3 > 0.35) & (Z > 0.9)


@pytest.mark.parametrize("turn", [0.0, 0.4, 1.2])
def test_a_missed_corner_belongs_to_its_rug(turn: float) -> None:
    rug = rectangle(turn)
    missed = corner_of(rug)
    assert missed.sum() > 300
    found = rug & ~missed
    more = whole(FRAME, room(rug), found, found, None)
    assert (more & missed).sum() > 0.85 * missed.sum()
    assert (more & ~rug).sum() < 0.05 * missed.sum()


def test_furniture_that_stands_on_a_rug_does_not_matter() -> None:
    rug = rectangle()
    table = (np.abs(X - 0.3) < 0.3) & (np.abs(Z - 0.8) < 0.25)
    missed = corner_of(rug)
    found = (rug | table) & ~missed
    more = whole(FRAME, room(rug), found, found & ~table, None)
    assert (more & missed).sum() > 0.8 * missed.sum()


@pytest.mark.parametrize("shape", ["rectangle", "disc"])
def test_a_rug_found_whole_stays_as_it_is(shape: str) -> None:
    rug = rectangle() if shape == "rectangle" else disc()
    more = whole(FRAME, room(rug), rug, rug, None)
    assert more.sum() < 0.02 * rug.sum()


def test_half_a_rug_is_not_guessed() -> None:
    rug = rectangle()
    found = rug & (X < 0.1)
    more = whole(FRAME, room(rug), found, found, None)
    assert more.sum() < 0.1 * rug.sum()


def test_what_would_lie_behind_the_wall_is_left() -> None:
    rug = rectangle(0.0, 0.0, 1.2)
    missed = rug & (Z > 1.3) & (X > 0.2)
    found = rug & ~missed
    walls = tuple(Wall(math.radians(turn - 45), math.radians(turn), 1.45) for turn in (-90, 0, 90, 180))
    more = whole(FRAME, room(rug), found, found, Layout(walls, 1.0, 1.0))
    assert (more & missed & (Z < 1.38)).any()
    assert not more[Z > 1.45].any()


def test_nothing_found_and_everything_found() -> None:
    none = np.zeros((512, 1024), bool)
    picture = room(none)
    assert not whole(FRAME, picture, none, none, None).any()
    assert not whole(FRAME, picture, ~none, ~none, None).any()
    speck = none.copy()
    speck[-1, 0] = True
    assert not whole(FRAME, picture, speck, speck, None).any()
