"""Light sources as tensors: where a shadow ray goes, and how much light it would bring."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from panorama.rooms.light_sources import Light, Outside
from panorama.rooms.noise import Noise

WINDOW, PANEL, SKY, BALL, SUN = range(5)
_KINDS = {"window": WINDOW, "panel": PANEL, "sky": SKY, "ball": BALL, "sun": SUN}
FAR = 100.0
"""Metres; farther than anything is."""


class Sky:
    """Radiance from outside, by direction."""

    def __init__(self, outside: Outside, noise: Noise, device: torch.device) -> None:
        self.outside, self.noise = outside, noise
        self.colours = torch.tensor(
            [outside.sky, outside.horizon, outside.ground, outside.growth], dtype=torch.float32, device=device
        )[:, :, None]

    def __call__(self, direction: Tensor, detailed: bool = False) -> Tensor:
        """Radiance (3, n) along unit vectors (3, n); `detailed` shows trees and clouds to the camera."""
        sky, horizon, ground, growth = self.colours
        up = direction[2]
        above = horizon + (sky - horizon) * up.clamp(0, 1) ** 0.6
        line = torch.full_like(up, self.outside.skyline)
        if detailed:
            azimuth = torch.atan2(direction[0], direction[1]) / (2 * math.pi) + self.outside.seed
            shape = self.noise("rough", azimuth * 1.5, up * 0.02)[0]
            crowns = self.noise("rough", azimuth * 4, up * 0.6)[0]
            line = line * (1 + 0.55 * shape) + 0.05 * crowns
            above = above * (1 + 0.06 * self.noise("cloud", azimuth * 2, up * 0.5)[0])
            growth = growth * (1 + 0.35 * crowns).clamp(min=0.2)
            ground = ground * (1 + 0.15 * shape)
        wooded = ((line - up) / 0.02).clamp(0, 1)
        below = (-(up + 0.06) / 0.03).clamp(0, 1)
        seen = above * (1 - wooded) + growth * wooded
        return seen * (1 - below) + ground * below


class Lights:
    """The sources of a scene, sampled by index."""

    def __init__(self, lights: list[Light], sky: Sky, device: torch.device) -> None:
        def rows(values: list) -> Tensor:
            return torch.tensor(np.array(values, np.float32).reshape(-1, 3), device=device).T.contiguous()

        self.sky = sky
        self.count = len(lights)
        self.sun = next((i for i, light in enumerate(lights) if light.kind == "sun"), None)
        self.kind = torch.tensor([_KINDS[light.kind] for light in lights], device=device, dtype=torch.int64)
        self.at = rows([light.at for light in lights])
        self.first, self.second = (
            rows([light.first for light in lights]),
            rows([light.second for light in lights]),
        )
        flat = [light.kind in ("window", "panel", "sky") for light in lights]
        self.normal = rows([light.normal if f else (0, 0, 0) for light, f in zip(lights, flat, strict=True)])
        self.radiance = rows([light.radiance for light in lights])
        self.furnished = torch.tensor([light.furnished for light in lights], device=device, dtype=torch.bool)
        self.area = 4 * self.first.norm(dim=0) * self.second.norm(dim=0)
        ball = self.kind == BALL
        self.area = torch.where(ball, math.pi * self.first[0] ** 2, self.area)
        mean_sky = sky(self.normal * 0 + torch.tensor([[0.0], [0.0], [0.25]], device=device)).mean(dim=0)
        self.level = torch.where(self.kind == WINDOW, mean_sky, self.radiance.mean(dim=0))

    def chances(self, point: Tensor, normal: Tensor) -> Tensor:
        """Probabilities (sources, n), higher the more light a source might bring; the sun is left out."""
        guesses = []
        for index in range(self.count):
            if index == self.sun:
                guesses.append(torch.zeros_like(point[0]))
                continue
            to = self.at[:, index, None] - point
            square = (to * to).sum(dim=0) + 0.1
            away = square.sqrt()
            facing = ((normal * to).sum(dim=0) / away).clamp(min=0) + 0.15
            if self.kind[index] != BALL:
                facing = facing * (((self.normal[:, index, None] * to).sum(dim=0) / away).abs() + 0.05)
            if self.kind[index] == SKY:
                facing = facing * self.outdoors(point)
            guesses.append(self.level[index] * self.area[index] * facing / square + 1e-6)
        stacked = torch.stack(guesses)
        return stacked / stacked.sum(dim=0).clamp(min=1e-12)

    def outdoors(self, point: Tensor) -> Tensor:
        """Bool (n,): what lies beyond a window's plane; walls with windows have the whole room on one side."""
        window = self.kind == WINDOW
        beyond = (self.normal[:, window].T @ point) - (self.normal * self.at).sum(dim=0)[window, None]
        return (beyond > 1e-3).any(dim=0)

    def through_window(self, point: Tensor, direction: Tensor) -> Tensor:
        """Bool (n,): whether rays pass through the opening of a window, or begin beyond it."""
        passes = self.outdoors(point)
        for index in (self.kind == WINDOW).nonzero()[:, 0].tolist():
            normal, at = self.normal[:, index, None], self.at[:, index, None]
            slope = (direction * normal).sum(dim=0)
            step = ((at - point) * normal).sum(dim=0) / torch.where(slope.abs() < 1e-6, 1e-6, slope)
            off = point + step * direction - at
            inside = step > 0
            for side in (self.first[:, index, None], self.second[:, index, None]):
                inside &= (off * side).sum(dim=0).abs() <= (side * side).sum() * 1.001
            passes |= inside
        return passes

    def sample(self, index: Tensor, point: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """A shadow ray to a random point of source `index` (n,) from points (3, n).

        Returns:
            Unit direction (3, n), distance to which the way must be free (n,), and radiance times solid angle
            (3, n): what arrives on a surface that faces the source.
        """
        kind, at = self.kind[index], self.at[:, index]
        first, second = self.first[:, index], self.second[:, index]
        a, b = 2 * u - 1, 2 * v - 1
        target = at + a * first + b * second
        round_shape = kind >= BALL
        centre = torch.where(kind == SUN, at, at - point)
        side = _perpendicular(centre)
        other = torch.linalg.cross(side, centre / centre.norm(dim=0).clamp(min=1e-6), dim=0)
        radius, angle = first[0] * u.sqrt(), 2 * math.pi * v
        disc = centre + radius * (torch.cos(angle) * side + torch.sin(angle) * other)
        to = torch.where(round_shape, disc, target - point)
        square = (to * to).sum(dim=0).clamp(min=2.5e-3)
        away = square.sqrt()
        direction = to / away
        facing = -(direction * self.normal[:, index]).sum(dim=0)
        facing = torch.where(kind == WINDOW, -facing, facing).clamp(min=0)
        angle_seen = torch.where(kind == BALL, 1.0, facing) * self.area[index] / square
        angle_seen = torch.where(kind == SUN, 1.0, angle_seen.clamp(max=2 * math.pi))
        light = self.radiance[:, index]
        window = kind == WINDOW
        light = torch.where(window, self.sky(direction), light)
        reach = torch.where(kind == BALL, away - 1.4 * first[0], away * 0.999)
        reach = torch.where((kind == SUN) | window, FAR, reach)
        return direction, reach.clamp(min=0.0), light * angle_seen


def pick_source(chances: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """An index (n,) drawn by the columns of `chances` (sources, n) with u (n,) in [0, 1), and its probability."""
    index = (chances.cumsum(dim=0) < u * 0.99999).sum(dim=0).clamp(max=len(chances) - 1)
    return index, chances.gather(0, index[None])[0].clamp(min=1e-6)


def _perpendicular(vector: Tensor) -> Tensor:
    """Some unit vectors at right angles to (3, n)."""
    flat = torch.stack([-vector[1], vector[0], torch.zeros_like(vector[0])])
    upright = torch.stack([torch.zeros_like(vector[0]), -vector[2], vector[1]])
    chosen = torch.where((flat * flat).sum(dim=0) > 1e-6, flat, upright)
    return chosen / chosen.norm(dim=0).clamp(min=1e-9)


def hemisphere(normal: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Cosine-weighted unit vectors (3, n) round normals (3, n)."""
    first = _perpendicular(normal)
    second = torch.linalg.cross(normal, first, dim=0)
    radius, angle = u.sqrt(), 2 * math.pi * v
    across = torch.cos(angle) * first + torch.sin(angle) * second
    return radius * across + (1 - u).clamp(min=0).sqrt() * normal


def spread(offset: Tensor, index: int) -> tuple[Tensor, Tensor]:
    """Sample number `index` of the R2 sequence (Roberts 2018) shifted by `offset` (2, n), in [0, 1)."""
    u = torch.remainder(offset[0] + 0.7548776662466927 * index, 1.0)
    return u, torch.remainder(offset[1] + 0.5698402909980532 * index, 1.0)
