"""Rendered rooms for the light network: furnished panoramas, and what light the empty room has instead.

The target is the logarithm of the empty render's colours over those of the furnished one, both smoothed; inside the
hole "the furnished one" is what a perfect, seamless retoucher would put there (`training.panorama_rooms.relit`), so
that the target goes on over the rim without a step. Rooms are turned, mirrored, stretched and tinted as for the
layout network. Some pictures show the empty room with a hole of another: where nothing stood, nothing is to change.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.data.room_layouts import gains, outline_of, room_pictures, sampled, stretched, tints
from training.data.room_views import rooms
from training.panorama_rooms import RoomCase, grown_hole, relit

SMOOTH = 4.5
"""Degrees, standard deviation within which light is even."""
LARGEST = 1.0
"""Of the logarithm: lamps that went with the furniture are not learnt in full."""
BARE = 0.15
"""Share of pictures of rooms that were empty before."""
TINT, GAIN, GAMMA = 0.2, 0.25, 0.15
"""Spread of the logarithms of each plane's tint, the whole picture's brightness and its gamma."""


class Rooms(NamedTuple):
    """Rooms in memory.

    Attributes:
        pictures: Nx2x3xHxW uint8, furnished and empty.
        holes: Nx1xHxW uint8, 1 = furniture, grown.
        light: Nx3xHxW float16, logarithms.
        seeds: of the rooms.
        outlines: corners round the camera in metres, and the heights of floor and ceiling.
    """

    pictures: Tensor
    holes: Tensor
    light: Tensor
    seeds: list[int]
    outlines: list[tuple[NDArray[np.float64], float, float]]

    def part(self, which: list[int]) -> Rooms:
        """Some of them."""
        seeds, outlines = [self.seeds[index] for index in which], [self.outlines[index] for index in which]
        return Rooms(self.pictures[which], self.holes[which], self.light[which], seeds, outlines)

    def to(self, device: torch.device) -> Rooms:
        """The same with its tensors on a device."""
        return self._replace(
            pictures=self.pictures.to(device), holes=self.holes.to(device), light=self.light.to(device)
        )


class Batch(NamedTuple):
    """Bx3xHxW colours in [0, 1], Bx1xHxW holes, Bx3xHxW logarithms of the gains that light the room as if empty."""

    rgb: Tensor
    hole: Tensor
    light: Tensor


def load(folder: Path, width: int) -> Rooms:
    """All rooms of a folder.

    Args:
        folder: written by `python -m panorama.rooms`.
        width: of what is kept in memory.

    Raises:
        FileNotFoundError: there is none.
        ValueError: one of them is a validation room.
    """
    pictures, holes, light, seeds, outlines = [], [], [], [], []
    size = width, width // 2
    for room in rooms(folder):
        case = RoomCase(
            room.seed, room.picture("furnished"), room.picture("empty"), grown_hole(room.classes() > 0), ""
        )
        pictures.append(room_pictures(room, width))
        whole = cv2.resize(case.hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) >= 0.5
        holes.append(torch.from_numpy(whole[None].astype(np.uint8)))
        found = cv2.resize(light_of(case), size, interpolation=cv2.INTER_AREA)
        light.append(torch.from_numpy(found).permute(2, 0, 1).half())
        seeds.append(room.seed)
        outlines.append(outline_of(room))
    return Rooms(torch.stack(pictures), torch.stack(holes), torch.stack(light), seeds, outlines)


def light_of(case: RoomCase) -> NDArray[np.float32]:
    """HxWx3 logarithms of the gains that turn a seamlessly emptied room into the empty one, within LARGEST."""
    width = case.hole.shape[1]
    margin, spread = width // 8, math.radians(SMOOTH) * width / (2 * math.pi)

    def smooth(picture: np.ndarray) -> np.ndarray:
        around = np.pad(picture.astype(np.float32), ((0, 0), (margin, margin), (0, 0)), mode="wrap")
        return cv2.GaussianBlur(around, (0, 0), spread)[:, margin:-margin] + 2

    return np.clip(np.log(smooth(case.empty) / smooth(relit(case))), -LARGEST, LARGEST).astype(np.float32)


def draw(source: Rooms, count: int, size: tuple[int, int], random: np.random.Generator) -> Batch:
    """A batch of changed rooms.

    Args:
        source: rooms.
        count: pictures.
        size: height and width of each.
        random: draws everything.
    """
    device = source.pictures.device
    which = random.integers(len(source.outlines), size=count)
    grids, targets = zip(*(stretched(source.outlines[index], size, random) for index in which), strict=True)
    grid = torch.from_numpy(np.stack(grids)).to(device)
    bare = random.random(count) < BARE
    rgb = sampled(source.pictures[which, bare.astype(int)].float() / 255, grid, "bilinear")
    other = np.where(bare, random.integers(len(source.outlines), size=count), which)
    hole = sampled(source.holes[other].float(), grid, "nearest")
    kept = torch.from_numpy((~bare).astype(np.float32)).to(device).view(-1, 1, 1, 1)
    light = sampled(source.light[which].float(), grid, "bilinear") * kept
    pitch = torch.from_numpy(np.stack(targets)).to(device)
    return _coloured(rgb, hole, light, pitch, random)


def _coloured(rgb: Tensor, hole: Tensor, light: Tensor, pitch: Tensor, random: np.random.Generator) -> Batch:
    """Other paint and exposure, which leave the logarithms of the light as they are; and a gamma, which scales them."""
    count, _, height, _ = rgb.shape

    def drawn(spread: float, *shape: int) -> Tensor:
        return gains(random, spread, shape, rgb.device)

    tinted = tints(pitch, height, TINT, random)
    gamma = drawn(GAMMA, count, 1, 1, 1)
    out = (rgb * tinted * drawn(GAIN, count, 1, 1, 1) * drawn(0.06, count, 3, 1, 1)).clamp(0, 1) ** gamma
    return Batch(out, hole, light * gamma)
