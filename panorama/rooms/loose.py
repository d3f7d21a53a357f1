"""Loose things of a lived-in room with a place of their own: on the floor, on the wall, patched rugs."""

from __future__ import annotations

import math

import numpy as np

from panorama.rooms.classes import CABINET, CHAIR, LAMP, PICTURE, PLANT, RUG, SHELF, TABLE, TV
from panorama.rooms.materials import FABRICS, Material, pick, shaded
from panorama.rooms.piece import BLACK, DARK, Piece, cloth, metal, seed_of, wood
from panorama.rooms.shapes import Part, box, cone, cushion, rounded
from panorama.rooms.small import SMALL, branches, cord, drawn, glazed, heap, height_of, rod

PITCH = 0.36
"""Metres from one board of a wall shelf to the next."""


def patchwork(random: np.random.Generator, wide: float, deep: float) -> Piece:
    """A rug of patches in tones of one colour."""
    base = pick(random, FABRICS)
    columns, rows = (max(int(side / random.uniform(0.3, 0.8)), 1) for side in (wide, deep))
    parts = []
    for i in range(columns):
        for j in range(rows):
            red, green, blue = np.minimum(shaded(base, float(random.uniform(0.55, 1.5))), 0.88).tolist()
            skin = Material("fabric", (red, green, blue), seed=4 * seed_of(random), variation=1.4)
            at = ((i + 0.5) / columns * wide - wide / 2, (j + 0.5) / rows * deep, 0.006)
            parts.append(box(at, (wide / columns - 0.003, deep / rows - 0.003, 0.012), skin))
    return Piece(RUG, "rug", parts, wide, deep)


def tall_vase(random: np.random.Generator) -> Piece:
    """One to three vases on the floor, with dry branches."""
    parts: list[Part] = []
    for index in range(int(random.integers(1, 4))):
        tall, wide = float(random.uniform(0.3, 0.8)), float(random.uniform(0.07, 0.16))
        clay = glazed(random)
        own = [cone((0, 0, tall * 0.3), tall * 0.6, wide * 0.6, wide, clay)]
        own.append(cone((0, 0, tall * 0.8), tall * 0.4, wide, wide * 0.35, clay))
        own += branches(random, tall, 0.7) if random.random() < 0.6 else []
        parts += [part.moved(np.array([index * 0.26 - 0.26, 0.2 + 0.1 * (index % 2), 0]), 0) for part in own]
    return Piece(PLANT, "vase", parts, 0.8, 0.45)


def basket(random: np.random.Generator) -> Piece:
    """A basket or a bin, empty or full, or a pile of boxes."""
    if random.random() < 0.4:
        high, parts = 0.0, []
        for _ in range(int(random.integers(1, 4))):
            size = tuple(random.uniform(0.22, 0.45, 3) * (1, 0.8, 0.7))
            parts.append(
                box((0, 0.2, high + size[2] / 2), size, glazed(random), (float(random.normal(0, 0.1)), 0, 0))
            )
            high += size[2]
        return Piece(CABINET, "boxes", parts, 0.46, 0.42)
    tall, wide = float(random.uniform(0.25, 0.55)), float(random.uniform(0.15, 0.25))
    parts = [cone((0, 0.25, tall / 2), tall, wide * 0.8, wide, cloth(random))]
    if random.random() < 0.6:
        parts += [part.moved(np.array([0, 0.25, tall - 0.05]), 0) for part in heap(random)]
    return Piece(CABINET, "basket", parts, 0.5, 0.5)


def fan(random: np.random.Generator) -> Piece:
    """A fan on a pole: foot, motor, cage and blades."""
    high, wide = float(random.uniform(0.7, 1.3)), float(random.uniform(0.18, 0.24))
    body, wire = glazed(random), metal(random)
    parts = [cone((0, 0.25, 0.02), 0.04, 0.22, 0.2, body), rod((0, 0.25, 0), (0, 0.25, high), 0.015, body)]
    parts.append(cushion((0, 0.22, high), (0.12, 0.16, 0.12), body))
    rim = [(wide * math.cos(t), 0.32, high + wide * math.sin(t)) for t in np.linspace(0, 2 * math.pi, 17)]
    parts += cord(rim, wire, 0.006) + [rod((0, 0.36, high), spot, 0.003, wire) for spot in rim[:-1]]
    for t in (0.3, 2.4, 4.5):
        at = (0.5 * wide * math.cos(t), 0.31, high + 0.5 * wide * math.sin(t))
        parts.append(cushion(at, (wide * 0.9, 0.01, wide * 0.6), body, (0, 0, -t)))
    return Piece(LAMP, "fan", parts, 0.5, 0.5)


def pouf(random: np.random.Generator) -> Piece:
    """A pouf, a stool or a low round table with something on it."""
    wide, tall = float(random.uniform(0.18, 0.32)), float(random.uniform(0.3, 0.5))
    if random.random() < 0.5:
        return Piece(
            CHAIR,
            "pouf",
            [cushion((0, wide, tall / 2), (2 * wide, 2 * wide, tall), cloth(random), power=4)],
            2 * wide,
            2 * wide,
        )
    top, leg = wood(random), metal(random)
    parts = [cone((0, wide, tall), 0.03, wide, wide, top)]
    for t in (0.5, 2.6, 4.7):
        foot = (0.8 * wide * math.cos(t), wide + 0.8 * wide * math.sin(t), 0)
        parts.append(rod(foot, (0.5 * foot[0], wide + 0.5 * (foot[1] - wide), tall), 0.012, leg))
    own = drawn(SMALL, random)
    parts += [part.moved(np.array([0, wide, tall + 0.015]), 0) for part in own]
    return Piece(TABLE, "side table", parts, 2 * wide, 2 * wide)


def luggage(random: np.random.Generator) -> Piece:
    """A suitcase, a bag, shoes."""
    skin = glazed(random)
    if random.random() < 0.5:
        shoes = [cushion((x, 0.15, 0.05), (0.1, 0.28, 0.1), skin, power=2.6) for x in (-0.07, 0.07)]
        return Piece(CABINET, "shoes", shoes, 0.3, 0.32)
    tall = float(random.uniform(0.4, 0.65))
    handle = cord(
        [(-0.1, 0.13, tall), (-0.1, 0.13, tall + 0.12), (0.1, 0.13, tall + 0.12), (0.1, 0.13, tall)],
        DARK,
        0.01,
    )
    return Piece(
        CABINET,
        "suitcase",
        [rounded((0, 0.14, tall / 2), (0.42, 0.24, tall), 0.05, skin), *handle],
        0.46,
        0.3,
    )


def swivelled_tv(random: np.random.Generator) -> Piece:
    """A television on an arm, from eye height to below the ceiling, turned aside and tilted."""
    wide, z = float(random.uniform(0.45, 1.7)), float(random.uniform(1.2, 2.05))
    tall, turn = 0.57 * wide, (float(random.normal(0, 0.25)), -float(random.uniform(0, 0.25)), 0.0)
    z = min(z, 2.3 - tall / 2)
    out = 0.06 + 0.5 * wide * abs(math.sin(turn[0])) + 0.5 * tall * math.sin(-turn[1])
    face = np.array([-math.sin(turn[0]), math.cos(turn[0]), 0]) * 0.016
    parts = [rounded((0, out, z), (wide + 0.02, 0.03, tall + 0.02), 0.008, DARK, turn)]
    parts.append(box((face[0], out + face[1], z), (wide, 0.006, tall), BLACK, turn))
    parts.append(rod((0, 0.0, z), (0, out, z), 0.03, DARK))
    parts.append(box((0, 0.01, z), (0.25, 0.02, min(0.3, tall)), DARK))
    return Piece(TV, "tv", parts, wide, out + 0.1)


def wall_clock(random: np.random.Generator) -> Piece:
    """A round clock, plate or mask."""
    wide, z = float(random.uniform(0.1, 0.25)), float(random.uniform(1.5, 2.0))
    parts = [
        rod((0, 0.0, z), (0, 0.03, z), wide, glazed(random)),
        rod((0, 0.02, z), (0, 0.036, z), wide * 0.85, glazed(random)),
    ]
    return Piece(PICTURE, "clock", parts, 2 * wide, 0.04)


def coats(random: np.random.Generator) -> Piece:
    """Clothes on hooks."""
    parts: list[Part] = []
    count, z = int(random.integers(1, 5)), float(random.uniform(1.5, 1.8))
    for index in range(count):
        tall = float(random.uniform(0.4, 1.0))
        at = ((index - (count - 1) / 2) * 0.2, 0.07, z - tall / 2)
        parts.append(cushion(at, (0.3, 0.13, tall), cloth(random, pattern=True), power=3))
    return Piece(SHELF, "coats", parts, 0.2 * count + 0.2, 0.16)


def wall_shelf(random: np.random.Generator) -> Piece:
    """Boards on brackets or wires with things on them."""
    wide, deep, body, wire = (
        float(random.uniform(0.35, 1.3)),
        float(random.uniform(0.14, 0.28)),
        wood(random),
        metal(random),
    )
    low, parts = float(random.uniform(1.0, 1.6)), []
    for level in range(int(random.integers(1, 4))):
        z = low + PITCH * level
        parts.append(box((0, deep / 2, z), (wide, deep, 0.024), body))
        for _ in range(int(random.integers(1, 6))):
            own = drawn(SMALL, random)
            if height_of(own) > PITCH - 0.04:
                continue
            at = np.array([float(random.uniform(-0.42, 0.42)) * wide, deep * 0.55, z + 0.012])
            parts += [part.moved(at, float(random.normal(0, 0.3))) for part in own]
        for side in (-1, 1) if random.random() < 0.6 else ():
            x = side * wide * 0.42
            parts += cord([(x, deep, z), (x, 0.01, z + float(random.choice([-0.15, 0.25])))], wire, 0.005)
    return Piece(SHELF, "wall shelf", parts, wide, deep)
