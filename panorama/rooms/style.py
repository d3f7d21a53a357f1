"""The materials of one room, chosen to go together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from panorama.rooms.materials import ACCENTS, FLOORS, METALS, WALLS, WOODS, Material, linear, pick, shaded


@dataclass
class Style:
    """The materials of one room."""

    wall: Material
    accent: Material | None
    ceiling: Material
    floor: Material
    trim: Material
    door: Material
    frame: Material
    metal: Material


def draw_style(random: np.random.Generator) -> Style:
    """Materials that go together: light walls, one floor, one trim."""
    seed = int(random.integers(1 << 16))
    kind = str(random.choice(["paint", "paint", "paint", "plaster", "wallpaper"]))
    colour = pick(random, WALLS, 0.05)
    second = shaded(colour, float(random.uniform(0.72, 0.92)))
    size = (float(random.uniform(0.1, 0.42)), 1.0)
    wall = Material(kind, colour, second, size, 1.0, bump=1.0, seed=seed)
    accent = None
    if random.random() < 0.3:
        accent = replace(wall, kind="paint", colour=pick(random, ACCENTS), seed=seed + 1)
    white = linear(str(random.choice(["f5f4f1", "f1efea", "fafaf8"])))
    trim = Material("plain", white if random.random() < 0.75 else pick(random, WOODS), gloss=0.03, rough=0.35)
    wooden_door = random.random() < 0.35
    door = Material("wood", pick(random, WOODS), gloss=0.03, rough=0.3) if wooden_door else trim
    dark_frame = random.random() < 0.18
    frame = replace(trim, colour=linear("2b2c2e") if dark_frame else white)
    ceiling = Material("paint", linear("f4f3f0"), bump=0.7, seed=seed + 2)
    if random.random() < 0.15:
        ceiling = replace(ceiling, kind="plaster")
    return Style(wall, accent, ceiling, draw_floor(random), trim, door, frame, _metal(random))


def _metal(random: np.random.Generator) -> Material:
    return Material("plain", pick(random, METALS), gloss=0.45, rough=0.2, bump=0)


def draw_floor(random: np.random.Generator) -> Material:
    """Planks most often, then herringbone, tiles, carpet."""
    seed = int(random.integers(1 << 16))
    kind = str(random.choice(["planks", "herringbone", "tile", "carpet"], p=[0.56, 0.16, 0.15, 0.13]))
    if kind == "planks":
        size = (float(random.choice([0.07, 0.12, 0.14, 0.19, 0.22])), float(random.uniform(0.7, 1.9)))
        gloss = float(random.choice([0.02, 0.035, 0.045]))
        rough = float(random.uniform(0.1, 0.35))
        return Material(
            kind,
            pick(random, FLOORS),
            (0, 0, 0),
            size,
            float(random.uniform(0.6, 1.3)),
            gloss,
            rough,
            0.6,
            seed,
        )
    if kind == "herringbone":
        size = (float(random.choice([0.07, 0.09, 0.12])), float(random.choice([0.35, 0.45, 0.6])))
        rough = float(random.uniform(0.12, 0.3))
        return Material(kind, pick(random, FLOORS), (0, 0, 0), size, 1.0, 0.04, rough, 0.6, seed)
    if kind == "tile":
        side = float(random.choice([0.3, 0.45, 0.6, 0.8]))
        size = (side, side if random.random() < 0.6 else side / 2)
        palette = ["e8e5df", "d9d4ca", "c4bdb0", "b0aca5", "8f8c88", "e2d6c2", "efeeea", "b59c84"]
        colour = pick(random, palette)
        grout = shaded(colour, 0.62, 0.03)
        rough = float(random.uniform(0.04, 0.22))
        return Material(kind, colour, grout, size, float(random.uniform(0.3, 1.2)), 0.045, rough, 0.5, seed)
    palette = ["b9b0a4", "9c958c", "cfc6b8", "7d7f84", "a79a8a", "5f6670", "c9bda9"]
    return Material(kind, pick(random, palette), seed=seed)
