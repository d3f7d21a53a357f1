"""Holes as the two published systems were trained with, drawn on the training device.

All chance comes from a generator on the CPU, a few numbers a picture, so that a resumed run draws the same holes.
"""

import math

import torch
from torch import Tensor

LEAST, MOST = 0.05, 0.10
"""Share of the picture that the 2018 autoencoder's holes take away."""

PARTS = 6
"""At most so many parts a hole; the report gives no number."""

ASPECT = 2.5
"""Longest side ratio of one part."""


def random_parts(batch: int, size: int, generator: torch.Generator, device: torch.device | str) -> Tensor:
    """Holes of one to six random boxes and ellipses that together cover 5-10 % of the picture.

    Holes whose parts overlap too much to keep that promise are drawn again.

    Args:
        batch: how many.
        size: their side in pixels, at least 16: below that a pixel is too large a share.
        generator: source of chance, on the CPU.
        device: where the holes go.

    Returns:
        batch x 1 x size x size float32, 1 = hole.

    Raises:
        ValueError: `size` is below 16.
    """
    if size < 16:
        raise ValueError(f"size={size} is too small for holes of {LEAST:.0%} to {MOST:.0%}: use 16 or more")
    holes = torch.zeros(batch, 1, size, size, device=device)
    wrong = torch.arange(batch)
    while len(wrong):
        drawn = _parts(len(wrong), size, generator, device)
        holes[wrong.to(device)] = drawn
        share = drawn.mean((1, 2, 3)).cpu()
        wrong = wrong[(share < LEAST) | (share > MOST)]
    return holes


def _parts(batch: int, size: int, generator: torch.Generator, device: torch.device | str) -> Tensor:
    """Unions of parts whose areas add up to 5-10 %; where they overlap the union is smaller."""

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    weight = 0.2 + uniform(batch, PARTS)
    count = torch.randint(1, PARTS + 1, (batch, 1), generator=generator)
    weight = weight * (torch.arange(PARTS) < count)
    area = (LEAST + (MOST - LEAST) * uniform(batch, 1)) * size**2 * weight / weight.sum(1, keepdim=True)
    ellipse = uniform(batch, PARTS) < 0.5
    ratio = ((2 * uniform(batch, PARTS) - 1) * math.log(ASPECT)).exp()
    half_w = (area * ratio / torch.where(ellipse, math.pi, 4.0)).sqrt()
    half_h = half_w / ratio
    x = half_w + uniform(batch, PARTS) * (size - 2 * half_w)
    y = half_h + uniform(batch, PARTS) * (size - 2 * half_h)
    numbers = torch.stack((x, y, half_w, half_h, ellipse.float())).to(device)
    x, y, half_w, half_h, ellipse = (plane[:, :, None, None] for plane in numbers)
    line = torch.arange(size, device=device) + 0.5
    across, down = (line - x) / half_w.clamp_min(1e-6), (line[:, None] - y) / half_h.clamp_min(1e-6)
    boxes = torch.maximum(across.abs(), down.abs()) <= 1
    ellipses = across.square() + down.square() <= 1
    inside = torch.where(ellipse > 0, ellipses, boxes) & (half_w > 0)
    return inside.any(1, keepdim=True).float()


def random_boxes(
    batch: int, size: int, least: int, most: int, generator: torch.Generator, device: torch.device | str
) -> Tensor:
    """One upright box a picture, wholly inside.

    Iizuka et al. (2017, section 3.4) draw sides of 96-128 px in 256: a box fits the local discriminator's view.

    Args:
        batch: how many.
        size: side of the picture in pixels.
        least: shortest side of a box.
        most: longest side of a box, at most `size`.
        generator: source of chance, on the CPU.
        device: where the holes go.

    Returns:
        batch x 1 x size x size float32, 1 = hole.
    """
    sides = torch.randint(least, most + 1, (batch, 2), generator=generator)
    start = (torch.rand(batch, 2, generator=generator) * (size - sides + 1)).long()
    start, end = start.to(device), (start + sides).to(device)
    line = torch.arange(size, device=device)
    inside = (line >= start[:, :, None]) & (line < end[:, :, None])
    return (inside[:, 0, :, None] & inside[:, 1, None, :]).float().unsqueeze(1)


def regions(pictures: Tensor, holes: Tensor, side: int) -> Tensor:
    """Squares centred on the holes, moved inside where the border demands it.

    The same squares as `training.discriminator.crop_round_hole`, for a whole batch at once: no picture waits
    for a number from the device.

    Args:
        pictures: B x C x H x W.
        holes: B x 1 x H x W, 1 = hole; none may be empty.
        side: of the squares, at most H and W.

    Returns:
        B x C x side x side.
    """
    height, width = holes.shape[-2:]
    inside = holes[:, 0] > 0.5
    line = torch.arange(max(height, width), device=holes.device)
    count = inside.sum((1, 2))
    y = (inside.sum(2) * line[:height]).sum(1) // count
    x = (inside.sum(1) * line[:width]).sum(1) // count
    top = (y - side // 2).clamp(0, height - side)[:, None] + line[:side]
    left = (x - side // 2).clamp(0, width - side)[:, None] + line[:side]
    which = torch.arange(len(pictures), device=holes.device)[:, None, None]
    return pictures[which, :, top[:, :, None], left[:, None, :]].permute(0, 3, 1, 2)
