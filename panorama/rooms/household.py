"""What homes hold besides suites of furniture: benches, side tables, cartons, cases, shelves up to the ceiling."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from panorama.rooms.classes import CABINET, CHAIR, SHELF, TABLE
from panorama.rooms.furnish import Furnisher
from panorama.rooms.materials import Material, pick
from panorama.rooms.piece import Piece, cloth, legs, metal, wood
from panorama.rooms.shapes import Part, box, cone, rounded
from panorama.rooms.small import SMALL, drawn, height_of, reach_of
from panorama.rooms.storage import table_lamp

CARDBOARD = ["b98f5f", "c8a272", "a67c4e", "d6b88c"]
BOARD = 0.022
"""Metres, thickness of a shelf's boards."""


def strew_household(furnisher: Furnisher, random: np.random.Generator) -> None:
    """Places some of them, the large ones first."""
    if random.random() < 0.2:
        furnisher.at_wall(
            wall_unit(random, furnisher.plan.height), gap=0.0, tall=True, corner=True, before=False
        )
    if random.random() < 0.12:
        furnisher.at_wall(show_case(random), tall=True, corner=bool(random.random() < 0.5), before=False)
    for _ in range(int(random.integers(0, 3))):
        _side_table(furnisher, random)
    for make in (bench, cartons):
        if random.random() < 0.25:
            furnisher.at_wall(make(random), gap=0.04, corner=bool(random.random() < 0.3))


def bench(random: np.random.Generator) -> Piece:
    """A seat for several: planks or a cushion on legs or on a chest, with or without a back."""
    wide, deep = float(random.uniform(0.8, 1.7)), float(random.uniform(0.3, 0.45))
    high, body = float(random.uniform(0.38, 0.5)), wood(random)
    if random.random() < 0.4:
        planks = int(random.integers(2, 5))
        depth = deep / planks
        ys = (depth * (index + 0.5) for index in range(planks))
        parts = [box((0, y, high - 0.015), (wide, depth - 0.012, 0.03), body) for y in ys]
    else:
        parts = [box((0, deep / 2, high - 0.02), (wide, deep, 0.04), body)]
    if random.random() < 0.3:
        parts.append(box((0, deep / 2, high / 2 - 0.02), (wide - 0.04, deep - 0.03, high - 0.04), body))
    else:
        iron = metal(random) if random.random() < 0.4 else body
        parts += legs(wide, deep, high - 0.03, 0.022, iron)
    if random.random() < 0.4:
        size = (wide - 0.02, deep - 0.02, 0.06)
        parts.append(rounded((0, deep / 2, high + 0.03), size, 0.025, cloth(random, pattern=True)))
    if random.random() < 0.3:
        parts += [box((0, 0.02, high + z), (wide, 0.022, 0.07), body) for z in (0.12, 0.24, 0.36)]
        parts += [box((s * (wide / 2 - 0.03), 0.02, high + 0.2), (0.04, 0.03, 0.42), body) for s in (-1, 1)]
    return Piece(CHAIR, "bench", parts, wide, deep)


def cartons(random: np.random.Generator) -> Piece:
    """One to four moving boxes, shut with tape or gaping."""
    parts: list[Part] = []
    high, wide = 0.0, float(random.uniform(0.35, 0.6))
    for _ in range(int(random.integers(1, 5))):
        paper = Material("plain", pick(random, CARDBOARD), bump=0)
        size = wide * random.uniform((0.7, 0.6, 0.45), (1, 0.8, 0.9))
        turn = (float(random.normal(0, 0.12)), 0.0, 0.0)
        at = (float(random.normal(0, 0.03)), 0.27, high + size[2] / 2)
        parts.append(box(at, (float(size[0]), float(size[1]), float(size[2])), paper, turn))
        high += float(size[2])
        if random.random() < 0.5:
            tape = Material("plain", pick(random, ["d8c8a0", "8a6a42", "e8e4da"]), gloss=0.04, bump=0)
            parts.append(box((at[0], at[1], high + 0.001), (size[0] * 1.002, 0.05, 0.004), tape, turn))
        else:
            lean, long = float(random.uniform(0.6, 2.2)), float(size[1]) * 0.4
            flap = (at[0], at[1] + float(size[1]) / 2 + 0.3 * long, high - 0.2 * long)
            parts.append(box(flap, (float(size[0]), 0.005, long), paper, (turn[0], lean, 0.0)))
        if random.random() < 0.4:
            break
    return Piece(CABINET, "cartons", parts, wide + 0.06, 0.54)


def wall_unit(random: np.random.Generator, top: float) -> Piece:
    """Shelves built into a wall, up to the ceiling or near it, with doors above or below."""
    columns, pitch = int(random.integers(1, 4)), float(random.uniform(0.28, 0.4))
    one, deep = float(random.uniform(0.45, 0.8)), float(random.uniform(0.12, 0.36))
    high = top - (0.005 if random.random() < 0.6 else float(random.uniform(0.05, 0.5)))
    wide, body = columns * one, wood(random)
    low = 0.5 if random.random() < 0.5 else 0.08
    up = high - (0.5 if random.random() < 0.6 else 0.03)
    parts = [box((0, 0.008, high / 2), (wide, 0.016, high), body)]
    parts += [
        box(((index - columns / 2) * one, deep / 2, high / 2), (BOARD, deep, high), body)
        for index in range(columns + 1)
    ]
    parts.append(box((0, deep / 2, high - 0.015), (wide, deep, 0.03), body))
    for index in range(columns):
        x = (index + 0.5 - columns / 2) * one
        for bottom, end in ((0.0, low), (up, high)):
            if end - bottom > 0.2:
                front = (one - 0.008, 0.02, end - bottom - 0.008)
                parts.append(box((x, deep + 0.008, (bottom + end) / 2), front, body))
                handle = (x + one * 0.35, deep + 0.03, end - 0.08 if bottom == 0 else bottom + 0.08)
                parts.append(box(handle, (0.03, 0.02, 0.03), metal(random)))
        for z in np.arange(low, up, pitch).tolist():
            parts.append(box((x, deep / 2, z), (one, deep - 0.01, BOARD), body))
            parts += _load(random, x, one, deep, z + BOARD / 2, min(pitch, up - z) - 0.04)
    return Piece(SHELF, "wall unit", parts, wide + BOARD, deep + 0.04)


def show_case(random: np.random.Generator) -> Piece:
    """A tall case of thin bars in which things stand on boards."""
    wide, deep, high = (float(side) for side in random.uniform((0.35, 0.3, 1.2), (0.9, 0.42, 2.0)))
    bars = metal(random) if random.random() < 0.6 else wood(random)
    back = Material("plain", pick(random, ["e8ebe6", "20242a", "b8c4c4"]), gloss=0.06, rough=0.05, bump=0)
    parts = [box((0, 0.01, high / 2), (wide, 0.01, high), back)]
    for x in (-wide / 2, wide / 2):
        parts += [box((x, y, high / 2), (0.025, 0.025, high), bars) for y in (0.012, deep)]
    boards = np.linspace(0.04, high, int(random.integers(3, 7))).tolist()
    for z in boards:
        parts.append(box((0, deep / 2, z), (wide, deep, 0.018), bars))
        parts += _load(random, 0.0, wide, deep, z + 0.01, min(0.25, boards[1] - boards[0] - 0.03))
    return Piece(CABINET, "show case", parts, wide + 0.03, deep + 0.02)


def _load(
    random: np.random.Generator, x: float, wide: float, deep: float, z: float, room: float
) -> list[Part]:
    """A few things on a board that is `wide` round x, none higher than `room`."""
    parts: list[Part] = []
    for _ in range(int(random.integers(0, 4))):
        own = drawn(SMALL, random)
        reach = reach_of(own)
        if height_of(own) < room and reach < min(wide, deep) / 2:
            along = float(random.uniform(-1, 1)) * (wide / 2 - reach)
            parts += [part.moved(np.array([x + along, deep / 2, z]), 0.0) for part in own]
    return parts


def side_table(random: np.random.Generator) -> Piece:
    """A small table, round or square, on legs or on one foot."""
    wide, high = float(random.uniform(0.3, 0.55)), float(random.uniform(0.4, 0.7))
    body, iron = wood(random), metal(random)
    round_one = random.random() < 0.5
    at = (0, wide / 2, high - 0.012)
    slab = cone(at, 0.024, wide / 2, wide / 2, body) if round_one else box(at, (wide, wide, 0.024), body)
    parts = [slab]
    if random.random() < 0.4:
        parts += [
            cone((0, wide / 2, high / 2), high, 0.02, 0.02, iron),
            cone((0, wide / 2, 0.01), 0.02, wide * 0.35, wide * 0.35, iron),
        ]
    else:
        parts += legs(wide, wide, high - 0.02, 0.015, body, inset=0.22 * wide)
    return Piece(TABLE, "side table", parts, wide, wide)


def _side_table(furnisher: Furnisher, random: np.random.Generator) -> None:
    """A side table at a wall, most often with a lamp on it."""
    piece = side_table(random)
    placed = furnisher.at_wall(piece, gap=0.05, corner=bool(random.random() < 0.5))
    if placed and random.random() < 0.7:
        high = height_of(piece.parts)
        lamp = table_lamp(random, (0.0, piece.depth / 2, high), furnisher.lamps_lit)
        if random.random() < 0.5:  # on a slender foot
            lamp = replace(lamp, parts=[*_slender(random, piece.depth / 2, high), lamp.parts[-1]])
        furnisher.add(lamp, placed.place, placed.yaw)


def _slender(random: np.random.Generator, y: float, z: float) -> list[Part]:
    """A lamp's foot, turned of wood or metal, up into its shade."""
    body = metal(random) if random.random() < 0.5 else wood(random)
    return [
        box((0, y, z + 0.015), (0.13, 0.13, 0.03), body),
        cone((0, y, z + 0.17), 0.3, 0.022, 0.016, body),
    ]
