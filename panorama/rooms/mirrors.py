"""Mirrors that hang or lean: square, with cut corners or round, in wood or gilt, plain or carved."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np

from panorama.rooms.classes import PICTURE
from panorama.rooms.materials import Material, linear, pick
from panorama.rooms.piece import Piece, seed_of, wood
from panorama.rooms.shapes import Part, Triple, box, cushion
from panorama.rooms.small import rod

SILVER = Material("plain", linear("e6e8ea"), gloss=0.85, rough=0.0, bump=0)
GILT = ["c9a35a", "b8893a", "d8bc7a", "8a6a34", "c8c4ba"]
Outline = list[tuple[float, float]]


def standing_mirror(random: np.random.Generator) -> Piece:
    """A tall mirror that leans on the wall."""
    wide, tall = float(random.uniform(0.4, 1.0)), float(random.uniform(1.2, 2.0))
    parts = _glass(random, wide, tall, (0, 0.12, tall / 2), 0.08, int(random.integers(2)))
    low = min(float(part.bounds()[0][2]) for part in parts)
    parts = [part.moved(np.array([0, 0, -low]), 0.0) for part in parts]
    return Piece(PICTURE, "mirror", parts, _width(parts), 0.28)


def wall_mirror(random: np.random.Generator) -> Piece:
    """A mirror on the wall."""
    wide, tall = (float(side) for side in random.uniform(0.35, 1.1, 2))
    parts = _glass(random, wide, tall, (0, 0.03, 1.55), 0.0, int(random.integers(3)))
    return Piece(PICTURE, "mirror", parts, _width(parts), 0.06)


def _width(parts: list[Part]) -> float:
    """With the frame."""
    return 2 * max(float(np.abs(part.bounds()[side][0]).max()) for part in parts for side in (0, 1))


def _glass(
    random: np.random.Generator, wide: float, tall: float, at: Triple, tilt: float, shape: int
) -> list[Part]:
    """A mirror in a frame, `tilt` radians from upright; `shape` 0 is square, 1 has cut corners, 2 is round."""
    if shape == 0:
        turn = (0.0, tilt, 0.0)
        frame, (x, y, z) = _gilt(random) if random.random() < 0.3 else wood(random), at
        edge = float(random.uniform(0.04, 0.16))
        inner = max(wide - edge, 0.1), 0.012, max(tall - edge, 0.1)
        return [box(at, (wide, 0.03, tall), frame, turn), box((x, y + 0.012, z), inner, SILVER, turn)]
    if shape == 1:
        cut = float(random.uniform(0.15, 0.35)) * min(wide, tall)
        flat, rim = _cut_corners(wide, tall, cut), _octagon(wide, tall, cut)
    else:
        angles = np.linspace(0, 2 * math.pi, 17)
        flat = [rod((0, 0.0, 0), (0, 0.012, 0), wide / 2, SILVER)]
        rim = [(wide / 2 * math.cos(a), wide / 2 * math.sin(a)) for a in angles]
    parts = [*flat, *_frame(random, rim)]
    return [_leaning(part, tilt, np.array(at)) for part in parts]


def _gilt(random: np.random.Generator) -> Material:
    return Material("plain", pick(random, GILT), gloss=0.25, rough=0.3, bump=0, seed=seed_of(random))


def _octagon(wide: float, tall: float, cut: float) -> Outline:
    """A closed outline, metres from its middle."""
    x, z = wide / 2, tall / 2
    quarter = [(x, z - cut), (x - cut, z)]
    half = [*quarter, *((-a, b) for a, b in reversed(quarter))]
    return [*half, *((-a, -b) for a, b in half), half[0]]


def _cut_corners(wide: float, tall: float, cut: float) -> list[Part]:
    """An octagon of glass: a cross, and a square that stands on its tip in each corner."""
    parts = [box((0, 0, 0), (wide, 0.012, tall - 2 * cut), SILVER)]
    parts.append(box((0, 0, 0), (wide - 2 * cut, 0.012, tall), SILVER))
    side = math.sqrt(2) * cut
    for x in (-1, 1):
        for z in (-1, 1):
            at = (x * (wide / 2 - cut), 0.0, z * (tall / 2 - cut))
            parts.append(box(at, (side, 0.012, side), SILVER, (0, 0, math.pi / 4)))
    return parts


def _frame(random: np.random.Generator, rim: Outline) -> list[Part]:
    """Bars along an outline, carved now and then."""
    skin = _gilt(random) if random.random() < 0.6 else wood(random)
    thick = float(random.uniform(0.012, 0.04))
    points = [(x, 0.0, z) for x, z in rim]
    parts = [rod(a, b, thick, skin) for a, b in itertools.pairwise(points)]
    if random.random() < 0.4:
        for (x, _, z), (u, _, v) in itertools.pairwise(points):
            for t in np.arange(0, 1, 0.09 / max(math.hypot(u - x, v - z), 0.09)).tolist():
                size = tuple(thick * random.uniform(2, 4.5, 3) * (1, 0.5, 1))
                parts.append(cushion((x + t * (u - x), 0.0, z + t * (v - z)), size, skin))
    return parts


def _leaning(part: Part, tilt: float, place: np.ndarray) -> Part:
    """A part turned about x, its top backwards, as `shapes.box` turns by its pitch, and then shifted."""
    cos, sin = math.cos(tilt), math.sin(tilt)
    turn = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    return replace(part, centre=turn @ part.centre + place, axes=part.axes @ turn.T)
