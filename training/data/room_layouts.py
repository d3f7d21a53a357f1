"""Rendered rooms as panoramas with the foot and the top of the wall known in every column.

One room becomes many: it is turned, mirrored, made longer, wider and higher (Sun et al., "HorizonNet", CVPR 2019,
section 3.4: a panorama of a stretched room is a resampling of the panorama), its floor, walls and ceiling are tinted
apart, and some, all or none of its furniture is hidden, as a user's mask would.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from training.data.room_views import Room, rooms

STRETCH, RAISE = (0.6, 1.7), (0.75, 1.3)
"""Factors of length and width, and of the height of the ceiling above the camera."""
EMPTY, ALL, NONE = 0.2, 0.4, 0.2
"""Shares of pictures: of the empty room; of the others those with all furniture hidden, and with none."""
TINT, GAIN = 0.25, 0.35
"""Spread of the logarithms of each plane's tint and of the whole picture's brightness."""


class Rooms(NamedTuple):
    """Rooms in memory.

    Attributes:
        pictures: Nx2x3xHxW uint8, furnished and empty.
        objects: NxHxW uint8, number of the object that each texel shows, 0 = room.
        seeds: of the rooms.
        outlines: corners (x right, z forward) round the camera in metres, and the heights of floor and ceiling.
    """

    pictures: Tensor
    objects: Tensor
    seeds: list[int]
    outlines: list[tuple[NDArray[np.float64], float, float]]

    def part(self, which: list[int]) -> Rooms:
        """Some of them."""
        seeds, outlines = [self.seeds[index] for index in which], [self.outlines[index] for index in which]
        return Rooms(self.pictures[which], self.objects[which], seeds, outlines)

    def to(self, device: torch.device) -> Rooms:
        """The same with its pictures on a device."""
        return self._replace(pictures=self.pictures.to(device), objects=self.objects.to(device))


class Batch(NamedTuple):
    """Bx3xHxW colours in [0, 1], Bx1xHxW holes, Bx2xW pitches of the edges of floor and ceiling in radians."""

    rgb: Tensor
    hole: Tensor
    edges: Tensor


def load(folder: Path, width: int) -> Rooms:
    """All rooms of a folder.

    Args:
        folder: written by `python -m panorama.rooms`.
        width: of the pictures kept in memory.

    Raises:
        FileNotFoundError: there is none.
        ValueError: one of them is a validation room.
    """
    found = rooms(folder)
    pictures = torch.stack([room_pictures(room, width) for room in found])
    objects = torch.stack([room_objects(room, width) for room in found])
    return Rooms(pictures, objects, [room.seed for room in found], [outline_of(room) for room in found])


def room_pictures(room: Room, width: int) -> Tensor:
    """2x3xHxW uint8 of a width: furnished and empty."""
    pair = [
        cv2.resize(room.picture(name), (width, width // 2), interpolation=cv2.INTER_AREA)
        for name in ("furnished", "empty")
    ]
    return torch.from_numpy(np.stack(pair)).permute(0, 3, 1, 2)


def room_objects(room: Room, width: int) -> Tensor:
    """HxW uint8 of a width: the number of the object that each texel shows, 0 = room."""
    marks = np.asarray(Image.open(room.folder / f"{room.seed:05d}-objects.png")).astype(np.uint8)
    return torch.from_numpy(cv2.resize(marks, (width, width // 2), interpolation=cv2.INTER_NEAREST))


def outline_of(room: Room) -> tuple[NDArray[np.float64], float, float]:
    """Corners round the camera (x right, z forward) in metres, and the heights of floor and ceiling."""
    about = json.loads((room.folder / f"{room.seed:05d}.json").read_text())["layout"]
    return np.array(about["corners"]), about["floor"], about["ceiling"]


def edges(corners: np.ndarray, floor: float, ceiling: float, yaw: np.ndarray) -> NDArray[np.float32]:
    """Pitches (2xN) at which the nearest wall in each direction meets floor and ceiling.

    Args:
        corners: Nx2, the outline round the camera (x right, z forward).
        floor: its height, negative.
        ceiling: its height.
        yaw: of the columns, radians.
    """
    ahead = np.stack([np.sin(yaw), np.cos(yaw)])[:, :, None]  # 2 x columns x 1
    start, along = corners.T[:, None], (np.roll(corners, -1, axis=0) - corners).T[:, None]
    # ahead * t = start + along * s
    across = ahead[0] * along[1] - ahead[1] * along[0]
    across = np.where(np.abs(across) < 1e-12, 1e-12, across)
    away = (start[0] * along[1] - start[1] * along[0]) / across
    share = (start[0] * ahead[1] - start[1] * ahead[0]) / across
    hit = (away > 1e-6) & (share >= -1e-9) & (share <= 1 + 1e-9)
    nearest = np.where(hit, away, np.inf).min(axis=1)
    return np.stack([np.arctan2(floor, nearest), np.arctan2(ceiling, nearest)]).astype(np.float32)


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
    bare = random.random(count) < EMPTY
    rgb = sampled(source.pictures[which, bare.astype(int)].float() / 255, grid, "bilinear")
    marks = sampled(source.objects[which][:, None].float(), grid, "nearest")
    pitch = torch.from_numpy(np.stack(targets)).to(device)
    hole = torch.stack([_hidden(one[0], random) for one in marks])
    return Batch(coloured(rgb, pitch, random), hole, pitch)


def stretched(
    outline: tuple[np.ndarray, float, float], size: tuple[int, int], random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where each texel of a changed room lies in the source (HxWx2, -1..1), and its edges."""
    height, width = size
    corners, floor, ceiling = outline
    turn, mirror = random.uniform(0, 2 * math.pi), random.choice([-1.0, 1.0])
    long, wide, high = (
        math.exp(random.uniform(math.log(low), math.log(top))) for low, top in (STRETCH, STRETCH, RAISE)
    )
    yaw = ((np.arange(width) + 0.5) / width - 0.5) * 2 * math.pi
    pitch = (0.5 - (np.arange(height) + 0.5) / height) * math.pi
    room = mirror * (yaw + turn)
    x, z = np.sin(room) / long, np.cos(room) / wide
    rise = np.tan(pitch) / np.where(pitch > 0, high, 1)
    source_pitch = np.arctan(rise[:, None] / np.hypot(x, z))
    source_yaw = np.broadcast_to(np.arctan2(x, z), source_pitch.shape)
    grid = np.stack([source_yaw / math.pi, -source_pitch / (math.pi / 2)], axis=-1).astype(np.float32)
    return grid, edges(corners * (long, wide), floor, ceiling * high, room)


def sampled(pictures: Tensor, grid: Tensor, mode: str) -> Tensor:
    """BxCxHxW pictures looked up at a grid; they go round."""
    width, margin = pictures.shape[3], 2
    wide = functional.pad(pictures, (margin, margin, 0, 0), mode="circular")
    grid = torch.stack([grid[..., 0] * width / (width + 2 * margin), grid[..., 1]], dim=-1)
    return functional.grid_sample(wide, grid, mode=mode, padding_mode="border", align_corners=False)


def _hidden(marks: Tensor, random: np.random.Generator) -> Tensor:
    """1xHxW: what is to be erased of a room whose objects are marked (HxW)."""
    numbers = marks.unique()[1:]
    kind = random.random()
    share = 1.0 if kind < ALL else 0.0 if kind < ALL + NONE else random.uniform(0.2, 0.9)
    chosen = numbers[torch.from_numpy(random.random(len(numbers)) < share).to(marks.device)]
    grow = int(random.integers(0, 5))
    hole = functional.pad(torch.isin(marks, chosen).float()[None], (grow, grow, 0, 0), mode="circular")
    return functional.max_pool2d(hole, 2 * grow + 1, 1, (grow, 0))


def gains(random: np.random.Generator, spread: float, shape: Sequence[int], device: torch.device) -> Tensor:
    """Factors whose logarithms are normal about 0, float32."""
    return torch.from_numpy(np.exp(random.normal(0, spread, tuple(shape))).astype(np.float32)).to(device)


def tints(pitch: Tensor, height: int, spread: float, random: np.random.Generator) -> Tensor:
    """Other paint as factors, Bx3xHxW: a colour each for the floor, the walls and the ceiling of every picture.

    Args:
        pitch: Bx2xW, of the edges of floor and ceiling, radians.
        height: rows of the pictures.
        spread: of the logarithms.
        random: draws the colours.
    """
    count = len(pitch)
    rows = (0.5 - (torch.arange(height, device=pitch.device) + 0.5) / height) * math.pi
    floor, ceiling = (pitch[:, which, None, :] for which in (0, 1))
    plane = (rows[:, None] < floor).long() + 2 * (rows[:, None] > ceiling).long()
    tint = gains(random, spread, (count, 3, 3), pitch.device)  # picture, plane, colour
    return torch.stack([tint[index, plane[index]] for index in range(count)]).permute(0, 3, 1, 2)


def coloured(rgb: Tensor, pitch: Tensor, random: np.random.Generator) -> Tensor:
    """The pictures with another light and other paint; `pitch` tells floor, walls and ceiling apart."""
    count, _, height, width = rgb.shape

    def drawn(spread: float, *shape: int) -> Tensor:
        return gains(random, spread, shape, rgb.device)

    tinted = tints(pitch, height, TINT, random)
    some = torch.from_numpy((random.random((count, 1, 1, 1)) < 0.6).astype(np.float32)).to(rgb.device)
    out = rgb * (1 + some * (tinted - 1)) * drawn(GAIN, count, 1, 1, 1) * drawn(0.08, count, 3, 1, 1)
    out = out.clamp(0, 1) ** drawn(0.2, count, 1, 1, 1)
    grey = out.mean(1, keepdim=True)
    out = grey + (out - grey) * drawn(0.4, count, 1, 1, 1)
    noise = np.abs(random.normal(0, 0.02, (count, 1, 1, 1))) * random.standard_normal(
        (count, 1, height, width)
    )
    return (out + torch.from_numpy(noise.astype(np.float32)).to(rgb.device)).clamp(0, 1)
