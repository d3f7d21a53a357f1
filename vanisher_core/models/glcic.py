"""The published global/local GAN for completion, as reference.

Iizuka, Simo-Serra & Ishikawa, "Globally and Locally Consistent Image Completion", SIGGRAPH 2017: completion
network as in table 1 (17 layers, dilations 2, 4, 8 and 16 in the middle, 6.07 M parameters),
context discriminators as in tables 2 a to c: a global one over the whole 256x256 picture, a local one over
128x128 round the hole, joined by one fully connected layer. The hole is painted with the mean colour of the
training set before the network sees it, and the network's output is merged with the input outside the hole,
as in section 3.2. Convolutions are followed by batch normalisation and ReLU.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

REACH = 4
"""Pixels of one cell of the coarsest feature grid: two halvings."""


class CompletionNetwork(nn.Module):
    """Table 1: 5x5, two strided halvings, dilated middle, two transposed doublings.

    Args:
        width: channels of the first layer; 64 as published, the others are multiples of it.
        mean: RGB in [0, 1] painted into the hole: the training set's mean colour.
    """

    mean: Tensor

    def __init__(self, *, width: int, mean: tuple[float, float, float]) -> None:
        super().__init__()
        wide, full = 2 * width, 4 * width
        layers = [
            _conv(4, width, 5),
            _conv(width, wide, stride=2),
            _conv(wide, wide),
            _conv(wide, full, stride=2),
        ]
        layers += [_conv(full, full), _conv(full, full)]
        layers += [_conv(full, full, dilation=dilation) for dilation in (2, 4, 8, 16)]
        layers += [_conv(full, full), _conv(full, full), _double(full, wide), _conv(wide, wide)]
        layers += [_double(wide, width), _conv(width, width // 2), nn.Conv2d(width // 2, 3, 3, padding=1)]
        self.layers = nn.Sequential(*layers)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))

    def forward(self, rgb: Tensor, hole: Tensor) -> Tensor:
        """Completes pictures of any size.

        Args:
            rgb: B x 3 x H x W in [0, 1]; what it holds inside the hole is ignored.
            hole: B x 1 x H x W, 1 = fill, 0 = keep.

        Returns:
            B x 3 x H x W in [0, 1]; outside the hole the input, bit for bit.
        """
        height, width = rgb.shape[-2:]
        painted = torch.where(hole > 0, self.mean.to(rgb.dtype), rgb)
        x = F.pad(torch.cat((painted, hole), 1), (0, -width % REACH, 0, -height % REACH), mode="replicate")
        fill = torch.sigmoid(self.layers(x)[..., :height, :width])
        return torch.where(hole > 0, fill, rgb)


class Critic(nn.Module):
    """Tables 2 a and b: 5x5 convolutions of stride 2, then one fully connected layer.

    Args:
        size: side in pixels of the square it looks at.
        widths: channels of each convolution.
        features: length of the resulting vector.
    """

    def __init__(self, *, size: int, widths: tuple[int, ...], features: int) -> None:
        super().__init__()
        self.size = size
        layers = [_conv(a, b, 5, stride=2) for a, b in zip((3, *widths[:-1]), widths, strict=True)]
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.join = nn.Linear(widths[-1] * (size >> len(widths)) ** 2, features)

    def forward(self, rgb: Tensor) -> Tensor:
        """Maps B x 3 x size x size to B x features, >= 0."""
        if rgb.shape[-2:] != (self.size, self.size):
            raise ValueError(
                f"critic got {tuple(rgb.shape[-2:])} pixels and needs {self.size}x{self.size}: crop first"
            )
        return F.relu(self.join(self.layers(rgb)))


class ContextDiscriminator(nn.Module):
    """Table 2 c: both views, concatenated, one logit.

    Args:
        whole: critic of the whole picture.
        part: critic of the square centred on the fill.
    """

    def __init__(self, *, whole: Critic, part: Critic) -> None:
        super().__init__()
        self.whole = whole
        self.part = part
        self.decide = nn.Linear(whole.join.out_features + part.join.out_features, 1)

    def forward(self, picture: Tensor, region: Tensor) -> Tensor:
        """Judges completions.

        Args:
            picture: B x 3 x S x S in [0, 1], S the size of `whole`.
            region: B x 3 x s x s in [0, 1], the part round the fill, s the size of `part`.

        Returns:
            B x 1 logits: above 0 is real.
        """
        return self.decide(torch.cat((self.whole(picture), self.part(region)), 1))


def _conv(inputs: int, outputs: int, kernel: int = 3, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    padding = dilation * (kernel // 2)
    convolution = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, dilation=dilation)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def _double(inputs: int, outputs: int) -> nn.Sequential:
    convolution = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def build_generator(mean: tuple[float, float, float] = (0.5, 0.5, 0.5)) -> CompletionNetwork:
    """The published completion network, 6.07 M parameters; `mean` is stored with the weights."""
    red, green, blue = mean  # a list, when it comes from a weight file's header
    return CompletionNetwork(width=64, mean=(red, green, blue))


def build_discriminator() -> ContextDiscriminator:
    """The published context discriminator: 256x256 globally, 128x128 locally, 1024 features each."""
    return ContextDiscriminator(
        whole=Critic(size=256, widths=(64, 128, 256, 512, 512, 512), features=1024),
        part=Critic(size=128, widths=(64, 128, 256, 512, 512), features=1024),
    )
