"""The default inpainter: what colours, shapes and how much texture belong in a hole.

A small fully convolutional encoder-decoder, trained as the generator of a global/local GAN (after Iizuka,
Simo-Serra & Ishikawa, "Globally and Locally Consistent Image Completion", SIGGRAPH 2017). It differs from
the published generator where a desktop CPU asks for it:

* it never starts from nothing: the hole is first filled by harmonic interpolation from its rim (Perez, Gangnet
  & Blake, "Poisson Image Editing", SIGGRAPH 2003, section 2) and the network predicts a residual over that
  fill. Its last layer starts at zero, so that training begins at the quality of a diffusion fill;
* it works on a grid of four pixels and coarser, with ConvNeXt blocks (Liu et al., "A ConvNet for the
  2020s", CVPR 2022, figure 4): a wide view for few multiplications. The stage after it (`detail.py`)
  supplies the texture, so that fine grids would be wasted here;
* a second output says how much local contrast belongs at each place, which steers that stage.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STEM = 4
"""Pixels of one cell of the finest feature grid."""


class Completion(NamedTuple):
    """What the generator says of a picture with a hole.

    Attributes:
        rgb: B x 3 x H x W, [0, 1]: the fill inside the hole, the input outside it.
        contrast: B x 1 x H x W, >= 0: expected |Y - lowpass(Y)|, the local contrast of luminance.
        residual: B x 3 x H x W: what the network added to the smooth fill; 0 outside the hole.
    """

    rgb: Tensor
    contrast: Tensor
    residual: Tensor


def harmonic(rgb: Tensor, known: Tensor, sweeps: int = 4) -> Tensor:
    """Fills unknown pixels with the smoothest surface that meets the known ones, at every scale at once.

    The Laplace equation, solved by a cascade: known pixels are averaged down until no hole is left, the coarse
    solution starts the finer one, and a few Jacobi sweeps settle each level. In torch, so that training runs it on
    the GPU and the network carries its own prior.

    Args:
        rgb: B x C x H x W; values where `known` is 0 are ignored.
        known: B x 1 x H x W, 1 where the picture is known, 0 in the hole.
        sweeps: at this level; coarser ones get twice as many, up to 16.

    Returns:
        B x C x H x W, equal to `rgb` where known; all zero if nothing is known.
    """
    fixed = rgb * known
    if known.shape[-2:] == (1, 1):
        return fixed
    pooled = F.avg_pool2d(torch.cat((fixed, known), 1), 2, ceil_mode=True, count_include_pad=False)
    weight = pooled[:, -1:]
    coarse = harmonic(
        pooled[:, :-1] / weight.clamp_min(1e-6), (weight > 0).to(rgb.dtype), min(16, 2 * sweeps)
    )
    raised = F.interpolate(coarse, size=rgb.shape[-2:], mode="bilinear", align_corners=False)
    hole = 1 - known
    x = fixed + raised * hole
    for _ in range(sweeps):
        framed = F.pad(x, (1, 1, 1, 1), mode="replicate")
        sides = framed[..., 1:-1, :-2] + framed[..., 1:-1, 2:]
        mean = (sides + framed[..., :-2, 1:-1] + framed[..., 2:, 1:-1]) / 4
        x = fixed + mean * hole
    return x


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each pixel, for B x C x H x W."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: D102
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Block(nn.Module):
    """ConvNeXt block: 7x7 depthwise, normalise, widen, GELU, narrow, add."""

    def __init__(self, channels: int, *, widen: int) -> None:
        super().__init__()
        self.spatial = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = ChannelNorm(channels)
        self.up = nn.Conv2d(channels, channels * widen, 1)
        self.down = nn.Conv2d(channels * widen, channels, 1)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return x + self.down(F.gelu(self.up(self.norm(self.spatial(x)))))


class ResidualGenerator(nn.Module):
    """Encoder-decoder with skips over grids of 4, 8, 16 ... pixels; any picture size.

    Args:
        widths: channels of each grid, finest first.
        encoder_blocks: blocks of each grid on the way down (the last is the bottleneck).
        decoder_blocks: blocks of each grid but the last on the way up, finest first.
        widen: factor by which a block widens its channels.
    """

    def __init__(
        self,
        *,
        widths: tuple[int, ...],
        encoder_blocks: tuple[int, ...],
        decoder_blocks: tuple[int, ...],
        widen: int = 2,
    ) -> None:
        super().__init__()
        stages = [
            nn.Sequential(*(Block(w, widen=widen) for _ in range(n)))
            for w, n in zip(widths, encoder_blocks, strict=True)
        ]
        pairs = list(pairwise(widths))
        self.reach = STEM * 2 ** (len(widths) - 1)
        self.stem = nn.Conv2d(4, widths[0], 8, stride=STEM, padding=2)
        self.encoder = nn.ModuleList(stages)
        self.shrink = nn.ModuleList(
            nn.Sequential(ChannelNorm(fine), nn.Conv2d(fine, coarse, 2, stride=2)) for fine, coarse in pairs
        )
        self.grow = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairs)
        self.decoder = nn.ModuleList(
            nn.Sequential(*(Block(w, widen=widen) for _ in range(n)))
            for w, n in zip(widths[:-1], decoder_blocks, strict=True)
        )
        last = nn.Conv2d(widths[0], 3 * STEM**2 + 1, 3, padding=1)
        nn.init.zeros_(last.weight)
        if last.bias is not None:
            nn.init.zeros_(last.bias)
        self.head = nn.Sequential(ChannelNorm(widths[0]), last)

    def forward(self, rgb: Tensor, hole: Tensor) -> Completion:
        """Completes pictures.

        Args:
            rgb: B x 3 x H x W in [0, 1]; what it holds inside the hole is ignored.
            hole: B x 1 x H x W, 1 = fill, 0 = keep.

        Returns:
            Completion of the same H x W; outside the hole `rgb` is the input, bit for bit.
        """
        height, width = rgb.shape[-2:]
        pad = (0, -width % self.reach, 0, -height % self.reach)
        prior = F.pad(harmonic(rgb, 1 - hole), pad, mode="replicate")
        padded_hole = F.pad(hole, pad, mode="replicate")
        residual, contrast = self._predict(torch.cat((prior - 0.5, padded_hole), 1))
        residual = residual[..., :height, :width] * hole
        fill = (prior[..., :height, :width] + residual).clamp(0, 1)
        contrast = F.interpolate(contrast, scale_factor=STEM, mode="bilinear", align_corners=False)
        return Completion(torch.where(hole > 0, fill, rgb), contrast[..., :height, :width], residual)

    def _predict(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.stem(x)
        skips = []
        for level, stage in enumerate(self.encoder):
            x = stage(x)
            if level < len(self.shrink):
                skips.append(x)
                x = self.shrink[level](x)
        for level in reversed(range(len(skips))):
            x = F.interpolate(self.grow[level](x), scale_factor=2.0, mode="nearest")
            x = self.decoder[level](x + skips[level])
        x = self.head(x)
        # softplus(-3) is about 0.05, the mean local contrast of photographs: a sensible start.
        return F.pixel_shuffle(x[:, :-1], STEM), F.softplus(x[:, -1:] - 3)


def build_inpaint_small() -> ResidualGenerator:
    """1.5 M parameters, 0.6 GMAC at 256x256: trains to usefulness on two CPU cores in an hour."""
    return ResidualGenerator(
        widths=(48, 96, 160, 256), encoder_blocks=(1, 2, 3, 3), decoder_blocks=(1, 2, 2), widen=2
    )
