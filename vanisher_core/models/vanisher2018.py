"""The Vanisher Network (2018), reference system 1.

A person segmenter, and an autoencoder of the same kind that refills a hole, rebuilt from the layer table of
its report. Encoder blocks of 2x64, 2x128, 2x256, 2x512 and 1x512 [convolution 3x3, ReLU, batch
normalisation], each followed by a 2x2 max-pool; mirrored decoder blocks of 1x512, 1x512, 2x512, 2x256,
2x128 and 2x64 transposed convolutions; a last transposed convolution to the output's channels. The table
leaves open how the five steps of 2x upsampling are made: here a 2x2 transposed convolution of stride 2
closes each decoder block after the first, which gives 21.3 M parameters, the count that the table is known
by (the report's prose says "about 30 M").

It stays as a reproducible baseline: no skip connections, so outlines are soft, and 224x224 is the size it
was trained at. Any other size works too, padded inside to the network's grid of 32 pixels and cropped back.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

REACH = 32
"""Pixels of one cell of the coarsest feature grid: five halvings."""

ENCODER = ((64, 64), (128, 128), (256, 256), (512, 512), (512,))
DECODER = ((512,), (512,), (512, 512), (256, 256), (128, 128), (64, 64))


class VanisherNet2018(nn.Module):
    """Encoder-decoder without skips.

    Args:
        encoder: output channels of each convolution, block by block; a max-pool follows each block.
        decoder: the same for transposed convolutions; each block but the first ends in 2x upsampling.
        inputs: channels of the input.
        outputs: channels of the output.
    """

    def __init__(
        self,
        *,
        encoder: tuple[tuple[int, ...], ...],
        decoder: tuple[tuple[int, ...], ...],
        inputs: int,
        outputs: int,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = inputs
        for block in encoder:
            for width in block:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(width)]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.encoder = nn.Sequential(*layers)
        layers = []
        for number, block in enumerate(decoder):
            for width in block:
                layers += [
                    nn.ConvTranspose2d(channels, width, 3, padding=1),
                    nn.ReLU(),
                    nn.BatchNorm2d(width),
                ]
                channels = width
            if number > 0:
                layers.append(nn.ConvTranspose2d(channels, channels, 2, stride=2))
        layers.append(nn.ConvTranspose2d(channels, outputs, 3, padding=1))
        self.decoder = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Maps B x inputs x H x W to B x outputs x H x W, values unbounded; any H and W >= 1."""
        height, width = x.shape[-2:]
        padded = F.pad(x, (0, -width % REACH, 0, -height % REACH), mode="replicate")
        return self.decoder(self.encoder(padded))[..., :height, :width]


class Segmenter2018(nn.Module):
    """RGB -> logit of "person" for each pixel; its sign is the bit mask.

    Args:
        network: 3 channels in, 1 out.
    """

    def __init__(self, network: VanisherNet2018) -> None:
        super().__init__()
        self.network = network

    def forward(self, rgb: Tensor) -> Tensor:
        """Maps B x 3 x H x W in [0, 1] to B x 1 x H x W logits: above 0 is person."""
        return self.network(rgb)


class Autoencoder2018(nn.Module):
    """RGB and hole -> RGB; only the refilled segment is pasted into the original.

    Args:
        network: 4 channels in (RGB with the hole blanked, then the hole), 3 out.
    """

    def __init__(self, network: VanisherNet2018) -> None:
        super().__init__()
        self.network = network

    def forward(self, rgb: Tensor, hole: Tensor) -> Tensor:
        """Refills holes.

        Args:
            rgb: B x 3 x H x W in [0, 1]; what it holds inside the hole is ignored.
            hole: B x 1 x H x W, 1 = refill, 0 = keep.

        Returns:
            B x 3 x H x W in [0, 1]; outside the hole the input, bit for bit.
        """
        fill = torch.sigmoid(self.network(torch.cat((rgb * (1 - hole), hole), 1)))
        return torch.where(hole > 0, fill, rgb)


def build_segmenter() -> Segmenter2018:
    """The report's person segmenter, 21.3 M parameters."""
    return Segmenter2018(VanisherNet2018(encoder=ENCODER, decoder=DECODER, inputs=3, outputs=1))


def build_autoencoder() -> Autoencoder2018:
    """The report's hole refiller: the same network with the hole as a fourth channel, 21.3 M parameters."""
    return Autoencoder2018(VanisherNet2018(encoder=ENCODER, decoder=DECODER, inputs=4, outputs=3))
