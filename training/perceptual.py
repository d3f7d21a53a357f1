"""Perceptual distance by the encoder of our own trained segmenter, as a loss of the inpainter.

Features of a network that knows objects weigh shapes and texture as the eye does, better than pixels do
(Johnson, Alahi & Fei-Fei, ECCV 2016, section 3.2; normalised a position at a time as in LPIPS, Zhang et al.,
CVPR 2018, equation 1). The backbone is ours, so no downloaded weights come into the product, and the network
that judges (`training.metrics`) never trains what it judges.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from training.segmenters import open_segmenter
from vanisher_core.models.segmenter import SegmenterNet

LEVELS = 4
"""Feature maps that count: strides 2, 4, 8 and 16. At 32 a hole is a cell or two."""


class Perceptual:
    """The frozen encoder.

    Args:
        weights: `segment-*.safetensors`; None for the shipped person segmenter.
        device: where it runs.

    Raises:
        ValueError: the weights are of another architecture.
    """

    def __init__(self, weights: Path | None, device: torch.device) -> None:
        network = open_segmenter(weights, "person", str(device)).network
        if not isinstance(network, SegmenterNet):
            raise ValueError(
                f"{weights} holds a {type(network).__name__}; the encoder of a SegmenterNet is needed"
            )
        self.network = network.eval().requires_grad_(False)

    def features(self, rgb: Tensor) -> list[Tensor]:
        """Bx3xHxW in [0, 1] -> unit-length features of LEVELS maps, finest first."""
        maps = self.network.encoder((rgb - self.network.mean) / self.network.std)
        return [torch.nn.functional.normalize(level, dim=1, eps=1e-4) for level in maps[:LEVELS]]

    def distance(self, fill: Tensor, truth: Tensor) -> Tensor:
        """Mean squared distance of normalised features; gradients go to `fill` only."""
        with torch.no_grad():
            wanted = self.features(truth)
        pairs = zip(self.features(fill), wanted, strict=True)
        return torch.stack([(a - b).square().sum(1).mean() for a, b in pairs]).mean()
