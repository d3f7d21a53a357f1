"""Furniture: what is known of each pixel of the photographs that show it, and batches to learn from.

The labels are of seven kinds; only the last three name all furniture:

- `interiors-*`: one piece of furniture is labelled and everything else in the picture is **unknown**, other
  furniture included. Known besides the object itself: a ring round its outline is mostly floor and wall, and
  the top strip of a picture mostly wall and ceiling; both count less than one.
- VOC photographs (`voc`, `vocneg` of `people-*`): chairs, sofas, tables, plants in pots and screens are all
  labelled, beds never, and side tables and cupboards are not tables there. People, animals and other labelled
  things are none of our classes, for sure.
- outdoor photographs of `scenes-*`: no furniture at all.
- Places rooms of `scenes-*`: unknown but for the top strip; scenes to paste furniture on.
- views of rendered rooms (`room_views.py`): everything is labelled, lamps, shelves, rugs and pictures too; the tripod
  is unknown.
- views of panoramas labelled by eye (`labelled.py`): the same, what lies beyond the walls unknown.
- photographs labelled by eye (`photographs.py`): the same.

A canvas keeps one code a pixel; a table turns codes into a target and a weight for every class. The first
class, `furniture`, is any of the others. Swivel chairs are chairs: there are 119 of them, and no photograph
outside of `interiors-*` tells them apart.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from panorama.rooms import classes as rendered
from training.data import labelled, photographs, room_views, shards
from training.data.canvases import Canvases, joined, pack
from training.data.people import Augmenter

CLASSES = ("furniture", "bed", "chair", "sofa", "table", "plant", "tv")
"""In the order of the network's channels."""

INTERIOR_CODES = {1: 1, 2: 2, 3: 5, 4: 3, 5: 2, 6: 4}
"""Class index of `interiors-*` -> index in CLASSES (5 is a swivel chair)."""

VOC_CODES = {9: 2, 11: 4, 16: 5, 18: 3, 20: 6, 21: 1}
"""Class index of the people set (SEG_CLASSES.txt) -> index in CLASSES."""

UNKNOWN, NOTHING, VOC_REST, STRIP, OUTDOORS, TAUGHT_REST, OTHER = 0, 7, 8, 9, 10, 11, 12
RING = 16
"""RING + c: near the outline of a labelled object of class c, outside of it."""

TRAINED_RING, JUDGED_RING = 0.05, 0.1
"""Width of the ring, of the picture's longer side: what trains, and what validation judges."""

TOP = 0.08
"""Height of the top strip, of the picture's height."""

OTHER_WEIGHT = 2.5
"""Of furniture without a class of its own: cupboards, rugs and pictures are labelled in few photographs, and look
like doors, walls and floors (recall of cupboards in rooms never seen: .2 to .3). It raises the odds of what is in
doubt, and photographs labelled by eye gain by that (decision 030)."""

VOC_TRUST = (0.3, 0.1, 1.0, 1.0, 0.4, 1.0, 1.0)
"""How sure it is that a pixel that VOC leaves unlabelled is not of each class."""


def code_table() -> Tensor:
    """32 x 2K float: for each code the targets of all classes, then their weights."""
    count = len(CLASSES)
    table = torch.zeros(32, 2 * count)
    for index in range(1, count):
        table[index, [0, index]] = 1
        table[index, count:] = 1
        table[RING + index, count:] = 0.5
        table[RING + index, [count, count + index]] = torch.tensor([0.7, 1.0])
    table[NOTHING, count:] = 1
    table[OTHER, 0] = 1
    table[OTHER, count:] = 1
    table[OTHER, count] = OTHER_WEIGHT
    table[VOC_REST, count:] = torch.tensor(VOC_TRUST)
    table[[STRIP, TAUGHT_REST], count:] = 0.3
    table[OUTDOORS, count:] = 0.7
    return table


def ring_round(found: np.ndarray, width: float) -> np.ndarray:
    """HxW bool: outside the object, within `width` of the longer side of its outline."""
    reach = max(1.0, width * max(found.shape))
    return (cv2.distanceTransform((~found).astype(np.uint8), cv2.DIST_L2, 5) <= reach) & ~found


def interior_codes(picture: shards.Picture, ring: float = TRAINED_RING, top: float = TOP) -> np.ndarray:
    """HxW uint8 codes of a picture of `interiors-*`; `picture.classes` must be there."""
    if picture.classes is None:
        raise ValueError(f"{picture.key} has no seg.png: not a picture of interiors-*")
    codes = np.full(picture.classes.shape, UNKNOWN, np.uint8)
    codes[: round(top * len(codes))] = STRIP
    indices = np.unique(picture.classes[picture.classes > 0])
    for index in indices:
        codes[ring_round(picture.classes == index, ring)] = RING + INTERIOR_CODES[int(index)]
    for index in indices:
        codes[picture.classes == index] = INTERIOR_CODES[int(index)]
    return codes


def voc_codes(picture: shards.Picture) -> np.ndarray:
    """HxW uint8 codes of a VOC photograph, with or without furniture-like classes."""
    codes = np.full(picture.rgb.shape[:2], VOC_REST, np.uint8)
    if picture.mask is not None:
        codes[picture.mask > 127] = NOTHING
    if picture.classes is not None:
        codes[(picture.classes > 0) & (picture.classes < 255)] = NOTHING
        codes[picture.classes == 255] = UNKNOWN
        for index, own in VOC_CODES.items():
            codes[picture.classes == index] = own
    return codes


def teacher_codes(picture: shards.Picture) -> np.ndarray:
    """HxW uint8 codes of a photograph that a teacher with VOC's classes has labelled: it misses much."""
    codes = voc_codes(picture)
    codes[codes == VOC_REST] = TAUGHT_REST
    return codes


def room_codes(picture: shards.Picture) -> np.ndarray:
    """HxW uint8 codes of a view of a room; `picture.classes` are the renderer's."""
    if picture.classes is None:
        raise ValueError(f"{picture.key} has no classes: not a view of a rendered room")
    codes = np.full(256, OTHER, np.uint8)
    codes[rendered.ROOM], codes[rendered.TRIPOD] = NOTHING, UNKNOWN
    for index, own in room_views.ROOM_CLASSES.items():
        codes[index] = own
    return codes[picture.classes]


def scene_codes(picture: shards.Picture) -> np.ndarray:
    """HxW uint8 codes of a scene without labels."""
    if shards.source(picture.key) != "places":
        return np.full(picture.rgb.shape[:2], OUTDOORS, np.uint8)
    codes = np.full(picture.rgb.shape[:2], UNKNOWN, np.uint8)
    codes[: round(TOP * len(codes))] = STRIP
    return codes


@dataclass(frozen=True)
class Rooms(Canvases):
    """Canvases whose mask plane holds codes."""

    GROUPS: ClassVar[dict[str, float]] = {
        "interiors": 0.2, "voc": 0.08, "empty": 0.04, "scenes": 0.06, "rendered": 0.25, "bare": 0.07, "labelled": 0.3,
        "photographs": 0.67,
    }  # fmt: skip
    DONORS: ClassVar[tuple[str, ...]] = ("interiors",)
    SHRINKS_BY: ClassVar[str] = "nearest-exact"

    def group(self, name: str) -> Tensor:
        """Indices of the pictures in a group of GROUPS."""
        sources = [shards.source(key) for key in self.keys]
        shows = [bool(((plane > 0) & (plane < NOTHING)).any()) for plane in self.mask]
        members = {
            "interiors": [source == "furn" for source in sources],
            "voc": [s in VOC_SOURCES and shown for s, shown in zip(sources, shows, strict=True)],
            "empty": [s in VOC_SOURCES and not shown for s, shown in zip(sources, shows, strict=True)],
            "rendered": [source == room_views.SOURCE for source in sources],
            "bare": [source == room_views.BARE_SOURCE for source in sources],
            "labelled": [source == labelled.SOURCE for source in sources],
            "photographs": [source == photographs.SOURCE for source in sources],
            "scenes": [source not in NOT_SCENES for source in sources],
        }
        return torch.tensor([i for i, member in enumerate(members[name]) if member], dtype=torch.int64)

    def planes(self, picked: Tensor) -> Tensor:
        """Bx2KxSxS: targets of all classes, then their weights."""
        codes = self.mask[picked][:, 0]
        return code_table().to(codes.device)[codes.long()].permute(0, 3, 1, 2)


VOC_SOURCES = frozenset({"voc", "vocneg"})
NOT_SCENES = VOC_SOURCES | {
    "furn",
    room_views.SOURCE,
    room_views.BARE_SOURCE,
    labelled.SOURCE,
    photographs.SOURCE,
}


class FurnitureAugmenter(Augmenter):
    """Batches of furniture; every picture of which nothing is known gets a piece pasted on."""

    SPREAD = 0.7

    def _labels(self, planes: Tensor, far: Tensor) -> tuple[Tensor, Tensor]:
        target, weight = planes.chunk(2, 1)
        return target, weight

    def _alpha(self, planes: Tensor) -> Tensor:
        return planes[:, :1]

    def _merged(self, below: Tensor, above: Tensor, alpha: Tensor, inside: Tensor) -> Tensor:
        merged = below + alpha * (above - below)
        # what is known round the donor's object is half known round the pasted one
        count = len(CLASSES)
        merged[:, count:] = torch.maximum(merged[:, count:], 0.5 * above[:, count:] * inside)
        return merged

    def _bases(self, planes: Tensor) -> Tensor:
        strange = planes[:, len(CLASSES)].mean((1, 2)).cpu() < 0.1
        return (self._chance(len(planes), self.paste).flatten() | strange).nonzero().flatten()


def load_rooms(folder: Path, size: int, limit: int | None, scenes: int) -> Rooms:
    """The training split: interiors, VOC photographs, and scenes.

    Args:
        folder: where the shards are.
        size: side of the canvases in pixels.
        limit: at most so many pictures of each kind, for rehearsals.
        scenes: at most so many rooms, and so many outdoor scenes.
    """
    interiors = shards.pictures(
        shards.shards(folder, "interiors-*.tar"), lambda key: not shards.validates("interiors", key)
    )
    voc = shards.pictures(
        shards.shards(folder, "people-*.tar"),
        lambda key: shards.source(key) in VOC_SOURCES and not shards.validates("people", key),
    )
    count = limit or scenes
    outdoors, indoors = (_scenes(folder, inside, count) for inside in (False, True))
    parts = [
        pack(interiors, size, limit, kind=Rooms, label=interior_codes),
        pack(voc, size, limit, kind=Rooms, label=voc_codes),
        pack(chain(outdoors, indoors), size, kind=Rooms, label=scene_codes),
    ]
    return joined(parts)


def _scenes(folder: Path, inside: bool, count: int) -> Iterator[shards.Picture]:
    """At most `count` scenes, Places rooms or all others, none of which was labelled by eye."""
    paths, known = shards.shards(folder, "scenes-0*.tar"), photographs.known()
    found = shards.pictures(
        paths, lambda key: key not in known and (shards.source(key) == "places") is inside
    )
    return islice(found, count)


def load_held_out(folder: Path, size: int, limit: int | None) -> Rooms:
    """The validation split of `interiors-*`: known are the object and the judged ring round it."""
    label = partial(interior_codes, ring=JUDGED_RING, top=0.0)
    found = shards.pictures(
        shards.shards(folder, "interiors-*.tar"), lambda key: shards.validates("interiors", key)
    )
    return pack(found, size, limit, kind=Rooms, label=label)


def shapes(folder: Path, limit: int) -> list[np.ndarray]:
    """Outlines of labelled furniture (training split), at most 160 px high; h x w uint8, 255 inside."""
    found: list[np.ndarray] = []
    for path in shards.shards(folder, "interiors-*.tar"):
        for key, members in shards.read_shard(path):
            if len(found) < limit and "seg.png" in members and not shards.validates("interiors", key):
                classes = np.asarray(Image.open(io.BytesIO(members["seg.png"])))
                step = max(1, classes.shape[0] // 160)
                found.append(((classes[::step, ::step] > 0) * 255).astype(np.uint8))
    return found
