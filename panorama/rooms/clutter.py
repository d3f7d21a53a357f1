"""What makes a room lived in: things on furniture, on wall shelves and on the floor, cords, mirrors, large rugs.

Photographs of homes are full of them, and whoever removes a chest wants the clock on it gone as well: a thing takes the
class of the piece it stands on. Rooms without them are what the benchmark measures on.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from panorama.rooms.classes import BED, CABINET, LAMP, SHELF, SOFA, TABLE, TV
from panorama.rooms.furnish import Furnisher, Placed
from panorama.rooms.loose import (
    basket,
    coats,
    fan,
    luggage,
    patchwork,
    pouf,
    standing_mirror,
    swivelled_tv,
    tall_vase,
    wall_clock,
    wall_mirror,
    wall_shelf,
)
from panorama.rooms.materials import BOOKS, FABRICS, Material, pick
from panorama.rooms.piece import BLACK, DARK, Piece, seed_of
from panorama.rooms.shapes import BOX, CONE, ROUND, Part, box, rounded
from panorama.rooms.small import SMALL, SOFT, cord
from panorama.rooms.storage import carpet_piece

CROWDED = 9
"""Things on one piece, at most."""
HOLDS = (TABLE, CABINET, SHELF, BED, SOFA)
"""Classes that things are put on."""


def strew(furnisher: Furnisher, random: np.random.Generator) -> None:
    """Clutters a furnished room."""
    crowd = float(random.uniform(0.1, 1))
    for _ in range(int(random.integers(0, 3))):
        _hang(furnisher, swivelled_tv(random), random)
    for placed, thing in list(zip(furnisher.placed, furnisher.things, strict=True)):
        if placed.piece.kind in HOLDS:
            thing.parts += _load(
                placed.piece, int(random.integers(0, 1 + round(CROWDED * crowd))), random, placed
            )
        if placed.piece.kind == TV:
            if random.random() < 0.4:
                thing.parts = [_switched_on(part, random) for part in thing.parts]
            thing.parts += _moved(_mount(placed.piece, random), placed)
        if placed.piece.kind in (LAMP, TV, TABLE) and random.random() < 0.4:
            thing.parts += _moved(_on_floor(random), placed)
    if random.random() < 0.5:
        _large_rug(furnisher, random)
    for _ in range(int(random.integers(0, 6))):
        make = [tall_vase, basket, fan, pouf, basket, luggage][int(random.integers(6))]
        furnisher.at_wall(make(random), gap=0.05, corner=random.random() < 0.5)
    if random.random() < 0.3:
        furnisher.at_wall(standing_mirror(random), gap=0.04)
    _on_walls(furnisher, random)


def _moved(parts: list[Part], placed: Placed) -> list[Part]:
    return [part.moved(placed.place, placed.yaw) for part in parts]


def _top(piece: Piece) -> tuple[np.ndarray, np.ndarray] | None:
    """Low and high corner of the highest flat part of a piece on which something can stand."""
    bounds = [part.bounds() for part in piece.parts if part.kind in (BOX, ROUND, CONE)]
    flat = [(low, high) for low, high in bounds if min(high[:2] - low[:2]) > 0.18]
    return max(flat, key=lambda pair: pair[1][2]) if flat else None


def _load(piece: Piece, count: int, random: np.random.Generator, placed: Placed) -> list[Part]:
    """Things on a piece's top, in the world's frame."""
    top, parts = _top(piece), []
    if top is None:
        return []
    low, high = top
    makers = SOFT if piece.kind in (BED, SOFA) else SMALL
    for _ in range(count):
        own = makers[int(random.integers(len(makers)))](random)
        reach = max(float(np.abs(part.bounds()[side][:2]).max()) for part in own for side in (0, 1))
        room = (high[:2] - low[:2]) / 2 - min(reach, 0.12)
        spot = (low[:2] + high[:2]) / 2 + random.uniform(-1, 1, 2) * room.clip(0)
        at, turn = np.array([*spot, high[2]]), float(random.normal(0, 0.3))
        parts += _moved([part.moved(at, turn) for part in own], placed)
    return parts


def _mount(piece: Piece, random: np.random.Generator) -> list[Part]:
    """What holds and feeds a television: a bracket that looks out below, cords down the wall, a sound bar."""
    bounds = [part.bounds() for part in piece.parts]
    low = min(float(a[2]) for a, _ in bounds)
    wide = piece.width
    parts: list[Part] = []
    if low < 0.8:
        return parts
    if random.random() < 0.4:
        size = (float(random.uniform(0.08, 0.4)), 0.05, float(random.uniform(0.06, 0.2)))
        parts.append(box((float(random.normal(0, 0.1)), 0.03, low - size[2] / 3), size, DARK))
    if random.random() < 0.25:
        parts.append(rounded((0, 0.06, low - 0.12), (wide * 0.7, 0.08, 0.07), 0.02, DARK))
    colour = Material("plain", pick(random, ["1c1c1e", "e8e6e0", "6a6a6c"]), bump=0)
    for _ in range(int(random.integers(0, 4))):
        x, end = float(random.uniform(-0.45, 0.45)) * wide, float(random.uniform(0.05, low - 0.2))
        sway = random.normal(0, 0.03, 3)
        heights = np.linspace(low + 0.05, end, 4)
        parts += cord([(x + s, 0.012, z) for s, z in zip((0, *sway), heights, strict=True)], colour)
    return parts


def _switched_on(part: Part, random: np.random.Generator) -> Part:
    """A screen that shows something; other parts as they are."""
    if part.material is not BLACK:
        return part
    colours = pick(random, FABRICS), pick(random, BOOKS)
    return replace(part, material=Material("art", *colours, gloss=0.04, rough=0.05, seed=seed_of(random)))


def _on_floor(random: np.random.Generator) -> list[Part]:
    """A cord along the floor behind a piece, now and then with a row of sockets at its end."""
    colour = Material("plain", pick(random, ["1c1c1e", "e8e6e0"]), bump=0)
    at = np.array([0.0, 0.08])
    points = [(*at, 0.006)]
    step = np.array([float(random.choice([-1, 1])) * 0.25, 0.0])
    for _ in range(int(random.integers(2, 6))):
        at = at + step * random.uniform(0.5, 1) + [0, float(random.normal(0, 0.04))]
        points.append((float(at[0]), float(max(at[1], 0.02)), 0.006))
    parts = cord(points, colour, 0.005)
    if random.random() < 0.4:
        parts.append(rounded((points[-1][0], points[-1][1], 0.02), (0.28, 0.06, 0.04), 0.01, colour))
    return parts


def _large_rug(furnisher: Furnisher, random: np.random.Generator) -> None:
    """A rug that covers much of the floor and lies under everything; one in two sewn of patches."""
    plan = furnisher.plan
    low, high = plan.corners.min(axis=0), plan.corners.max(axis=0)
    size = (high - low) * random.uniform(0.4, 0.85, 2)
    middle = (low + high) / 2 + random.normal(0, 0.2, 2)
    piece = carpet_piece(random, float(size[0]), float(size[1]))
    if random.random() < 0.5:
        piece = patchwork(random, float(size[0]), float(size[1]))
    place = np.array([middle[0], middle[1] - piece.depth / 2, -0.004])
    taken, furnisher.taken = furnisher.taken, []
    if furnisher.fits(piece, place, 0.0) is not None:
        furnisher.add(piece, place, 0.0)
    furnisher.taken = taken


def _on_walls(furnisher: Furnisher, random: np.random.Generator) -> None:
    """Shelves, mirrors, clocks and coats where the walls are free."""
    makers = (wall_shelf, wall_shelf, wall_mirror, wall_clock, coats)
    for _ in range(int(random.integers(1, 8))):
        _hang(furnisher, makers[int(random.integers(len(makers)))](random), random)


def _hang(furnisher: Furnisher, piece: Piece, random: np.random.Generator) -> None:
    """Hangs a piece somewhere on a wall, if there is room."""
    for index in random.permutation(len(furnisher.plan.walls)).tolist():
        wall = furnisher.plan.walls[index]
        if wall.length > piece.width + 0.3:
            along = float(random.uniform(piece.width / 2 + 0.13, wall.length - piece.width / 2 - 0.13))
            if furnisher.hang(index, wall, piece, along):
                return
