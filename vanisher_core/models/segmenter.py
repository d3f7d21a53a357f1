"""The default segmenter: a small convolutional encoder-decoder with skips, made for CPUs.

Encoder: a strided stem, then stages at strides 4, 8, 16 and 32. The fine stages are plain residual blocks
(He et al. 2016, section 3.3), the coarse ones 7x7 depthwise blocks (ConvNeXt, Liu et al. 2022, section
2.4-2.6) with batch normalisation: measured on two AVX2 cores they buy the most receptive field a second. A
pooled vector of the whole picture is added at the coarsest stage. Decoder: a feature pyramid (Lin et al.
2017) with one residual block a level down to stride 2, and a second small head at stride 16 for deep
supervision.

Sizes live in `build_segmenter` alone. Normalisation constants are buffers, so preprocessing travels with
the weights.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

MULTIPLE = 32
"""The coarsest stride: pictures are padded to it inside, by repeating their edge."""

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution without bias + batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)
    )


class Residual(nn.Module):
    """x + two 3x3 convolutions, BxCxHxW -> BxCxHxW."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = convolution(channels, channels)
        self.second = convolution(channels, channels)
        nn.init.zeros_(self.second.get_parameter("1.weight"))

    def forward(self, x: Tensor) -> Tensor:
        """Adds the branch, then clips at 0."""
        return functional.relu(x + self.second(functional.relu(self.first(x))))


class Wide(nn.Module):
    """x + (7x7 depthwise, 1x1 up four times, 1x1 down), BxCxHxW -> BxCxHxW."""

    depthwise: nn.Module
    norm: nn.Module
    down: nn.Module
    out: nn.Module

    def __init__(self, channels: int, kernel: int = 7, expansion: int = 4) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(
            channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False
        )
        self.norm = nn.BatchNorm2d(channels)
        self.up = nn.Conv2d(channels, channels * expansion, 1)
        self.down = nn.Conv2d(channels * expansion, channels, 1, bias=False)
        self.out = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.out.get_parameter("weight"))

    def forward(self, x: Tensor) -> Tensor:
        """Adds the branch."""
        branch = self.norm(self.depthwise(x))
        return x + self.out(self.down(functional.relu(self.up(branch))))


class Encoder(nn.Module):
    """RGB -> features at strides 2, 4, 8, 16 and 32."""

    def __init__(self, *, stem: nn.Module, stages: Sequence[nn.Module], context: nn.Module) -> None:
        super().__init__()
        self.stem, self.stages, self.context = stem, nn.ModuleList(stages), context

    def forward(self, x: Tensor) -> list[Tensor]:
        """Bx3xHxW (normalised) -> five maps, finest first; the picture's mean is mixed into the last."""
        features = [functional.relu(self.stem(x))]
        for stage in self.stages:
            features.append(stage(features[-1]))
        features[-1] = features[-1] + self.context(features[-1].mean((2, 3), keepdim=True))
        return features


class Decoder(nn.Module):
    """Features at five strides -> one map at stride 2, and the map of the level with the second head."""

    def __init__(
        self, *, laterals: Sequence[nn.Module], blocks: Sequence[nn.Module], joins: Sequence[nn.Module]
    ) -> None:
        super().__init__()
        self.laterals, self.blocks, self.joins = (
            nn.ModuleList(laterals),
            nn.ModuleList(blocks),
            nn.ModuleList(joins),
        )

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Five maps, finest first -> (map at stride 2, map at stride 16)."""
        x = functional.relu(self.laterals[-1](features[-1]))
        middle = x
        for level in range(len(features) - 2, -1, -1):
            x = functional.interpolate(self.joins[level](x), scale_factor=2.0, mode="nearest")
            x = self.blocks[level](functional.relu(x + self.laterals[level](features[level])))
            if level == len(features) - 2:
                middle = x
        return x, middle


class SegmenterNet(nn.Module):
    """RGB photograph -> one logit a pixel and class.

    `forward` takes Bx3xHxW float in [0, 1] of any size from 1x1 on and gives BxKxHxW logits (their sigmoid is
    the probability of the class). `short` is the short side, in pixels, at which it has learnt to see whole
    photographs; larger people than that shows are strange to it.
    `logits` also gives the second head's coarse map, for training.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, *, encoder: nn.Module, decoder: nn.Module, head: nn.Module, second_head: nn.Module, short: int
    ) -> None:
        super().__init__()
        self.short = short
        self.encoder, self.decoder, self.head, self.second_head = encoder, decoder, head, second_head
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1))

    def forward(self, rgb: Tensor) -> Tensor:
        """Bx3xHxW in [0, 1] -> BxKxHxW logits."""
        return self.logits(rgb)[0]

    def logits(self, rgb: Tensor) -> tuple[Tensor, Tensor]:
        """Bx3xHxW in [0, 1] -> (BxKxHxW logits, BxKx(H/16)x(W/16) logits of the second head)."""
        height, width = rgb.shape[-2:]
        below, right = -height % MULTIPLE, -width % MULTIPLE
        x = (rgb - self.mean) / self.std
        if below or right:
            x = functional.pad(x, (0, right, 0, below), mode="replicate")
        fine, middle = self.decoder(self.encoder(x))
        full = functional.interpolate(self.head(fine), scale_factor=2.0, mode="bilinear", align_corners=False)
        return full[..., :height, :width], self.second_head(middle)

    def folded(self) -> SegmenterNet:
        """A copy for inference, its batch normalisations merged into the convolutions before them."""
        other = copy.deepcopy(self).eval()
        for part in list(other.modules()):
            if isinstance(part, Wide):
                part.depthwise, part.norm = _merged(part.depthwise, part.norm)
                part.down, part.out = _merged(part.down, part.out)
            elif isinstance(part, nn.Sequential) and len(part) == 2:
                part[0], part[1] = _merged(part[0], part[1])
        return other


def _merged(conv: nn.Module, norm: nn.Module) -> tuple[nn.Module, nn.Module]:
    """The two as one convolution, and nothing in the second's place; unchanged if they are anything else."""
    if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
        return fuse_conv_bn_eval(conv, norm), nn.Identity()
    return conv, norm


def _stage(inputs: int, outputs: int, blocks: Sequence[nn.Module]) -> nn.Sequential:
    """Halves the size, changes the width, then works at it."""
    return nn.Sequential(convolution(inputs, outputs, 3, 2), nn.ReLU(inplace=True), *blocks)


def build_segmenter(
    classes: int = 1,
    widths: Sequence[int] = (16, 32, 64, 144, 256),
    depths: Sequence[int] = (1, 2, 5, 2),
    decoder_widths: Sequence[int] = (16, 32, 48, 96, 128),
    short: int = 256,
) -> SegmenterNet:
    """Builds the network.

    Args:
        classes: logits a pixel.
        widths: channels of the stem and the four stages (strides 2, 4, 8, 16, 32).
        depths: blocks of the four stages; plain residual ones at strides 4 and 8, wide ones at 16 and 32.
        decoder_widths: channels of the decoder at strides 2, 4, 8, 16, 32.
        short: short side of a whole photograph as it was trained, in pixels.

    Raises:
        ValueError: the lists' lengths do not fit.
    """
    if len(widths) != 5 or len(depths) != 4 or len(decoder_widths) != 5:
        raise ValueError(
            f"need 5 widths, 4 depths and 5 decoder widths; got {widths}, {depths}, {decoder_widths}"
        )
    kinds = (Residual, Residual, Wide, Wide)
    stages = [
        _stage(before, now, [kind(now) for _ in range(depth)])
        for before, now, depth, kind in zip(widths, widths[1:], depths, kinds, strict=False)
    ]
    context = nn.Sequential(
        nn.Conv2d(widths[-1], widths[-1], 1), nn.ReLU(), nn.Conv2d(widths[-1], widths[-1], 1)
    )
    encoder = Encoder(stem=convolution(3, widths[0], 3, 2), stages=stages, context=context)
    decoder = Decoder(
        laterals=[convolution(a, b, 1) for a, b in zip(widths, decoder_widths, strict=True)],
        joins=[nn.Conv2d(b, a, 1) for a, b in pairwise(decoder_widths)],
        blocks=[nn.Sequential(convolution(width, width), nn.ReLU()) for width in decoder_widths[:-1]],
    )
    head = nn.Conv2d(decoder_widths[0], classes, 3, padding=1)
    second_head = nn.Conv2d(decoder_widths[3], classes, 1)
    return SegmenterNet(encoder=encoder, decoder=decoder, head=head, second_head=second_head, short=short)
