"""What things are made of: a recipe name, two colours and a few numbers, evaluated in `textures.py`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Colour = tuple[float, float, float]
"""Linear RGB reflectance, each in [0, 1]."""


@dataclass(frozen=True)
class Material:
    """A surface.

    Attributes:
        kind: Recipe: paint, plaster, wallpaper, planks, herringbone, tile, carpet, rug, wood, fabric, plain,
            leaf, art, glow or sheer.
        colour: Mean linear reflectance; for glow and sheer, the emitted radiance.
        second: The other colour of patterns (grout, stripes, veins).
        size: Recipe-dependent lengths in metres (plank width and length, tile sides, stripe width).
        variation: Strength of the recipe's tone differences, around 1.
        gloss: Reflectance at normal incidence of the coat (0 none, 0.04 lacquer, 0.6 and more metal).
        rough: Spread of the reflection, 0 mirror to 1.
        bump: Strength of the relief, around 1.
        seed: Shifts the noise, so that two pieces of one kind differ.
    """

    kind: str
    colour: Colour
    second: Colour = (0.5, 0.5, 0.5)
    size: tuple[float, float] = (1.0, 1.0)
    variation: float = 1.0
    gloss: float = 0.0
    rough: float = 0.3
    bump: float = 1.0
    seed: int = 0


def shaded(colour: Colour, factor: float, plus: float = 0.0) -> Colour:
    """A darker or lighter version of a colour."""
    red, green, blue = colour
    return red * factor + plus, green * factor + plus, blue * factor + plus


def linear(hex_colour: str, scale: float = 1.0) -> Colour:
    """Linear reflectance of an sRGB colour such as "c8b090"."""
    values = [int(hex_colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return red * scale, green * scale, blue * scale


WALLS = [
    "f2efe8",
    "f4f1ea",
    "eceae4",
    "f0eee9",
    "e9e4d8",
    "efe7d6",
    "e6e9e8",
    "dfe3e0",
    "d9d4c7",
    "e8dcc8",
    "cfd6d2",
    "d8cdbd",
    "c9c3b8",
    "e3d9cf",
]
ACCENTS = [
    "2f5d7c",
    "7a8f85",
    "b08968",
    "8c5a4a",
    "5f6f65",
    "40495a",
    "a3b1a6",
    "c2a878",
    "9a6f6f",
    "6d7f94",
    "3d5a50",
    "b7a08a",
    "857a8c",
]
WOODS = [
    "b98d5f",
    "a87848",
    "8a5a36",
    "6b432a",
    "4a2f20",
    "c9a57a",
    "d2b48c",
    "9b6b43",
    "7d5233",
    "c8ad8d",
    "3a2a22",
    "b59b7c",
]
FLOORS = [
    "b58a5e",
    "a6794d",
    "c19a6b",
    "8e6239",
    "d0b187",
    "6e4a30",
    "b9a083",
    "9c8468",
    "c7aa84",
    "7f5b3d",
    "a89882",
]
FABRICS = [
    "8a8d91",
    "5b6068",
    "b9b2a6",
    "d8d0c2",
    "3e4a5a",
    "6b4f3f",
    "a08468",
    "7d8a78",
    "4a6a70",
    "9c5c4c",
    "2e3238",
    "c9bfae",
    "766a8a",
    "54604c",
    "b08a52",
    "e2ddd3",
    "405f86",
    "8f3f3a",
    "1f6f78",
    "c7783f",
]
LINENS = [
    "f0eeea",
    "e8e4dc",
    "d5dbe0",
    "e9e1d5",
    "c6cfd6",
    "dcd3c6",
    "f4f3f0",
    "b9c4c0",
    "9fb0c0",
    "d8c0b4",
    "7f8fa3",
    "e4d7c0",
]
METALS = ["b8b8b8", "8e8e90", "2a2a2c", "c9a86a", "5a5a5e"]
LEAVES = ["3f6b34", "4f7d3a", "2f5a30", "5d8a4a", "6f9150", "39653f"]
BOOKS = [
    "7a2e2a",
    "2d4a6a",
    "d9cfb8",
    "3f5a45",
    "c7a25a",
    "5a4a6a",
    "e8e6e0",
    "22262c",
    "9a5a3a",
    "6f8a96",
    "b5463c",
    "4a4238",
]


def pick(random: np.random.Generator, palette: list[str], spread: float = 0.08) -> Colour:
    """A colour of the palette, a little lighter or darker and warmer or cooler."""
    red, green, blue = linear(str(random.choice(palette)))
    light = 1 + spread * random.normal()
    warm = 1 + 0.25 * spread * random.normal()
    return (
        float(np.clip(red * light * warm, 0.01, 0.88)),
        float(np.clip(green * light, 0.01, 0.88)),
        float(np.clip(blue * light / warm, 0.01, 0.88)),
    )
