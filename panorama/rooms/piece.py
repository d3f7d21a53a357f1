"""A piece of furniture before it is placed: back at y = 0, front towards +y, centred in x, standing on z = 0."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from panorama.rooms.light_sources import Light
from panorama.rooms.materials import FABRICS, METALS, WOODS, Material, linear, pick
from panorama.rooms.shapes import Part, cone


@dataclass
class Piece:
    """Parts of one object in its own frame.

    Attributes:
        kind: Class index.
        name: What it is, more finely than the class ("armchair").
        parts: Its solids.
        width: Metres in x.
        depth: Metres in y.
        lights: Sources in its own frame.
    """

    kind: int
    name: str
    parts: list[Part]
    width: float
    depth: float
    lights: list[Light] = field(default_factory=list)


def seed_of(random: np.random.Generator) -> int:
    """A number for `Material.seed`."""
    return int(random.integers(1 << 16))


def wood(random: np.random.Generator) -> Material:
    """Furniture wood, from raw to lacquered; now and then painted."""
    if random.random() < 0.22:
        palette = ["f1f0ec", "2c2d2f", "dcd8cf", "9aa39c", "6c7a80"]
        return Material("plain", pick(random, palette), gloss=0.035, rough=0.25, bump=0)
    gloss = float(random.choice([0.015, 0.03, 0.04]))
    return Material(
        "wood", pick(random, WOODS), gloss=gloss, rough=float(random.uniform(0.15, 0.4)), seed=seed_of(random)
    )


def metal(random: np.random.Generator) -> Material:
    """Brushed or painted metal."""
    colour = pick(random, METALS)
    return Material("plain", colour, gloss=0.5 if sum(colour) > 0.6 else 0.06, rough=0.15, bump=0)


def cloth(random: np.random.Generator, palette: list[str] = FABRICS, pattern: bool = False) -> Material:
    """Upholstery or linen; with `pattern` it may be striped or checked."""
    seed = seed_of(random)
    if not pattern:
        seed -= seed % 4
    colour, second = pick(random, palette), pick(random, palette)
    size = (float(random.uniform(0.03, 0.14)), float(random.uniform(0.06, 0.2)))
    return Material("fabric", colour, second, size, float(random.uniform(0.6, 1.2)), seed=seed)


def leather(random: np.random.Generator) -> Material:
    """Smooth hide with a dull shine."""
    palette = ["3a2a22", "5a3a28", "1f1f21", "8a5a3a", "d8d0c4", "6b4a36"]
    return Material(
        "fabric", pick(random, palette), variation=0.5, gloss=0.035, rough=0.3, seed=4 * seed_of(random)
    )


def upholstery(random: np.random.Generator) -> Material:
    """Cloth four times out of five, else leather."""
    return cloth(random) if random.random() < 0.8 else leather(random)


def legs(
    width: float, depth: float, height: float, radius: float, material: Material, inset: float = 0.05
) -> list[Part]:
    """Four round, slightly tapering legs under a rectangle whose back is at y = 0."""
    x, ys = width / 2 - inset, (inset, depth - inset)
    return [
        cone((side * x, y, height / 2), height, radius * 0.75, radius, material)
        for side in (-1, 1)
        for y in ys
    ]


BLACK = Material("plain", linear("141416"), gloss=0.045, rough=0.06, bump=0)
"""Glass of screens."""
DARK = Material("plain", linear("232325"), gloss=0.03, rough=0.4, bump=0)
"""Black plastic."""
