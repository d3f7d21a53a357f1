"""The panoramic camera: rays, bloom, exposure, tone curve, white balance, grain.

Column x and row y of an equirectangular picture (pixel centres at +0.5) look along yaw = (x / width - 1/2) 2 pi
and pitch = (1/2 - y / height) pi; yaw 0 is +y (forward), growing to +x (right).
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def directions(x: Tensor, y: Tensor, width: int) -> Tensor:
    """Unit vectors (3, n) through picture points x, y (n,) of a panorama `width` pixels wide."""
    yaw = (x / width - 0.5) * (2 * math.pi)
    pitch = (0.5 - y / (width / 2)) * math.pi
    flat = torch.cos(pitch)
    return torch.stack([flat * torch.sin(yaw), flat * torch.cos(yaw), torch.sin(pitch)])


class Camera:
    """Turns radiance into 8-bit sRGB; the same settings and the same grain serve both pictures of a room."""

    def __init__(self, random: np.random.Generator, night: bool) -> None:
        self.gain_ev = float(random.normal(0.0, 0.16) - (0.15 if night else 0.0))
        self.neutral = float(random.uniform(0.55, 0.95))
        self.tint = torch.tensor(np.exp(random.normal(0, [0.025, 0.008, 0.03])), dtype=torch.float32)
        self.knee = float(random.uniform(0.38, 0.6))
        self.latitude = float(np.exp(random.uniform(np.log(1.1), np.log(4.5))))
        self.contrast = float(random.uniform(0.0, 0.35))
        self.saturation = float(random.uniform(0.95, 1.2))
        self.grain = float(random.uniform(0.003, 0.008)) * (1.5 if night else 1.0)
        self.bloom = float(random.uniform(0.015, 0.05))
        self.seed = int(random.integers(1 << 31))
        self.scale = torch.ones(3)

    def meter(self, picture: Tensor) -> None:
        """Set exposure and white balance from the radiance (3, h, w) of the empty room."""
        rows = torch.arange(picture.shape[1], device=picture.device) + 0.5
        weight = torch.sin(rows / picture.shape[1] * math.pi)[:, None].expand(picture.shape[1:])
        light = picture.mean(dim=0)
        order = light.flatten().argsort()
        share = weight.flatten()[order].cumsum(0)
        middle = light.flatten()[order][(share < 0.55 * share[-1]).sum().clamp(max=len(order) - 1)]
        kept = (light < 3 * middle).float() * weight
        mean = (picture * kept).sum(dim=(1, 2)) / kept.sum()
        grey = (mean.mean() / mean).pow(self.neutral).cpu()
        self.scale = grey * self.tint * float(0.42 / middle) * 2**self.gain_ev

    def develop(self, picture: Tensor) -> np.ndarray:
        """uint8 (h, w, 3) from radiance (3, h, w)."""
        exposed = picture * self.scale.to(picture.device)[:, None, None]
        exposed = exposed + self.bloom * (_glare(exposed.clamp(max=12.0)) - exposed.clamp(max=12.0))
        light = (exposed * exposed.new_tensor([0.25, 0.6, 0.15])[:, None, None]).sum(dim=0)
        exposed = (light + (exposed - light) * self.saturation).clamp(min=0)
        knee = self.knee
        shoulder = knee + (1 - knee) * (
            1 - torch.exp(-(exposed - knee).clamp(min=0) / (self.latitude * (1 - knee)))
        )
        toned = torch.where(exposed < knee, exposed, shoulder)
        curve = torch.where(
            toned <= 0.0031308, 12.92 * toned, 1.055 * toned.clamp(min=1e-6) ** (1 / 2.4) - 0.055
        )
        curve = curve + self.contrast * (curve * curve * (3 - 2 * curve) - curve)
        curve = curve + self._noise(curve) * (0.6 + 0.6 * (1 - curve).clamp(0, 1))
        return (curve * 255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()

    def _noise(self, picture: Tensor) -> Tensor:
        """Grain (3, h, w): mostly of brightness, a little coarser than a pixel, the same for every picture."""
        random = torch.Generator().manual_seed(self.seed)
        height, width = picture.shape[1:]
        raw = torch.randn(4, height, width, generator=random)
        soft = F.avg_pool2d(F.pad(raw[None], (1, 1, 1, 1), mode="circular"), 3, 1)[0] * 2 + raw * 0.6
        return ((soft[:1] + 0.5 * soft[1:]) * self.grain).to(picture.device)


def _glare(picture: Tensor) -> Tensor:
    """Wide blur of (3, h, w), wrapping round; two Gaussians of about 0.7 and 3 degrees on a quarter of the size."""
    height, width = picture.shape[1:]
    small = F.interpolate(picture[None], (max(height // 4, 1), max(width // 4, 1)), mode="area")
    blurred = (_blur(small, 0.7) + _blur(small, 3.0)) / 2
    return F.interpolate(blurred, (height, width), mode="bilinear", align_corners=False)[0]


def _blur(picture: Tensor, degrees: float) -> Tensor:
    sigma = degrees / 360 * picture.shape[3]
    reach = max(min(math.ceil(2.5 * sigma), picture.shape[2] - 1), 1)
    axis = torch.arange(-reach, reach + 1, device=picture.device, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (axis / max(sigma, 0.3)) ** 2)
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, -1)
    wide = F.conv2d(F.pad(picture, (reach, reach, 0, 0), mode="circular"), kernel, groups=3)
    return F.conv2d(F.pad(wide, (0, 0, reach, reach), mode="replicate"), kernel.transpose(2, 3), groups=3)
