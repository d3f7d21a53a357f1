"""What stands in a home and stays with it: cookers, refrigerators, washing machines, and columns of the house."""

from __future__ import annotations

import numpy as np

from panorama.rooms.classes import ROOM
from panorama.rooms.materials import WALLS, Material, pick
from panorama.rooms.piece import BLACK, DARK, Piece, metal
from panorama.rooms.shapes import Part, box, cone, rounded
from panorama.rooms.style import Style

SHEETS = ["f4f4f2", "f4f4f2", "e6e4de", "b4b6b8", "8c8e90", "1c1d1f", "b03028"]
"""Colours of enamelled and brushed sheet metal."""


def appliance(random: np.random.Generator, top: float) -> Piece:
    """A cooker, refrigerator or washing machine that stands by itself."""
    makers = (_cooker, _refrigerator, _washer)
    return makers[int(random.integers(len(makers)))](random)


def column(random: np.random.Generator, top: float, style: Style) -> Piece:
    """A pier, chimney breast or boxed pipe, as high as the room, mostly painted like its walls."""
    wide, deep = (float(random.uniform(*span)) for span in ((0.25, 1.4), (0.12, 0.5)))
    skin = style.wall if random.random() < 0.7 else Material("paint", pick(random, WALLS))
    parts = [box((0, deep / 2, top / 2), (wide, deep, top), skin)]
    if random.random() < 0.6:
        parts.append(box((0, (deep + 0.012) / 2, 0.04), (wide + 0.024, deep + 0.012, 0.08), style.trim))
    return Piece(ROOM, "column", parts, wide + 0.024, deep + 0.012)


def _sheet(random: np.random.Generator) -> Material:
    return Material("plain", pick(random, SHEETS, 0.03), gloss=0.05, rough=0.2, bump=0)


def _cooker(random: np.random.Generator) -> Piece:
    wide, deep, skin = float(random.choice([0.5, 0.6, 0.9])), 0.6, _sheet(random)
    parts = [
        box((0, deep / 2, 0.45), (wide, deep, 0.86), skin),
        box((0, deep / 2, 0.89), (wide, deep, 0.02), BLACK),
        rounded((0, deep + 0.006, 0.42), (wide * 0.86, 0.014, 0.42), 0.006, BLACK),
        rounded((0, deep + 0.03, 0.68), (wide * 0.8, 0.02, 0.02), 0.009, metal(random)),
    ]
    knobs = np.linspace(-0.38, 0.38, int(random.integers(3, 7))) * wide
    parts += [rounded((float(x), deep + 0.012, 0.8), (0.036, 0.03, 0.036), 0.012, DARK) for x in knobs]
    if random.random() < 0.5:  # rings of a gas hob
        spots = [(x * wide, deep * y) for x in (-0.24, 0.24) for y in (0.3, 0.7)]
        parts += [cone((x, y, 0.91), 0.024, 0.09, 0.08, DARK) for x, y in spots]
    if random.random() < 0.4:  # a microwave oven on the wall above it
        parts.append(box((0, 0.19, 1.56), (wide, 0.38, 0.4), skin))
        parts.append(box((-wide * 0.1, 0.386, 1.56), (wide * 0.72, 0.012, 0.32), BLACK))
    return Piece(ROOM, "cooker", parts, wide, deep + 0.04)


def _refrigerator(random: np.random.Generator) -> Piece:
    wide, deep = float(random.choice([0.55, 0.6, 0.7, 0.9])), float(random.uniform(0.58, 0.7))
    high, skin, handle = float(random.uniform(1.2, 1.95)), _sheet(random), metal(random)
    parts: list[Part] = [box((0, deep / 2, high / 2 + 0.02), (wide, deep, high - 0.04), skin)]
    split = high * float(random.choice([0.36, 0.62, 0.72]))
    hinge = float(random.choice([-1, 1]))
    for low, up in ((0.06, split), (split, high)):
        if up - low > 0.1:
            middle = (low + up) / 2
            parts.append(rounded((0, deep + 0.02, middle), (wide, 0.04, up - low - 0.01), 0.012, skin))
            grip = (hinge * wide * 0.42, deep + 0.06, middle)
            parts.append(rounded(grip, (0.02, 0.025, (up - low) * 0.5), 0.009, handle))
    return Piece(ROOM, "refrigerator", parts, wide, deep + 0.08)


def _washer(random: np.random.Generator) -> Piece:
    skin, deep = _sheet(random), float(random.uniform(0.45, 0.6))
    parts = [
        box((0, deep / 2, 0.425), (0.6, deep, 0.85), skin),
        box((0, deep + 0.003, 0.79), (0.58, 0.006, 0.1), DARK if random.random() < 0.4 else skin),
        rounded((0, deep + 0.01, 0.42), (0.36, 0.03, 0.36), 0.014, metal(random)),
        rounded((0, deep + 0.02, 0.42), (0.27, 0.03, 0.27), 0.014, BLACK),
    ]
    return Piece(ROOM, "washing machine", parts, 0.6, deep + 0.04)
