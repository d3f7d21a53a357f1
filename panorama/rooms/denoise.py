"""Edge-avoiding filters on the light of a panorama, and its way to the subpixels.

The a-trous wavelet of Dammertz et al., "Edge-Avoiding A-Trous Wavelet Transform for fast Global Illumination
Filtering" (HPG 2010): a small kernel with holes that double each round, weighted by normal, plane and, for
direct light, brightness. Columns wrap round.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

KERNEL = (0.25, 0.5, 0.25)
"""3 tap binomial: rounds with steps 1, 2, 4, ... spread it without gaps."""


class Guide:
    """What a pixel shows, as pictures: points (3, h, w), unit normals (3, h, w), part (h, w), distance (h, w)."""

    def __init__(self, point: Tensor, normal: Tensor, part: Tensor, distance: Tensor) -> None:
        self.point, self.normal, self.part = point, normal, part
        self.slack = 0.01 + 0.012 * distance.clamp(max=20.0)

    def likeness(self, other: Guide) -> Tensor:
        """(h, w) in [0, 1]: whether neighbours given by a shifted guide lie on the same smooth surface."""
        facing = (self.normal * other.normal).sum(dim=0).clamp(min=0) ** 16
        off_plane = ((other.point - self.point) * self.normal).sum(dim=0).abs()
        return facing * torch.exp(-off_plane / self.slack) * (other.part >= 0)

    def shifted(self, dy: int, dx: int) -> Guide:
        """The guide of the pixels `dy` rows below and `dx` columns to the right."""
        moved = Guide.__new__(Guide)
        moved.point, moved.normal = shift(self.point, dy, dx), shift(self.normal, dy, dx)
        moved.part = shift(self.part[None], dy, dx)[0]
        return moved


def shift(picture: Tensor, dy: int, dx: int) -> Tensor:
    """Neighbours of (c, h, w): columns wrap round, rows repeat the last."""
    picture = torch.roll(picture, -dx, dims=2)
    if dy == 0:
        return picture
    height = picture.shape[1]
    rows = (torch.arange(height, device=picture.device) + dy).clamp(0, height - 1)
    return picture.index_select(1, rows)


def smooth(light: Tensor, guide: Guide, rounds: int, contrast: float | None) -> Tensor:
    """Filter (c, h, w) over `rounds` doubling steps.

    `contrast` is the relative difference of brightness that stops it, from the second round on: single samples
    say little about where a shadow ends.
    """
    limit = None
    for step in [2**i for i in range(rounds)]:
        total, weights = light * 0.25, torch.full_like(light[0], 0.25)
        level = light[:3].mean(dim=0)
        for dy in (-step, 0, step):
            for dx in (-step, 0, step):
                if dy == dx == 0:
                    continue
                kernel = KERNEL[1 + dy // step] * KERNEL[1 + dx // step]
                weight = kernel * guide.likeness(guide.shifted(dy, dx))
                near = shift(light, dy, dx)
                if limit is not None:
                    other = near[:3].mean(dim=0)
                    weight = weight * torch.exp(-(other - level).abs() / (limit * (other + level) / 2 + 1e-4))
                total = total + near * weight
                weights = weights + weight
        light = total / weights
        limit = contrast if limit is None else limit * 0.6
    return light


def spread_to(
    light: Tensor, guide: Guide, x: Tensor, y: Tensor, point: Tensor, normal: Tensor, slack: Tensor
) -> tuple[Tensor, Tensor]:
    """Light (c, n) at surface points from the four nearest samples that lie on the same surface.

    Args:
        light: (c, h, w) on the guide's grid.
        guide: Of that grid.
        x: (n,) column in grid units, sample centres at +0.5.
        y: (n,) row likewise.
        point: (3, n) world points.
        normal: (3, n) unit normals.
        slack: (n,) distance from the plane that still counts as the same surface, metres.

    Returns:
        Interpolated light (c, n) and the normals (3, n) it belongs to.
    """
    height, width = light.shape[1:]
    left, top = torch.floor(x - 0.5), torch.floor(y - 0.5)
    fx, fy = x - 0.5 - left, y - 0.5 - top
    stacked = torch.cat([light, guide.normal, guide.point]).flatten(1)
    count = len(light)
    total = torch.zeros_like(stacked[: count + 3, :1]).expand(-1, len(x)).clone()
    weights = torch.zeros_like(x)
    for dy, wy in ((0, 1 - fy), (1, fy)):
        for dx, wx in ((0, 1 - fx), (1, fx)):
            column = torch.remainder(left + dx, width).long()
            row = (top + dy).clamp(0, height - 1).long()
            tap = stacked.index_select(1, row * width + column)
            facing = (tap[count : count + 3] * normal).sum(dim=0).clamp(min=0) ** 8
            off_plane = ((tap[count + 3 :] - point) * normal).sum(dim=0).abs()
            weight = (wx * wy + 1e-3) * (facing * torch.exp(-off_plane / slack) + 1e-7)
            total = total + tap[: count + 3] * weight
            weights = weights + weight
    total = total / weights
    return total[:count], F.normalize(total[count:], dim=0)
