"""What lies before the windows of a home: walls of glass, and terraces with parapets, plants and seats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from panorama.rooms.classes import ROOM
from panorama.rooms.fixtures import DARK_FLOORS, widened
from panorama.rooms.light_sources import Light, Outside
from panorama.rooms.materials import LEAVES, WALLS, WOODS, Material, linear, pick
from panorama.rooms.piece import Piece, metal, seed_of
from panorama.rooms.plan import Plan, Wall
from panorama.rooms.seats import armchair, chair, sofa
from panorama.rooms.shapes import Part, box, cushion
from panorama.rooms.shell import THICK, on_wall
from panorama.rooms.small import drawn
from panorama.rooms.storage import coffee_table, plant
from panorama.rooms.tracer import Thing

TERRACE = "terrace"
"""Name of the things that lie there."""
STEP = 0.03
"""Metres that a terrace lies below the room's floor."""


def glaze(plan: Plan, random: np.random.Generator) -> None:
    """Makes some windows wide, and low or down to the floor, in up to four rows of panes."""
    for wall in plan.walls:
        if random.random() < 0.4:
            continue
        rows, low = int(random.integers(1, 5)), float(random.choice([0.04, 0.04, 0.2, 0.4]))
        for index, gap in enumerate(wall.openings):
            if gap.kind != "door":
                wide = widened(wall, gap, plan.height, random)
                bottom = min(low, gap.bottom)
                kind = "french" if bottom < 0.1 else "window"
                wall.openings[index] = replace(wide, kind=kind, bottom=bottom, rows=rows)


def terraces(plan: Plan, outside: Outside, random: np.random.Generator) -> tuple[list[Thing], list[Light]]:
    """Terraces before some of the walls with windows, and the sky's light on them."""
    things: list[Thing] = []
    lights: list[Light] = []
    for wall in plan.walls:
        gaps = [gap for gap in wall.openings if gap.kind != "door"]
        if not gaps or random.random() < 0.25:
            continue
        left = max(gaps[0].left - float(random.uniform(0.2, 1.5)), 0.0)
        right = min(gaps[-1].right + float(random.uniform(0.2, 1.5)), wall.length)
        out = -THICK - float(random.uniform(0.9, 3.2))
        parts = [*_floor(wall, left, right, out, random), *_edge(wall, left, right, out, random)]
        for _ in range(int(random.integers(0, 11))):
            parts += _put(wall, left, right, out, drawn(_THERE, random), random)
        things.append(Thing(ROOM, TERRACE, parts))
        centre = wall.at((left + right) / 2, (out - THICK) / 2, plan.height + 0.6)
        along, inward = np.append(wall.along, 0), np.append(wall.inward, 0)
        halves = along * (right - left) / 2, -inward * (-THICK - out) / 2
        red, green, blue = (np.array(outside.sky) * random.uniform(0.4, 1.2)).tolist()
        lights.append(Light("sky", centre, *halves, (red, green, blue)))
    return things, lights


def _floor(wall: Wall, left: float, right: float, out: float, random: np.random.Generator) -> list[Part]:
    """Tiles or boards."""
    colour = pick(random, [*WALLS, *WOODS, *DARK_FLOORS, "a8674a", "b87a5a"])
    if random.random() < 0.3:
        skin = Material("wood", colour, size=(0.14, 2.0), seed=seed_of(random))
    else:
        side = float(random.uniform(0.15, 0.5))
        skin = Material("tile", colour, linear("8a8680"), (side, side), 0.6, 0.02, 0.4, 0.5)
    return [on_wall(wall, left, right, out, -THICK, -0.2, -STEP, skin)]


def _edge(wall: Wall, left: float, right: float, out: float, random: np.random.Generator) -> list[Part]:
    """A parapet, or a railing of bars along or upright."""
    high, bar = float(random.uniform(0.5, 1.1)), metal(random)
    if random.random() < 0.4:
        skin = Material("plaster", pick(random, WALLS), bump=1)
        return [on_wall(wall, left, right, out - 0.15, out, -0.2, high, skin)]
    parts = [on_wall(wall, left, right, out - 0.05, out, high - 0.05, high, bar)]
    if random.random() < 0.4:
        for low in np.arange(0.1, high - 0.1, float(random.uniform(0.1, 0.25))).tolist():
            parts.append(on_wall(wall, left, right, out - 0.03, out - 0.01, low, low + 0.025, bar))
        return parts
    for at in np.arange(left, right, float(random.uniform(0.1, 0.2))).tolist():
        parts.append(on_wall(wall, at, at + 0.02, out - 0.03, out - 0.01, -0.1, high, bar))
    return parts


def _put(
    wall: Wall, left: float, right: float, out: float, piece: Piece, random: np.random.Generator
) -> list[Part]:
    """A piece somewhere on the terrace, most often at its edge or before the wall; nothing if it has no room."""
    free, deep = right - left - piece.width, -THICK - out - piece.depth
    if free < 0.05 or deep < 0.05:
        return []
    along = left + piece.width / 2 + free * float(random.random())
    forward = deep * float(random.choice([0.02, 0.02, 0.98, random.random()]))
    return [part.moved(wall.at(along, out + forward, -STEP), wall.yaw) for part in piece.parts]


def _shrub(random: np.random.Generator) -> Piece:
    """A trough or pot with a shrub of lumps of leaves, low and wide or as high as a man."""
    wide, deep = float(random.uniform(0.2, 1.2)), float(random.uniform(0.2, 0.4))
    high, tall = float(random.uniform(0.15, 0.5)), float(random.uniform(0.15, 1.2))
    clay = Material("plain", pick(random, ["a8603a", "8a5a44", "d8d4cc", "4a4a4c", "9aa39c"]), bump=0)
    parts = [box((0, deep / 2, high / 2), (wide, deep, high), clay)]
    for _ in range(int(random.integers(4, 30))):
        leaf = Material("leaf", pick(random, LEAVES, 0.2), seed=seed_of(random))
        size = random.uniform(0.05, 0.3, 3)
        x, y = float(random.normal(0, 0.28)) * wide, float(random.normal(deep / 2, 0.08))
        y = min(max(y, 0.15), max(deep - 0.15, 0.15))
        parts.append(cushion((x, y, high + tall * float(random.random())), tuple(size), leaf, power=2.2))
    return Piece(ROOM, "shrub", parts, max(wide, 0.6), max(deep, 0.3))


_THERE: tuple[Callable[[np.random.Generator], Piece], ...] = (
    plant,
    plant,
    _shrub,
    _shrub,
    _shrub,
    chair,
    armchair,
    coffee_table,
    sofa,
)
