"""What of a room is furniture: a network for upright equirectangular rooms.

A view of a wardrobe is much like a view of a door: only who sees the whole room knows which of them stands in front of
the wall. The network looks at all of a panorama at once, coarsely, and says for each direction what stands there; the
segmenter that looks at perspective views (`segmenter.py`) adds the outlines. Body and planes are those of the layout
network; nothing is hidden from this one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from vanisher_core.models.layout import answers, upright_body
from vanisher_core.models.segmenter import SegmenterNet


class FurnitureNet(nn.Module):
    """Panorama -> log probability of each class, the first of which is the room itself.

    `forward` takes Bx3xHxW colours in [0, 1] (as displayed), H and W multiples of 32 and W at least 64, and gives
    BxKx(H/2)x(W/2): the exponentials of each texel add up to 1.
    """

    def __init__(self, body: SegmenterNet) -> None:
        super().__init__()
        self.body = body

    def forward(self, rgb: Tensor) -> Tensor:
        """Log probabilities of the classes."""
        body = self.body
        nothing = torch.zeros_like(rgb[:, :1])
        return functional.log_softmax(answers(body, (rgb - body.mean) / body.std, nothing), dim=1)

    def folded(self) -> FurnitureNet:
        """A copy for inference, its batch normalisations merged into the convolutions before them."""
        return FurnitureNet(self.body.folded())


def build_furniture(
    classes: int = 13,
    widths: Sequence[int] = (16, 32, 64, 144, 256),
    depths: Sequence[int] = (1, 2, 5, 2),
    decoder_widths: Sequence[int] = (16, 32, 48, 96, 128),
) -> FurnitureNet:
    """Builds the network.

    Args:
        classes: channels of the answer, the room's included.
        widths: as in `build_segmenter`.
        depths: as there.
        decoder_widths: as there.

    Raises:
        ValueError: the lists' lengths do not fit.
    """
    return FurnitureNet(upright_body(classes, widths, depths, decoder_widths))
