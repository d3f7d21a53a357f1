"""Global and local discriminators of the default inpainter's adversarial training.

As in Iizuka et al. (SIGGRAPH 2017, section 3.3) one network sees the whole picture and one a square round the
hole; here each gives a map of scores (Isola et al., pix2pix, CVPR 2017, section 3.2.2) and is spectrally
normalised, which small data needs. Used in training only, so it is no part of the product's package.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class PatchCritic(nn.Module):
    """Strided convolutions to a map of scores, with the features on the way."""

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128, 192)) -> None:
        super().__init__()
        channels = (4, *widths)
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(c_in, c_out, 4, stride=2, padding=1))
            for c_in, c_out in pairwise(channels)
        )
        self.score = spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:  # noqa: D102
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.score(x), features


class GlobalLocalCritic(nn.Module):
    """Scores whole pictures and squares of half their side centred on the hole."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = PatchCritic()
        self.local = PatchCritic()

    def forward(self, rgb: Tensor, hole: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Scores pictures.

        Args:
            rgb: B x 3 x S x S in [0, 1].
            hole: B x 1 x S x S.

        Returns:
            B x N scores (higher = more real) and the features of both networks.
        """
        x = torch.cat((rgb * 2 - 1, hole), 1)
        score, features = self.whole(x)
        local_score, local_features = self.local(crop_round_hole(x, hole, rgb.shape[-1] // 2))
        return torch.cat((score.flatten(1), local_score.flatten(1)), 1), features + local_features


def crop_round_hole(x: Tensor, hole: Tensor, side: int) -> Tensor:
    """Squares of `side` pixels as near to the centre of mass of each hole as the border allows."""
    crops = []
    for picture, region in zip(x, hole[:, 0], strict=True):
        height, width = region.shape
        ys, xs = torch.nonzero(region > 0.5, as_tuple=True)
        cy = int(ys.float().mean()) if len(ys) else height // 2
        cx = int(xs.float().mean()) if len(xs) else width // 2
        top, left = min(max(cy - side // 2, 0), height - side), min(max(cx - side // 2, 0), width - side)
        crops.append(picture[:, top : top + side, left : left + side])
    return torch.stack(crops)
