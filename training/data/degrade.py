"""What cameras and files do to photographs, for whole batches on their device: blur, noise, JPEG-like loss.

Pictures are BxCxHxW float in [0, 1]; every strength is one number a picture. Numbers that say which picture
gets what come from a CPU generator; noise itself is drawn where the pictures are.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

LUMA_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62), (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip
"""Quantisation of luma at quality 50 (ITU-T T.81, table K.1)."""

CHROMA_TABLE = (
    (17, 18, 24, 47), (18, 21, 26, 66), (24, 26, 56, 99), (47, 66, 99, 99),
)  # fmt: skip
"""The low corner of chroma's (table K.2); 99 everywhere else."""

TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
"""RGB -> luma and two chroma differences (ITU-R BT.601, as JFIF has it)."""


def randn(shape: tuple[int, ...], like: Tensor, generator: torch.Generator) -> Tensor:
    """Normal noise on the device of `like`: from the generator on the CPU, from the device's own elsewhere."""
    if like.device.type == generator.device.type:
        return torch.randn(shape, generator=generator, device=like.device)
    return torch.randn(shape, device=like.device)


def blurred(rgb: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur, sigma (B, in pixels, > 0) of its own for every picture."""
    radius = max(1, math.ceil(2.5 * float(sigma.max())))
    steps = torch.arange(-radius, radius + 1, device=rgb.device, dtype=rgb.dtype)
    taps = torch.exp(-0.5 * (steps / sigma.to(rgb).view(-1, 1)) ** 2)
    taps = (taps / taps.sum(1, keepdim=True)).repeat_interleave(rgb.shape[1], 0)[:, None, None]
    flat = rgb.reshape(1, -1, *rgb.shape[2:])
    flat = functional.pad(flat, (radius, radius, radius, radius), mode="replicate")
    flat = functional.conv2d(flat, taps, groups=flat.shape[1])
    return functional.conv2d(flat, taps.transpose(-1, -2), groups=flat.shape[1]).view(rgb.shape)


def jpeg_like(rgb: Tensor, quality: Tensor) -> Tensor:
    """Loses what JPEG loses: quantised 8x8 cosine transforms, chroma at half resolution.

    Args:
        rgb: Bx3xHxW in [0, 1].
        quality: B, in [1, 100], on libjpeg's scale.

    Returns:
        Bx3xHxW in [0, 1].
    """
    height, width = rgb.shape[-2:]
    padded = functional.pad(rgb, (0, -width % 16, 0, -height % 16), mode="replicate") * 255 - 128
    matrix = torch.tensor(TO_YCC, device=rgb.device)
    ycc = torch.einsum("ck,bkhw->bchw", matrix, padded)
    factor = torch.where(quality < 50, 50 / quality, 2 - quality / 50).to(rgb.device)
    luma = _quantised(ycc[:, :1], _table(LUMA_TABLE, factor))
    chroma = _quantised(functional.avg_pool2d(ycc[:, 1:], 2), _table(CHROMA_TABLE, factor))
    chroma = functional.interpolate(chroma, scale_factor=2.0, mode="bilinear", align_corners=False)
    back = torch.einsum("ck,bkhw->bchw", torch.linalg.inv(matrix), torch.cat((luma, chroma), 1))
    return ((back + 128) / 255)[..., :height, :width].clamp(0, 1)


def _table(corner: tuple[tuple[int, ...], ...], factor: Tensor) -> Tensor:
    """Bx8x8 quantisation steps at each picture's quality."""
    steps = torch.full((8, 8), 99.0, device=factor.device)
    steps[: len(corner), : len(corner)] = torch.tensor(corner, dtype=torch.float32, device=factor.device)
    return (steps * factor.view(-1, 1, 1)).clamp(1, 255)


def _quantised(planes: Tensor, table: Tensor) -> Tensor:
    """BxCxHxW after a round trip through quantised 8x8 transforms; H and W are multiples of 8."""
    batch, channels, height, width = planes.shape
    waves = torch.arange(8, device=planes.device, dtype=torch.float32)
    dct = torch.cos(math.pi / 8 * (waves + 0.5).view(1, -1) * waves.view(-1, 1)) / 2
    dct[0] /= math.sqrt(2)
    blocks = planes.view(batch, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    table = table.view(batch, 1, 1, 1, 8, 8)
    blocks = dct.T @ ((dct @ blocks @ dct.T / table).round() * table) @ dct
    return blocks.transpose(3, 4).reshape(planes.shape)


def degraded(rgb: Tensor, generator: torch.Generator, strength: float) -> Tensor:
    """Blurs, roughens and JPEG-compresses some pictures of a batch.

    Args:
        rgb: Bx3xHxW in [0, 1].
        generator: says which pictures get what, and how much.
        strength: share of the pictures that each loss happens to, in [0, 1].
    """
    rgb = rgb.clone()

    def some(low: float, high: float) -> tuple[Tensor, Tensor]:
        """Which pictures, and a number for each, evenly spread over the logarithm."""
        chosen = (torch.rand(len(rgb), generator=generator) < strength).nonzero().flatten()
        drawn = torch.rand(len(chosen), generator=generator)
        return chosen.to(rgb.device), low * (high / low) ** drawn

    chosen, sigma = some(0.4, 2.0)
    if len(chosen):
        rgb[chosen] = blurred(rgb[chosen], sigma.to(rgb.device))
    chosen, amount = some(0.005, 0.08)
    if len(chosen):
        noise = randn((len(chosen), *rgb.shape[1:]), rgb, generator)
        rgb[chosen] = (rgb[chosen] + noise * amount.to(rgb.device).view(-1, 1, 1, 1)).clamp(0, 1)
    chosen, quality = some(8, 90)
    if len(chosen):
        rgb[chosen] = jpeg_like(rgb[chosen], quality.to(rgb.device))
    return rgb
