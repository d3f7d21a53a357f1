"""Views of rendered rooms as canvases: every pixel labelled, furnished and empty.

A panorama of `python -m panorama.rooms --seeds 100-339 --width 640 --quality draft --jpeg 95 --out FOLDER` becomes
perspective views like those that `panorama.find` looks at: most towards the horizon, some down, to the nadir and up.
The empty picture of the same room is the best of negatives: the same doors, windows and skirting, and nothing to find.

A room's colours teach too much by heart (a network that had seen 116 rooms missed four of five wardrobes in new ones):
most views show it repainted, every object, the walls, the floor and the ceiling in a tint of its own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from panorama.rooms import TRAINING_SEEDS
from panorama.rooms import classes as rendered
from panorama.sphere import Frame
from panorama.views import View, render
from training.data import shards

SOURCE, BARE_SOURCE = "room", "bareroom"
"""Key prefixes of views of furnished and of empty rooms."""

LEVEL, DOWN, BARE = 16, 4, 5
"""Views of a room towards the horizon, downwards, and of the empty room."""
COUNT = LEVEL + DOWN + 1
"""Of a furnished room, the last to a pole."""

HELD_OUT = 10
"""Rooms whose seed it divides are not trained on where a training holds rooms out."""

LEVEL_PITCH, DOWN_PITCH, FIELD = (-35.0, 18.0), (-75.0, -40.0), (70.0, 105.0)
"""Degrees, drawn evenly."""


REPAINTED = 0.75
"""Share of the views in other colours than rendered."""

LIGHTNESS, TINT = 0.3, 0.08
"""Spread of the logarithm of a surface's new brightness, and of its channels' about that."""


EVEN = 0.02
"""Metres that floor and ceiling may be off their heights."""


class Room(NamedTuple):
    """Files of one rendered room."""

    seed: int
    folder: Path

    def picture(self, name: str) -> np.ndarray:
        """HxWx3 uint8: "furnished" or "empty"."""
        png = self.folder / f"{self.seed:05d}-{name}.png"
        return np.asarray(Image.open(png if png.exists() else png.with_suffix(".jpg")).convert("RGB"))

    def classes(self) -> np.ndarray:
        """HxW uint8, indices into `panorama.rooms.CLASSES`."""
        return np.asarray(Image.open(self.folder / f"{self.seed:05d}-classes.png"))

    def beyond(self) -> np.ndarray:
        """HxW uint8, 1 where the empty room shows what lies beyond its walls."""
        return np.asarray(Image.open(self.folder / f"{self.seed:05d}-beyond.png")).astype(np.uint8)

    def surfaces(self) -> np.ndarray:
        """HxW int, what may have a colour of its own: walls and all that is fixed 0, floor 1, ceiling 2, objects."""
        depth = np.asarray(Image.open(self.folder / f"{self.seed:05d}-depth.png")) / 1000
        objects = np.asarray(Image.open(self.folder / f"{self.seed:05d}-objects.png")).astype(np.int64)
        layout = json.loads((self.folder / f"{self.seed:05d}.json").read_text())["layout"]
        rows = Frame.full(depth.shape[1], depth.shape[0]).pitch(np.arange(len(depth)))
        height = depth * np.sin(rows)[:, None]
        shell = np.where(
            height < layout["floor"] + EVEN, 1, np.where(height > layout["ceiling"] - EVEN, 2, 0)
        )
        return np.where(objects > 0, objects + 2, shell)


def rooms(folder: Path) -> list[Room]:
    """The rooms of a folder, by seed.

    Raises:
        FileNotFoundError: there is none.
        ValueError: one of them is a validation room.
    """
    # the description is the last file of a room that is written
    found = [Room(int(path.stem), folder) for path in sorted(folder.glob("[0-9]*.json"))]
    if not found:
        raise FileNotFoundError(f"no rendered room in {folder}: run python -m panorama.rooms --out {folder}")
    if wrong := [room.seed for room in found if room.seed not in TRAINING_SEEDS]:
        raise ValueError(
            f"room {wrong[0]} in {folder} is none to train on: use seeds below {TRAINING_SEEDS.stop}"
        )
    return found


def views(
    folder: Path, side: int, limit: int | None = None, *, furnished: bool = True
) -> Iterator[shards.Picture]:
    """Square views of the rooms of a folder; `classes` are those of the renderer.

    Args:
        folder: with rendered rooms.
        side: pixels of a view.
        limit: at most so many rooms.
        furnished: False leaves out all but the views of empty rooms.
    """
    for room in rooms(folder)[:limit]:
        random = np.random.default_rng([room.seed, 77])
        full, empty, labels = room.picture("furnished"), room.picture("empty"), room.classes()
        surfaces = room.surfaces()
        for index in range(COUNT if furnished else 0):
            view = drawn(random, index, side)
            shown = repainted(random, full, surfaces)
            yield seen(f"{SOURCE}-{room.seed:05d}-{index:02d}", shown, labels, view)
        nothing, shell = np.zeros_like(labels), np.where(surfaces < 3, surfaces, 0)
        for index in range(BARE):
            view = drawn(random, index * (LEVEL // BARE + 1), side)
            shown = repainted(random, empty, shell)
            yield seen(f"{BARE_SOURCE}-{room.seed:05d}-{index:02d}", shown, nothing, view)


def repainted(random: np.random.Generator, picture: np.ndarray, surfaces: np.ndarray) -> np.ndarray:
    """The picture with a new tint for every surface, or, one time in four, as it is; uint8 HxWx3.

    Args:
        random: where chance comes from.
        picture: uint8 HxWx3.
        surfaces: int HxW, number of the surface that each pixel shows.
    """
    count = int(surfaces.max()) + 1
    # rather darker than lighter: most of a room is nearly white
    shades = random.normal(-LIGHTNESS / 2, LIGHTNESS, (count, 1)) + random.normal(0, TINT, (count, 3))
    if random.random() >= REPAINTED:
        return picture
    return np.rint(np.clip(picture * np.exp(shades)[surfaces], 0, 255)).astype(np.uint8)


def drawn(random: np.random.Generator, index: int, side: int) -> View:
    """One of COUNT views: the first look at the horizon, the next down, the last straight to the nadir or up."""
    yaw, field = random.uniform(-math.pi, math.pi), math.radians(random.uniform(*FIELD))
    if index < LEVEL:
        pitch = math.radians(random.uniform(*LEVEL_PITCH))
    elif index < LEVEL + DOWN:
        pitch = math.radians(random.uniform(*DOWN_PITCH))
    else:
        pitch = math.copysign(math.pi / 2, random.uniform(-0.7, 0.3))
    return View.square(yaw, pitch, field, side)


def seen(key: str, picture: np.ndarray, labels: np.ndarray, view: View) -> shards.Picture:
    """A panorama's view; `labels` are HxW like it."""
    frame = Frame.full(picture.shape[1], picture.shape[0])
    rgb = np.rint(np.clip(render(frame, picture, view), 0, 255)).astype(np.uint8)
    # one plane a class, linear: the outlines of classes are never mixed into a third one
    kinds = np.unique(labels)
    planes = np.dstack([(labels == kind) * np.float32(1) for kind in kinds])
    nearest = render(frame, planes, view, linear=True).reshape(view.height, view.width, len(kinds))
    return shards.Picture(key, rgb, None, kinds[nearest.argmax(2)].astype(np.uint8))


ROOM_CLASSES = {
    rendered.BED: 1, rendered.CHAIR: 2, rendered.SWIVEL_CHAIR: 2, rendered.SOFA: 3,
    rendered.TABLE: 4, rendered.PLANT: 5, rendered.TV: 6,
}  # fmt: skip
"""Class of the renderer -> index in `interiors.CLASSES`; the others are furniture of no class of its own."""
