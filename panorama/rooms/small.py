"""Small things that stand or lie on furniture; each maker gives parts that stand on z = 0 round the origin."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from panorama.rooms.materials import BOOKS, FABRICS, LEAVES, METALS, WALLS, Material, pick
from panorama.rooms.piece import DARK, cloth, metal, seed_of, wood
from panorama.rooms.shapes import CONE, Part, box, cone, cushion, rounded

T = TypeVar("T")
Maker = Callable[[np.random.Generator], list[Part]]


def glazed(random: np.random.Generator) -> Material:
    """Anything from white china to a bright toy."""
    palette = [FABRICS, BOOKS, WALLS, METALS][int(random.integers(4))]
    return Material(
        "plain", pick(random, palette), gloss=float(random.choice([0.0, 0.04])), rough=0.15, bump=0
    )


def rod(start: Sequence[float], end: Sequence[float], radius: float, material: Material) -> Part:
    """A round bar between two points, metres."""
    a, b = np.array(start, float), np.array(end, float)
    length = float(np.linalg.norm(b - a))
    along = (b - a) / length if length > 1e-3 else np.array([0, 0, 1.0])
    side = np.cross(along, [1.0, 0, 0] if abs(along[0]) < 0.9 else [0, 1.0, 0])
    side /= np.linalg.norm(side)
    axes = np.stack([side, np.cross(along, side), along])
    return Part(CONE, (a + b) / 2, axes, np.array([radius, radius, length / 2]), (1.0, 0), material)


def cord(points: Sequence[Sequence[float]], material: Material, radius: float = 0.004) -> list[Part]:
    """Rods through points."""
    return [rod(a, b, radius, material) for a, b in itertools.pairwise(points)]


def vase(random: np.random.Generator) -> list[Part]:
    """A vase, a bottle or a jar; now and then with dry branches."""
    tall, wide = float(random.uniform(0.08, 0.34)), float(random.uniform(0.03, 0.08))
    clay = glazed(random)
    parts = [cone((0, 0, tall * 0.35), tall * 0.7, wide * 0.8, wide, clay)]
    parts.append(cone((0, 0, tall * 0.85), tall * 0.3, wide, wide * float(random.uniform(0.25, 0.9)), clay))
    return parts + (branches(random, tall, 0.45) if random.random() < 0.3 else [])


def branches(random: np.random.Generator, low: float, length: float) -> list[Part]:
    """Twigs, grasses or flowers that rise from a height."""
    palette = [LEAVES, ["c8a878", "a8603a", "d8c8a0", "8a3a2a", "e8d8c8"]][int(random.integers(2))]
    stem, head = Material("plain", pick(random, palette), bump=0), Material("leaf", pick(random, palette))
    parts: list[Part] = []
    for _ in range(int(random.integers(4, 12))):
        angle, lean = float(random.uniform(0, 2 * math.pi)), float(random.uniform(0.05, 0.55))
        long = length * float(random.uniform(0.5, 1))
        reach = long * math.sin(lean)
        tip = (reach * math.cos(angle), reach * math.sin(angle), low + long * math.cos(lean))
        parts.append(rod((0, 0, low * 0.8), tip, 0.003, stem))
        size = float(random.uniform(0.02, 0.09))
        parts.append(cushion(tip, (size, size * 0.7, size * 1.3), head, (angle, lean, 0)))
    return parts


def carton(random: np.random.Generator) -> list[Part]:
    """A box, a radio, a suitcase lying: anything square."""
    size = tuple(random.uniform(0.05, 0.4, 3) * (1, 0.7, 0.6))
    at, turn = (0, 0, size[2] / 2), (float(random.normal(0, 0.3)), 0, 0)
    if random.random() < 0.6:
        return [box(at, size, glazed(random), turn)]
    return [rounded(at, size, 0.02, glazed(random), turn)]


def stack(random: np.random.Generator) -> list[Part]:
    """Books or papers that lie on each other."""
    parts, high = [], 0.0
    for _ in range(int(random.integers(1, 7))):
        thick = float(random.uniform(0.006, 0.045))
        size = (float(random.uniform(0.15, 0.32)), float(random.uniform(0.12, 0.24)), thick)
        turn = (float(random.normal(0, 0.25)), 0, 0)
        cover = Material("plain", pick(random, BOOKS if random.random() < 0.7 else WALLS), bump=0)
        parts.append(box((0, 0, high + thick / 2), size, cover, turn))
        high += thick
    return parts


def figure(random: np.random.Generator) -> list[Part]:
    """A figurine, a toy or a statue: lumps on each other."""
    parts, high, wide = [], 0.0, float(random.uniform(0.03, 0.09))
    one = glazed(random)
    for index in range(int(random.integers(2, 5))):
        tall = wide * float(random.uniform(0.7, 2.2))
        other = one if random.random() < 0.7 else glazed(random)
        shift = 0.25 * wide * random.normal(size=2) if index else (0, 0)
        parts.append(cushion((shift[0], shift[1], high + tall / 2), (wide, wide, tall), other, power=2.5))
        high, wide = high + 0.9 * tall, wide * float(random.uniform(0.5, 1.05))
    return parts


def frame(random: np.random.Generator) -> list[Part]:
    """A framed photograph on its stand, or a tablet."""
    wide, tall = random.uniform(0.1, 0.35, 2)
    image = Material(
        "art", pick(random, FABRICS), pick(random, BOOKS), gloss=0.03, rough=0.05, seed=seed_of(random)
    )
    edge = wood(random) if random.random() < 0.6 else DARK
    turn = (float(random.normal(0, 0.4)), 0.0, 0.0)
    return [
        box((0, 0, tall / 2), (wide, 0.015, tall), edge, turn),
        box((0, 0.006, tall / 2), (wide * 0.85, 0.01, tall * 0.85), image, turn),
    ]


def bowl(random: np.random.Generator) -> list[Part]:
    """A bowl, a cup or a candle."""
    tall, wide = float(random.uniform(0.03, 0.12)), float(random.uniform(0.03, 0.15))
    return [cone((0, 0, tall / 2), tall, wide * float(random.uniform(0.5, 1)), wide, glazed(random))]


def small_lamp(random: np.random.Generator) -> list[Part]:
    """A reading lamp with a bent arm, or a small shade on a foot."""
    arm, shade = metal(random), glazed(random)
    if random.random() < 0.5:
        elbow, tip = (0.0, -0.08, 0.25), (0.0, 0.12, 0.42)
        head = cone(tip, 0.12, 0.08, 0.03, shade, (0, 0.5, 0))
        return [cone((0, 0, 0.01), 0.02, 0.08, 0.08, arm), *cord([(0, 0, 0), elbow, tip], arm, 0.008), head]
    high, wide = float(random.uniform(0.2, 0.4)), float(random.uniform(0.08, 0.16))
    foot = cushion((0, 0, high / 2), (0.1, 0.1, high), glazed(random), power=2.5)
    return [foot, cone((0, 0, high + wide * 0.7), wide * 1.5, wide, wide * 0.7, shade)]


def lantern(random: np.random.Generator) -> list[Part]:
    """A cage of wires: a lantern, a lampshade without cloth, a letter tray."""
    wide, tall = float(random.uniform(0.06, 0.14)), float(random.uniform(0.15, 0.4))
    wire, sides = metal(random), int(random.integers(4, 10))
    top = wide * float(random.uniform(0.1, 1))
    rim = [(math.cos(2 * math.pi * i / sides), math.sin(2 * math.pi * i / sides)) for i in range(sides + 1)]
    low, high = [(wide * x, wide * y, 0.01) for x, y in rim], [(top * x, top * y, tall) for x, y in rim]
    bars = [rod(a, b, 0.003, wire) for a, b in zip(low[:-1], high[:-1], strict=True)]
    return bars + cord(low, wire, 0.003) + cord(high, wire, 0.003)


def laptop(random: np.random.Generator) -> list[Part]:
    """An open laptop."""
    lid = box((0, -0.12, 0.12), (0.33, 0.012, 0.22), DARK)
    return [box((0, 0, 0.01), (0.33, 0.23, 0.018), glazed(random)), lid]


def heap(random: np.random.Generator) -> list[Part]:
    """Clothes, a blanket, a bag."""
    skin = cloth(random, pattern=True)
    return [
        cushion(
            (*random.normal(0, 0.06, 2), 0.05),
            tuple(random.uniform(0.12, 0.45, 3) * (1, 1, 0.5)),
            skin,
            power=2.6,
        )
        for _ in range(int(random.integers(1, 4)))
    ]


SMALL: tuple[Maker, ...] = (vase, vase, carton, stack, figure, frame, bowl, small_lamp, lantern, laptop)
"""What stands on tables, chests and shelves."""
SOFT: tuple[Maker, ...] = (heap, heap, stack, carton)
"""What lies on beds and sofas."""


def drawn(makers: Sequence[Callable[[np.random.Generator], T]], random: np.random.Generator) -> T:
    """What one of the makers makes."""
    return makers[int(random.integers(len(makers)))](random)


def reach_of(parts: Sequence[Part]) -> float:
    """Metres to a side, or ahead, that parts reach at most from the origin."""
    return max(float(np.abs(part.bounds()[side][:2]).max()) for part in parts for side in (0, 1))


def height_of(parts: Sequence[Part]) -> float:
    """Metres above the ground of the highest point."""
    return max(float(part.bounds()[1][2]) for part in parts)
