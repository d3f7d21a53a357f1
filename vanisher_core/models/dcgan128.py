"""DCGAN object elimination, reference system 2: generator and discriminators at 128x128.

The second published system that Vanisher grew from: global and local consistency after Iizuka, Simo-Serra &
Ishikawa (SIGGRAPH 2017), at the size and with the layers of a DCGAN (Radford, Metz & Chintala,
"Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks", ICLR 2016,
section 3: 4x4 strided convolutions, batch normalisation except at the generator's output and the
discriminators' input, ReLU going up, LeakyReLU 0.2 going down). The hole is grey when the generator sees
it; its output is merged with the input outside the mask. A discriminator over the whole 128x128 picture and
one over the 64x64 region centred on the fill are joined by fully connected layers into one real/fake value.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

GREY = 0.5
"""What the generator sees in a hole."""


class Generator(nn.Module):
    """Convolutions down to a coarse grid, transposed convolutions up again.

    Args:
        widths: channels of each halving; the way up mirrors them.
    """

    def __init__(self, *, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.reach = 2 ** len(widths)
        down = [_halve(4, widths[0], norm=False)]
        down += [_halve(a, b) for a, b in pairwise(widths)]
        backwards = widths[::-1]
        up = [_double(a, b) for a, b in pairwise(backwards)]
        self.encoder = nn.Sequential(*down)
        self.decoder = nn.Sequential(*up, nn.ConvTranspose2d(widths[0], 3, 4, stride=2, padding=1))

    def forward(self, rgb: Tensor, hole: Tensor) -> Tensor:
        """Completes pictures; trained at 128x128, any size works.

        Args:
            rgb: B x 3 x H x W in [0, 1]; what it holds inside the hole is ignored.
            hole: B x 1 x H x W, 1 = fill, 0 = keep.

        Returns:
            B x 3 x H x W in [0, 1]; outside the hole the input, bit for bit.
        """
        height, width = rgb.shape[-2:]
        grey = torch.where(hole > 0, torch.full_like(rgb, GREY), rgb)
        x = F.pad(
            torch.cat((grey, hole), 1), (0, -width % self.reach, 0, -height % self.reach), mode="replicate"
        )
        fill = torch.sigmoid(self.decoder(self.encoder(x))[..., :height, :width])
        return torch.where(hole > 0, fill, rgb)


class Critic(nn.Module):
    """A DCGAN discriminator's convolutions, flattened.

    Args:
        size: side in pixels of the square it looks at.
        widths: channels of each halving.
    """

    def __init__(self, *, size: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.size = size
        self.features = widths[-1] * (size >> len(widths)) ** 2
        layers = [_halve(3, widths[0], norm=False)]
        layers += [_halve(a, b) for a, b in pairwise(widths)]
        self.layers = nn.Sequential(*layers, nn.Flatten())

    def forward(self, rgb: Tensor) -> Tensor:
        """Maps B x 3 x size x size to B x features."""
        if rgb.shape[-2:] != (self.size, self.size):
            raise ValueError(
                f"critic got {tuple(rgb.shape[-2:])} pixels and needs {self.size}x{self.size}: crop first"
            )
        return self.layers(rgb)


class Discriminator(nn.Module):
    """Both critics joined by fully connected layers.

    Args:
        whole: critic of the whole picture.
        part: critic of the region centred on the fill.
        hidden: width of the fully connected layer between them and the verdict.
    """

    def __init__(self, *, whole: Critic, part: Critic, hidden: int) -> None:
        super().__init__()
        self.whole = whole
        self.part = part
        self.join = nn.Sequential(
            nn.Linear(whole.features + part.features, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1)
        )

    def forward(self, picture: Tensor, region: Tensor) -> Tensor:
        """Judges completions.

        Args:
            picture: B x 3 x S x S in [0, 1], S the size of `whole`.
            region: B x 3 x s x s in [0, 1], the part round the fill, s the size of `part`.

        Returns:
            B x 1 logits: above 0 is real.
        """
        return self.join(torch.cat((self.whole(picture), self.part(region)), 1))


def _halve(inputs: int, outputs: int, *, norm: bool = True) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)
    normed = [nn.BatchNorm2d(outputs)] if norm else []
    return nn.Sequential(convolution, *normed, nn.LeakyReLU(0.2))


def _double(inputs: int, outputs: int) -> nn.Sequential:
    convolution = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def build_generator() -> Generator:
    """128x128 down to 4x4 and back: 13.9 M parameters."""
    return Generator(widths=(64, 128, 256, 512, 512))


def build_discriminator() -> Discriminator:
    """128x128 globally and 64x64 locally, both down to 4x4."""
    return Discriminator(
        whole=Critic(size=128, widths=(64, 128, 256, 512, 512)),
        part=Critic(size=64, widths=(64, 128, 256, 512)),
        hidden=256,
    )
