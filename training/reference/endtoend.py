"""The 2018 system from end to end: segment, cut, refill, paste only the refilled segment back.

Its report shows four pictures of each photograph: original, masked, network output, composite. Both networks see
the photograph squeezed to their own square; what they say is scaled back to the photograph.
"""

from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vanisher_core.inpaint import shrink
from vanisher_core.models.vanisher2018 import Autoencoder2018, Segmenter2018

Picture = NDArray[np.uint8]  # HxWx3, RGB
Hole = NDArray[np.bool_]  # HxW, True = refill


class Vanished(NamedTuple):
    """The four pictures of the report's plate, HxWx3 uint8 each, and the bit mask."""

    original: Picture
    masked: Picture
    output: Picture
    """What the autoencoder makes of the whole picture."""
    composite: Picture
    """The original with the segment, and nothing else, taken from the output."""
    mask: Hole


def whole_output(autoencoder: Autoencoder2018, rgb: Tensor, hole: Tensor) -> Tensor:
    """The autoencoder's own picture, before the segment is pasted: what it is trained on.

    Args:
        autoencoder: the network.
        rgb: B x 3 x H x W in [0, 1].
        hole: B x 1 x H x W, 1 = refill.

    Returns:
        B x 3 x H x W in [0, 1], float32.
    """
    return torch.sigmoid(autoencoder.network(torch.cat((rgb * (1 - hole), hole), 1)).float())


def find_people(segmenter: Segmenter2018, rgb: Picture, size: int) -> Hole:
    """The bit mask of the people in a photograph, HxW bool at its own size."""
    height, width = rgb.shape[:2]
    small = cv2.resize(rgb, (size, size), interpolation=cv2.INTER_AREA)
    with torch.inference_mode():
        logits = segmenter(_tensor(small).to(_device(segmenter)))[0, 0].float().cpu().numpy()
    return cv2.resize(logits, (width, height), interpolation=cv2.INTER_LINEAR) > 0


def refill(autoencoder: Autoencoder2018, rgb: Picture, hole: Hole, size: int) -> Picture:
    """The autoencoder's picture of a photograph with a hole, at the photograph's own size, HxWx3 uint8."""
    x, m = squeezed(rgb, hole, size)
    device = _device(autoencoder)
    with torch.inference_mode():
        return stretched(whole_output(autoencoder, x.to(device), m.to(device)), rgb)


def paste(rgb: Picture, hole: Hole, fill: Picture) -> Picture:
    """`fill` inside the hole, `rgb` bit for bit outside."""
    return np.where(hole[..., None], fill, rgb)


def vanish_people(
    segmenter: Segmenter2018, autoencoder: Autoencoder2018, rgb: Picture, *, sizes: tuple[int, int]
) -> Vanished:
    """Takes the people out of a photograph the 2018 way.

    Args:
        segmenter: trained, in eval mode.
        autoencoder: trained, in eval mode.
        rgb: HxWx3 uint8 of any size.
        sizes: side in pixels that the segmenter, and the autoencoder, work at (224 as published).
    """
    mask = find_people(segmenter, rgb, sizes[0])
    output = refill(autoencoder, rgb, mask, sizes[1])
    return Vanished(rgb, paste(rgb, mask, np.zeros_like(rgb)), output, paste(rgb, mask, output), mask)


def squeezed(rgb: Picture, hole: Hole, size: int) -> tuple[Tensor, Tensor]:
    """Picture and hole scaled to the network's square: 1 x 3 x size x size in [0, 1], 1 x 1 x size x size.

    What stands in the hole does not leak into the known pixels, and a cell that is partly hole is hole.
    """
    small, inside = shrink(rgb.astype(np.float32) / 255, hole, (size, size))
    return _tensor(small), torch.from_numpy(inside.astype(np.float32))[None, None]


def stretched(output: Tensor, like: Picture) -> Picture:
    """A network's 1 x 3 x S x S picture in [0, 1], scaled to the size of `like`; HxWx3 uint8."""
    small = np.ascontiguousarray(output[0].permute(1, 2, 0).float().cpu().numpy())
    if small.shape != like.shape:
        small = cv2.resize(small, (like.shape[1], like.shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.rint(np.clip(small, 0, 1) * 255).astype(np.uint8)


def _tensor(rgb: np.ndarray) -> Tensor:
    """H x W x 3 -> 1 x 3 x H x W float32 in [0, 1]."""
    tensor = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None].float()
    return tensor / 255 if rgb.dtype == np.uint8 else tensor


def _device(network: nn.Module) -> torch.device:
    return next(network.parameters()).device
