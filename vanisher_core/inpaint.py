"""The network's part of a fill: which colours, shapes and how much texture belong in the hole.

The network sees a window round the hole at the scale it was trained at; what it says is brought back to the
window's own scale. It need not be sharp: `detail.py` makes it so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from vanisher_core.device import channels_last, inference_dtype, pick_device
from vanisher_core.errors import ModelError
from vanisher_core.membrane import membrane
from vanisher_core.window import bounding_box

if TYPE_CHECKING:
    import torch

    from vanisher_core.models.inpainter import Completion

DEFAULT_MODEL = "inpaint-small"

WORKING_SIDE = 256
"""Long side, in pixels, of what the network is shown: the size it was trained at."""

NETWORK_ERROR = 0.01
"""What the network errs by in smooth surroundings, as local contrast (measured: 0.003 to 0.01; docs/log.md)."""

BLURRED = 32
"""Pixels that `local_contrast` looks beyond."""

LARGEST_RESIDUAL = 1.25
"""A healthy network changes the smooth fill by less than the full range; more means broken arithmetic."""


class Inpainter:
    """Runs an inpainting network on windows of photographs.

    Args:
        model: name of packaged weights of the task "inpaint".
        device: "auto", "cpu", "cuda", "mps".

    Raises:
        ModelError: the weights are missing or damaged.
        UsageError: there is no such device.
    """

    def __init__(self, model: str = DEFAULT_MODEL, device: str = "auto") -> None:
        from vanisher_core.models import registry

        self.name = model
        self.device = pick_device(device)
        self.dtype = inference_dtype(self.device)
        self._network = channels_last(registry.load(model, self.device))

    def fill(self, rgb: np.ndarray, hole: np.ndarray, wanted: np.ndarray | None = None) -> np.ndarray:
        """Fills the hole of a window.

        Args:
            rgb: H x W x 3 float32 in [0, 1]; values inside the hole are ignored, but see `wanted`.
            hole: H x W bool, True = nothing is known.
            wanted: H x W bool, the part of the hole to fill; the rest of it holds a smooth fill already. None: all.

        Returns:
            H x W x 3 float32 in [0, 1]: what is wanted filled, coarsely; the other pixels are those given.

        Raises:
            ModelError: the output is not finite or out of range even in float32.
        """
        height, width = hole.shape
        if not hole.any() or hole.all():
            return rgb.copy()
        scale = 1 / grain(hole.shape)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        residual = self._residual(*shrink(rgb, hole, size))
        if scale < 1:
            residual = cv2.resize(residual, (width, height), interpolation=cv2.INTER_CUBIC)
        wanted = hole if wanted is None else wanted
        box = bounding_box(np.ascontiguousarray(wanted).view(np.uint8))
        near = box.expanded(_reach(hole) + BLURRED).clipped((width, height)).slices
        inside = wanted[near]
        # the smooth fill is made anew at the window's own scale, where its rim is exact
        smooth = membrane(rgb[near], inside)
        fill = rgb.copy()
        found = np.clip(smooth + credit(smooth, hole[near]) * residual[near], 0, 1)
        np.copyto(fill[near], found, where=inside[..., None])
        return fill

    def _residual(self, rgb: np.ndarray, hole: np.ndarray) -> np.ndarray:
        """What the network adds to the smooth fill (h x w x 3), in float32 again if the fast precision fails."""
        import torch

        x = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None]
        m = torch.from_numpy(hole.astype(np.float32))[None, None]
        for dtype in dict.fromkeys((self.dtype, torch.float32)):
            residual = self._pass(x.to(self.device), m.to(self.device), dtype).residual[0].float().cpu()
            if bool(torch.isfinite(residual).all()) and float(residual.abs().max()) <= LARGEST_RESIDUAL:
                return np.ascontiguousarray(residual.permute(1, 2, 0).numpy())
        raise ModelError(
            f"network {self.name!r} gave values that are not finite or beyond {LARGEST_RESIDUAL:g} on {self.device}; "
            "run `vanisher models verify`, or use --model exemplar"
        )

    def _pass(self, x: torch.Tensor, m: torch.Tensor, dtype: torch.dtype) -> Completion:
        import torch

        with torch.inference_mode(), torch.autocast(self.device.type, dtype, enabled=dtype != torch.float32):
            return cast("Completion", self._network(x.contiguous(memory_format=torch.channels_last), m))


def grain(shape: tuple[int, ...]) -> float:
    """Pixels of a window (height, width) to one that the network sees."""
    return max(1.0, max(shape) / WORKING_SIDE)


def shrink(rgb: np.ndarray, hole: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Scales a window down without letting the hole's content leak into what is known.

    Args:
        rgb: H x W x 3 float32.
        hole: H x W bool.
        size: (width, height) of the result.

    Returns:
        h x w x 3 float32, the mean of the known pixels of each cell, and h x w bool, True where any pixel is hole.
    """
    if (hole.shape[1], hole.shape[0]) == size:
        return rgb, hole
    known = (~hole).astype(np.float32)
    weight = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    colours = cv2.resize(rgb * known[..., None], size, interpolation=cv2.INTER_AREA)
    return colours / np.maximum(weight, 1e-6)[..., None], weight < 1 - 1e-4


def local_contrast(rgb: np.ndarray) -> np.ndarray:
    """|Y - lowpass Y| smoothed, as the network was taught it; H x W x 3 float32 -> H x W float32."""
    luma = rgb @ np.array((0.299, 0.587, 0.114), np.float32)
    high = np.abs(luma - cv2.GaussianBlur(luma, (0, 0), 3.0, borderType=cv2.BORDER_REPLICATE))
    return cv2.GaussianBlur(high, (0, 0), 4.0, borderType=cv2.BORDER_REPLICATE)


def _reach(hole: np.ndarray) -> int:
    """Pixels round a hole that tell how textured it should be."""
    return max(16, int(np.sqrt(hole.sum()) / 3))


def credit(smooth: np.ndarray, hole: np.ndarray) -> float:
    """How much of the network's residual to believe, 0..1, by the local contrast of what surrounds the hole.

    In a clear sky the smooth fill is right to half a grey level and anything added is a stain; among leaves it
    knows nothing. A Wiener gain: signal is what the surroundings show, noise is what the network errs by there.

    Args:
        smooth: H x W x 3 float32, the window with the smooth fill in its hole.
        hole: H x W bool.
    """
    known = np.ascontiguousarray(~hole)
    ring = (cv2.distanceTransform(known.view(np.uint8), cv2.DIST_C, 3) <= _reach(hole)) & known
    if not ring.any():
        return 1.0
    power = float(local_contrast(smooth)[ring].mean()) ** 2
    return power / (power + NETWORK_ERROR**2)
