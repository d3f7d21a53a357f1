"""Recipes of what is walked on: planks, herringbone parquet, tiles, carpet, rugs.

Every recipe maps surface coordinates in metres to reflectance and relief. `footprint` is the size of one ray
on the surface: a joint thinner than that darkens it by the covered share instead of flickering.
"""

from __future__ import annotations

import torch
from torch import Tensor

from panorama.rooms.materials import Material
from panorama.rooms.noise import Noise, cell_random

Recipe = tuple[Tensor, Tensor]
"""Reflectance (3, n), and relief slopes (2, n) along u and v."""


def column(colour: tuple[float, float, float], like: Tensor) -> Tensor:
    """A colour as (3, 1) on the device of `like`."""
    return torch.tensor(colour, dtype=torch.float32, device=like.device)[:, None]


def joint(position: Tensor, side: Tensor | float, width: float, footprint: Tensor) -> Tensor:
    """Covered share (n,) of a joint of `width` at both ends of [0, side]."""
    away = torch.minimum(position, side - position)
    reach = torch.maximum(footprint / 2, torch.full_like(away, width / 2))
    return (1 - (away / reach).clamp(max=1.0)) * (width / (2 * reach)).clamp(max=1.0) * 1.6


def grain(noise: Noise, along: Tensor, across: Tensor, shift: Tensor, footprint: Tensor) -> Tensor:
    """Wood figure around 0: long fibres, broad bands of growth rings, pores; fades where rays are coarse."""
    bands = noise("rough", along * 0.11 + shift * 7.1, across * 0.9 + shift * 3.7)[0]
    fibres = noise("rough", along * 0.3 + shift * 2.3, across * 6.0 + shift)[0]
    rings = torch.sin(across * 150 + bands * 9 + shift * 40)
    fade = (0.012 / footprint).clamp(max=1.0)
    return 0.45 * bands + (0.35 * fibres + 0.16 * rings) * fade


def wood_colour(material: Material, figure: Tensor, tone: Tensor) -> Tensor:
    """Reflectance from figure and board tone: darker wood is also redder, as real wood is."""
    depth = (figure * 0.16 + tone) * material.variation
    base = column(material.colour, figure)
    power = torch.tensor([0.8, 1.0, 1.25], device=figure.device)[:, None]
    return (base * torch.exp(-depth * power)).clamp(0.004, 0.9)


def planks(material: Material, noise: Noise, u: Tensor, v: Tensor, footprint: Tensor) -> Recipe:
    """Boards in rows, each row shifted by its own amount, each board with its own tone and figure."""
    width, length = material.size
    row = torch.floor(v / width)
    shifted = u + cell_random(row, row * 0, material.seed) * length * 3
    board = torch.floor(shifted / length)
    shift = cell_random(row, board, material.seed + 1)
    tone = (cell_random(row, board, material.seed + 2) - 0.5) * 0.42
    figure = grain(noise, shifted, v, shift, footprint)
    colour = wood_colour(material, figure, tone)
    gap = joint(v - row * width, width, 0.0022, footprint)
    gap = torch.maximum(gap, joint(shifted - board * length, length, 0.0018, footprint))
    slopes = torch.stack([(shift - 0.5) * 0.012, (cell_random(board, row, material.seed) - 0.5) * 0.02])
    return colour * (1 - 0.75 * gap.clamp(max=1.0)), slopes * material.bump


def herringbone(material: Material, noise: Noise, u: Tensor, v: Tensor, footprint: Tensor) -> Recipe:
    """Parquet blocks laid in zigzag, at 45 degrees to the walls."""
    width, length = material.size
    ratio = max(round(length / width), 2)
    x, y = (u + v) * 0.70710678 / width, (v - u) * 0.70710678 / width
    column_index, row_index = torch.floor(x), torch.floor(y)
    phase = torch.remainder(column_index - row_index, 2.0 * ratio)
    flat = phase < ratio  # this unit cell belongs to a block lying along x
    start = torch.where(flat, column_index - phase, row_index - (2 * ratio - 1 - phase))
    along = torch.where(flat, x, y) - start
    across = torch.where(flat, y - row_index, x - column_index)
    a, b = torch.where(flat, start, column_index), torch.where(flat, row_index, start)
    seed = torch.where(flat, torch.zeros_like(a), torch.ones_like(a))
    shift = cell_random(a * 2 + seed, b, material.seed)
    tone = (cell_random(a * 2 + seed, b, material.seed + 1) - 0.5) * 0.36 + torch.where(flat, 0.05, -0.05)
    figure = grain(noise, along * width, across * width, shift, footprint)
    gap = joint(across * width, width, 0.0015, footprint)
    gap = torch.maximum(gap, joint(along * width, ratio * width, 0.0015, footprint))
    tilt = torch.where(flat, 0.008, -0.008) + (shift - 0.5) * 0.014
    slopes = torch.stack([tilt, tilt * 0.6]) * material.bump
    return wood_colour(material, figure, tone) * (1 - 0.7 * gap.clamp(max=1.0)), slopes


def tile(material: Material, noise: Noise, u: Tensor, v: Tensor, footprint: Tensor) -> Recipe:
    """Stone or ceramic tiles with grout; `variation` sets veins and the tone from tile to tile."""
    wide, tall = material.size
    row = torch.floor(v / tall)
    shifted = u + (0.5 * wide if material.seed % 3 == 0 else 0.0) * torch.remainder(row, 2.0)
    cell = torch.floor(shifted / wide)
    shift = cell_random(cell, row, material.seed)
    cloud = noise("cloud", shifted * 0.35 + shift * 9, v * 0.35 + shift * 5)[0]
    field = noise("rough", shifted * 0.5 + shift * 3, v * 0.5 - shift * 7)[0]
    vein = torch.exp(-((field * 6) ** 2)) * (0.4 + 0.6 * cloud.clamp(0, 1))
    tone = 1 + material.variation * ((shift - 0.5) * 0.08 + 0.05 * cloud - 0.22 * vein)
    gap = joint(shifted - cell * wide, wide, 0.004, footprint)
    gap = torch.maximum(gap, joint(v - row * tall, tall, 0.004, footprint)).clamp(max=1.0)
    colour = column(material.colour, u) * tone * (1 - gap) + column(material.second, u) * gap
    other = cell_random(row, cell, material.seed + 5)
    slopes = torch.stack([(shift - 0.5), (other - 0.5)]) * 0.008 * material.bump
    return colour.clamp(0.004, 0.92), slopes


def carpet(material: Material, noise: Noise, u: Tensor, v: Tensor, footprint: Tensor) -> Recipe:
    """Pile: trodden patches, fine loops."""
    loops = noise("fine", u * 1.7, v * 1.7)
    patches = noise("rough", u * 0.21 + material.seed, v * 0.21)[0]
    fade = (0.008 / footprint).clamp(max=1.0)
    tone = 1 + material.variation * (0.07 * patches + 0.11 * loops[0] * fade)
    return column(material.colour, u) * tone.clamp(min=0.3), loops[1:] * 0.0004 * fade * material.bump


def rug(material: Material, noise: Noise, u: Tensor, v: Tensor, footprint: Tensor) -> Recipe:
    """A woven rug: plain with a border, stripes, diamonds or a worn medallion, by the seed."""
    wide, tall = material.size
    base, other = column(material.colour, u), column(material.second, u)
    edge = torch.minimum(wide / 2 - u.abs(), tall / 2 - v.abs())
    style = material.seed % 5
    if style == 1:
        pattern = (torch.sin(u * 34) > 0.2).float() * 0.9
    elif style == 2:
        folded = torch.remainder(u * 3.2, 1.0).sub(0.5).abs() + torch.remainder(v * 2.1, 1.0).sub(0.5).abs()
        pattern = ((folded - 0.5).abs() < 0.06).float()
    elif style == 3:
        rings = (
            torch.sin(torch.sqrt((u / wide) ** 2 + (v / tall) ** 2) * 60)
            * torch.cos(u * 15)
            * torch.cos(v * 15)
        )
        pattern = ((rings > 0.1) | ((edge > 0.12) & (edge < 0.22))).float()
        pattern = pattern * (0.55 + 0.3 * noise("rough", u * 0.4, v * 0.4)[0]).clamp(0, 1)
    elif style == 4:
        pattern = (0.5 + 0.5 * noise("cloud", u * 0.3 + material.seed * 0.13, v * 0.3)[0]).clamp(0, 1)
    else:
        pattern = ((edge > 0.08) & (edge < 0.11)).float()
    soft = carpet(material, noise, u, v, footprint)
    tone = soft[0] / base
    return (base + (other - base) * pattern) * tone, soft[1]
