"""Figures of an inpainted picture: masked PSNR, SSIM inside the hole, L1, LPIPS and texture ratio.

All take the truth, the filled picture and the hole; only LPIPS looks at the whole picture, since its
receptive field crosses the rim, which is where a bad fill shows. A diffusion fill wins PSNR and loses LPIPS,
a patch fill does the opposite, and the texture ratio says which of the two one is looking at, so they are
only worth something together.

SSIM: Wang et al. 2004, section III-B (Gaussian window of 11x11, sigma 1.5, K1 .01, K2 .03). LPIPS: R. Zhang
et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018, eq. 1, version
0.1 with the SqueezeNet 1.1 backbone. The weights (backbone BSD-3-Clause, heads BSD-2-Clause) are measuring
tools and are not part of the product: they are read from the folder `--metrics` / `VANISHER_METRICS`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

Picture = NDArray[np.uint8]  # HxWx3, RGB, 0..255
Hole = NDArray[np.bool_]  # HxW, True = filled

PSNR_CEILING = 100.0  # dB reported for an exact fill: keeps means finite
TEXTURE_FLOOR = 0.5  # grey levels added to both sides of the texture ratio: a flat wall stays near 1
METRICS_FOLDER = Path("..") / "shared" / "metrics"
WEIGHTS_NAME = "lpips_squeeze_v0.1.safetensors"


class Measures(NamedTuple):
    """The figures of one filled picture.

    `psnr` in dB, `ssim` in -1..1, `l1` in 0..1 (mean absolute difference inside the hole), `lpips` from 0
    (same) upwards or nan when it was not measured, `texture` = gradient energy of the fill over that of the
    truth.
    """

    psnr: float
    ssim: float
    l1: float
    lpips: float
    texture: float


def _check(truth: Picture, fill: Picture, hole: Hole) -> None:
    if truth.shape != fill.shape or truth.dtype != np.uint8 or fill.dtype != np.uint8:
        raise ValueError(
            f"truth ({truth.shape}, {truth.dtype}) and fill ({fill.shape}, {fill.dtype}) must be uint8 "
            "pictures of one size: convert and crop them first"
        )
    if hole.shape != truth.shape[:2] or hole.dtype != np.bool_:
        raise ValueError(f"hole ({hole.shape}, {hole.dtype}) must be bool of size {truth.shape[:2]}")
    if not hole.any():
        raise ValueError("the hole is empty: there is nothing to measure")


def masked_psnr(truth: Picture, fill: Picture, hole: Hole) -> float:
    """Peak signal-to-noise ratio over the samples of the hole in dB, at most `PSNR_CEILING`."""
    _check(truth, fill, hole)
    error = truth[hole].astype(np.float64) - fill[hole]
    mean_square = float(np.mean(error**2))
    if mean_square == 0:
        return PSNR_CEILING
    return min(PSNR_CEILING, 10 * float(np.log10(255.0**2 / mean_square)))


def masked_l1(truth: Picture, fill: Picture, hole: Hole) -> float:
    """Mean absolute difference over the samples of the hole, 0..1."""
    _check(truth, fill, hole)
    return float(np.mean(np.abs(truth[hole].astype(np.float64) - fill[hole]))) / 255


def _window_mean(a: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(a, (11, 11), 1.5, borderType=cv2.BORDER_REFLECT), dtype=np.float64)


def masked_ssim(truth: Picture, fill: Picture, hole: Hole) -> float:
    """Mean structural similarity, over channels, of the windows whose centre lies in the hole."""
    _check(truth, fill, hole)
    a, b = truth.astype(np.float64), fill.astype(np.float64)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_a, mean_b = _window_mean(a), _window_mean(b)
    var_a = _window_mean(a * a) - mean_a**2
    var_b = _window_mean(b * b) - mean_b**2
    covariance = _window_mean(a * b) - mean_a * mean_b
    similarity = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    similarity /= (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    return float(similarity[hole].mean())


def _gradient_mean(picture: Picture, hole: Hole) -> float:
    """Mean absolute step of the luma between neighbours that both lie in the hole, in grey levels."""
    luma = picture.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    across = np.abs(np.diff(luma, axis=1))[hole[:, 1:] & hole[:, :-1]]
    down = np.abs(np.diff(luma, axis=0))[hole[1:] & hole[:-1]]
    steps = np.concatenate([across, down])
    return float(steps.mean()) if steps.size else 0.0


def texture_ratio(truth: Picture, fill: Picture, hole: Hole) -> float:
    """Gradient energy of the fill over that of the truth in the hole: 1 is right, below is blur."""
    _check(truth, fill, hole)
    return (_gradient_mean(fill, hole) + TEXTURE_FLOOR) / (_gradient_mean(truth, hole) + TEXTURE_FLOOR)


def metrics_folder(option: str | Path | None = None) -> Path:
    """The folder with the LPIPS weights: the option, else `VANISHER_METRICS`, else `../shared/metrics`."""
    return Path(option or os.environ.get("VANISHER_METRICS") or METRICS_FOLDER)


class Lpips:
    """LPIPS 0.1 with SqueezeNet 1.1, read from safetensors, float32 on the CPU.

    `Lpips(folder).distance(a, b)` takes two uint8 HxWx3 pictures of one size, sides of at least 32 pixels,
    and gives the distance averaged over all positions, exactly 0 for equal pictures.

    Raises FileNotFoundError when the folder has no weights.
    """

    SHIFT = (-0.030, -0.088, -0.188)
    SCALE = (0.458, 0.448, 0.450)
    STAGES = ((0,), (2, 3, 4), (5, 6, 7), (8, 9), (10,), (11,), (12,))
    """Modules of torchvision's `features` up to each tapped activation (the stem's ReLU rides with 0)."""
    POOLS = (2, 5, 8)

    def __init__(self, folder: str | Path | None = None) -> None:
        path = metrics_folder(folder) / WEIGHTS_NAME
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is missing: point --metrics or VANISHER_METRICS to the folder with that file"
            )
        self._weights = {name: tensor.float() for name, tensor in load_file(path).items()}
        self._shift = torch.tensor(self.SHIFT).view(1, 3, 1, 1)
        self._scale = torch.tensor(self.SCALE).view(1, 3, 1, 1)

    def _convolve(self, x: Tensor, name: str, **kwargs: int) -> Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return F.relu(F.conv2d(x, weight, bias, **kwargs))

    def _module(self, x: Tensor, index: int) -> Tensor:
        if index in self.POOLS:
            return F.max_pool2d(x, kernel_size=3, stride=2, ceil_mode=True)
        name = f"features.{index}"
        if index == 0:
            return self._convolve(x, name, stride=2)
        squeezed = self._convolve(x, f"{name}.squeeze")
        one = self._convolve(squeezed, f"{name}.expand1x1")
        three = self._convolve(squeezed, f"{name}.expand3x3", padding=1)
        return torch.cat([one, three], dim=1)

    def _features(self, x: Tensor) -> list[Tensor]:
        """Unit-length features of the seven stages for a 1x3xHxW tensor in [-1, 1]."""
        x = (x - self._shift) / self._scale
        taps = []
        for stage in self.STAGES:
            for index in stage:
                x = self._module(x, index)
            taps.append(x / (x.square().sum(dim=1, keepdim=True).sqrt() + 1e-10))
        return taps

    def features(self, picture: Picture) -> list[Tensor]:
        """The picture's features, to be given to `between` when one truth meets many fills."""
        tensor = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float()
        with torch.inference_mode():
            return self._features(tensor / 127.5 - 1)

    def between(self, a: list[Tensor], b: list[Tensor]) -> float:
        """Distance of two pictures whose `features` are known."""
        total = 0.0
        for stage, (left, right) in enumerate(zip(a, b, strict=True)):
            head = self._weights[f"lin{stage}.weight"].view(1, -1, 1, 1)
            total += float(((left - right).square() * head).sum(dim=1).mean())
        return total

    def distance(self, a: Picture, b: Picture) -> float:
        """LPIPS between two uint8 HxWx3 pictures of one size."""
        if a.shape != b.shape:
            raise ValueError(f"LPIPS needs pictures of one size, got {a.shape} and {b.shape}")
        return self.between(self.features(a), self.features(b))


def measure(
    truth: Picture, fill: Picture, hole: Hole, lpips: Lpips | None, truth_features: list[Tensor] | None = None
) -> Measures:
    """All figures of one fill; `truth_features` spares a backbone pass over a truth seen before."""
    distance = float("nan")
    if lpips is not None:
        distance = lpips.between(truth_features or lpips.features(truth), lpips.features(fill))
    return Measures(
        psnr=masked_psnr(truth, fill, hole),
        ssim=masked_ssim(truth, fill, hole),
        l1=masked_l1(truth, fill, hole),
        lpips=distance,
        texture=texture_ratio(truth, fill, hole),
    )
