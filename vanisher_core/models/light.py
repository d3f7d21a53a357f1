"""What light a room would have without its furniture: a network for upright equirectangular rooms.

Furniture darkens the floor and the walls round it and gives them its colour. Whoever fills its place seamlessly keeps
that: the room looks as if the sofa had left its shadow. The network looks at the furnished room and says by how much
each direction would be brighter or darker if nothing stood there, as if a photographer had come back. Body and planes
are those of the layout network; here the colours under the hole are looked at, since they cast the shadows.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from vanisher_core.models.layout import answers, upright_body
from vanisher_core.models.segmenter import SegmenterNet


class LightNet(nn.Module):
    """Furnished panorama and hole -> logarithm of the gain of each channel that empties the room of shadows.

    `forward` takes Bx3xHxW colours in [0, 1] (as displayed) and Bx1xHxW holes (1 = to be erased), H and W multiples of
    32 and W at least 64, and gives Bx3x(H/2)x(W/2) natural logarithms, 0 = as it is. Outside of the hole they are to be
    applied to the picture, inside of it to a seamless fill.
    """

    def __init__(self, body: SegmenterNet) -> None:
        super().__init__()
        self.body = body

    def forward(self, rgb: Tensor, hole: Tensor) -> Tensor:
        """Logarithms of gains."""
        return answers(self.body, (rgb - self.body.mean) / self.body.std, hole)

    def folded(self) -> LightNet:
        """A copy for inference, its batch normalisations merged into the convolutions before them."""
        return LightNet(self.body.folded())


def build_light(
    widths: Sequence[int] = (16, 32, 64, 144, 256),
    depths: Sequence[int] = (1, 2, 5, 2),
    decoder_widths: Sequence[int] = (16, 32, 48, 96, 128),
) -> LightNet:
    """Builds the network; sizes as in `build_segmenter`.

    Raises:
        ValueError: the lists' lengths do not fit.
    """
    return LightNet(upright_body(3, widths, depths, decoder_widths))
