"""Panoramas of others that were labelled by eye (`python -m training.label`): photographs, and renders.

Few, but they show what this project's renderer does not draw: worn rugs, shades in the light of a window, other
people's taste. They are turned, mirrored and stretched like rendered rooms (the space round the camera changes
affinely above and below the horizon, so rays stay rays, whatever stands there), their pieces painted, and get another
light. The labels lie beside this file, the pictures do not.

Learnt from and held out are divided by source as the data are. Rooms that are emptied and judged by eye are held out as
well; other rooms of the same flat are learnt from, and one of them shows a part of one of these through a door.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Self

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.data import room_views, shards
from training.data.labels import is_furniture, read_labels, without_beyond
from training.data.room_furniture import NUMBERS, REPAINTED, UNKNOWN, Batch, paints
from training.data.room_layouts import coloured, sampled, stretched

LABELS = Path(__file__).parent / "panorama_labels"
"""KEY.png."""
COLUMNS = 1024
"""Of a label, which has half as many rows."""
JUDGED = (
    "photo_madridflat_1-salon",
    "photo_madridflat_5-dormitorio-2",
    "photo_madridflat_7-dormitorio-principal",
    "photo_madridflat_8-dormitorio-principal-mirador",
)
"""Judged by eye, or showing the same room as one that is."""
SHARDS = "panoramas-*.tar"
SOURCE = "panorama"
"""Key prefix of views."""
VIEWS, FEW = 2, 0.5
"""Times as many views of a panorama as of a rendered room (there are few panoramas), and of one without furniture."""
BARE, SELDOM = 0.005, 0.2
"""Share of the picture that furniture covers where hardly any stands, and how often such a panorama is drawn, relative
to the others: nearly half of them are bare, of flats to let and bathrooms."""
SOMEWHERE = (np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]), -1.0, 1.0)
"""An outline, where walls are not known and not asked for."""


class Panoramas(NamedTuple):
    """Panoramas in memory.

    Attributes:
        pictures: Nx3xHxW uint8.
        classes: NxHxW uint8, labels as those of `room_furniture.Batch`.
        objects: NxHxW int64, number of the piece that each texel shows, 0 = none.
        weights: how often each is drawn, relative to the others.
        keys: of the panoramas.
    """

    pictures: Tensor
    classes: Tensor
    objects: Tensor
    weights: NDArray[np.float64]
    keys: list[str]

    def to(self, device: torch.device) -> Self:
        """The same on a device."""
        return self._replace(
            pictures=self.pictures.to(device),
            classes=self.classes.to(device),
            objects=self.objects.to(device),
        )


def held_out(key: str) -> bool:
    """Whether a panorama is never learnt from."""
    return shards.validates("panoramas", key) or key.startswith(JUDGED)


def home_of(key: str) -> str:
    """What stands for the flat or building that a panorama shows; those of Poly Haven are all of different ones."""
    return key if key.startswith("photo_polyhaven") else "_".join(key.split("_")[:2])


def label_of(key: str) -> NDArray[np.uint8]:
    """512x1024 labels of a panorama; raises as `read_labels`."""
    return read_labels(LABELS / f"{key}.png", (COLUMNS // 2, COLUMNS))


def pictures(folder: Path, *, learnt: bool) -> Iterator[shards.Picture]:
    """The labelled panoramas of the shards in a folder, either those to learn from or those held out.

    Raises:
        FileNotFoundError: there is no shard.
    """
    known = {path.stem for path in LABELS.glob("*.png")}
    return shards.pictures(
        shards.shards(folder, SHARDS), lambda key: key in known and held_out(key) != learnt
    )


def load(folder: Path, width: int, *, learnt: bool) -> Panoramas:
    """Panoramas in memory.

    Args:
        folder: of the shards.
        width: of what is kept.
        learnt: those to learn from; otherwise those held out.

    Raises:
        FileNotFoundError: there is no shard, or no such panorama in it.
    """
    found, size = list(pictures(folder, learnt=learnt)), (width, width // 2)
    if not found:
        which = "to be learnt from" if learnt else "held out"
        raise FileNotFoundError(f"no labelled panorama in {folder} is {which}; pass the folder of the shards")
    rgb = [cv2.resize(one.rgb, size, interpolation=cv2.INTER_AREA) for one in found]
    kinds = [cv2.resize(label_of(one.key), size, interpolation=cv2.INTER_NEAREST_EXACT) for one in found]
    planes = torch.from_numpy(np.stack(rgb)).permute(0, 3, 1, 2).contiguous()
    weights = np.array([SELDOM if bare(labels) else 1.0 for labels in kinds])
    return Panoramas(
        planes,
        torch.from_numpy(np.stack(kinds)),
        torch.from_numpy(np.stack([pieces(labels) for labels in kinds])),
        weights,
        [one.key for one in found],
    )


def pieces(labels: np.ndarray) -> NDArray[np.int64]:
    """Number of the piece that each texel shows, 0 for none; what is unknown round a piece belongs to it."""
    numbers, last = np.zeros(labels.shape, np.uint8), 0
    for kind in range(1, UNKNOWN):
        count, own = cv2.connectedComponents((labels == kind).astype(np.uint8))
        own = np.where(own > 0, own + last, 0)
        numbers, last = (
            np.maximum(numbers, np.where(own < NUMBERS, own, 0).astype(np.uint8)),
            last + count - 1,
        )
    around = cv2.dilate(numbers, np.ones((5, 5), np.uint8))
    return np.where((numbers == 0) & (labels == UNKNOWN), around, numbers).astype(np.int64)


def bare(labels: np.ndarray) -> bool:
    """Whether hardly any furniture is labelled (HxW labels)."""
    return float(is_furniture(labels).mean()) < BARE


def draw(source: Panoramas, count: int, size: tuple[int, int], random: np.random.Generator) -> Batch:
    """A batch of changed panoramas.

    Args:
        source: panoramas.
        count: pictures.
        size: height and width of each.
        random: draws everything.
    """
    device = source.pictures.device
    which = random.choice(len(source.keys), size=count, p=source.weights / source.weights.sum())
    grids = [stretched(SOMEWHERE, size, random)[0] for _ in which]
    grid = torch.from_numpy(np.stack(grids)).to(device)
    shown = torch.stack([_painted(source, int(index), random) for index in which])
    rgb = sampled(shown, grid, "bilinear")
    labels = sampled(source.classes[which][:, None].float(), grid, "nearest")
    poles = torch.tensor([-math.pi / 2, math.pi / 2], device=device)[None, :, None]
    return Batch(coloured(rgb, poles.expand(count, 2, size[1]), random), labels[:, 0].long())


def _painted(source: Panoramas, index: int, random: np.random.Generator) -> Tensor:
    """One panorama (3xHxW in [0, 1] and above), its pieces mostly in other colours."""
    picture, marks = source.pictures[index].float() / 255, source.objects[index]
    return picture * paints(picture, marks, random)[:, marks] if random.random() < REPAINTED else picture


def views(folder: Path, side: int, limit: int | None = None) -> Iterator[shards.Picture]:
    """Square views of the panoramas to learn from; `classes` are the renderer's, what lies beyond the walls unknown.

    Args:
        folder: with the shards.
        side: pixels of a view.
        limit: at most so many panoramas.

    Raises:
        FileNotFoundError: there is no shard.
    """
    for picture in islice(pictures(folder, learnt=True), limit):
        random = np.random.default_rng(list(picture.key.encode()))
        labels = without_beyond(label_of(picture.key))
        large = cv2.resize(labels, picture.rgb.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)
        for index in range(round((FEW if bare(labels) else VIEWS) * room_views.COUNT)):
            view = room_views.drawn(random, index % room_views.COUNT, side)
            yield room_views.seen(f"{SOURCE}-{picture.key}-{index:02d}", picture.rgb, large, view)
