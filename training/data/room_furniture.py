"""Rendered rooms for the furniture network: panoramas in which every texel's class is known.

Rooms are turned, mirrored, stretched and painted as for the layout network. Moreover some pieces are taken away (the
empty render shows what is behind them), so that no set of furniture is learnt by heart, and every piece gets a colour
of its own, now and then about that of the wall: a white wardrobe before a white wall is what is hard to see. What lies
beyond the walls, next rooms and outdoors, is a class of its own, whatever stands there, and has another light.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from panorama import furniture
from panorama.rooms import classes as rendered
from training.data.room_layouts import (
    coloured,
    gains,
    outline_of,
    room_objects,
    room_pictures,
    sampled,
    stretched,
)
from training.data.room_views import rooms

KINDS = tuple(name for index, name in enumerate(rendered.CLASSES) if index != rendered.TRIPOD)
"""The room and all furniture; the tripod is told by its angle."""
CLASSES = (*KINDS, furniture.BEYOND)
"""In the order of the network's channels."""
BEYOND = len(rendered.CLASSES)
"""Label of what lies beyond the room's walls; the others are indices into `panorama.rooms.CLASSES`."""
UNKNOWN = rendered.TRIPOD
"""Label of what is not learnt from: rendered rooms hide it under the tripod."""
BARE, THINNED, GONE = 0.1, 0.4, (0.1, 0.7)
"""Shares of pictures of the empty room, and of those that lack some pieces; how likely each of these is gone."""
NUMBERS = 256
"""Of objects of a room, at most."""
REPAINTED, SHADE, TINT = 0.7, 0.35, 0.1
"""Share of pictures whose pieces are painted, and the spread of the logarithms of brightness and channels."""
RELIT, LIGHT = 0.6, 0.5
"""Share of pictures in which next rooms and outdoors have another light, and the spread of its logarithm."""
LARGE, OFTEN = 0.03, 2.5
"""Rooms where cabinets cover so much of the sphere are drawn so many times as often: a wardrobe passes for a wall."""
HIDDEN = 0.12
"""Share of painted pieces that take the colour of the walls."""


class Rooms(NamedTuple):
    """Rooms in memory.

    Attributes:
        pictures: Nx2x3xHxW uint8, furnished and empty.
        objects: NxHxW uint8, number of the object that each texel shows, 0 = room.
        classes: NxHxW uint8, indices into `panorama.rooms.CLASSES`, or BEYOND.
        beyond: NxHxW bool, what lies beyond the walls of the room when it is empty.
        weights: how often each room is drawn, relative to the others.
        seeds: of the rooms.
        outlines: corners round the camera in metres, and the heights of floor and ceiling.
    """

    pictures: Tensor
    objects: Tensor
    classes: Tensor
    beyond: Tensor
    weights: NDArray[np.float64]
    seeds: list[int]
    outlines: list[tuple[NDArray[np.float64], float, float]]

    def part(self, which: list[int]) -> Rooms:
        """Some of them."""
        return self._replace(
            pictures=self.pictures[which],
            objects=self.objects[which],
            classes=self.classes[which],
            beyond=self.beyond[which],
            weights=self.weights[which],
            seeds=[self.seeds[index] for index in which],
            outlines=[self.outlines[index] for index in which],
        )

    def to(self, device: torch.device) -> Rooms:
        """The same with its tensors on a device."""
        return self._replace(
            pictures=self.pictures.to(device),
            objects=self.objects.to(device),
            classes=self.classes.to(device),
            beyond=self.beyond.to(device),
        )


class Batch(NamedTuple):
    """Bx3xHxW colours in [0, 1], and BxHxW int64 labels as those of `Rooms`, the tripod's = unknown."""

    rgb: Tensor
    classes: Tensor


def load(folder: Path, width: int) -> Rooms:
    """All rooms of a folder.

    Args:
        folder: written by `python -m panorama.rooms`.
        width: of what is kept in memory.

    Raises:
        FileNotFoundError: there is none.
        ValueError: one of them is a validation room.
    """
    found, size = rooms(folder), (width, width // 2)
    kinds, beyond = (
        torch.from_numpy(np.stack([cv2.resize(one, size, interpolation=cv2.INTER_NEAREST) for one in each]))
        for each in ([room.classes() for room in found], [room.beyond() for room in found])
    )
    objects = torch.stack([room_objects(room, width) for room in found])
    return Rooms(
        torch.stack([room_pictures(room, width) for room in found]),
        objects,
        torch.where((beyond > 0) & (objects == 0), BEYOND, kinds),
        beyond > 0,
        _weights(kinds),
        [room.seed for room in found],
        [outline_of(room) for room in found],
    )


def _weights(classes: Tensor) -> NDArray[np.float64]:
    """See LARGE; `classes` are NxHxW."""
    rows = np.cos((np.arange(classes.shape[1]) + 0.5) / classes.shape[1] * np.pi - np.pi / 2)
    cabinets = (classes == rendered.CABINET).numpy().mean(2) @ rows / rows.sum()
    return np.where(cabinets > LARGE, OFTEN, 1.0)


def draw(source: Rooms, count: int, size: tuple[int, int], random: np.random.Generator) -> Batch:
    """A batch of changed rooms.

    Args:
        source: rooms.
        count: pictures.
        size: height and width of each.
        random: draws everything.
    """
    device = source.pictures.device
    which = random.choice(len(source.seeds), size=count, p=source.weights / source.weights.sum())
    pieces = [_furnished(source, int(index), random) for index in which]
    grids, targets = zip(*(stretched(source.outlines[index], size, random) for index in which), strict=True)
    grid = torch.from_numpy(np.stack(grids)).to(device)
    rgb = sampled(torch.stack([picture for picture, _ in pieces]), grid, "bilinear")
    labels = sampled(torch.stack([own for _, own in pieces])[:, None].float(), grid, "nearest")
    pitch = torch.from_numpy(np.stack(targets)).to(device)
    return Batch(coloured(rgb, pitch, random), labels[:, 0].long())


def _furnished(source: Rooms, index: int, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """One room with some of its pieces, painted: 3xHxW in [0, 1] and above, and its HxW classes."""
    full, empty = source.pictures[index].float() / 255
    marks, labels = source.objects[index].long(), source.classes[index]
    without = BEYOND * source.beyond[index].to(labels.dtype)
    if random.random() < RELIT:
        light = gains(random, LIGHT, (1, 1, 1), full.device) * gains(random, TINT, (3, 1, 1), full.device)
        full = torch.where(labels == BEYOND, full * light, full)
        empty = torch.where(without == BEYOND, empty * light, empty)
    kind = random.random()
    if kind < BARE:
        return empty, torch.where(labels == rendered.TRIPOD, labels, without)
    if random.random() < REPAINTED:
        full = full * paints(full, marks, random)[:, marks]
    if kind < BARE + THINNED:
        lost = torch.from_numpy(random.random(NUMBERS) < random.uniform(*GONE)).to(marks.device)
        lost[0] = False
        away = lost[marks]
        # what is mixed with its colour along its outline goes too, but for other pieces
        near = functional.max_pool2d(away[None].float(), 5, 1, 2)[0] > 0
        full = torch.where(away | (near & (marks == 0)), empty, full)
        labels = torch.where(away, without, labels)
    return full, labels


def paints(picture: Tensor, marks: Tensor, random: np.random.Generator) -> Tensor:
    """3xNUMBERS factors of new colours for the objects of a picture (3xHxW in [0, 1]; marks: HxW), 1 for the room."""
    flat = marks.flatten()
    count = torch.bincount(flat, minlength=NUMBERS).clamp_min(1)
    mean = torch.stack([torch.bincount(flat, plane.flatten(), NUMBERS) for plane in picture]) / count
    wall = picture[:, marks.shape[0] // 4 : marks.shape[0] // 2].median(2).values.median(1).values
    alike = (wall[:, None] / mean.clamp_min(0.02)).clamp(0.3, 3).float()
    hidden = torch.from_numpy(random.random(NUMBERS) < HIDDEN).to(marks.device)
    shade = gains(random, SHADE, (1, NUMBERS), marks.device) * gains(random, TINT, (3, NUMBERS), marks.device)
    factors = torch.where(hidden, alike * shade**0.3, shade)
    factors[:, 0] = 1
    return factors
