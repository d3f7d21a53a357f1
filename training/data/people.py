"""Photographs with and without people as uint8 tensors, and their augmentation, batch by batch on one device.

Every picture lies whole in the top left corner of a square canvas. A batch is cut out of the canvases by
one affine sampling each (crop, zoom, flip, stretch, slight turn; outside a picture its mirror image
continues), people of other pictures are pasted on (simple copy-paste, Ghiasi et al., CVPR 2021, section 3,
also onto scenes without people), then colour, blur and noise change. All of it runs on whole batches, on
the device where the canvases are.

Labels are not equally good: `ccp` photographs label the main person only, so their far background counts
little; rooms may show somebody unlabelled, so they count somewhat less than one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from training.data import shards

FAR_TRUST = {"ccp": 0.2, "places": 0.7}
"""Weight of background pixels far from labelled people, by source; 1 for all others."""

GROUPS = {"people": 0.66, "ccp": 0.1, "empty": 0.12, "scenes": 0.12}
"""Share of the pictures of a batch that comes from each group."""


EDGE_WEIGHT = 0.5
"""What an outline pixel counts more than others; little, since at 96 pixels much of a person is outline."""


@dataclass(frozen=True)
class Canvases:
    """Pictures of one split in memory."""

    rgb: Tensor
    """Nx3xSxS uint8; the picture is the top left corner, 0 elsewhere."""
    mask: Tensor
    """Nx1xSxS uint8, 255 = person."""
    extent: Tensor
    """Nx2 float: width and height of each picture in canvas pixels."""
    trust: Tensor
    """N float: weight of far background."""
    keys: list[str]

    def __len__(self) -> int:
        return len(self.keys)

    def to(self, device: torch.device) -> Canvases:
        """The same with its planes on a device; sizes stay on the CPU, where windows are drawn."""
        return replace(self, rgb=self.rgb.to(device), mask=self.mask.to(device))

    def group(self, name: str) -> Tensor:
        """Indices of the pictures in a group of GROUPS."""
        area = (self.mask.amax((1, 2, 3)) > 127).tolist()
        sources = [shards.source(key) for key in self.keys]
        tests: dict[str, Callable[[int], bool]] = {
            "people": lambda i: area[i] and sources[i] != "ccp",
            "ccp": lambda i: sources[i] == "ccp",
            "empty": lambda i: not area[i] and sources[i] in PEOPLE_SOURCES,
            "scenes": lambda i: sources[i] not in PEOPLE_SOURCES,
        }
        return torch.tensor([i for i in range(len(self)) if tests[name](i)], dtype=torch.int64)


PEOPLE_SOURCES = frozenset({"ccp", "coco", "cocop", "cocov", "cocom", "voc", "vocneg"})


def load_canvases(
    folder: Path,
    patterns: Sequence[str],
    size: int,
    predicate: Callable[[str], bool] = lambda key: True,
    limit: int | None = None,
) -> Canvases:
    """Decodes the pictures of some shards onto canvases; the long side is scaled down to `size`, never up.

    Args:
        folder: where the shards are.
        patterns: glob patterns of shard names.
        size: side of the canvas in pixels.
        predicate: which keys to take.
        limit: stop after so many pictures.
    """
    found = shards.pictures(shards.shards(folder, *patterns), predicate)
    return pack(found, size, limit)


def pack(found: Iterable[shards.Picture], size: int, limit: int | None = None) -> Canvases:
    """Puts decoded pictures onto canvases; a picture without a mask shows nobody."""
    rgb, masks, extents, keys = [], [], [], []
    for picture in found:
        if limit is not None and len(keys) >= limit:
            break
        height, width = picture.rgb.shape[:2]
        scale = min(1.0, size / max(height, width))
        fitted = max(1, round(width * scale)), max(1, round(height * scale))
        rgb.append(_place(picture.rgb, fitted, size))
        mask = np.zeros((height, width), np.uint8) if picture.mask is None else picture.mask
        masks.append(_place(mask, fitted, size))
        extents.append(fitted)
        keys.append(picture.key)
    if not keys:
        raise ValueError("no picture passed the filter; check the data folder, the patterns and the split")
    trust = [FAR_TRUST.get(shards.source(key), 1.0) for key in keys]
    return Canvases(
        torch.from_numpy(np.stack(rgb)).permute(0, 3, 1, 2).contiguous(),
        torch.from_numpy(np.stack(masks)).unsqueeze(1),
        torch.tensor(extents, dtype=torch.float32),
        torch.tensor(trust),
        keys,
    )


def _place(array: np.ndarray, fitted: tuple[int, int], size: int) -> np.ndarray:
    """Scales to (width, height) and puts it into the corner of a square of zeros."""
    canvas = np.zeros((size, size, *array.shape[2:]), np.uint8)
    image = Image.fromarray(array)
    if image.size != fitted:
        image = image.resize(fitted, Image.Resampling.BOX if array.ndim == 2 else Image.Resampling.LANCZOS)
    canvas[: fitted[1], : fitted[0]] = np.asarray(image)
    return canvas


@dataclass(frozen=True)
class Batch:
    """Input and target of one step."""

    rgb: Tensor
    """Bx3xSxS float in [0, 1]."""
    target: Tensor
    """Bx1xSxS float, 1 = person (soft at the edges)."""
    weight: Tensor
    """Bx1xSxS float, how much each pixel counts."""


def shrunk(canvases: Canvases, size: int) -> Canvases:
    """The same pictures on smaller canvases (area means), without reading them again."""
    factor = size / canvases.rgb.shape[-1]
    if factor == 1:
        return canvases

    def small(planes: Tensor) -> Tensor:
        parts = [
            functional.interpolate(part.float(), size=(size, size), mode="area").round().to(torch.uint8)
            for part in planes.split(256)
        ]
        return torch.cat(parts)

    return replace(
        canvases,
        rgb=small(canvases.rgb),
        mask=small(canvases.mask),
        extent=(canvases.extent * factor).floor().clamp_min(1),
    )


class Augmenter:
    """Draws augmented batches from canvases; every number comes from one generator."""

    def __init__(
        self,
        canvases: Canvases,
        generator: torch.Generator,
        *,
        paste: float = 0.4,
        colour: float = 1.0,
        groups: dict[str, float] | None = None,
    ) -> None:
        """Keeps what to draw from.

        Args:
            canvases: the pictures.
            generator: the only source of chance, on the CPU.
            paste: share of the pictures that people of other pictures are put on.
            colour: strength of changes of light and colour, 0 none, 1 strong.
            groups: share of each group of pictures; GROUPS when None.
        """
        self.data, self.generator, self.paste, self.colour = canvases, generator, paste, colour
        shares = {name: (canvases.group(name), share) for name, share in (groups or GROUPS).items()}
        self.groups = {name: pair for name, pair in shares.items() if len(pair[0])}
        self.donors = torch.cat([canvases.group("people"), canvases.group("ccp")])

    def batch(self, count: int, size: int) -> Batch:
        """Draws `count` pictures of `size` x `size` pixels."""
        picked = self._pick(count)
        rgb, target, _ = self._sample(picked, size, (0.5, 1.05), pooled=False)
        far = self.data.trust[picked].view(-1, 1, 1, 1).to(rgb.device)
        if len(self.donors):
            rgb, target = self._pasted(rgb, target, size)
        weight = torch.where(_grown(target, size // 8) > 0.5, 1.0, far)
        weight = weight * (1 + EDGE_WEIGHT * _edges(target))
        return Batch(self._colours(rgb), target, weight)

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
        self, picked: Tensor, size: int, zoom: tuple[float, float], *, pooled: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Cuts one window out of each canvas: (rgb, person, inside the picture), Bx?xSIZExSIZE in [0, 1].

        `zoom` bounds the window's side, from zoom[0] x short side to zoom[1] x long side. `pooled` halves the
        canvas first, for windows that are shrunk a lot.
        """
        count = len(picked)
        layers = torch.cat([self.data.rgb[picked], self.data.mask[picked]], 1).float() / 255
        extent = self.data.extent[picked]
        canvas = layers.shape[-1]
        if pooled:
            layers = functional.avg_pool2d(layers, 2)
        low = math.log(zoom[0]) + extent.amin(1).log()
        high = math.log(zoom[1]) + extent.amax(1).log()
        side = (low + self._uniform(count, 0, 1).flatten() * (high - low)).exp().unsqueeze(1)
        stretch = (self._uniform(count, -0.2, 0.2).flatten()).exp()
        sides = torch.cat([side * stretch.sqrt().unsqueeze(1), side / stretch.sqrt().unsqueeze(1)], 1)
        room = (extent - sides).clamp_min(0) + 0.15 * (sides - extent).clamp_min(0)
        centre = extent / 2 + room / 2 * (2 * torch.rand(count, 2, generator=self.generator) - 1)
        angle = torch.where(self._chance(count, 0.3), self._uniform(count, -0.25, 0.25), 0.0).flatten()
        flip = torch.where(self._chance(count, 0.5), -1.0, 1.0).flatten()
        x, y = _window(centre, sides, angle, flip, size)
        width, height = extent[:, 0].view(-1, 1, 1), extent[:, 1].view(-1, 1, 1)
        inside = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
        grid = torch.stack([_mirror(x, width), _mirror(y, height)], -1) * (2 / canvas) - 1
        grid = grid.to(layers.device)
        cut = functional.grid_sample(
            layers, grid, mode="bilinear", padding_mode="border", align_corners=False
        )
        return cut[:, :3].clone(), cut[:, 3:].clone(), inside.unsqueeze(1).to(layers.device)

    def _pasted(self, rgb: Tensor, target: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """Puts people of other pictures onto some pictures of the batch, near or far away."""
        chosen = self._chance(len(rgb), self.paste).flatten().nonzero().flatten()
        if not len(chosen):
            return rgb, target
        near = bool(self._chance(1, 0.4))
        drawn = torch.randint(len(self.donors), (len(chosen),), generator=self.generator)
        zoom = (0.7, 1.4) if near else (1.4, 4.0)
        people, person, inside = self._sample(self.donors[drawn], size, zoom, pooled=not near)
        alpha = person * inside
        people = (people * self._uniform(len(chosen), 0.7, 1.3).to(rgb.device)).clamp(0, 1)
        below = rgb[chosen]
        rgb[chosen] = below + alpha * (people - below)
        target[chosen] = torch.maximum(target[chosen], alpha)
        return rgb, target

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
            noise = torch.randn(len(noisy), *rgb.shape[1:], generator=self.generator).to(device)
            rgb[noisy] += noise * self._uniform(len(noisy), 0, 0.06).to(device)
        return rgb.clamp(0, 1)


def _window(centre: Tensor, sides: Tensor, angle: Tensor, flip: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Canvas coordinates (x, y), each BxSIZExSIZE, of the pixel centres of turned windows."""
    steps = (torch.arange(size, dtype=torch.float32) + 0.5) / size - 0.5
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
    """People grown by about `radius` pixels (square brush, at quarter size for speed)."""
    small = functional.max_pool2d(target, 4, ceil_mode=True)
    reach = max(1, radius // 4)
    grown = functional.max_pool2d(small, 2 * reach + 1, 1, reach)
    return functional.interpolate(grown, size=target.shape[-2:], mode="nearest")


def _edges(target: Tensor) -> Tensor:
    """1 within two pixels of an outline, 0 elsewhere."""
    hard = (target > 0.5).float()
    near = functional.avg_pool2d(hard, 5, 1, 2, count_include_pad=False)
    return ((near > 0) & (near < 1)).float()
