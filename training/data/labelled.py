"""Photographed panoramas in which every texel was labelled by hand (`python -m training.label`).

Few, but they show what no renderer draws: worn rugs, shades in the light of a window, white chests before white walls.
They are turned, mirrored and stretched like rendered rooms (an affine change of the space round the camera sends rays
to rays, whatever stands there) and get another light. The labels lie beside this file, the photographs do not.

They are divided by source as the data are; besides, homes that are emptied and judged by eye are never learnt from.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from panorama.rooms import classes as rendered
from training.data import room_views, shards
from training.data.room_furniture import BEYOND, Batch
from training.data.room_layouts import coloured, sampled, stretched

LABELS = Path(__file__).parent / "panorama_labels"
"""KEY.png, 1024x512: indices of `training.label.KINDS`."""
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
VIEWS = 2
"""Times as many views as of a rendered room: one home shows more than a room does."""
SOMEWHERE = (np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]), -1.0, 1.0)
"""An outline, where walls are not known and not asked for."""


class Panoramas(NamedTuple):
    """Nx3xHxW uint8 pictures, NxHxW uint8 labels as those of `room_furniture.Batch`, and their keys."""

    pictures: Tensor
    classes: Tensor
    keys: list[str]

    def to(self, device: torch.device) -> Self:
        """The same on a device."""
        return self._replace(pictures=self.pictures.to(device), classes=self.classes.to(device))


def held_out(key: str) -> bool:
    """Whether a panorama is never learnt from."""
    return shards.validates("panoramas", key) or key.startswith(JUDGED)


def label_of(key: str) -> NDArray[np.uint8]:
    """512x1024 labels.

    Raises:
        FileNotFoundError: there are none.
    """
    found = cv2.imread(str(LABELS / f"{key}.png"), cv2.IMREAD_UNCHANGED)
    if found is None:
        raise FileNotFoundError(f"{LABELS / key}.png is missing: label it with python -m training.label")
    return np.asarray(found, np.uint8)


def labelled(folder: Path, *, learnt: bool) -> list[shards.Picture]:
    """The labelled panoramas of the shards in a folder, either those to learn from or those held out.

    Raises:
        FileNotFoundError: there is no shard.
    """
    known = {path.stem for path in LABELS.glob("*.png")}
    paths = shards.shards(folder, SHARDS)
    return list(shards.pictures(paths, lambda key: key in known and held_out(key) != learnt))


def load(folder: Path, width: int, *, learnt: bool) -> Panoramas:
    """Panoramas in memory.

    Args:
        folder: of the shards.
        width: of what is kept.
        learnt: those to learn from; otherwise those held out.

    Raises:
        FileNotFoundError: there is no shard, or none of its panoramas is labelled.
    """
    found, size = labelled(folder, learnt=learnt), (width, width // 2)
    if not found:
        raise FileNotFoundError(f"no panorama in {folder} is labelled; pass the folder of the shards")
    rgb = [cv2.resize(one.rgb, size, interpolation=cv2.INTER_AREA) for one in found]
    kinds = [cv2.resize(label_of(one.key), size, interpolation=cv2.INTER_NEAREST) for one in found]
    pictures = torch.from_numpy(np.stack(rgb)).permute(0, 3, 1, 2).contiguous()
    return Panoramas(pictures, torch.from_numpy(np.stack(kinds)), [one.key for one in found])


def draw(source: Panoramas, count: int, size: tuple[int, int], random: np.random.Generator) -> Batch:
    """A batch of changed panoramas.

    Args:
        source: panoramas.
        count: pictures.
        size: height and width of each.
        random: draws everything.
    """
    device = source.pictures.device
    which = random.integers(len(source.keys), size=count)
    grids = [stretched(SOMEWHERE, size, random)[0] for _ in which]
    grid = torch.from_numpy(np.stack(grids)).to(device)
    rgb = sampled(source.pictures[which].float() / 255, grid, "bilinear")
    labels = sampled(source.classes[which][:, None].float(), grid, "nearest")
    poles = torch.tensor([-math.pi / 2, math.pi / 2], device=device)[None, :, None]
    return Batch(coloured(rgb, poles.expand(count, 2, size[1]), random), labels[:, 0].long())


def views(folder: Path, side: int, limit: int | None = None) -> Iterator[shards.Picture]:
    """Square views of the panoramas to learn from; `classes` are the renderer's, what lies beyond the walls unknown.

    Args:
        folder: with the shards.
        side: pixels of a view.
        limit: at most so many panoramas.

    Raises:
        FileNotFoundError: there is no shard.
    """
    for picture in labelled(folder, learnt=True)[:limit]:
        random = np.random.default_rng(list(picture.key.encode()))
        labels = label_of(picture.key)
        labels = np.where(labels == BEYOND, rendered.TRIPOD, labels).astype(np.uint8)
        large = cv2.resize(labels, picture.rgb.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        for index in range(VIEWS * room_views.COUNT):
            view = room_views.drawn(random, index % room_views.COUNT, side)
            yield room_views.seen(f"{SOURCE}-{picture.key}-{index:02d}", picture.rgb, large, view)
