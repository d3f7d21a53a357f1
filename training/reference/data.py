"""Photographs of the reference systems as uint8 squares on the training device, and their augmentation there.

The squares are an eighth larger than the network's picture; a batch cuts a random part of each and mirrors half of
them. Nothing is resampled after loading, and colours stay: the reports name no other augmentation.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from training.data import shards

SHOWN = 8
"""Rows of a plate."""

MARGIN = 8 / 7
"""Side of a stored training square over the side of what is cut from it: 256 for 224."""


class Squares(NamedTuple):
    """Photographs cut to squares."""

    rgb: Tensor
    """N x 3 x S x S uint8."""
    mask: Tensor
    """N x 1 x S x S uint8, 255 = person, 0 elsewhere; N x 0 x S x S when loaded without masks."""
    keys: list[str]

    def to(self, device: torch.device) -> "Squares":
        """The same squares on another device."""
        return Squares(self.rgb.to(device), self.mask.to(device), self.keys)

    @property
    def layers(self) -> Tensor:
        """RGB and mask in one tensor, N x 3..4 x S x S uint8."""
        return torch.cat((self.rgb, self.mask), 1)


def margin(size: int) -> int:
    """Side in pixels of the stored squares that `size` pixels are cut from."""
    return round(size * MARGIN)


def load(
    folder: Path,
    pattern: str,
    size: int,
    *,
    predicate: Callable[[str], bool] = lambda key: True,
    limit: int = 0,
    masks: bool = False,
) -> Squares:
    """Loads photographs: the short side scaled to `size`, the middle cut out.

    Args:
        folder: where the shards lie.
        pattern: glob pattern of their names.
        size: side of the squares in pixels.
        predicate: which keys to take.
        limit: at most so many, spread evenly over all (0: all).
        masks: person masks as well; a picture without one shows nobody.

    Raises:
        FileNotFoundError: no shard, or none of its pictures, fits.
    """
    paths = shards.shards(folder, pattern)
    keys = [key for path in paths for key, _ in shards.read_shard(path) if predicate(key)]
    if not keys:
        raise FileNotFoundError(f"no picture of {pattern} in {folder} passed the filter: check the split")
    chosen = set(_spread(keys, limit))
    rgb, mask, found = [], [], []
    for picture in shards.pictures(paths, chosen.__contains__):
        rgb.append(torch.from_numpy(shards.square(picture.rgb, size)).permute(2, 0, 1))
        if masks:
            person = torch.zeros(size, size, dtype=torch.uint8)
            if picture.mask is not None:
                person = (torch.from_numpy(shards.square(picture.mask, size)) > 127).to(torch.uint8) * 255
            mask.append(person[None])
        found.append(picture.key)
    stacked = torch.stack(rgb)
    return Squares(stacked, torch.stack(mask) if masks else stacked[:, :0], found)


def _spread(keys: Sequence[str], limit: int) -> Sequence[str]:
    if not limit or limit >= len(keys):
        return keys
    return [keys[index * len(keys) // limit] for index in range(limit)]


def cut(layers: Tensor, chosen: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Cuts a random square out of each chosen picture and mirrors half of them.

    Args:
        layers: N x C x S x S uint8, S >= `size`.
        chosen: B indices into it.
        size: side of the result in pixels.
        generator: source of chance, on the CPU.

    Returns:
        B x C x size x size float32 in [0, 1], channels last in memory.
    """
    count, device = len(chosen), layers.device
    start = torch.randint(layers.shape[-1] - size + 1, (2, count, 1), generator=generator)
    mirrored = torch.rand(count, 1, generator=generator) < 0.5
    line = torch.arange(size)
    rows = (start[0] + line).to(device)
    columns = (start[1] + torch.where(mirrored, line.flip(0), line)).to(device)
    which = chosen.to(device)[:, None, None]
    return layers[which, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).float() / 255


def order(count: int, seed: int, epoch: int) -> Tensor:
    """The order in which epoch number `epoch` goes through `count` pictures: a function of its arguments alone."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed * 100_003 + epoch))


def spread(rows: Tensor) -> Tensor:
    """At most SHOWN of the rows of a plate, evenly over all."""
    return rows[:: max(1, len(rows) // SHOWN)][:SHOWN]
