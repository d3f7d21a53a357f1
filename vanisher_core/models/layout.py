"""Where walls meet floor and ceiling, seen through the furniture: a network for upright equirectangular rooms.

For every column of a panorama it gives how likely each row is the foot of the wall there, and how likely its top, as
if the room stood empty (the question of Sun et al., "HorizonNet", CVPR 2019, asked row by row). It is the segmenter's
encoder and decoder; two planes are added to the colours, what is to be erased and the height of the row, and the
picture is continued past both its ends, since a panorama goes round.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from vanisher_core.models.segmenter import Encoder, SegmenterNet, build_segmenter, convolution

ROUND = 64
"""Columns that are repeated past each end: two of the coarsest stride."""
EDGES = ("floor", "ceiling")
"""The channels of the answer."""


class LayoutNet(nn.Module):
    """Panorama and hole -> log probability of each row being the edge of floor and of ceiling.

    `forward` takes Bx3xHxW colours in [0, 1] and Bx1xHxW holes (1 = to be erased; what lies under it is not looked
    at), H and W multiples of 32 and W at least 64, and gives Bx2x(H/2)x(W/2): the exponentials of each column of each
    channel add up to 1.
    """

    def __init__(self, body: SegmenterNet) -> None:
        super().__init__()
        self.body = body

    def forward(self, rgb: Tensor, hole: Tensor) -> Tensor:
        """Log probabilities over the rows of each column."""
        return functional.log_softmax(self.logits(rgb, hole), dim=2)

    def logits(self, rgb: Tensor, hole: Tensor) -> Tensor:
        """The same before normalisation."""
        body = self.body
        return answers(body, (rgb - body.mean) / body.std * (1 - hole), hole)

    def folded(self) -> LayoutNet:
        """A copy for inference, its batch normalisations merged into the convolutions before them."""
        return LayoutNet(self.body.folded())


def answers(body: SegmenterNet, colours: Tensor, hole: Tensor) -> Tensor:
    """What a body of five planes says of panoramas: BxKx(H/2)x(W/2).

    Args:
        body: see `upright_body`.
        colours: Bx3xHxW, normalised.
        hole: Bx1xHxW, 1 = to be erased.
    """
    height = torch.linspace(1, -1, hole.shape[2], device=hole.device, dtype=hole.dtype)
    planes = torch.cat([colours, hole, height.view(1, 1, -1, 1).expand_as(hole)], dim=1)
    fine, _ = body.decoder(body.encoder(functional.pad(planes, (ROUND, ROUND, 0, 0), mode="circular")))
    return body.head(fine)[..., ROUND // 2 : -ROUND // 2]


def upright_body(
    channels: int, widths: Sequence[int], depths: Sequence[int], decoder_widths: Sequence[int]
) -> SegmenterNet:
    """A segmenter's body for upright panoramas: two more planes in, no second head.

    Raises:
        ValueError: the lists' lengths do not fit.
    """
    body = build_segmenter(channels, widths, depths, decoder_widths)
    encoder = body.encoder
    assert isinstance(encoder, Encoder)
    encoder.stem = convolution(5, widths[0], 3, 2)
    body.second_head = nn.Identity()
    return body


def build_layout(
    widths: Sequence[int] = (16, 32, 64, 144, 256),
    depths: Sequence[int] = (1, 2, 5, 2),
    decoder_widths: Sequence[int] = (16, 32, 48, 96, 128),
) -> LayoutNet:
    """Builds the network; sizes as in `build_segmenter`.

    Raises:
        ValueError: the lists' lengths do not fit.
    """
    return LayoutNet(upright_body(len(EDGES), widths, depths, decoder_widths))
