"""Rays against a room and its furniture: bounding boxes first, then the parts inside them.

A scene is two worlds that share every random number: the bare room, and the same room with furniture. Each
ray is traced through the room once, and then through the furniture, so both worlds cost little more than one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from panorama.rooms.shapes import CONE, NEAR, ROUND, SUPER, Part, Parts, surface

CPU_CHUNK, CUDA_CHUNK = 1 << 15, 1 << 20
"""Rays worked on together: what stays in a core's cache, and what fills an accelerator."""
OFFSET = 1e-3
"""Metres by which a new ray starts off its surface."""


@dataclass
class Thing:
    """One object: a class index, a name, and its parts in world coordinates. Fixed parts of the room are class 0."""

    kind: int
    name: str
    parts: list[Part]


@dataclass
class Hits:
    """Where rays of shape (n,) end.

    Attributes:
        distance: (n,) metres, infinite where the ray leaves through a window.
        part: (n,) global part index, -1 outside.
    """

    distance: Tensor
    part: Tensor

    def __getitem__(self, which: Tensor) -> Hits:
        """Rays chosen by a boolean or index tensor."""
        return Hits(self.distance[which], self.part[which])


class World:
    """A list of things ready for tracing; part indices start at `first`."""

    def __init__(self, things: list[Thing], first: int, device: torch.device) -> None:
        self.count = sum(len(thing.parts) for thing in things)
        self.parts: list[Parts] = []
        lows, highs = [], []
        for thing in things:
            thing.parts.sort(key=lambda part: part.kind)
            for _, same in groupby(thing.parts, key=lambda part: part.kind):
                group = list(same)
                self.parts.append(Parts(group, first, device))
                first += len(group)
                bounds = [part.bounds() for part in group]
                lows.append(np.min([low for low, _ in bounds], axis=0))
                highs.append(np.max([high for _, high in bounds], axis=0))
        low, high = np.array(lows).reshape(-1, 3), np.array(highs).reshape(-1, 3)
        as_rows = {"dtype": torch.float32, "device": device}
        self.centre = torch.tensor((low + high).T / 2, **as_rows)[:, :, None]
        self.half = torch.tensor((high - low).T / 2 + 1e-4, **as_rows)[:, :, None]

    def closest(self, origin: Tensor, direction: Tensor, start: Hits | None = None) -> Hits:
        """First hits of rays (3, n), nearer than those of `start`."""
        if start is None:
            part = torch.full((origin.shape[1],), -1, device=origin.device)
            start = Hits(torch.full_like(origin[0], math.inf), part)
        distance, part = start.distance.clone(), start.part.clone()
        for rays in _chunks(origin.shape[1], origin.device):
            self._closest(origin[:, rays], direction[:, rays], distance[rays], part[rays], False)
        return Hits(distance, part)

    def blocked(self, origin: Tensor, direction: Tensor, reach: Tensor) -> Tensor:
        """Whether rays (3, n) meet anything nearer than `reach` (n,): bool (n,)."""
        part = torch.full((origin.shape[1],), -1, device=origin.device)
        reach = reach.clone()
        for rays in _chunks(origin.shape[1], origin.device):
            self._closest(origin[:, rays], direction[:, rays], reach[rays], part[rays], True)
        return part >= 0

    def _closest(
        self, origin: Tensor, direction: Tensor, distance: Tensor, part: Tensor, any_hit: bool
    ) -> None:
        """Improve `distance` and `part` in place; with `any_hit`, a ray that met something is left alone."""
        if not self.parts:
            return
        safe = torch.where(direction.abs() < 1e-9, torch.full_like(direction, 1e-9), direction)
        inverse = 1 / safe
        shifted = origin * inverse
        size = inverse.abs()
        near = far = torch.empty(0)
        for axis in range(3):
            middle = self.centre[axis] * inverse[axis] - shifted[axis]
            reach = self.half[axis] * size[axis]
            entry, leave = middle - reach, middle + reach
            near = entry if axis == 0 else torch.maximum(near, entry)
            far = leave if axis == 0 else torch.minimum(far, leave)
        worth = (near < far) & (far > NEAR)
        for index, parts in enumerate(self.parts):
            mask = worth[index] & (near[index] < distance)
            if any_hit:
                mask &= part < 0
            rays = mask.nonzero()[:, 0]
            if len(rays) == 0:
                continue
            found, which = parts.hit(origin[:, rays], direction[:, rays], distance[rays])
            distance[rays] = found
            part[rays] = torch.where(which >= 0, which, part[rays])


class Surfaces:
    """What is known of every part of a scene, looked up by global part index."""

    def __init__(self, things: list[Thing], device: torch.device) -> None:
        parts = [part for thing in things for part in thing.parts]
        owners = [index for index, thing in enumerate(things) for _ in thing.parts]

        def tensor(values: object, kind: torch.dtype = torch.float32) -> Tensor:
            return torch.tensor(np.asarray(values), dtype=kind, device=device)

        self.kind = tensor([part.kind for part in parts], torch.int64)
        self.axes = tensor([part.axes for part in parts])
        self.centre = tensor([part.centre for part in parts])
        self.half = tensor([part.half for part in parts])
        self.shape = tensor([part.shape for part in parts])
        self.owner = tensor(owners, torch.int64)
        self.materials = list(dict.fromkeys(part.material for part in parts))
        numbers = {material: index for index, material in enumerate(self.materials)}
        self.material = tensor([numbers[part.material] for part in parts], torch.int64)
        self.colour = tensor([material.colour for material in self.materials])
        self.glows = tensor([material.kind in ("glow", "sheer") for material in self.materials], torch.bool)
        self.device = device

    def local(self, point: Tensor, part: Tensor) -> Tensor:
        """World points (3, n) in their parts' own frames, (3, n)."""
        return torch.einsum("nij,jn->in", self.axes[part], point - self.centre[part].T)

    def normal(self, local: Tensor, part: Tensor) -> Tensor:
        """Unit normals (3, n) in the parts' own frames at points on their surfaces."""
        half = self.half[part].T
        share = local.abs() / half
        axis = share.argmax(dim=0)
        flat = torch.zeros_like(local).scatter_(0, axis[None], 1.0) * local.sign()
        kinds = self.kind[part]
        for kind in (ROUND, CONE, SUPER):
            curved = (kinds == kind).nonzero()[:, 0]
            if len(curved):
                which = part[curved]
                _, gradient = surface(kind, local[:, curved], self.half[which].T, self.shape[which].T)
                flat[:, curved] = gradient / gradient.norm(dim=0).clamp(min=1e-9)
        return flat

    def to_world(self, vector: Tensor, part: Tensor) -> Tensor:
        """Vectors (3, n) from the parts' frames into the world's."""
        return torch.einsum("nji,jn->in", self.axes[part], vector)

    def world_normal(self, point: Tensor, part: Tensor) -> Tensor:
        """Unit normals (3, n) in the world's frame."""
        return self.to_world(self.normal(self.local(point, part), part), part)


def _chunks(count: int, device: torch.device) -> list[slice]:
    """Ranges of rays that are worked on together."""
    size = CPU_CHUNK if device.type == "cpu" else CUDA_CHUNK
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
