"""What is to be erased: reading, growing and softening masks.

One convention everywhere: **255 (True) = erase**. A mask is a grey picture of the photograph's size; 128
and more belong to the hole, soft values below that are the anti-aliased skirt of an object.

A tight mask leaves a halo (the object's blurred outline, JPEG ringing, a sharpening halo) and makes
networks repaint the object; a feather that reaches into the object blends it back in. So `grown` grows
every object by a width that follows its own size, and fades only inside the ring it added: alpha is 255 on
all of the given mask and falls to 0 at the grown outline. ``grow=0, feather=0`` takes a mask exactly as it
is.

How files are read: grey as it is (16 bit and float scaled to 0..255); colour by its brightest channel (a
mask painted in pure red counts); a transparent layer painted in one colour by its alpha; a coloured picture
with varying alpha by brightness times alpha (transparent = keep; all transparent = nothing to erase). JPEG is
cut hard at 128, because its ringing would pass for soft edges.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from vanisher_core.errors import MaskError, UsageError
from vanisher_core.window import Box, bounding_box, components

if TYPE_CHECKING:
    from vanisher_core.photo import Limits, Photo

THRESHOLD = 128
"""Mask values of this and more are the hole."""
SOFT_FLOOR = 16
"""Softer values than this are noise (JPEG, probabilities), not the skirt of an object."""
GROW_RANGE = (3, 40)
"""Pixels, smallest and largest automatic growth."""
GROW_BASE, GROW_SHARE = 2.0, 0.03
"""Automatic growth = base + share * square root of the object's area, in pixels."""
FEATHER_SHARE = 0.4
"""Automatic feather as a share of the growth."""
GROW_MAX = 2000
"""Pixels, the largest growth that can be asked for."""
JPEG_NOTE = "The mask is a JPEG, whose edges are not exact: it was cut at 128 of 255. A PNG mask is exact."
"""Said about every JPEG mask."""
TILE = 512
"""Pixels, side of the tiles the distances are computed in."""


class Mask:
    """An immutable mask of a photograph: uint8, HxW, 255 = erase, soft values allowed."""

    __slots__ = ("_array", "notes")

    def __init__(self, array: np.ndarray, notes: tuple[str, ...] = ()) -> None:
        """Take a uint8 HxW array (copied when writable); use `from_array` for other types.

        Raises:
            MaskError: the array is not uint8, not two-dimensional or has no pixels.
        """
        if array.dtype != np.uint8 or array.ndim != 2 or array.size == 0:
            raise MaskError(
                f"The mask is {array.dtype} of shape {array.shape}; it must be 8-bit, height x width, with "
                "at least one pixel. Give a grey picture of the photograph's size."
            )
        self._array = array.copy() if array.flags.writeable else array
        self._array.flags.writeable = False
        self.notes = notes

    @classmethod
    def open(cls, path: str | Path, limits: Limits | None = None) -> Mask:
        """Read a mask picture (PNG, TIFF, WebP, JPEG; any depth; see the module docstring).

        Raises:
            PhotoError: the file cannot be read as a picture.
        """
        from vanisher_core.photo import DEFAULT_LIMITS, Photo

        return cls._from_photo(Photo.open(Path(path), limits or DEFAULT_LIMITS))

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "mask") -> Mask:
        """Read a mask picture from memory; `name` stands in error messages.

        Raises:
            PhotoError: the bytes cannot be read as a picture.
        """
        from vanisher_core.photo import Photo

        return cls._from_photo(Photo.from_bytes(data, name=name))

    @classmethod
    def from_array(cls, array: np.ndarray) -> Mask:
        """Take an HxW (or HxWx1) array: bool, uint8, uint16 (65535 = erase) or float in [0, 1] (1 = erase).

        Raises:
            MaskError: another shape or type, or floats that are not finite or leave [0, 1].
        """
        array = np.asarray(array)
        if array.ndim == 3 and array.shape[2] == 1:
            array = array[:, :, 0]
        eight = _to_uint8(array)
        if array.dtype != np.uint8:
            eight.flags.writeable = False  # nobody else holds it: no copy
        return cls(eight)

    @classmethod
    def _from_photo(cls, photo: Photo) -> Mask:
        grey = _flattened(photo.array)
        if str(photo.format).upper() not in {"JPEG", "JPG"}:
            return cls(grey)
        return cls(np.where(grey >= THRESHOLD, 255, 0).astype(np.uint8), notes=(JPEG_NOTE,))

    @property
    def array(self) -> np.ndarray:
        """uint8 HxW, read-only."""
        return self._array

    @property
    def hole(self) -> np.ndarray:
        """Bool HxW: where the value is 128 or more."""
        return self._array >= THRESHOLD

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self._array.shape[1], self._array.shape[0]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be erased (no value of 128 or more)."""
        return int(self._array.max()) < THRESHOLD

    def __eq__(self, other: object) -> bool:
        """Equal when every value is."""
        return isinstance(other, Mask) and np.array_equal(self._array, other._array)

    def __hash__(self) -> int:
        return hash((self._array.shape, self._array.tobytes()))

    def __repr__(self) -> str:
        """Size and covered share."""
        return f"Mask({self.size[0]}x{self.size[1]}, {self.hole.mean():.1%} to erase)"

    def fit(self, size: tuple[int, int]) -> Mask:
        """Scale to (width, height): area means when shrinking, else linear; unchanged at its own size.

        Raises:
            MaskError: `size` has no pixels.
        """
        width, height = size
        if width < 1 or height < 1:
            raise MaskError(
                f"A mask cannot be scaled to {width}x{height}; both sides must be at least 1 pixel."
            )
        if (width, height) == self.size:
            return self
        shrinks = width * height < self._array.size
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        return Mask(cv2.resize(self._array, (width, height), interpolation=method), self.notes)

    def save(self, path: str | Path, overwrite: bool = False) -> None:
        """Write as a grey picture; the suffix names the format (PNG is advised).

        Raises:
            UsageError: the file exists and `overwrite` is not given.
            OutputError: it cannot be written.
        """
        from vanisher_core.photo import Photo

        Photo.from_array(self._array).save(Path(path), overwrite=overwrite)


@dataclass(frozen=True, eq=False)
class Grown:
    """A mask made ready for work.

    Attributes:
        alpha: uint8 HxW: 255 on the whole given mask, falling inside the grown ring, 0 outside.
        hole: bool HxW, alpha > 0: what is filled. Nothing outside it changes.
        core: bool HxW, the mask as given (value >= 128).
        grow: Pixels, the largest growth used.
        feather: Pixels, the largest feather used.
    """

    alpha: np.ndarray
    hole: np.ndarray
    core: np.ndarray
    grow: int
    feather: float


def union(masks: Iterable[Mask]) -> Mask:
    """What any of some masks of one size covers; at least one."""
    return Mask.from_array(np.maximum.reduce([mask.array for mask in masks]))


def auto_grow(area: float) -> int:
    """Growth in pixels for an object of `area` pixels: 3 for specks, 15 for a 450 px square, at most 40."""
    return round(min(max(GROW_BASE + GROW_SHARE * math.sqrt(area), GROW_RANGE[0]), GROW_RANGE[1]))


def grown(mask: Mask, grow: int | None = None, feather: float | None = None) -> Grown:
    """Grow a mask so that no halo stays, with a soft edge strictly inside the grown ring.

    Every connected object (values from 16 of 255 on that touch a value of 128 or more) is grown by its own
    width. Alpha falls smoothly from 255, `feather` pixels before the grown outline, to 1 at its last pixel.

    Args:
        mask: What to erase.
        grow: Pixels for every object; None follows each object's size (`auto_grow`).
        feather: Pixels of the ring that fade, at most `grow`; None takes 40 % of the growth.

    Returns:
        `Grown`; with grow=0 (and feather 0 or None) `alpha` equals the mask's own values.

    Raises:
        UsageError: a negative, non-finite or too large value, or feather > grow.
    """
    _check(grow, feather)
    if grow == 0:
        alpha = mask.array
        return Grown(alpha=alpha, hole=alpha > 0, core=mask.hole, grow=0, feather=0.0)
    alpha = np.zeros(mask.array.shape, np.uint8)
    largest_grow, largest_feather = 0, 0.0
    if not mask.is_empty:
        marks = (mask.array >= SOFT_FLOOR).view(np.uint8)
        around = bounding_box(marks)
        labels, boxes, widths = _objects(mask, marks, around, grow, feather)
        for width in sorted(set(widths[widths > 0].tolist())):
            soft = FEATHER_SHARE * width if feather is None else float(feather)
            chosen = np.concatenate([[False], widths == width])
            members = [box for box, own in zip(boxes, widths, strict=True) if own == width]
            _grow_level(alpha, labels, chosen, members, around, int(width), soft)
            largest_grow, largest_feather = max(largest_grow, int(width)), max(largest_feather, soft)
    return Grown(alpha=alpha, hole=alpha > 0, core=mask.hole, grow=largest_grow, feather=largest_feather)


def _check(grow: int | None, feather: float | None) -> None:
    if grow is not None and not 0 <= grow <= GROW_MAX:
        raise UsageError(
            f"grow is {grow}; it must be between 0 and {GROW_MAX} pixels. Leave it out for automatic."
        )
    if feather is None:
        return
    if not (math.isfinite(feather) and 0 <= feather <= GROW_MAX):
        raise UsageError(
            f"feather is {feather}; it must be between 0 and {GROW_MAX} pixels. Leave it out for automatic."
        )
    if grow is not None and feather > grow:
        raise UsageError(
            f"feather is {feather} and grow {grow}; the soft edge lies inside the grown ring, so feather "
            f"must not exceed grow. Give --grow {math.ceil(feather)} or more, or a smaller feather."
        )


def _objects(
    mask: Mask, marks: np.ndarray, around: Box, grow: int | None, feather: float | None
) -> tuple[np.ndarray, list[Box], np.ndarray]:
    """Labels, boxes and growth of each object; growth 0 for faint ones that hold no hole pixel."""
    labels, boxes, areas = components(marks, around)
    solid = np.zeros(len(boxes) + 1, bool)
    solid[np.unique(labels[mask.array[around.slices] >= THRESHOLD])] = True
    if grow is not None:
        widths = np.full(len(boxes), grow)
    else:
        least = 0 if feather is None else math.ceil(feather)
        widths = np.array([max(auto_grow(area), least) for area in areas], int)
    return labels, boxes, np.where(solid[1:], widths, 0)


def _grow_level(
    alpha: np.ndarray,
    labels: np.ndarray,
    chosen: np.ndarray,
    boxes: list[Box],
    around: Box,
    width: int,
    feather: float,
) -> None:
    """Raise `alpha` round all objects that grow by `width`, tile by tile.

    A distance up to `width` is exact in a tile that sees `width` pixels beyond its edges, so the cost
    follows the objects, not the photograph.
    """
    size = (alpha.shape[1], alpha.shape[0])
    places = {
        (y, x)
        for box in (box.expanded(width).clipped(size) for box in boxes)
        for y in range(box.top // TILE, (box.bottom - 1) // TILE + 1)
        for x in range(box.left // TILE, (box.right - 1) // TILE + 1)
    }
    for y, x in sorted(places):
        tile = Box(x * TILE, y * TILE, (x + 1) * TILE, (y + 1) * TILE).clipped(size)
        seen = tile.expanded(width + 1).clipped(size)
        known = seen.common(around)
        if known.area == 0:
            continue
        marks = np.zeros((seen.height, seen.width), bool)
        marks[known.within(seen).slices] = chosen[labels[known.within(around).slices]]
        _grow_tile(alpha, marks, tile, seen, width, feather)


def _grow_tile(
    alpha: np.ndarray, marks: np.ndarray, tile: Box, seen: Box, width: int, feather: float
) -> None:
    """Raise `alpha` in one tile from the object pixels in `marks` (bool, over `seen`)."""
    tight = bounding_box(marks.view(np.uint8))
    if tight.area == 0:
        return
    if marks[tile.within(seen).slices].all():
        alpha[tile.slices] = 255
        return
    near = tight.expanded(width + 1).clipped((seen.width, seen.height))
    away = cv2.distanceTransform((~marks[near.slices]).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    placed = near.shifted(seen.left, seen.top)
    part = placed.common(tile)
    if part.area == 0:
        return
    away = away[part.within(placed).slices]
    target = alpha[part.slices]
    reached = away <= width
    target[reached] = np.maximum(target[reached], _ramp(away[reached], width, feather))


def _ramp(away: np.ndarray, width: int, feather: float) -> np.ndarray:
    """Alpha of pixels up to `width` from the object: 255 up to width - feather, smooth to 1 at width."""
    share = np.clip((width + 1 - away) / (feather + 1), 0, 1)
    return np.maximum(np.rint(255 * share * share * (3 - 2 * share)), 1).astype(np.uint8)


def _to_uint8(array: np.ndarray) -> np.ndarray:
    """Scale one channel of a known type to 0..255."""
    if array.dtype == bool:
        return array.astype(np.uint8) * 255
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.uint16:
        return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if np.issubdtype(array.dtype, np.floating):
        if array.size and not (array.min() >= 0 and array.max() <= 1):
            raise MaskError(
                f"The mask's float values span {array.min():g} to {array.max():g}; they must be "
                "finite and in [0, 1]. Scale them to 0 = keep, 1 = erase."
            )
        return np.rint(array * 255).astype(np.uint8)
    raise MaskError(f"The mask's values are {array.dtype}; give bool, uint8, uint16 or float in [0, 1].")


def _flattened(array: np.ndarray) -> np.ndarray:
    """One uint8 channel from any picture array; see the module docstring for the rules."""
    if array.ndim == 2:
        return _to_uint8(np.clip(array, 0, 1) if array.dtype == np.float32 else array)
    channels = np.stack([_flattened(array[:, :, index]) for index in range(array.shape[2])], axis=2)
    if array.shape[2] not in (2, 4):
        return channels.max(axis=2)
    colour, alpha = channels[:, :, :-1], channels[:, :, -1]
    if not alpha.any():  # whatever colour lies below: nothing was painted
        return alpha
    if alpha.min() == alpha.max():
        return colour.max(axis=2)
    painted = colour[alpha >= THRESHOLD]
    if len(painted) == 0 or int(np.ptp(painted, axis=0).max()) <= 2:
        return alpha
    return ((colour.max(axis=2).astype(np.uint16) * alpha + 127) // 255).astype(np.uint8)
