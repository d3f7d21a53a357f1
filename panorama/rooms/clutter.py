"""What makes a room lived in: things on furniture, on wall shelves and on the floor, cords, mirrors, large rugs.

Photographs of homes are full of them, and whoever removes a chest wants the clock on it gone as well: a thing takes the
class of the piece it stands on. Rooms without them are what the benchmark measures on.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from panorama.rooms.classes import BED, CABINET, LAMP, SHELF, SOFA, TABLE, TV
from panorama.rooms.furnish import Furnisher, Placed
from panorama.rooms.household import strew_household
from panorama.rooms.loose import (
    basket,
    coats,
    fan,
    luggage,
    patchwork,
    pouf,
    swivelled_tv,
    tall_vase,
    wall_clock,
    wall_shelf,
)
from panorama.rooms.materials import BOOKS, FABRICS, LINENS, Material, pick
from panorama.rooms.mirrors import standing_mirror, wall_mirror
from panorama.rooms.piece import BLACK, DARK, Piece, seed_of
from panorama.rooms.seats import sheet_over
from panorama.rooms.shapes import BOX, CONE, ROUND, Part, box, rounded
from panorama.rooms.small import SMALL, SOFT, cord, drawn, height_of, reach_of
from panorama.rooms.storage import carpet_piece

CROWDED = 11
"""Things on one piece, at most."""
WIDE = 0.6
"""Of the narrower side of a piece's largest part: what is wider is something to stand things on."""
HOLDS = (TABLE, CABINET, SHELF, BED, SOFA)
"""Classes that things are put on."""
PAINTED = (TABLE, CABINET, SHELF)
"""Classes that are as white as the wall behind them in some homes, as are the shades of lamps that are out."""
WHITE, MOSTLY, RARELY = 0.35, 0.6, 0.15
"""Share of homes whose owners like white, and of their furniture and shades that are; of all others'."""


def strew(furnisher: Furnisher, random: np.random.Generator) -> None:
    """Clutters a furnished room."""
    crowd = float(random.uniform(0.2, 1))
    strew_household(furnisher, random)
    share = MOSTLY if random.random() < WHITE else RARELY
    for thing in furnisher.things:
        if thing.kind in (*PAINTED, LAMP) and random.random() < share:
            thing.parts = _painted(thing.parts, "fabric" if thing.kind == LAMP else "wood", random)
    for _ in range(int(random.integers(0, 3))):
        _hang(furnisher, swivelled_tv(random), random)
    for placed, thing in list(zip(furnisher.placed, furnisher.things, strict=True)):
        if placed.piece.kind == BED and random.random() < 0.5:
            thing.parts += _moved(sheet_over(random, placed.piece), placed)
        elif placed.piece.kind in HOLDS and not _carries_a_set(placed, furnisher):
            count = int(random.integers(0, 1 + round(CROWDED * crowd)))
            thing.parts += _load(placed, count, furnisher.plan.height, random)
        if placed.piece.kind == TV:
            if random.random() < 0.4:
                thing.parts = [_switched_on(part, random) for part in thing.parts]
            thing.parts += _moved(_mount(placed.piece, random), placed)
        if placed.piece.kind in (LAMP, TV, TABLE) and random.random() < 0.4:
            cord_parts = _moved(_on_floor(random), placed)
            places = [part.centre.tolist() for part in cord_parts]
            inside = (furnisher.plan.inside(x, y, 0.15) for x, y, _ in places)
            thing.parts += itertools.compress(cord_parts, inside)
    if random.random() < 0.5:
        _large_rug(furnisher, random)
    for _ in range(int(random.integers(0, 6))):
        piece = drawn((tall_vase, basket, fan, pouf, basket, luggage), random)
        high = piece.kind == LAMP
        furnisher.at_wall(piece, gap=0.05, tall=high, corner=random.random() < 0.5, before=not high)
    if random.random() < 0.45:
        corner = bool(random.random() < 0.5)
        furnisher.at_wall(standing_mirror(random), gap=0.04, tall=True, corner=corner, before=False)
    _on_walls(furnisher, random)


def _painted(parts: list[Part], kind: str, random: np.random.Generator) -> list[Part]:
    """Parts of which all that is of one kind of material, wood or a shade's fabric, is white."""
    white = Material(
        "plain", pick(random, ["f4f3ef", "efece4", "fafaf8"], 0.03), gloss=0.03, rough=0.3, bump=0
    )
    return [replace(part, material=white) if part.material.kind == kind else part for part in parts]


def _moved(parts: list[Part], placed: Placed) -> list[Part]:
    return [part.moved(placed.place, placed.yaw) for part in parts]


def _top(piece: Piece) -> Part | None:
    """The highest part of a piece that is about as wide and deep as the piece: a table's top, a sofa's seat."""
    flat = [part for part in piece.parts if part.kind in (BOX, ROUND, CONE)]
    if not flat:
        return None

    def sides(part: Part) -> np.ndarray:
        low, high = part.bounds()
        return high[:2] - low[:2]

    least = WIDE * sides(max(flat, key=lambda part: float(sides(part).prod()))).min()
    return max((p for p in flat if sides(p).min() >= least), key=lambda part: float(part.bounds()[1][2]))


def _load(placed: Placed, count: int, ceiling: float, random: np.random.Generator) -> list[Part]:
    """Things on a piece's top, in the world's frame."""
    top, parts = _top(placed.piece), []
    if top is None:
        return []
    low, high = top.bounds()
    makers = SOFT if placed.piece.kind in (BED, SOFA) else SMALL
    for _ in range(count):
        own = drawn(makers, random)
        room = ((high[:2] - low[:2]) / 2 - min(reach_of(own), 0.12)).clip(0)
        spot = random.uniform(-1, 1, 2)
        if top.kind == CONE:  # round: into the disc
            spot /= max(float(np.hypot(*spot)), 1.0)
        at, turn = (
            np.array([*((low[:2] + high[:2]) / 2 + spot * room), high[2]]),
            float(random.normal(0, 0.3)),
        )
        if high[2] + height_of(own) < ceiling - 0.02:
            parts += _moved([part.moved(at, turn) for part in own], placed)
    return parts


def _carries_a_set(placed: Placed, furnisher: Furnisher) -> bool:
    """Whether a television stands on a piece or hangs close above it."""
    sets = [other.place for other in furnisher.placed if other.piece.kind == TV]
    return any(float(np.hypot(*(place - placed.place)[:2])) < 0.5 for place in sets)


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
    make = patchwork if random.random() < 0.5 else carpet_piece
    piece = make(random, float(size[0]), float(size[1]))
    if random.random() < 0.3:  # pale, and so like a floor in the light
        piece.parts = [replace(part, material=_pale(part.material, random)) for part in piece.parts]
    furnisher.lay(piece, np.array([middle[0], middle[1] - piece.depth / 2, -0.004]), 0.0)


def _pale(material: Material, random: np.random.Generator) -> Material:
    """The same in the colours of linen."""
    return replace(material, colour=pick(random, LINENS), second=pick(random, LINENS))


def _on_walls(furnisher: Furnisher, random: np.random.Generator) -> None:
    """Shelves, mirrors, clocks and coats where the walls are free."""
    makers = (wall_shelf, wall_shelf, wall_mirror, wall_clock, coats)
    for _ in range(int(random.integers(1, 8))):
        _hang(furnisher, drawn(makers, random), random)


def _hang(furnisher: Furnisher, piece: Piece, random: np.random.Generator) -> None:
    """Hangs a piece somewhere on a wall, if there is room."""
    for index in random.permutation(len(furnisher.plan.walls)).tolist():
        wall = furnisher.plan.walls[index]
        if wall.length > piece.width + 0.3:
            along = float(random.uniform(piece.width / 2 + 0.13, wall.length - piece.width / 2 - 0.13))
            if furnisher.hang(index, wall, piece, along):
                return
