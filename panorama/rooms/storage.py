"""Tables, shelves, cabinets, television sets, lamps, plants, rugs, pictures, the tripod."""

from __future__ import annotations

import math

import numpy as np

from panorama.rooms.classes import CABINET, LAMP, PICTURE, PLANT, RUG, SHELF, TABLE, TRIPOD, TV
from panorama.rooms.light_sources import Light
from panorama.rooms.materials import BOOKS, FABRICS, LEAVES, Material, linear, pick
from panorama.rooms.piece import BLACK, DARK, Piece, legs, metal, seed_of, wood
from panorama.rooms.shapes import Part, box, cone, cushion, rounded


def dining_table(random: np.random.Generator) -> Piece:
    """Rectangular on four legs, or round on a pedestal; a bowl or vase on top."""
    top, high = wood(random), float(random.uniform(0.73, 0.77))
    if random.random() < 0.3:
        radius = float(random.uniform(0.45, 0.62))
        parts = [cone((0, radius, high - 0.015), 0.03, radius, radius, top)]
        parts.append(cone((0, radius, high / 2), high - 0.03, 0.06, 0.05, top))
        parts.append(cone((0, radius, 0.015), 0.03, 0.28, 0.26, top))
        return Piece(TABLE, "round table", parts + _tableware(random, radius, high), 2 * radius, 2 * radius)
    wide, deep = float(random.uniform(1.2, 1.9)), float(random.uniform(0.78, 0.95))
    parts = [box((0, deep / 2, high - 0.018), (wide, deep, 0.036), top)]
    if random.random() < 0.5:
        parts += legs(wide, deep, high - 0.03, 0.035, top, 0.07)
    else:
        for x in (-1, 1):
            for y in (0.06, deep - 0.06):
                parts.append(
                    box((x * (wide / 2 - 0.06), y, (high - 0.03) / 2), (0.07, 0.07, high - 0.03), top)
                )
        parts.append(box((0, deep / 2, high - 0.08), (wide - 0.16, deep - 0.14, 0.09), top))
    return Piece(TABLE, "dining table", parts + _tableware(random, deep / 2, high), wide, deep)


def _tableware(random: np.random.Generator, middle: float, high: float) -> list[Part]:
    """A few things on a table top."""
    glaze = Material("plain", pick(random, FABRICS), gloss=0.05, rough=0.1, bump=0)
    kind = int(random.integers(4))
    x, y = float(random.normal(0, 0.08)), middle + float(random.normal(0, 0.05))
    if kind == 0:
        return [cone((x, y, high + 0.045), 0.09, 0.07, 0.15, glaze)]
    if kind == 1:
        leaf = Material("leaf", pick(random, LEAVES))
        stems = [
            cushion(
                (
                    x + float(random.normal(0, 0.05)),
                    y + float(random.normal(0, 0.05)),
                    high + 0.32 + 0.05 * i % 0.15,
                ),
                (0.05, 0.03, 0.1),
                leaf,
                tuple(random.normal(0, 0.5, 3)),
            )
            for i in range(9)
        ]
        return [cone((x, y, high + 0.11), 0.22, 0.055, 0.035, glaze), *stems]
    if kind == 2:
        return [box((x, y, high + 0.012), (0.22, 0.29, 0.024), glaze, (float(random.normal()), 0, 0))]
    return []


def coffee_table(random: np.random.Generator) -> Piece:
    """Low table: slab with legs, block, or round."""
    top, high = wood(random), float(random.uniform(0.34, 0.45))
    style = int(random.integers(3))
    wide, deep = float(random.uniform(0.85, 1.2)), float(random.uniform(0.5, 0.65))
    if style == 0:
        parts = [
            box((0, deep / 2, high - 0.015), (wide, deep, 0.03), top),
            *legs(wide, deep, high - 0.02, 0.025, top),
        ]
        parts.append(box((0, deep / 2, 0.14), (wide - 0.12, deep - 0.12, 0.018), top))
    elif style == 1:
        frame = metal(random)
        parts = [rounded((0, deep / 2, high - 0.02), (wide, deep, 0.04), 0.012, top)]
        for x in (-1, 1):
            parts.append(box((x * (wide / 2 - 0.1), deep / 2, 0.01), (0.03, deep - 0.06, 0.02), frame))
            for y in (0.05, deep - 0.05):
                parts.append(
                    box((x * (wide / 2 - 0.1), y, high / 2 - 0.02), (0.03, 0.03, high - 0.04), frame)
                )
    else:
        wide = deep = float(random.uniform(0.6, 0.85))
        parts = [cone((0, deep / 2, high - 0.012), 0.024, wide / 2, wide / 2, top)]
        parts += legs(wide * 0.75, deep * 0.75, high - 0.02, 0.018, metal(random), 0.03)
        parts[1:] = [part.moved(np.array([0, deep * 0.125, 0]), 0) for part in parts[1:]]
    return Piece(TABLE, "coffee table", parts + _tableware(random, deep / 2, high), wide, deep)


def desk(random: np.random.Generator) -> Piece:
    """Table against a wall with drawers on one side and a monitor."""
    wide, deep, high, top = (
        float(random.uniform(1.1, 1.6)),
        float(random.uniform(0.6, 0.75)),
        0.74,
        wood(random),
    )
    parts = [
        box((0, deep / 2, high - 0.015), (wide, deep, 0.03), top),
        *legs(wide, deep, high - 0.02, 0.025, top),
    ]
    side = int(random.choice([-1, 1]))
    chest = (side * (wide / 2 - 0.23), deep / 2, high / 2 + 0.06)
    parts.append(box(chest, (0.4, deep - 0.06, high - 0.16), top))
    for index in range(3):
        z = 0.24 + index * 0.18
        parts.append(box((chest[0], deep - 0.025, z), (0.38, 0.012, 0.165), top))
        parts.append(rounded((chest[0], deep - 0.005, z), (0.1, 0.016, 0.012), 0.005, DARK))
    parts += _screen(0.56, 0.33, (-side * 0.12, 0.2, high + 0.3))
    parts.append(box((-side * 0.12, 0.18, high + 0.08), (0.05, 0.03, 0.16), DARK))
    parts.append(box((-side * 0.12, 0.2, high + 0.006), (0.24, 0.18, 0.012), DARK))
    parts.append(box((-side * 0.12, 0.45, high + 0.01), (0.42, 0.13, 0.018), DARK))
    return Piece(TABLE, "desk", parts, wide, deep)


def _screen(wide: float, tall: float, at: tuple[float, float, float]) -> list[Part]:
    """A flat screen facing +y."""
    x, y, z = at
    return [
        rounded((x, y - 0.012, z), (wide + 0.014, 0.026, tall + 0.014), 0.006, DARK),
        box((x, y + 0.002, z), (wide, 0.004, tall), BLACK),
    ]


def television(random: np.random.Generator, wide: float, z: float) -> Piece:
    """A set hung on the wall or standing on a board; `z` is the height of its lower edge."""
    tall = wide * 0.5625
    parts = _screen(wide, tall, (0, 0.07, z + tall / 2))
    parts.append(box((0, 0.03, z + tall / 2), (wide * 0.4, 0.05, tall * 0.4), DARK))
    if z < 0.9:
        for side in (-1, 1):
            parts.append(box((side * wide * 0.3, 0.07, z - 0.03), (0.03, 0.16, 0.06), DARK))
    return Piece(TV, "tv", parts, wide + 0.02, 0.1)


def cabinet(
    random: np.random.Generator, wide: float, deep: float, high: float, columns: int, rows: int
) -> Piece:
    """A carcass with doors or drawers: sideboard, chest, wardrobe, night stand, television board."""
    body = wood(random)
    front = body if random.random() < 0.6 else wood(random)
    handle, plinth = metal(random), float(random.choice([0.02, 0.06, 0.14]))
    if high > 1.5:
        plinth = 0.06
    parts = [box((0, deep / 2 - 0.01, (plinth + high) / 2), (wide, deep - 0.02, high - plinth), body)]
    if plinth > 0.1:
        parts += legs(wide, deep, plinth + 0.01, 0.02, body)
    else:
        parts.append(box((0, deep / 2 - 0.03, plinth / 2), (wide - 0.04, deep - 0.08, plinth), DARK))
    cell_w, cell_h = (wide - 0.03) / columns, (high - plinth - 0.04) / rows
    for i in range(columns):
        for j in range(rows):
            x = (i - (columns - 1) / 2) * cell_w
            z = plinth + 0.02 + (j + 0.5) * cell_h
            parts.append(box((x, deep - 0.01, z), (cell_w - 0.005, 0.02, cell_h - 0.005), front))
            if cell_h > cell_w * 0.9:
                side = 1 if i % 2 == 0 else -1
                at, size = (
                    (x + side * (cell_w / 2 - 0.04), deep + 0.015, z),
                    (0.012, 0.02, min(0.18, cell_h * 0.4)),
                )
            else:
                at, size = (x, deep + 0.015, z + cell_h * 0.2), (min(0.16, cell_w * 0.4), 0.02, 0.012)
            parts.append(rounded(at, size, 0.005, handle))
    return Piece(CABINET, "cabinet", parts, wide, deep + 0.03)


def bookcase(random: np.random.Generator) -> Piece:
    """Boards filled with books and a few boxes and vases."""
    wide, deep = float(random.uniform(0.6, 1.2)), float(random.uniform(0.26, 0.34))
    boards = int(random.integers(3, 7))
    pitch = float(random.uniform(0.3, 0.36))
    high, body = boards * pitch + 0.06, wood(random)
    open_back = random.random() < 0.35
    side = metal(random) if open_back else body
    parts = [box((s * (wide / 2 - 0.011), deep / 2, high / 2), (0.022, deep, high), side) for s in (-1, 1)]
    if not open_back:
        parts.append(box((0, 0.006, high / 2), (wide - 0.02, 0.012, high), body))
    for index in range(boards + 1):
        z = 0.05 + index * pitch
        parts.append(box((0, deep / 2, z), (wide - 0.03, deep - 0.004, 0.022), body))
        if index < boards:
            parts += _books(random, wide - 0.06, deep, z + 0.011, pitch - 0.05)
    return Piece(SHELF, "bookcase", parts, wide, deep)


def _books(random: np.random.Generator, wide: float, deep: float, z: float, room: float) -> list[Part]:
    """One board's load from left to right."""
    covers = [Material("plain", pick(random, BOOKS), gloss=0.02, rough=0.3, bump=0) for _ in range(6)]
    parts, x = [], -wide / 2
    until = wide / 2 - float(random.uniform(0, 0.4)) * wide
    while x < until:
        if random.random() < 0.08:
            size = float(random.uniform(0.1, 0.18))
            tall = min(room, size * 1.3)
            parts.append(
                cone((x + size / 2, deep * 0.5, z + tall / 2), tall, size * 0.3, size * 0.45, covers[0])
            )
            x += size + 0.02
            continue
        thick, tall = float(random.uniform(0.018, 0.055)), room * float(random.uniform(0.6, 0.97))
        if x + thick > wide / 2:
            break
        long = deep * float(random.uniform(0.6, 0.8))
        lean = 0.12 if random.random() < 0.06 else 0.0
        at = (x + thick / 2 + lean * tall / 2, long / 2 + 0.03, z + tall / 2)
        parts.append(box(at, (thick - 0.0015, long, tall), covers[int(random.integers(6))], (0, 0, lean)))
        x += thick + lean * tall
    return parts


def floor_lamp(random: np.random.Generator, lit: bool) -> Piece:
    """Foot, pole and a cloth shade."""
    high, radius = float(random.uniform(1.45, 1.75)), float(random.uniform(0.16, 0.24))
    pole = metal(random)
    parts = [
        cone((0, 0.2, 0.012), 0.024, 0.14, 0.13, pole),
        cone((0, 0.2, high / 2), high, 0.011, 0.011, pole),
    ]
    shade, lights = _shade(random, (0, 0.2, high), radius, lit)
    return Piece(LAMP, "floor lamp", parts + shade, 0.44, 0.42, lights)


def table_lamp(random: np.random.Generator, at: tuple[float, float, float], lit: bool) -> Piece:
    """Body and shade, standing at `at` of the piece it stands on."""
    x, y, z = at
    body = Material("plain", pick(random, FABRICS), gloss=0.05, rough=0.1, bump=0)
    tall = float(random.uniform(0.18, 0.3))
    parts: list[Part] = [cushion((x, y, z + tall / 2), (0.15, 0.15, tall), body, power=2.5)]
    shade, lights = _shade(random, (x, y, z + tall + 0.08), float(random.uniform(0.1, 0.15)), lit)
    return Piece(LAMP, "table lamp", parts + shade, 0.3, 0.3, lights)


def _shade(
    random: np.random.Generator, at: tuple[float, float, float], radius: float, lit: bool
) -> tuple[list[Part], list[Light]]:
    tall = radius * 1.2
    if not lit:
        cloth = Material(
            "fabric", pick(random, ["e9e2d2", "d8cdb8", "f0ede6", "3a3a3c"]), variation=0.3, bump=0.3
        )
        return [cone(at, tall, radius, radius * 0.75, cloth)], []
    strength = float(random.uniform(4, 8))
    glow = (strength, strength * 0.78, strength * 0.5)
    light = Light("ball", np.array(at, float), np.array([radius * 0.85, 0, 0]), np.zeros(3), glow, True)
    return [cone(at, tall, radius, radius * 0.75, Material("glow", glow))], [light]


def plant(random: np.random.Generator) -> Piece:
    """A pot with soil; leaves on arching stems, or a bushy crown on a trunk."""
    pot_high, pot = float(random.uniform(0.22, 0.42)), float(random.uniform(0.13, 0.2))
    palette = ["f0eeea", "8a5a44", "3a3a3c", "b8b0a4", "c79a6a", "5f6f6a"]
    glaze = Material("plain", pick(random, palette), gloss=0.03, rough=0.25, bump=0)
    leaf = Material("leaf", pick(random, LEAVES), gloss=0.03, rough=0.35, seed=seed_of(random))
    parts: list[Part] = [cone((0, 0.3, pot_high / 2), pot_high, pot * 0.75, pot, glaze)]
    parts.append(
        cone((0, 0.3, pot_high + 0.002), 0.012, pot * 0.9, pot * 0.88, Material("plain", linear("3a2c22")))
    )
    tall = float(random.uniform(0.5, 1.2))
    stem = Material("plain", linear("5d6b3a"), bump=0)
    if random.random() < 0.5:
        count = int(random.integers(9, 18))
        for index in range(count):
            angle, reach = index * 2.39996, float(random.uniform(0.12, 0.34))
            rise = tall * float(random.uniform(0.45, 1.0))
            x, y = reach * math.cos(angle), reach * math.sin(angle)
            lean = math.atan2(reach * 0.6, rise)
            mid = (x * 0.35, 0.3 + y * 0.35, pot_high + rise * 0.4)
            parts.append(cone(mid, rise * 0.9, 0.006, 0.004, stem, (angle, 0, lean)))
            size = (float(random.uniform(0.2, 0.36)), float(random.uniform(0.1, 0.2)), 0.012)
            droop = float(random.uniform(0.1, 0.9))
            parts.append(
                cushion(
                    (x, 0.3 + y, pot_high + rise * 0.88),
                    size,
                    leaf,
                    (angle, float(random.normal(0, 0.3)), droop),
                    2.2,
                )
            )
    else:
        bark = Material("wood", linear("7a6248"))
        parts.append(cone((0, 0.3, pot_high + tall * 0.3), tall * 0.6, 0.02, 0.012, bark))
        for _ in range(int(random.integers(60, 110))):
            spot = random.normal(size=3)
            spot *= float(random.uniform(0.4, 1)) ** 0.5 / np.linalg.norm(spot)
            at = (spot[0] * 0.28, 0.3 + spot[1] * 0.28, pot_high + tall * 0.7 + spot[2] * tall * 0.34)
            turn = (
                float(random.uniform(0, 6.3)),
                float(random.normal(0, 0.5)),
                float(random.normal(0.3, 0.5)),
            )
            parts.append(cushion(at, (0.13, 0.065, 0.01), leaf, turn))
    bounds = np.array([part.bounds() for part in parts])
    low, high = bounds[:, 0].min(axis=0), bounds[:, 1].max(axis=0)
    back = np.array([-(low[0] + high[0]) / 2, -low[1], 0.0])
    parts = [part.moved(back, 0.0) for part in parts]
    return Piece(PLANT, "plant", parts, float(high[0] - low[0]), float(high[1] - low[1]))


def carpet_piece(random: np.random.Generator, wide: float, deep: float) -> Piece:
    """A rug of the given size."""
    first, second = pick(random, FABRICS), pick(random, FABRICS)
    material = Material("rug", first, second, (wide, deep), seed=seed_of(random))
    if random.random() < 0.2:
        return Piece(
            RUG, "round rug", [cone((0, deep / 2, 0.006), 0.012, deep / 2, deep / 2, material)], deep, deep
        )
    return Piece(
        RUG, "rug", [rounded((0, deep / 2, 0.006), (wide, deep, 0.012), 0.005, material)], wide, deep
    )


def picture(random: np.random.Generator, wide: float, tall: float, z: float) -> Piece:
    """A framed picture with its middle at height `z`."""
    frame = wood(random) if random.random() < 0.6 else DARK
    colours = (
        ["c9d6de", "e0c9a0", "8fa9b8", "d8b8a0", "5a7a8a"],
        ["4a5a3a", "8a5a3a", "2f3a4a", "b0743a", "6a3a3a"],
    )
    image = Material(
        "art",
        pick(random, colours[0]),
        pick(random, colours[1]),
        gloss=0.03,
        rough=0.05,
        seed=seed_of(random),
    )
    bar = float(random.uniform(0.015, 0.04))
    parts = [box((0, 0.012, z), (wide - bar, 0.02, tall - bar), image)]
    for s in (-1, 1):
        parts.append(box((s * (wide - bar) / 2, 0.015, z), (bar, 0.03, tall), frame))
        parts.append(box((0, 0.015, z + s * (tall - bar) / 2), (wide - 2 * bar, 0.03, bar), frame))
    return Piece(PICTURE, "picture", parts, wide, 0.03)


def tripod(random: np.random.Generator, eye: float) -> Piece:
    """What carries the camera: head, column, three legs; centred on the origin."""
    spread, knee = float(random.uniform(0.22, 0.42)), float(random.uniform(0.5, 0.95)) * (eye - 0.3)
    steel = Material("plain", linear("1d1d20"), gloss=0.04, rough=0.2, bump=0)
    parts = [cone((0, 0, eye - 0.17), 0.06, 0.02, 0.017, steel)]
    parts.append(cone((0, 0, (eye - 0.2 + knee) / 2), eye - 0.2 - knee + 0.1, 0.012, 0.012, steel))
    turn, length = float(random.uniform(0, 2)), math.hypot(spread, knee)
    for index in range(3):
        angle = turn + index * 2 * math.pi / 3
        at = (math.cos(angle) * spread / 2, math.sin(angle) * spread / 2, knee / 2 + 0.01)
        lean = -math.atan2(spread, knee)
        parts.append(cone(at, length, 0.014, 0.012, steel, (angle, 0, lean)))
        foot = (math.cos(angle) * spread, math.sin(angle) * spread, 0.014)
        parts.append(cushion(foot, (0.04, 0.04, 0.028), DARK))
    return Piece(TRIPOD, "tripod", parts, 2 * spread, 2 * spread)
