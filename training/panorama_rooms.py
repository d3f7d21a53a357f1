"""Rendered rooms to measure panoramas on: cached pictures, the hole in them, and what the truth is.

The truth inside the hole is known exactly, but not what surrounds it: without furniture a wall gets other bounced
light, and shadows that reached beyond the hole are gone. (The camera is the same: exposure, white balance and grain
are set by the empty room and serve both pictures.) So there are two truths, and every figure is given against both:

- `empty`: the empty render. A fill is pasted into it, so that nothing outside the hole counts.
- `relit`: the furnished picture with the empty render cloned into the hole (Perez et al., "Poisson Image Editing",
  SIGGRAPH 2003: the difference at the rim is carried inwards by a membrane). It is what a perfect retoucher makes
  of this hole when nothing else may be touched.

Figures are taken on an unfolded sphere: six cube faces of 100 degrees at the panorama's own resolution, as equal
areas of an equirectangular picture are not equally large. The faces are turned by 30 degrees, so that neither the
seam at +-180 degrees nor the border of a plain cube face falls on a border of theirs; where they overlap, counts
are double for all methods alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from panorama.baselines import FACES
from panorama.objects import grown_objects
from panorama.rooms import VALIDATION_SEEDS, render
from panorama.rooms.__main__ import save
from panorama.sphere import Frame
from panorama.views import View
from panorama.views import render as look
from vanisher_core.membrane import membrane

Picture = NDArray[np.uint8]  # HxWx3, RGB
Hole = NDArray[np.bool_]  # HxW, True = filled

TURN = math.radians(30)
"""Yaw of the first measuring face."""
FIELD = math.radians(100)
"""Angle that a measuring face spans."""


class RoomCase(NamedTuple):
    """One room: furnished and empty pictures (uint8 HxWx3), the hole (bool HxW), and the pictures' file format."""

    seed: int
    furnished: Picture
    empty: Picture
    hole: Hole
    format: str

    @property
    def frame(self) -> Frame:
        """Where its texels lie on the sphere."""
        return Frame.full(self.hole.shape[1], self.hole.shape[0])


def rooms(cache: Path, count: int, width: int) -> Iterator[RoomCase]:
    """The first rooms of the benchmark; those missing from the cache are rendered into it.

    Raises:
        ValueError: the cache holds rooms of another width.
    """
    for seed in VALIDATION_SEEDS[:count]:
        if not (cache / f"{seed:05d}.json").exists():  # the last file of a room that is written
            cache.mkdir(parents=True, exist_ok=True)
            save(render(seed, width), cache)
        yield opened(cache, seed, width)


def opened(cache: Path, seed: int, width: int) -> RoomCase:
    """One cached room; see `rooms`."""
    furnished, form = _picture(cache, f"{seed:05d}-furnished")
    empty, _ = _picture(cache, f"{seed:05d}-empty")
    if furnished.shape[1] != width:
        raise ValueError(
            f"{cache} holds room {seed} {furnished.shape[1]} pixels wide and {width} were asked for: name another "
            "folder (--cache) or that width (--width)"
        )
    classes = np.asarray(Image.open(cache / f"{seed:05d}-classes.png"))
    return RoomCase(seed, furnished, empty, grown_hole(classes > 0), form)


def chosen(cache: Path, count: int, width: int, seeds: Sequence[int]) -> Iterator[RoomCase]:
    """The cached rooms of these seeds; without any, the first of the validation rooms, as `rooms` gives them."""
    if seeds:
        return (opened(cache, seed, width) for seed in seeds)
    return rooms(cache, count, width)


def _picture(folder: Path, stem: str) -> tuple[Picture, str]:
    lossless = folder / f"{stem}.png"
    path = lossless if lossless.exists() else folder / f"{stem}.jpg"
    return np.asarray(Image.open(path).convert("RGB")), path.suffix[1:].upper().replace("JPG", "JPEG")


def grown_hole(marks: Hole) -> Hole:
    """The class mask grown as the product grows it by default, hard-edged: the same hole for every method.

    A mask that ends on the last pixel of a chair leaves its glow and contact shadow standing, which no user wants
    and which would be measured as everybody's mistake.
    """
    frame = Frame.full(marks.shape[1], marks.shape[0])
    hole = np.zeros_like(marks)
    for part in grown_objects(np.where(marks, 255, 0).astype(np.uint8), frame, feather=0):
        frame.put(hole, part.region, frame.cut(hole, part.region) | part.hole)
    return hole


def relit(case: RoomCase) -> Picture:
    """The furnished picture with the empty one cloned into its hole."""
    width = case.hole.shape[1]
    around = ((0, 0), (width // 4, width // 4))  # so that the membrane goes round the seam
    change = case.furnished.astype(np.float32) - case.empty
    wide = membrane(np.pad(change, (*around, (0, 0)), mode="wrap"), np.pad(case.hole, around, mode="wrap"))
    inside = case.empty + wide[:, width // 4 : width // 4 + width]
    return np.where(case.hole[..., None], np.rint(np.clip(inside, 0, 255)), case.furnished).astype(np.uint8)


def unfolded(frame: Frame, picture: NDArray[np.uint8], *, linear: bool = False) -> NDArray[np.uint8]:
    """The six measuring faces of a panorama (HxW or HxWx3), two rows of three; linear for masks."""
    half = math.tan(FIELD / 2)
    side = round(2 * half / frame.step)
    faces = [View.square(TURN + yaw * math.pi / 2, pitch * math.pi / 2, FIELD, side) for yaw, pitch in FACES]
    seen = [np.rint(np.clip(look(frame, picture, face, linear=linear), 0, 255)) for face in faces]
    return np.vstack([np.hstack(seen[:3]), np.hstack(seen[3:])]).astype(np.uint8)
