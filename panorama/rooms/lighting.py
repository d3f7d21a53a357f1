"""Irradiance in both worlds: direct light, one gathered bounce, further bounces from a grid of probes.

Light on a surface is kept as six numbers: irradiance E (RGB) and V, the brightness-weighted sum of incoming
directions. For a normal n' near n, E(n') = E(n) + (n' - n) . V: relief and curved edges are lit from samples
taken beside them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from panorama.rooms.sampling import Lights, hemisphere, pick_source, spread
from panorama.rooms.tracer import OFFSET, Hits, Surfaces, World

PROBE_STEP = 0.6
"""Metres between probes."""
PROBE_RAYS = 96
BOUNCES = 4
BRIGHTEST = 10.0
"""Radiance above which a mirrored lamp is cut: a few rays cannot render it without sparks."""
FIREFLY = 6.0
"""Times the mean by which one sample of indirect light may stand out."""


@dataclass
class Lit:
    """Light on n points: (6, n) each, E (RGB) then V; in the empty and in the furnished room."""

    empty: Tensor
    full: Tensor


class Lighting:
    """Traces light between the things of one scene."""

    def __init__(self, room: World, furniture: World, surfaces: Surfaces, lights: Lights) -> None:
        self.room, self.furniture, self.surfaces, self.lights = room, furniture, surfaces, lights
        self.bounced: tuple[Probes, Probes] | None = None
        self.ambient: tuple[Probes, Probes] | None = None

    def build_probes(self, low: Tensor, high: Tensor, inside: Tensor, places: Tensor) -> None:
        """Solve the diffuse exchange on a grid: `places` (3, x, y, z), bool `inside` (x, y, z)."""
        count = places[0].numel()
        random = torch.Generator().manual_seed(7)
        turn = torch.rand(2, count, generator=random).to(places.device)
        origin = places.reshape(3, -1).repeat_interleave(PROBE_RAYS, dim=1)
        step = torch.arange(PROBE_RAYS, device=places.device).repeat(count)
        up = 1 - 2 * torch.remainder(step / PROBE_RAYS + turn[0].repeat_interleave(PROBE_RAYS), 1.0)
        angle = step * 2.399963 + 6.2832 * turn[1].repeat_interleave(PROBE_RAYS)
        flat = (1 - up * up).clamp(min=0).sqrt()
        direction = torch.stack([flat * torch.cos(angle), flat * torch.sin(angle), up])
        bare, filled = self.trace(origin, direction)
        offset = torch.rand(2, count * PROBE_RAYS, generator=random).to(places.device)
        worlds = [
            self._solve(low, high, inside, origin, direction, hits, offset, full)
            for hits, full in ((bare, False), (filled, True))
        ]
        self.bounced = (worlds[0][0], worlds[1][0])
        self.ambient = (worlds[0][1], worlds[1][1])

    def _solve(
        self,
        low: Tensor,
        high: Tensor,
        inside: Tensor,
        origin: Tensor,
        direction: Tensor,
        hits: Hits,
        offset: Tensor,
        full: bool,
    ) -> tuple[Probes, Probes]:
        """Probes of indirect light and of all light, in one world."""
        met = (hits.part >= 0).nonzero()[:, 0]
        part = hits.part[met]
        point = origin[:, met] + direction[:, met] * hits.distance[met]
        normal = self.surfaces.world_normal(point, part)
        point = point + OFFSET * normal
        lit = self.one_light(point, normal, offset[:, met])
        direct = (lit.full if full else lit.empty)[:3]
        colour = self.surfaces.colour[self.surfaces.material[part]].T / math.pi
        glows = self.surfaces.glows[self.surfaces.material[part]]
        colour = torch.where(glows, 0.0, colour)
        probes = Probes(low, high, inside, direction)
        light = torch.zeros_like(direction)
        for _ in range(BOUNCES):
            light[:, met] = colour * (direct + probes(point, normal))
            probes.update(light)
        shown = light.clone()
        shown[:, met[glows]] = self.surfaces.colour[self.surfaces.material[part[glows]]].T
        away = (hits.part < 0).nonzero()[:, 0]
        shown[:, away] = self.lights.sky(direction[:, away])
        total = Probes(low, high, inside, direction)
        total.update(shown)
        return probes, total

    def trace(self, origin: Tensor, direction: Tensor) -> tuple[Hits, Hits]:
        """First hits in the empty and in the furnished room."""
        bare = self.room.closest(origin, direction)
        return bare, self.furniture.closest(origin, direction, bare)

    def _free(self, origin: Tensor, direction: Tensor, reach: Tensor) -> tuple[Tensor, Tensor]:
        """Whether the way is free in the empty and in the furnished room, bool (n,) each."""
        bare = ~self.room.blocked(origin, direction, reach)
        full = bare.clone()
        left = bare.nonzero()[:, 0]
        full[left] = ~self.furniture.blocked(origin[:, left], direction[:, left], reach[left])
        return bare, full

    def _add(
        self,
        lit: Lit,
        which: Tensor,
        point: Tensor,
        normal: Tensor,
        index: Tensor,
        uv: tuple[Tensor, Tensor],
        scale: Tensor,
    ) -> None:
        """Add one shadow ray each for points `which` to `lit`."""
        direction, reach, light = self.lights.sample(index, point, *uv)
        facing = (direction * normal).sum(dim=0)
        worth = (facing > 1e-4) & (light.amax(dim=0) > 1e-5)
        if int(index[0]) == self.lights.sun:
            worth &= self.lights.through_window(point, direction)
        kept = worth.nonzero()[:, 0]
        direction, light, facing = direction[:, kept], light[:, kept] * scale[kept], facing[kept]
        bare, full = self._free(point[:, kept], direction, reach[kept])
        arrives = torch.cat([light * facing, light.mean(dim=0) * direction])
        bare = bare & ~self.lights.furnished[index[kept]]
        where = which[kept]
        lit.empty.index_add_(1, where, arrives * bare)
        lit.full.index_add_(1, where, arrives * full)

    def direct(self, point: Tensor, normal: Tensor, offset: Tensor, samples: int) -> Lit:
        """Light straight from all sources but the sun: each sample picks a source by its likely share."""
        lit = self._dark(point)
        if self.lights.count == 0:
            return lit
        chances = self.lights.chances(point, normal)
        everyone = torch.arange(point.shape[1], device=point.device)
        for step in range(samples):
            where = torch.remainder(offset[0] + offset[1] * 7.31, 1.0)
            index, chance = pick_source(chances, (where + step) / samples)
            self._add(lit, everyone, point, normal, index, spread(offset, step), 1 / (samples * chance))
        return lit

    def sunshine(self, point: Tensor, normal: Tensor, offset: Tensor, samples: int) -> Lit:
        """Light of the sun; only rays that leave through a window are traced."""
        lit = self._dark(point)
        if self.lights.sun is None:
            return lit
        everyone = torch.arange(point.shape[1], device=point.device)
        for step in range(samples):
            uv = spread(offset, step + 5)
            index = torch.full_like(everyone, self.lights.sun)
            self._add(lit, everyone, point, normal, index, uv, torch.full_like(uv[0], 1 / samples))
        return lit

    @staticmethod
    def _dark(point: Tensor) -> Lit:
        return Lit(point.new_zeros(6, point.shape[1]), point.new_zeros(6, point.shape[1]))

    def one_light(self, point: Tensor, normal: Tensor, offset: Tensor) -> Lit:
        """An unbiased guess of the direct light from one source, and from the sun."""
        lit = self.direct(point, normal, offset, 1)
        sun = self.sunshine(point, normal, offset, 1)
        return Lit(lit.empty + sun.empty, lit.full + sun.full)

    def gather(self, point: Tensor, normal: Tensor, offset: Tensor, samples: int) -> Lit:
        """Light that reaches points (3, n) over other surfaces, from `samples` directions each."""
        lit = self._dark(point)
        for step in range(samples):
            u, v = spread(offset, step)
            direction = hemisphere(normal, u, v)
            facing = (direction * normal).sum(dim=0).clamp(min=0.1)
            bare, filled = self.trace(point, direction)
            twist = torch.remainder(offset.flip(0) * 3.7 + 0.61803 * step, 1.0)
            empty, full = self._outgoing(point, direction, bare, twist)
            moved = (filled.part != bare.part).nonzero()[:, 0]
            if len(moved):
                full[:, moved] = self._outgoing(
                    point[:, moved], direction[:, moved], filled[moved], twist[:, moved]
                )[1]
            for target, light in ((lit.empty, empty), (lit.full, full)):
                light = light * (math.pi / samples)
                light = light.clamp(max=FIREFLY * float(light.mean()) + 1e-6)
                target[:3] += light
                target[3:] += light.mean(dim=0) / facing * direction
        return lit

    def _outgoing(
        self, origin: Tensor, direction: Tensor, hits: Hits, offset: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Reflected radiance (3, n) where rays end, lit as in the empty and as in the furnished room."""
        assert self.bounced is not None
        empty, full = torch.zeros_like(origin), torch.zeros_like(origin)
        met = (hits.part >= 0).nonzero()[:, 0]
        part = hits.part[met]
        material = self.surfaces.material[part]
        point = origin[:, met] + direction[:, met] * hits.distance[met]
        normal = self.surfaces.world_normal(point, part)
        point = point + OFFSET * normal
        lit = self.one_light(point, normal, offset[:, met])
        colour = torch.where(self.surfaces.glows[material], 0.0, self.surfaces.colour[material].T / math.pi)
        empty[:, met] = colour * (lit.empty[:3] + self.bounced[0](point, normal))
        full[:, met] = colour * (lit.full[:3] + self.bounced[1](point, normal))
        return empty, full

    def mirrored(
        self, point: Tensor, normal: Tensor, view: Tensor, rough: Tensor, offset: Tensor, samples: int
    ) -> tuple[Tensor, Tensor]:
        """Radiance (3, n) seen in the surface from direction `view` (towards it), in both worlds."""
        empty, full = torch.zeros_like(point), torch.zeros_like(point)
        for step in range(samples):
            u, v = spread(offset, step)
            length = rough**2 * (u / (1.02 - u)).sqrt() * 0.9
            half = F.normalize(normal + length * hemisphere(normal, torch.ones_like(u), v), dim=0)
            direction = view - 2 * (view * half).sum(dim=0) * half
            under = (direction * normal).sum(dim=0)
            direction = F.normalize(direction - normal * (2 * under.clamp(max=0)), dim=0)
            bare, filled = self.trace(point, direction)
            empty += self._shown(point, direction, bare, 0) / samples
            full += self._shown(point, direction, filled, 1) / samples
        return empty, full

    def _shown(self, origin: Tensor, direction: Tensor, hits: Hits, world: int) -> Tensor:
        """Approximate radiance where rays end: mean colours under the probes' light."""
        assert self.ambient is not None
        light = self.lights.sky(direction)
        met = (hits.part >= 0).nonzero()[:, 0]
        part = hits.part[met]
        material = self.surfaces.material[part]
        point = origin[:, met] + direction[:, met] * hits.distance[met]
        normal = self.surfaces.world_normal(point, part)
        colour = self.surfaces.colour[material].T
        reflected = colour / math.pi * self.ambient[world](point, normal)
        light[:, met] = torch.where(self.surfaces.glows[material], colour, reflected)
        return light.clamp(max=BRIGHTEST)


class Probes:
    """Irradiance on a grid as an ambient cube: six axis directions, trilinear between nodes."""

    def __init__(self, low: Tensor, high: Tensor, inside: Tensor, direction: Tensor) -> None:
        self.low, self.span, self.inside = low[:, None], (high - low)[:, None], inside
        axes = torch.cat([torch.eye(3), -torch.eye(3)]).to(low.device)
        self.facing = (axes @ direction).clamp(min=0).view(6, -1, PROBE_RAYS) * (4 * math.pi / PROBE_RAYS)
        self.grid = torch.zeros(1, 18, *inside.shape, device=low.device)

    def update(self, light: Tensor) -> None:
        """Set the nodes from radiance (3, nodes * rays) along their rays."""
        received = (self.facing[:, None] * light.view(1, 3, -1, PROBE_RAYS)).sum(dim=3)
        grid = received.view(1, 18, *self.inside.shape)
        known = self.inside[None, None].float()
        grid = grid * known
        for _ in range(8):  # nodes in the missing corner of an L take over their neighbours' light
            wide = F.avg_pool3d(grid * known, 3, 1, 1)
            weight = F.avg_pool3d(known, 3, 1, 1)
            grid = torch.where(known > 0, grid, wide / weight.clamp(min=1e-6))
            known = (weight > 0).float()
        self.grid = grid

    def __call__(self, point: Tensor, normal: Tensor) -> Tensor:
        """Irradiance (3, n) on surfaces at points (3, n) with unit normals (3, n)."""
        place = ((point - self.low) / self.span * 2 - 1).flip(0).T  # grid_sample wants the last axis first
        found = F.grid_sample(self.grid, place[None, None, None], align_corners=True, padding_mode="border")
        cube = found[0, :, 0, 0].view(6, 3, -1)
        square = normal * normal
        positive = normal > 0
        picked = torch.where(positive[:, None], cube[:3], cube[3:])
        return (picked * square[:, None]).sum(dim=0)
