"""Labelled photographs pasted into panoramas: what rooms look like in photographs, for networks of whole rooms.

There are few labelled panoramas, so batches of rooms take in photographs where a camera could have taken them (regions
of other pictures, labels and all: Yun et al., "CutMix", ICCV 2019, section 3). What lies round a photograph does not
go with it, which the networks bear: labels along its border are unknown.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple, Self

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.data import photographs
from training.data.room_furniture import TINT, UNKNOWN, Batch
from training.data.room_layouts import gains

COUNT = (1, 4)
"""Photographs in a picture: from the first up to, not including, the second."""
FIELD, PITCH = (50.0, 80.0), (-18.0, 8.0)
"""Degrees: the photograph's width, and where it is aimed, drawn evenly."""
SHADE = 0.25
"""Spread of the logarithm of a photograph's brightness; that of its channels is that of pieces."""
BORDER = 0.95
"""Of the photograph's half width, from which on labels are unknown."""


class Photographs(NamedTuple):
    """Photographs in memory: Nx3xSxS uint8, NxSxS uint8 labels, and their keys."""

    pictures: Tensor
    labels: Tensor
    keys: list[str]

    def to(self, device: torch.device) -> Self:
        """The same on a device."""
        return self._replace(pictures=self.pictures.to(device), labels=self.labels.to(device))


def load(folder: Path, side: int) -> Photographs:
    """Those to learn from.

    Args:
        folder: of the shards.
        side: pixels of what is kept.

    Raises:
        FileNotFoundError: there is no shard, or no such photograph in it.
        ValueError: a photograph is not square, as those of Places365 are, or a label is none.
    """
    found, size = list(photographs.pictures(folder, learnt=True)), (side, side)
    if not found:
        raise FileNotFoundError(f"no photograph in {folder} is labelled; pass the folder of the shards")
    for one in found:
        if one.rgb.shape[0] != one.rgb.shape[1]:
            raise ValueError(
                f"{one.key} is {one.rgb.shape[1]}x{one.rgb.shape[0]}: only squares can be pasted"
            )
    rgb = [cv2.resize(one.rgb, size, interpolation=cv2.INTER_AREA) for one in found]
    labels = [
        cv2.resize(photographs.labels_of(one), size, interpolation=cv2.INTER_NEAREST_EXACT) for one in found
    ]
    return Photographs(
        torch.from_numpy(np.stack(rgb)).permute(0, 3, 1, 2).contiguous(),
        torch.from_numpy(np.stack(labels)),
        [one.key for one in found],
    )


def paste(batch: Batch, source: Photographs, share: float, random: np.random.Generator) -> Batch:
    """A batch with photographs pasted into about so many of its pictures."""
    rgb, classes = batch.rgb.clone(), batch.classes.clone()
    for index in range(len(rgb)):
        if random.random() < share:
            for _ in range(int(random.integers(*COUNT))):
                which = int(random.integers(len(source.keys)))
                _paste(rgb[index], classes[index], source.pictures[which], source.labels[which], random)
    return Batch(rgb, classes)


def _paste(
    rgb: Tensor, classes: Tensor, picture: Tensor, labels: Tensor, random: np.random.Generator
) -> None:
    """Pastes one photograph (3xSxS, SxS) into a panorama (3xHxW, HxW), in place."""
    yaw, pitch = random.uniform(-math.pi, math.pi), math.radians(random.uniform(*PITCH))
    half = math.tan(math.radians(random.uniform(*FIELD)) / 2)
    mirrored = -1.0 if random.random() < 0.5 else 1.0
    rows, columns = classes.shape
    down = (0.5 - (torch.arange(rows, device=rgb.device) + 0.5) / rows)[:, None] * math.pi
    across = ((torch.arange(columns, device=rgb.device) + 0.5) / columns * 2 - 1) * math.pi - yaw
    ahead, up = down.cos() * across.cos(), down.sin().expand(rows, columns)
    depth = ahead * math.cos(pitch) + up * math.sin(pitch)
    near = depth.clamp_min(1e-3) * half
    at = torch.stack(
        [
            mirrored * down.cos() * across.sin() / near,
            (ahead * math.sin(pitch) - up * math.cos(pitch)) / near,
        ],
        2,
    )
    far = at.abs().amax(2)
    inside = (depth > 1e-3) & (far < 1)
    colours = functional.grid_sample(
        picture[None].float() / 255, at[None], padding_mode="border", align_corners=False
    )[0]
    kinds = functional.grid_sample(labels[None, None].float(), at[None], "nearest", align_corners=False)[0, 0]
    light = gains(random, SHADE, (1, 1, 1), rgb.device) * gains(random, TINT, (3, 1, 1), rgb.device)
    rgb[:, inside] = (colours * light).clamp(0, 1).to(rgb.dtype)[:, inside]
    classes[inside] = torch.where(far < BORDER, kinds.long(), UNKNOWN)[inside]
