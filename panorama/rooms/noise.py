"""Fractal noise as tileable textures, made once by Fourier synthesis and looked up bilinearly."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

SIDE = 512
"""Texels along one side of a texture."""
SPECTRA = {"cloud": 2.0, "rough": 1.4, "fine": 0.6}
"""Name -> exponent of the amplitude's fall with frequency, 1 / f**exponent."""


class Noise:
    """Zero-mean, unit-deviation noise of three spectra, with its slopes."""

    def __init__(self, device: torch.device) -> None:
        """Always the same textures: variety comes from where they are looked up."""
        random = np.random.default_rng(20180512)
        self.textures = {name: _texture(random, power).to(device) for name, power in SPECTRA.items()}

    def __call__(self, name: str, u: Tensor, v: Tensor) -> Tensor:
        """Values and slopes (3, n): noise, and its derivatives along u and v per texture period.

        Args:
            name: A key of SPECTRA.
            u: (n,) coordinates in periods of the texture; any value.
            v: (n,) likewise.
        """
        x = torch.remainder(u, 1.0) * (2 * SIDE / (SIDE + 1)) - 1
        y = torch.remainder(v, 1.0) * (2 * SIDE / (SIDE + 1)) - 1
        x, y = x + 1 / (SIDE + 1), y + 1 / (SIDE + 1)
        grid = torch.stack([x, y], dim=-1)[None, None]
        return F.grid_sample(self.textures[name], grid, mode="bilinear", align_corners=False)[0, :, 0]


def _texture(random: np.random.Generator, power: float) -> Tensor:
    """(1, 3, SIDE + 1, SIDE + 1): value, slope along x, slope along y; the last row and column repeat the first."""
    frequency = np.fft.fftfreq(SIDE) * SIDE
    radius = np.hypot(frequency[:, None], frequency[None, :])
    radius[0, 0] = 1
    spectrum = np.fft.fft2(random.normal(size=(SIDE, SIDE))) / radius**power
    spectrum[radius > SIDE * 0.4] = 0
    spectrum[0, 0] = 0
    value = np.fft.ifft2(spectrum).real
    scale = 1 / value.std()
    slopes = [
        np.fft.ifft2(spectrum * 2j * np.pi * axis).real * scale
        for axis in (frequency[None, :], frequency[:, None])
    ]
    stacked = np.stack([np.clip(value * scale, -3, 3), *slopes]).astype(np.float32)
    return torch.from_numpy(np.pad(stacked, ((0, 0), (0, 1), (0, 1)), mode="wrap"))[None]


def cell_random(a: Tensor, b: Tensor, seed: int) -> Tensor:
    """A uniform number in [0, 1) for each pair of whole numbers (given as floats), the same on every device."""
    mixed = a.to(torch.int64) * 374761393 + b.to(torch.int64) * 668265263 + seed * 1274126177
    mixed = (mixed ^ (mixed >> 13)) & 0xFFFFFFFF
    mixed = (mixed * 1103515245) & 0xFFFFFFFF
    mixed = (mixed ^ (mixed >> 16)) & 0xFFFFFF
    return mixed.to(torch.float32) / float(1 << 24)
