"""Augmented batches of photographs with people, on the device where the canvases are.

A batch is cut out of the canvases by one affine sampling each (crop, zoom, flip, stretch, slight turn; outside
a picture its mirror image continues), people of other pictures are pasted on (simple copy-paste, Ghiasi et
al., CVPR 2021, section 3, also onto scenes without people; the light of the pasted is drawn to that of the
scene), then colour, blur, noise and JPEG-like loss change. All of it runs on whole batches.

Labels are not equally good: `ccp` photographs label the main person only, so their far background counts
little; rooms may show somebody unlabelled, so they count somewhat less than one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from training.data.canvases import Canvases
from training.data.degrade import degraded, randn

EDGE_WEIGHT = 0.5
"""What an outline pixel counts more than others; little, since at 96 pixels much of a person is outline."""


@dataclass(frozen=True)
class Batch:
    """Input and target of one step."""

    rgb: Tensor
    """Bx3xSxS float in [0, 1]."""
    target: Tensor
    """BxKxSxS float, 1 = of the class (soft at the edges); K = 1 for people."""
    weight: Tensor
    """BxKxSxS float, how much each pixel counts; 0 where nothing is known."""


class Augmenter:
    """Draws augmented batches from canvases; every number comes from one generator."""

    SPREAD = 0.15
    """How far from the middle objects are pasted, of the free room."""

    def __init__(
        self,
        canvases: Canvases,
        generator: torch.Generator,
        *,
        paste: float = 0.4,
        colour: float = 1.0,
        degrade: float = 0.0,
    ) -> None:
        """Keeps what to draw from.

        Args:
            canvases: the pictures.
            generator: the only source of chance, on the CPU.
            paste: share of the pictures that people of other pictures are put on.
            colour: strength of changes of light and colour, 0 none, 1 strong.
            degrade: share of the pictures that get blurred, that get noise, that get JPEG-like loss.

        Raises:
            ValueError: none of the pictures belongs to a group.
        """
        self.data, self.generator = canvases, generator
        self.paste, self.colour, self.degrade = paste, colour, degrade
        shares = {name: (canvases.group(name), share) for name, share in canvases.GROUPS.items()}
        self.groups = {name: pair for name, pair in shares.items() if len(pair[0])}
        if not self.groups:
            raise ValueError(f"{len(canvases)} pictures, none in one of the groups {list(canvases.GROUPS)}")
        self.donors = torch.cat([canvases.group(name) for name in canvases.DONORS])

    def batch(self, count: int, size: int) -> Batch:
        """Draws `count` pictures of `size` x `size` pixels."""
        picked = self._pick(count)
        rgb, planes, _ = self._sample(picked, size, (0.5, 1.05), pooled=False)
        far = self.data.trust[picked].view(-1, 1, 1, 1).to(rgb.device)
        if len(self.donors):
            rgb, planes = self._pasted(rgb, planes, size)
        target, weight = self._labels(planes, far)
        weight = weight * (1 + EDGE_WEIGHT * _edges(target))
        rgb = self._colours(rgb)
        return Batch(degraded(rgb, self.generator, self.degrade) if self.degrade else rgb, target, weight)

    def _labels(self, planes: Tensor, far: Tensor) -> tuple[Tensor, Tensor]:
        """Target and weight of what the canvases know: far background by its source's trust."""
        return planes, torch.where(_grown(planes, planes.shape[-1] // 8) > 0.5, 1.0, far)

    def _alpha(self, planes: Tensor) -> Tensor:
        """Bx1xSxS: what of a donor is pasted."""
        return planes

    def _merged(self, below: Tensor, above: Tensor, alpha: Tensor, inside: Tensor) -> Tensor:
        """The planes of a picture with something pasted on it; `inside` is where the donor is a picture."""
        return torch.maximum(below, alpha)

    def _bases(self, planes: Tensor) -> Tensor:
        """Indices of the pictures that something is pasted on."""
        return self._chance(len(planes), self.paste).flatten().nonzero().flatten()

    def _uniform(self, count: int, low: float, high: float) -> Tensor:
        return torch.rand(count, 1, 1, 1, generator=self.generator) * (high - low) + low

    def _chance(self, count: int, share: float) -> Tensor:
        return self._uniform(count, 0, 1) < share

    def _pick(self, count: int) -> Tensor:
        """Indices of the batch's pictures: first a group, then one of it."""
        names = list(self.groups)
        shares = torch.tensor([self.groups[name][1] for name in names])
        chosen = torch.multinomial(shares, count, replacement=True, generator=self.generator)
        picked = [
            pool[int(torch.randint(len(pool), (), generator=self.generator))]
            for pool in (self.groups[names[int(group)]][0] for group in chosen)
        ]
        return torch.stack(picked)

    def _sample(
        self,
        picked: Tensor,
        size: int,
        zoom: tuple[float, float],
        *,
        pooled: bool,
        spread: float = 0.15,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Cuts one window out of each canvas: (rgb, planes, inside the picture), Bx?xSIZExSIZE in [0, 1].

        `zoom` bounds the window's side, from zoom[0] x short side to zoom[1] x long side. `pooled` halves the
        canvas first, for windows that are shrunk a lot. `spread` says how far from the middle of a window a
        picture smaller than it may lie, of the free room.
        """
        count = len(picked)
        layers = torch.cat([self.data.rgb[picked].float() / 255, self.data.planes(picked)], 1)
        extent = self.data.extent[picked]
        canvas = layers.shape[-1]
        if pooled:
            layers = functional.avg_pool2d(layers, 2)
        low = math.log(zoom[0]) + extent.amin(1).log()
        high = math.log(zoom[1]) + extent.amax(1).log()
        side = (low + self._uniform(count, 0, 1).flatten() * (high - low)).exp().unsqueeze(1)
        stretch = (self._uniform(count, -0.2, 0.2).flatten()).exp()
        sides = torch.cat([side * stretch.sqrt().unsqueeze(1), side / stretch.sqrt().unsqueeze(1)], 1)
        room = (extent - sides).clamp_min(0) + spread * (sides - extent).clamp_min(0)
        centre = extent / 2 + room / 2 * (2 * torch.rand(count, 2, generator=self.generator) - 1)
        angle = torch.where(self._chance(count, 0.3), self._uniform(count, -0.25, 0.25), 0.0).flatten()
        flip = torch.where(self._chance(count, 0.5), -1.0, 1.0).flatten()
        window = (part.to(layers.device) for part in (centre, sides, angle, flip, extent))
        centre, sides, angle, flip, extent = window
        x, y = _window(centre, sides, angle, flip, size)
        width, height = extent[:, 0].view(-1, 1, 1), extent[:, 1].view(-1, 1, 1)
        inside = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
        grid = torch.stack([_mirror(x, width), _mirror(y, height)], -1) * (2 / canvas) - 1
        cut = functional.grid_sample(
            layers, grid, mode="bilinear", padding_mode="border", align_corners=False
        )
        return cut[:, :3].clone(), cut[:, 3:].clone(), inside.unsqueeze(1)

    def _pasted(self, rgb: Tensor, planes: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """Puts objects of other pictures onto some pictures of the batch, near or far away."""
        chosen = self._bases(planes)
        if not len(chosen):
            return rgb, planes
        near = bool(self._chance(1, 0.4))
        drawn = torch.randint(len(self.donors), (len(chosen),), generator=self.generator)
        zoom = (0.7, 1.4) if near else (1.4, 4.0)
        above, known, inside = self._sample(
            self.donors[drawn], size, zoom, pooled=not near, spread=self.SPREAD
        )
        alpha = self._alpha(known) * inside
        chosen = chosen.to(rgb.device)
        below = rgb[chosen]
        above = (above * _light(above, below, alpha)).clamp(0, 1)
        above = (above * self._uniform(len(chosen), 0.8, 1.25).to(rgb.device)).clamp(0, 1)
        rgb[chosen] = below + alpha * (above - below)
        planes[chosen] = self._merged(planes[chosen], known, alpha, inside)
        return rgb, planes

    def _colours(self, rgb: Tensor) -> Tensor:
        """Changes light, contrast, saturation and tint; makes some pictures grey, soft or noisy."""
        count, device, much = len(rgb), rgb.device, self.colour

        def factor(spread: float) -> Tensor:
            return self._uniform(count, -spread * much, spread * much).exp().to(device)

        rgb = rgb.clamp(1e-4, 1) ** factor(0.4)
        mean = rgb.mean((1, 2, 3), keepdim=True)
        rgb = mean + (rgb - mean) * factor(0.35)
        grey = rgb.mean(1, keepdim=True)
        saturation = torch.where(self._chance(count, 0.12 * much).to(device), 0.0, factor(0.6))
        rgb = grey + (rgb - grey) * saturation
        tint = (torch.rand(count, 3, 1, 1, generator=self.generator).to(device) - 0.5) * 0.3 * much + 1
        rgb = rgb * tint * factor(0.25)
        soft = self._chance(count, 0.15 * much).flatten().nonzero().flatten()
        if len(soft):
            halved = functional.avg_pool2d(rgb[soft], 2)
            rgb[soft] = functional.interpolate(halved, scale_factor=2.0, mode="bilinear", align_corners=False)
        noisy = self._chance(count, 0.25 * much).flatten().nonzero().flatten()
        if len(noisy):
            noise = randn((len(noisy), *rgb.shape[1:]), rgb, self.generator)
            rgb[noisy] += noise * self._uniform(len(noisy), 0, 0.06).to(device)
        return rgb.clamp(0, 1)


def _light(above: Tensor, below: Tensor, alpha: Tensor) -> Tensor:
    """Bx1x1x1: gain that brings the pasted half way to the mean light of the scene."""
    area = alpha.sum((1, 2, 3), keepdim=True)
    pasted = (above * alpha).sum((1, 2, 3), keepdim=True) / (3 * area).clamp_min(1)
    return (below.mean((1, 2, 3), keepdim=True) / pasted.clamp_min(0.02)).sqrt().clamp(0.6, 1.6)


def _window(centre: Tensor, sides: Tensor, angle: Tensor, flip: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Canvas coordinates (x, y), each BxSIZExSIZE, of the pixel centres of turned windows."""
    steps = (torch.arange(size, dtype=torch.float32, device=centre.device) + 0.5) / size - 0.5
    u = steps.view(1, 1, -1) * (sides[:, 0] * flip).view(-1, 1, 1)
    v = steps.view(1, -1, 1) * sides[:, 1].view(-1, 1, 1)
    cos, sin = angle.cos().view(-1, 1, 1), angle.sin().view(-1, 1, 1)
    x = centre[:, 0].view(-1, 1, 1) + cos * u - sin * v
    y = centre[:, 1].view(-1, 1, 1) + sin * u + cos * v
    return x, y


def _mirror(position: Tensor, length: Tensor) -> Tensor:
    """Folds positions into [0.5, length - 0.5] as if the picture were mirrored at its edges."""
    folded = position.remainder(2 * length)
    folded = torch.minimum(folded, 2 * length - folded)
    return torch.minimum(folded.clamp_min(0.5), length - 0.5)


def _grown(target: Tensor, radius: int) -> Tensor:
    """Objects grown by about `radius` pixels (square brush, at quarter size for speed)."""
    small = functional.max_pool2d(target, 4, ceil_mode=True)
    reach = max(1, radius // 4)
    grown = functional.max_pool2d(small, 2 * reach + 1, 1, reach)
    return functional.interpolate(grown, size=target.shape[-2:], mode="nearest")


def _edges(target: Tensor) -> Tensor:
    """1 within two pixels of an outline, 0 elsewhere."""
    hard = (target > 0.5).float()
    near = functional.avg_pool2d(hard, 5, 1, 2, count_include_pad=False)
    return ((near > 0) & (near < 1)).float()
