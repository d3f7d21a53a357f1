"""One scene on one device: what each pixel shows, the light there, and the picture made of both.

Order of work: rays through pixel centres find what each pixel shows (the guide); light is computed there in
both worlds from the same random numbers and filtered; rays through the subpixels then fetch textures at full
sharpness and multiply them with the light of the samples round them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from panorama.rooms.camera import directions
from panorama.rooms.classes import CLASSES
from panorama.rooms.denoise import Guide, smooth, spread_to
from panorama.rooms.fixtures import BEYOND
from panorama.rooms.lighting import PROBE_STEP, Lighting, Lit
from panorama.rooms.noise import Noise
from panorama.rooms.quality import Quality
from panorama.rooms.sampling import Lights, Sky
from panorama.rooms.scene import Scene
from panorama.rooms.terrace import TERRACE
from panorama.rooms.textures import Look, Textures
from panorama.rooms.tracer import OFFSET, Hits, Surfaces, World

BAND = 1 << 17
"""Subpixels developed together on the CPU, which bounds the memory."""
METALLIC = 0.3
"""Reflectance at normal incidence above which the reflection takes the surface's colour."""

Work = Callable[[Tensor, Tensor, Tensor], Lit]
"""Light at points (3, n) with normals (3, n) from random offsets (2, n)."""


class Studio:
    """One scene on one device, with the light of both worlds on the pixel grid and on a coarser one."""

    def __init__(self, scene: Scene, seed: int, width: int, device: torch.device, quality: Quality) -> None:
        self.width, self.height, self.device, self.quality = width, width // 2, device, quality
        self.seed, self.scene = seed, scene
        self.eye = torch.tensor(scene.eye, dtype=torch.float32, device=device)[:, None]
        self.room = World(scene.room, 0, device)
        self.furniture = World(scene.furniture, self.room.count, device)
        self.surfaces = Surfaces(scene.room + scene.furniture, device)
        self.outdoors = self._named(TERRACE)
        noise = Noise(device)
        self.textures = Textures(self.surfaces, noise)
        self.sky = Sky(scene.outside, noise, device)
        sources = [light for light in scene.lights if light.kind != "window" or not scene.night]
        self.lights = Lights(sources, self.sky, device)
        self.lighting = Lighting(self.room, self.furniture, self.surfaces, self.lights)
        self._place_probes()
        self._light()

    def _place_probes(self) -> None:
        corners, top = self.scene.plan.corners, self.scene.plan.height
        low = np.array([*(corners.min(axis=0) + 0.12), 0.1])
        high = np.array([*(corners.max(axis=0) - 0.12), top - 0.1])
        counts = np.maximum(np.ceil((high - low) / PROBE_STEP).astype(int) + 1, 2)
        axes = [np.linspace(a, b, n) for a, b, n in zip(low, high, counts, strict=True)]
        places = np.stack(np.meshgrid(*axes, indexing="ij")).astype(np.float32)
        columns = [[self.scene.plan.inside(float(x), float(y), 0.05) for y in axes[1]] for x in axes[0]]
        inside = np.repeat(np.array(columns)[:, :, None], counts[2], axis=2)

        def tensor(values: np.ndarray) -> Tensor:
            return torch.tensor(values, device=self.device)

        grid_low, grid_high = tensor(low.astype(np.float32)), tensor(high.astype(np.float32))
        self.lighting.build_probes(grid_low, grid_high, tensor(inside), tensor(places))

    def look(self, x: Tensor, y: Tensor) -> tuple[Tensor, Hits, Hits]:
        """Directions (3, n) and hits in both worlds through picture points."""
        direction = directions(x, y, self.width)
        bare, filled = self.lighting.trace(self.eye.expand(-1, len(x)), direction)
        return direction, bare, filled

    def grid(self, cell: int) -> tuple[Tensor, Tensor]:
        """Picture points (n,) at the centres of cells of `cell` pixels, row by row."""
        rows = (torch.arange(self.height // cell, device=self.device) + 0.5) * cell
        columns = (torch.arange(self.width // cell, device=self.device) + 0.5) * cell
        y, x = torch.meshgrid(rows, columns, indexing="ij")
        return x.flatten(), y.flatten()

    def _guide(self, direction: Tensor, hits: Hits, cell: int) -> Guide:
        shape = (self.height // cell, self.width // cell)
        distance = torch.where(hits.part >= 0, hits.distance, 0.0)
        point = self.eye + direction * distance
        normal = torch.zeros_like(point)
        met = (hits.part >= 0).nonzero()[:, 0]
        normal[:, met] = self.surfaces.world_normal(point[:, met], hits.part[met])
        point = point + normal * (OFFSET * (1 + 0.2 * distance))
        return Guide(
            point.view(3, *shape), normal.view(3, *shape), hits.part.view(shape), distance.view(shape)
        )

    def _light(self) -> None:
        """Compute and filter the light of both worlds on both grids."""
        quality = self.quality
        direction, bare, filled = self.look(*self.grid(1))
        self.full_hits = filled
        guides = self._guide(direction, bare, 1), self._guide(direction, filled, 1)
        self.fine = guides
        self.full_guide = guides[1]
        offset = self._random(1)
        fine = self._both(guides, offset, lambda p, n, o: self.lighting.direct(p, n, o, quality.direct))
        sun = self._both(guides, offset, lambda p, n, o: self.lighting.sunshine(p, n, o, quality.sun))
        self.fine_light = [
            smooth(light, guide, 4, 0.6) + smooth(rays, guide, 1, None)
            for light, rays, guide in zip(fine, sun, guides, strict=True)
        ]
        cell = quality.coarse
        direction, bare, filled = self.look(*self.grid(cell))
        self.coarse = self._guide(direction, bare, cell), self._guide(direction, filled, cell)
        offset = self._random(cell)
        gathered = self._both(
            self.coarse, offset, lambda p, n, o: self.lighting.gather(p, n, o, quality.gather)
        )
        mirrors = self._mirrors(direction, offset)
        self.coarse_light = [
            torch.cat([smooth(light, guide, quality.rounds, None), smooth(mirror, guide, 3, None)])
            for light, mirror, guide in zip(gathered, mirrors, self.coarse, strict=True)
        ]

    def _random(self, cell: int) -> Tensor:
        """(2, n) in [0, 1), by cell, the same in both worlds."""
        random = torch.Generator().manual_seed(self.seed * 2 + (cell > 1))
        count = (self.height // cell) * (self.width // cell)
        return torch.rand(2, count, generator=random).to(self.device)

    def _both(self, guides: tuple[Guide, Guide], offset: Tensor, work: Work) -> tuple[Tensor, Tensor]:
        """Light (6, h, w) of each world: `work` runs once where both show the same surface."""
        bare, full = guides
        shape = bare.part.shape
        lights = [torch.zeros(6, bare.part.numel(), device=self.device) for _ in range(2)]
        point, normal = bare.point.flatten(1), bare.normal.flatten(1)
        which = (bare.part.flatten() >= 0).nonzero()[:, 0]
        lit = work(point[:, which], normal[:, which], offset[:, which])
        lights[0][:, which], lights[1][:, which] = lit.empty, lit.full
        other = ((full.part != bare.part) & (full.part >= 0)).flatten().nonzero()[:, 0]
        if len(other):
            point, normal = full.point.flatten(1), full.normal.flatten(1)
            lights[1][:, other] = work(point[:, other], normal[:, other], offset[:, other]).full
        return lights[0].view(6, *shape), lights[1].view(6, *shape)

    def _mirrors(self, direction: Tensor, offset: Tensor) -> list[Tensor]:
        """Mirrored radiance (3, h, w) of each world where the surface is glossy."""
        bare, full = self.coarse
        pictures = [torch.zeros(3, bare.part.numel(), device=self.device) for _ in range(2)]
        first = self._mirror(bare, bare.part >= 0, direction, offset)
        second = self._mirror(full, (full.part != bare.part) & (full.part >= 0), direction, offset)
        for picture, light in zip(pictures, first[1:], strict=True):
            picture[:, first[0]] = light
        changed = (full.part != bare.part).flatten()
        pictures[1][:, changed] = 0.0
        pictures[1][:, second[0]] = second[2]
        return [picture.view(3, *bare.part.shape) for picture in pictures]

    def _mirror(
        self, guide: Guide, where: Tensor, direction: Tensor, offset: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Indices (n,) of the glossy cells among `where` (h, w), and what they mirror (3, n) in both worlds."""
        materials = self.surfaces.materials
        gloss = torch.tensor([material.gloss for material in materials], device=self.device)
        rough = torch.tensor([material.rough for material in materials], device=self.device)
        index = self.surfaces.material[guide.part.flatten().clamp(min=0)]
        which = (where.flatten() & (gloss[index] > 0)).nonzero()[:, 0]
        point, normal = guide.point.flatten(1)[:, which], guide.normal.flatten(1)[:, which]
        chosen = direction[:, which], rough[index[which]], offset[:, which]
        return which, *self.lighting.mirrored(point, normal, *chosen, self.quality.mirror)

    def expose(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Radiance (3, h, w) empty and furnished, classes (h, w) and objects (h, w)."""
        side = self.quality.subpixels
        pixels = self.height * self.width
        pictures = [torch.zeros(3, pixels, device=self.device) for _ in range(2)]
        objects = torch.zeros(pixels, dtype=torch.int64, device=self.device)
        owner = self.surfaces.owner - len(self.scene.room) + 1
        step = BAND if self.device.type == "cpu" else BAND * 16
        for start in range(0, pixels, step):
            index = torch.arange(start, min(start + step, pixels), device=self.device)
            column, row = index % self.width, index // self.width
            for part in range(side * side):
                x = column + (part % side + 0.5) / side
                y = row + (part // side + 0.5) / side
                direction, bare, filled = self.look(x, y)
                empty, full = self.shade(x, y, direction, bare, (0, 1))
                pictures[0][:, index] += empty
                pictures[1][:, index] += full
                other = (filled.part != bare.part).nonzero()[:, 0]
                (shown,) = self.shade(x[other], y[other], direction[:, other], filled[other], (1,))
                pictures[1][:, index[other]] += shown - full[:, other]
                met = filled.part[other]
                objects[index[other]] = torch.where(met >= 0, owner[met.clamp(min=0)], objects[index[other]])
        kinds = torch.tensor([0, *(thing.kind for thing in self.scene.furniture)], device=self.device)
        shape = (self.height, self.width)
        assert int(kinds.max()) < len(CLASSES)
        bare_picture, full_picture = (p.view(3, *shape) / side**2 for p in pictures)
        return bare_picture, full_picture, kinds[objects].view(shape), objects.view(shape)

    def beyond(self) -> Tensor:
        """Bool (h, w): where the empty room shows what lies beyond its walls."""
        part = self.fine[0].part
        return (part < 0) | self._named(BEYOND, TERRACE)[self.surfaces.owner[part.clamp(min=0)]]

    def _named(self, *names: str) -> Tensor:
        """Bool: which of the scene's things, furniture last, have one of some names."""
        things = self.scene.room + self.scene.furniture
        return torch.tensor([thing.name in names for thing in things], device=self.device)

    def shade(
        self, x: Tensor, y: Tensor, direction: Tensor, hits: Hits, worlds: tuple[int, ...]
    ) -> list[Tensor]:
        """Radiance (3, n) of hits under the light of each of `worlds` (0 empty, 1 furnished)."""
        outside = self.sky(direction, detailed=True) * self.scene.merged
        met = (hits.part >= 0).nonzero()[:, 0]
        x, y, direction, part = x[met], y[met], direction[:, met], hits.part[met]
        distance = hits.distance[met]
        point = self.eye + direction * distance
        flat = self.surfaces.world_normal(point, part)
        facing = -(direction * flat).sum(dim=0).clamp(max=-0.05)
        footprint = distance * (2 * math.pi / self.width / self.quality.subpixels) / facing.sqrt()
        look = self.textures(point, part, footprint)
        shown = torch.where(self.outdoors[self.surfaces.owner[part]], self.scene.merged, 1.0)
        pictures = []
        for world in worlds:
            light, mirrored = self._light_at(x, y, point, flat, look.normal, distance, world)
            picture = outside.clone()
            picture[:, met] = reflected(look, direction, light, mirrored) * shown
            pictures.append(picture)
        return pictures

    def _light_at(
        self, x: Tensor, y: Tensor, point: Tensor, flat: Tensor, normal: Tensor, distance: Tensor, world: int
    ) -> tuple[Tensor, Tensor]:
        """Irradiance and mirrored radiance (3, n) at surface points, from the samples round them."""
        slack, cell = 0.006 + 0.01 * distance, self.quality.coarse
        fine, fine_normal = spread_to(self.fine_light[world], self.fine[world], x, y, point, flat, slack)
        coarse, coarse_normal = spread_to(
            self.coarse_light[world], self.coarse[world], x / cell, y / cell, point, flat, slack * cell
        )
        light = _turned(fine, fine_normal, normal) + _turned(coarse[:6], coarse_normal, normal)
        return light, coarse[6:9]


def reflected(look: Look, direction: Tensor, light: Tensor, mirrored: Tensor) -> Tensor:
    """Radiance (3, n) towards the eye: diffuse, coat (Schlick's Fresnel term, less for rough ones), emission."""
    facing = -(direction * look.normal).sum(dim=0).clamp(max=-0.02)
    grazing = (1 - look.gloss) * (1 - facing) ** 5 * (1 - look.rough) ** 2 * (look.gloss > 0)
    fresnel = look.gloss + grazing
    tint = torch.where(look.gloss > METALLIC, look.albedo, 1.0)
    return look.albedo * (1 - fresnel) / math.pi * light + fresnel * tint * mirrored + look.emission


def _turned(light: Tensor, normal: Tensor, new: Tensor) -> Tensor:
    """Irradiance (3, n) on normals `new` from light (6, n) sampled on `normal`."""
    level = light[:3].mean(dim=0)
    change = ((new - normal) * light[3:6]).sum(dim=0)
    factor = ((level + change) / level.clamp(min=1e-6)).clamp(0.05, 3.0)
    return light[:3] * factor
