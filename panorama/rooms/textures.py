"""From a hit to a surface: reflectance, bumped normal, coat, emission.

Noise is looked up in the part's own frame (furniture keeps its grain when it turns) or, for what belongs to
the room, in the room's frame (a wall cut by a window keeps one pattern).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from panorama.rooms.floors import (
    Recipe,
    carpet,
    column,
    grain,
    herringbone,
    planks,
    rug,
    tile,
    wood_colour,
)
from panorama.rooms.materials import Material
from panorama.rooms.noise import Noise, cell_random
from panorama.rooms.tracer import Surfaces

ROOM_FRAME = {"paint", "plaster", "wallpaper", "planks", "herringbone", "tile", "carpet", "sheer"}
"""Recipes that are laid out in the room's frame."""


@dataclass
class Look:
    """A surface at n points, all tensors (3, n) or (n,).

    Attributes:
        albedo: (3, n) linear reflectance.
        normal: (3, n) unit normal with relief, world frame.
        gloss: (n,) reflectance of the coat at normal incidence.
        rough: (n,) spread of its reflection.
        emission: (3, n) emitted radiance.
    """

    albedo: Tensor
    normal: Tensor
    gloss: Tensor
    rough: Tensor
    emission: Tensor


class Textures:
    """Evaluates the materials of one scene."""

    def __init__(self, surfaces: Surfaces, noise: Noise) -> None:
        self.surfaces, self.noise = surfaces, noise
        half = surfaces.half
        self.longest = half.argmax(dim=1)

    def __call__(self, point: Tensor, part: Tensor, footprint: Tensor) -> Look:
        """Surfaces at world points (3, n) of parts (n,); `footprint` (n,) is a ray's width there in metres."""
        surfaces = self.surfaces
        local = surfaces.local(point, part)
        flat = surfaces.normal(local, part)
        look = Look(
            torch.empty_like(point),
            surfaces.to_world(flat, part),
            torch.zeros_like(footprint),
            torch.ones_like(footprint),
            torch.zeros_like(point),
        )
        used = surfaces.material[part]
        for index in torch.unique(used).tolist():
            which = (used == index).nonzero()[:, 0]
            material = surfaces.materials[index]
            self._fill(look, which, material, point, local, flat, part, footprint)
        return look

    def _fill(
        self,
        look: Look,
        which: Tensor,
        material: Material,
        point: Tensor,
        local: Tensor,
        flat: Tensor,
        part: Tensor,
        footprint: Tensor,
    ) -> None:
        """Evaluate one material at the points `which`."""
        owner = part[which]
        place = (point if material.kind in ROOM_FRAME else local)[:, which]
        facing = flat[:, which].abs().argmax(dim=0)
        first, second = (facing == 0).long(), torch.where(facing == 2, 1, 2)  # the two axes of the face
        if material.kind == "wood":  # u runs along the fibres
            swap = self.longest[owner] == second
            first, second = torch.where(swap, second, first), torch.where(swap, first, second)
        u, v = place.gather(0, first[None])[0], place.gather(0, second[None])[0]
        if material.kind in ("wood", "fabric", "plain", "leaf"):
            u, v = u + owner * 0.37, v + owner * 0.73
        colour, slopes = self._recipe(material, u, v, footprint[which], owner, local[:, which])
        look.albedo[:, which] = colour
        look.gloss[which], look.rough[which] = material.gloss, material.rough
        if material.kind in ("glow", "sheer"):
            look.emission[:, which] = colour
            look.albedo[:, which] = 0.0
        elif material.bump > 0:
            tangent = flat[:, which].clone()
            tangent.scatter_add_(0, first[None], -slopes[:1])
            tangent.scatter_add_(0, second[None], -slopes[1:])
            tangent = tangent / tangent.norm(dim=0)
            look.normal[:, which] = self.surfaces.to_world(tangent, owner)

    def _recipe(
        self, material: Material, u: Tensor, v: Tensor, footprint: Tensor, owner: Tensor, local: Tensor
    ) -> Recipe:
        noise = self.noise
        laid = {"planks": planks, "herringbone": herringbone, "tile": tile, "carpet": carpet}
        if material.kind in laid:
            return laid[material.kind](material, noise, u, v, footprint)
        if material.kind == "rug":
            return rug(material, noise, local[0], local[1], footprint)
        if material.kind == "wood":
            shift = cell_random(owner.float(), owner.float(), material.seed)
            figure = grain(noise, u, v, shift, footprint)
            return wood_colour(material, figure, (shift - 0.5) * 0.12), torch.zeros_like(u).expand(2, -1)
        if material.kind == "art":
            half = self.surfaces.half[owner]
            return art(material, noise, local[0] / half[:, 0], local[2] / half[:, 2]), u.new_zeros(2, len(u))
        return {
            "paint": paint,
            "plaster": plaster,
            "wallpaper": wallpaper,
            "fabric": fabric,
            "leaf": leaf,
            "sheer": sheer,
        }.get(material.kind, plain)(material, noise, u, v, footprint)


def plain(material: Material, noise: Noise, u: Tensor, v: Tensor, footprint: Tensor) -> Recipe:
    """One colour."""
    return column(material.colour, u).expand(-1, len(u)), u.new_zeros(2, len(u))


def paint(material: Material, noise: Noise, u: Tensor, v: Tensor, footprint: Tensor) -> Recipe:
    """A rolled wall: faint unevenness, orange peel."""
    broad = noise("rough", u * 0.13 + material.seed * 0.37, v * 0.17)[0]
    peel = noise("fine", u * 1.3, v * 1.3)
    fade = (0.01 / footprint).clamp(max=1.0)
    tone = 1 + material.variation * (0.012 * broad + 0.006 * peel[0] * fade)
    return column(material.colour, u) * tone, peel[1:] * 0.00006 * fade * material.bump


def plaster(material: Material, noise: Noise, u: Tensor, v: Tensor, footprint: Tensor) -> Recipe:
    """Trowelled plaster: visible relief, tone in patches."""
    relief = noise("rough", u * 0.45 + material.seed * 0.37, v * 0.45)
    stipple = noise("fine", u * 0.8, v * 0.8)
    fade = (0.015 / footprint).clamp(max=1.0)
    tone = 1 + material.variation * (0.03 * relief[0] + 0.02 * stipple[0] * fade)
    return column(material.colour, u) * tone, (
        relief[1:] * 0.004 + stipple[1:] * 0.0007 * fade
    ) * material.bump


def wallpaper(material: Material, noise: Noise, u: Tensor, v: Tensor, footprint: Tensor) -> Recipe:
    """Printed paper: stripes, an ogee lattice, sprigs or woven texture, by the seed."""
    period = material.size[0]
    x, y = u / period, v / period
    style = material.seed % 4
    soft = (footprint / period).clamp(min=0.02)
    if style == 0:
        share = ((torch.sin(x * 6.2832) / (soft * 6)).clamp(-1, 1) + 1) / 2
    elif style == 1:
        wave = torch.cos(x * 6.2832) * torch.cos(y * 3.1416) + 0.4 * torch.cos(y * 6.2832)
        share = (1 - ((wave - 0.25).abs() / (soft * 4 + 0.1)).clamp(max=1)) * (0.3 / (soft + 0.3))
    elif style == 2:
        shifted = x + 0.5 * torch.remainder(torch.floor(y), 2.0)
        dx, dy = torch.remainder(shifted, 1.0) - 0.5, torch.remainder(y, 1.0) - 0.5
        angle = torch.atan2(dy, dx)
        petal = 0.16 + 0.09 * torch.cos(5 * angle)
        share = ((petal - torch.hypot(dx, dy)) / soft).clamp(0, 1)
    else:
        share = (0.5 + 0.35 * noise("fine", u * 0.9, v * 0.12)[0] * (0.006 / footprint).clamp(max=1.0)).clamp(
            0, 1
        )
    share = share * 0.6 * material.variation
    colour = column(material.colour, u) * (1 - share) + column(material.second, u) * share
    return colour * (1 + 0.01 * noise("rough", u * 0.15, v * 0.15)[0]), u.new_zeros(2, len(u))


def fabric(material: Material, noise: Noise, u: Tensor, v: Tensor, footprint: Tensor) -> Recipe:
    """Cloth: soft folds, weave, and stripes or checks where `second` differs by the seed."""
    folds = noise("cloud", u * 0.55 + material.seed * 0.41, v * 0.55)
    weave = noise("fine", u * 1.9, v * 1.9)
    fade = (0.006 / footprint).clamp(max=1.0)
    tone = 1 + material.variation * (0.05 * folds[0] + 0.09 * weave[0] * fade)
    colour = column(material.colour, u)
    if material.seed % 4 == 1:  # stripes
        share = (torch.sin(u / material.size[0] * 6.2832) > 0).float() * 0.8
        colour = colour * (1 - share) + column(material.second, u) * share
    elif material.seed % 4 == 2 and material.size[1] < 1:  # checks
        bars = (torch.sin(u / material.size[1] * 6.2832) > 0).float() + (
            torch.sin(v / material.size[1] * 6.2832) > 0
        ).float()
        colour = colour * (1 - bars * 0.4) + column(material.second, u) * (bars * 0.4)
    slopes = (folds[1:] * 0.012 + weave[1:] * 0.0002 * fade) * material.bump
    return (colour * tone).clamp(0.004, 0.92), slopes


def leaf(material: Material, noise: Noise, u: Tensor, v: Tensor, footprint: Tensor) -> Recipe:
    """Green that differs from leaf to leaf (u and v are shifted by the part's number)."""
    tone = 1 + 0.3 * noise("rough", u * 0.9, v * 0.9)[0]
    return (column(material.colour, u) * tone).clamp(0.01, 0.8), u.new_zeros(2, len(u))


def sheer(material: Material, noise: Noise, u: Tensor, v: Tensor, footprint: Tensor) -> Recipe:
    """A net curtain lit from behind: folds along its height, a little darker to the bottom."""
    folds = noise("rough", u * 0.55 + material.seed * 0.37, v * 0.004)[0]
    pleats = torch.sin(u * 46 + 3 * folds)
    tone = 0.85 + 0.10 * folds + 0.08 * pleats + 0.06 * (v - 1.2)
    return column(material.colour, u) * tone.clamp(min=0.35), u.new_zeros(2, len(u))


def art(material: Material, noise: Noise, x: Tensor, y: Tensor) -> Tensor:
    """A picture in a frame: landscape, abstract fields or a drawing on paper; x and y in [-1, 1]."""
    base, other = column(material.colour, x), column(material.second, x)
    seed = material.seed * 0.618
    field = noise("cloud", x * 0.2 + seed, y * 0.2 + seed * 1.7)[0]
    detail = noise("rough", x * 0.35 + seed, y * 0.35)[0]
    style = material.seed % 3
    if style == 0:  # hills under a sky
        ridge = 0.35 * noise("rough", x * 0.15 + seed, x * 0 + 0.3)[0] - 0.1
        share = ((y - ridge) * 12).clamp(-1, 1) * 0.5 + 0.5
        colour = (other * (1 + 0.3 * detail)) * (1 - share) + (base * (0.8 + 0.25 * y + 0.1 * field)) * share
    elif style == 1:  # fields of colour
        share = ((field * 5 + detail) > 0).float()
        third = base.flip(0) * 0.8
        colour = torch.where(field > 0.9, third, base * share + other * (1 - share)) * (1 + 0.08 * detail)
    else:  # ink on paper
        line = torch.exp(-((detail * 9) ** 2)) * torch.exp(-((x**2 + y**2) * 2.2))
        colour = column((0.8, 0.78, 0.72), x) * (1 - 0.9 * line) + other * 0
    inside = torch.maximum(x.abs(), y.abs()) < (0.78 if material.seed % 2 else 1.1)
    return torch.where(inside, colour, column((0.82, 0.81, 0.78), x)).clamp(0.01, 0.9)
