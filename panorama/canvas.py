"""A panorama while it is worked on: rolled to a column of its own, changed in place.

The frame of the work does not depend on where the panorama begins: its columns are rolled so that the same one,
chosen by its content, comes first. Rolling a panorama, erasing and rolling it back therefore does literally the
same arithmetic, and an object on the seam is an ordinary one.

A room is worked on in a level picture (`panorama/level.py`). One that was taken askew is turned for it; what is filled
comes back texel by texel into the picture as it was, and light and shadows are turned back before they are applied.
"""

from __future__ import annotations

import itertools
import math

import cv2
import numpy as np

from panorama import level, light, rims, shadows, trim
from panorama.axes import room_yaw
from panorama.files import Panorama
from panorama.layout import CEILING, FLOOR, Layout
from panorama.objects import Part, components, grown_objects
from panorama.plan import DULL, SHARPEST, Piece, pieces
from panorama.sphere import Frame, Region, angles
from panorama.views import PAD, View, marked, positions, reduced, render, seen, unproject
from panorama.walls import room_layout
from vanisher_core import blend
from vanisher_core.exemplar.workers import run_bands
from vanisher_core.mask import SOFT_FLOOR, Mask
from vanisher_core.photo import Photo

LEAK = 2
"""View pixels round a hole that the sampling window may have filled with the object's colours."""
STEEP = 55.0
"""Degrees of pitch beyond which there are no walls to be told from the floor."""
SLIT = 0.03
"""Half the width of a slit, in distances between camera and plane."""
LOOKED_AT = 2048
"""Columns of the picture in which the room is looked for."""
READ = 5
"""Texels beyond a hole that are filled as well in a turned picture: what the way back samples round it."""
ROWS, BAND = 256, 64
"""Rows that are rolled, or pasted, at a time."""
SAMPLED = 512
"""Rows of a picture that decide which column comes first."""
OTHERS, OWN = 0, 1
"""Channels of the state: how many pieces still to be filled cover a texel; whether the present one does."""


class Canvas:
    """The working copy of a panorama and what is still to be filled in it.

    Args:
        panorama: is not changed.
        mask: uint8 HxW, 255 = erase.
        grow: pixels of the horizon by which objects grow; None: by their size.
        feather: soft edge inside the grown ring; None: by the growth.
        relight: also give the room the light it would have without what is erased.

    Attributes:
        frame: of the rolled picture.
        first: column of the panorama that stands first here.
        upright: rotation from the camera's directions to the room's, if the work is turned by it; else None.
        work: samples, changed in place; upright until `come_back`.
        given: the grown objects in the picture as it was taken, rolled.
        parts: the same as they lie in the work.
        room: yaw of a wall's normal, if the picture's edges agree on one.
        layout: floor, ceiling and walls, if the picture shows them.
        pieces: what is filled in a view each, in this order.
        lit: how much of the new light each direction gets, at the scale of `light`; None: none does.

    Raises:
        UsageError: grow and feather do not fit.
        ModelError: weights are missing or damaged.
    """

    def __init__(
        self,
        panorama: Panorama,
        mask: np.ndarray,
        grow: int | None,
        feather: float | None,
        *,
        relight: bool = False,
    ) -> None:
        self.frame: Frame = panorama.frame
        self.first = first_column(panorama.photo.array, mask) if panorama.frame.wraps else 0
        self.given: list[Part] = grown_objects(_rolled(mask, self.first), self.frame, grow, feather)
        self.parts = self.given
        self.work = _rolled(panorama.photo.array, self.first) if self.parts else panorama.photo.array
        self.upright: np.ndarray | None = None
        self._source = self.work
        self.room: float | None = None
        self.layout: Layout | None = None
        if self.parts:
            self._find_room(mask, exact=grow == 0)
        self.lit = light.fading(self.frame, self.given) if self._lights(relight) else None
        self._light = None if self.lit is None else light.light_without(self.frame, self.work, self.parts)
        self.pieces: list[Piece] = pieces(self.parts, self.frame, self.layout)
        self._state = np.zeros((*self.work.shape[:2], 2 if self.parts else 0), np.uint8)
        for piece in self.pieces:
            self._count(piece, OTHERS, 1)

    @property
    def open_share(self) -> float:
        """Share of the texels that is still to be filled."""
        if not self.parts:
            return 0.0
        top, bottom = (
            min(part.region.top for part in self.parts), max(part.region.bottom for part in self.parts)
        )  # fmt: skip
        return float(np.count_nonzero(self._state[top:bottom, :, OTHERS]) / self._state[..., OTHERS].size)

    def look(self, piece: Piece, view: View) -> tuple[Photo, Mask]:
        """A view of the canvas for a piece: its hole as mask; later holes, and what a crop lacks, transparent.

        To be called once for each of `pieces`, in their order: from then on the piece counts as filled.
        """
        at = positions(self.frame, view)
        self._count(piece, OTHERS, -1)
        self._count(piece, OWN, 1)
        marks = marked(self.frame, self._state, view, at)
        self._count(piece, OWN, -1)
        own = _wider(marks[..., OWN])
        clear = _wider(marks[..., OTHERS]) | ~seen(self.frame, view, at)
        if self.layout is not None and piece.plane is not None:
            clear |= self._elsewhere(piece, view)
            clear |= _slits(own | clear, view)
        clear &= ~own
        return Photo.from_array(self._samples(view, at, own, clear)), Mask.from_array(own)

    def surface(self, piece: Piece, view: View) -> str:
        """Which plane of the room a view looks straight at, as `Vanisher.erase` calls it; "" if it is no such view."""
        if self.layout is None or piece.plane is None:
            return ""
        if not np.array_equal(view.rotation, self.layout.towards(piece.plane)):
            return ""
        return {FLOOR: "floor", CEILING: "ceiling"}.get(piece.plane, "wall")

    def paste(self, piece: Piece, view: View, fill: np.ndarray) -> None:
        """Puts a filled view (of `look`'s type) back into the texels of a piece."""
        picture = np.ascontiguousarray(_colours(fill, self.work.ndim))
        low, high = picture.min(), picture.max()

        def paste_band(band: tuple[Part, Region]) -> None:
            part, region = band
            alpha = part.alpha[region.top - part.region.top : region.bottom - part.region.top]
            if not alpha.any():
                return
            source = self.frame.cut(self.work, region)
            values = np.clip(unproject(self.frame, region, view, picture, where=alpha > 0), low, high)
            self.frame.put(
                self.work,
                region,
                blend.paste(source, _from_view(source, values), np.ascontiguousarray(alpha)),
            )

        for part in piece.parts:  # parts may overlap, the bands of one do not
            run_bands(paste_band, _bands(part))

    def even_out(self) -> None:
        """Takes steps of tone at the holes' rims away and draws the room's skirting on; once all pieces are filled."""
        if self.layout is not None:
            rims.even_out(self.frame, self.work, self.parts, self.layout)
            trim.draw_on(self.frame, self.work, self.parts, self.layout)

    def come_back(self) -> None:
        """Brings a turned picture back as it was taken, lifts shadows and gives the room its new light.

        To be called once, when all pieces are filled, whether there is new light or not. Shadows are lifted within
        `shadows.OUTSIDE` of the holes, where `lit` is above 0.
        """
        self._stand_back()
        if self.lit is None or self._light is None:
            return
        if self.layout is not None:
            lifted = shadows.found(self.frame, self.work, self.given, self.layout, self._grid_turned)
            if lifted is not None:
                light.apply(self.frame, self.work, self._grid_turned(lifted, back=True), shoulder=False)
        light.apply(self.frame, self.work, self._grid_turned(self._light, back=True) * self.lit[..., None])

    def aim(self, view: View) -> tuple[float, float]:
        """Yaw and pitch in radians of a view's middle, in the panorama as given."""
        yaw, pitch = view.centre
        ahead = np.array([math.cos(pitch) * math.sin(yaw), math.sin(pitch), math.cos(pitch) * math.cos(yaw)])
        yaw, pitch = angles(ahead if self.upright is None else ahead @ self.upright)
        return math.remainder(yaw + self.first * self.frame.step, 2 * math.pi), pitch

    def alpha(self) -> np.ndarray:
        """uint8 HxW of the panorama as given: the grown mask of all objects, and where there may be new light."""
        size = self.work.shape[:2]
        alpha = np.zeros(size, np.uint8) if self.lit is None else light.reached(self.lit, size)
        for part in self.given:
            self.frame.put(alpha, part.region, np.maximum(self.frame.cut(alpha, part.region), part.alpha))
        return _rolled_back(alpha, self.first)

    def finished(self) -> np.ndarray:
        """The samples, rolled back to the panorama as given; the canvas is spent."""
        return _rolled_back(self.work, self.first) if self.parts else self.work

    def _lights(self, relight: bool) -> bool:
        """Whether there is new light: it was asked for, something goes, and the whole room is seen."""
        return relight and bool(self.parts) and light.sees_all(self.frame)

    def _find_room(self, mask: np.ndarray, *, exact: bool) -> None:
        """Finds the room and turns the work upright for it, unless all that goes lies below (or above) its walls."""
        steep = math.radians(STEEP)
        ends = [self.frame.pitch(np.array([own.region.top, own.region.bottom - 1])) for own in self.parts]
        small, picture = reduced(self.frame, self.work, LOOKED_AT)
        if not any(end.max() > -steep and end.min() < steep for end in ends):
            self.room = room_yaw(small, picture)
            return
        hidden = self._hidden(mask, exact)
        turn = level.uprighting(small, picture) if self._may_turn() else None
        if turn is None or not self._turn(turn, small, picture, hidden):
            self.room = room_yaw(small, picture)
            self.layout = room_layout(small, picture, hidden, self.room)

    def _may_turn(self) -> bool:
        """Whether the picture is small enough to be turned, and no transparency would be mixed into its colours."""
        opaque = self.work.ndim == 2 or self.work.shape[2] not in (2, 4)
        return opaque and self.frame.full_width <= level.WIDEST

    def _turn(self, turn: np.ndarray, small: Frame, picture: np.ndarray, hidden: np.ndarray) -> bool:
        """Turns the work and what is to be erased upright, if a room is found there; whether it is."""
        picture = level.leveled(small, picture, turn)
        covered = cv2.resize(hidden.astype(np.float32), (small.width, small.height))
        room = room_yaw(small, picture)
        layout = room_layout(small, picture, level.leveled(small, covered, turn, linear=True) > 0, room)
        if layout is None:
            return False
        self.upright, self.room, self.layout = turn, room, layout
        self.work = level.leveled(self.frame, self._source, turn)
        self.parts = self._turned_parts(turn)
        return True

    def _turned_parts(self, turn: np.ndarray) -> list[Part]:
        """Hard-edged parts that cover all that the given ones touch: soft edges are those of the way back."""
        numbers = np.zeros(self.work.shape[:2], np.uint16)
        for number, part in enumerate(self.given, 1):
            own = self.frame.cut(numbers, part.region)
            self.frame.put(numbers, part.region, np.where(part.hole, number, own).astype(np.uint16))
        numbers = level.numbered(self.frame, numbers, turn)
        kernel = np.ones((2 * READ + 1,) * 2, np.uint8)
        found = []
        for number, part in enumerate(self.given, 1):
            own = np.pad((numbers == number).view(np.uint8), ((0, 0), (READ, READ)), mode="wrap")
            marks = cv2.dilate(own, kernel)[:, READ:-READ] > 0
            for region, touched in components(marks, self.frame):
                found.append(Part(region, touched.astype(np.uint8) * 255, part.grow))
        return found

    def _stand_back(self) -> None:
        """Puts what was filled back into the picture as it was taken."""
        if self.upright is None:
            return
        filled, self.work, self.parts = self.work, self._source, self.given
        for part, region in itertools.chain.from_iterable(map(_bands, self.given)):
            alpha = part.alpha[region.top - part.region.top : region.bottom - part.region.top]
            if alpha.any():
                columns, rows = np.arange(region.left, region.right), np.arange(region.top, region.bottom)
                samples = level.turned(self.frame, filled, self.upright.T, columns, rows, where=alpha > 0)
                source = self.frame.cut(self.work, region)
                values = level.like(samples, filled)
                self.frame.put(self.work, region, blend.paste(source, values, np.ascontiguousarray(alpha)))

    def _grid_turned(self, grid: np.ndarray, *, back: bool = False) -> np.ndarray:
        """A grid (hxw or hxwxC float32) of the picture as it was taken, such as gains, turned upright; or back."""
        if self.upright is None:
            return grid
        turn = self.upright.T if back else self.upright
        return level.leveled(Frame.full(grid.shape[1], grid.shape[0]), grid, turn, linear=True)

    def _hidden(self, mask: np.ndarray, exact: bool) -> np.ndarray:
        """Bool at a reduced scale (at most LOOKED_AT columns): where something stands that is to be erased.

        As it was given: the ring that it is grown by shows the room, and feet of walls in it tell where they stand.
        """
        step = -(-self.frame.full_width // LOOKED_AT)
        by_rows = np.roll(_largest_of(mask, step), -self.first, axis=1)
        less = _largest_of(by_rows.T, step).T
        return less >= (1 if exact else SOFT_FLOOR)

    def _elsewhere(self, piece: Piece, view: View) -> np.ndarray:
        """Bool of the view's size: what shows another plane, or its own much less sharply than the piece needs."""
        assert self.layout is not None
        step = max(self.frame.full_width // 2048, 1)
        x = (np.arange(view.width) + 0.5) / view.focal + view.left
        y = (np.arange(view.height) + 0.5) / view.focal + view.top
        planes = self.layout.shown(x[step // 2 :: step], y[step // 2 :: step], view.rotation)
        other = _wider(planes != piece.plane).view(np.uint8)
        foreign = cv2.resize(other, (view.width, view.height), interpolation=cv2.INTER_NEAREST) > 0
        wanted = float(np.quantile(piece.points @ view.rotation[2], SHARPEST))
        # a cosine of 1 / sqrt(1 + x x + y y) to the plane's normal
        foreign |= x * x > ((DULL * max(wanted, 1e-6)) ** -2 - 1 - y * y)[:, None]
        return foreign

    def _count(self, piece: Piece, channel: int, step: int) -> None:
        """Adds a step, 1 or -1, to a channel of the state wherever the piece is to be filled."""
        change = np.add if step > 0 else np.subtract
        for part in piece.parts:
            region, hole = part.region, part.hole.view(np.uint8)
            for there, here in self.frame.runs(region):
                state = self._state[region.top : region.bottom, there, channel]
                change(state, hole[:, here], out=state)

    def _samples(
        self, view: View, at: tuple[np.ndarray, np.ndarray], own: np.ndarray, clear: np.ndarray
    ) -> np.ndarray:
        """The view at a depth that keeps what interpolation adds, with alpha where something is to be ignored."""
        exact = self.work.dtype == np.float32
        full = np.array(1 if exact else 65535, np.float32 if exact else np.uint16)
        colours = self.work if self.work.ndim == 3 else self.work[..., None]
        has_alpha = colours.shape[2] in (2, 4)
        # Nobody looks into the hole, or below transparency but for what the way back samples round the hole.
        near = cv2.dilate(own.view(np.uint8), np.ones((2 * PAD + 1,) * 2, np.uint8)) > 0
        out = np.empty((*own.shape, colours.shape[2] + (not has_alpha)), full.dtype)
        samples = out if has_alpha else out[..., :-1]
        render(self.frame, colours, view, at=at, sixteen=not exact, where=(~clear | near) & ~own, out=samples)
        if has_alpha:
            clear = clear | (out[..., -1] <= 0)
        if exact:
            np.clip(samples, self.work.min(), self.work.max(), out=samples)
        if clear.any():
            np.multiply(~clear, full, out=out[..., -1])
            return out
        planes = out[..., :-1]
        return planes[..., 0] if self.work.ndim == 2 else planes


def first_column(picture: np.ndarray, mask: np.ndarray) -> int:
    """The column of the largest key; a column's key depends on its own samples and mask only.

    Args:
        picture: HxW or HxWxC, uint8, uint16 or float32.
        mask: uint8 HxW.
    """
    rows = np.unique(np.linspace(0, len(picture) - 1, min(len(picture), SAMPLED)).astype(int))
    channels = 1 if picture.ndim == 2 else picture.shape[2]
    weights = np.random.default_rng(0).integers(1, 2**63, (len(rows), channels + 1), np.uint64)
    starts = list(range(0, len(rows), BAND))
    keys = np.zeros((len(starts), picture.shape[1]), np.uint64)

    def add(index: int) -> None:
        for number in range(starts[index], min(starts[index] + BAND, len(rows))):
            row = rows[number]
            samples = picture[row].view(np.uint32) if picture.dtype == np.float32 else picture[row]
            samples = samples.reshape(picture.shape[1], -1).astype(np.uint64)
            keys[index] += samples @ weights[number, 1:] + mask[row] * weights[number, 0]

    run_bands(add, list(range(len(starts))))
    return int(keys.sum(axis=0, dtype=np.uint64).argmax())


def _colours(fill: np.ndarray, dimensions: int) -> np.ndarray:
    """A view's samples without the alpha that `look` added; HxW for a grey panorama without alpha."""
    colour = fill[..., :-1] if fill.ndim == 3 and fill.shape[2] in (2, 4) else fill
    return colour[..., 0] if dimensions == 2 and colour.ndim == 3 else colour


def _from_view(source: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values of a view (float32) as samples of the source's type, with the source's own alpha."""
    if source.dtype != np.float32:
        values = np.rint(values * np.float32(np.iinfo(source.dtype).max / 65535)).astype(source.dtype)
    if source.ndim == 3 and source.shape[2] in (2, 4):
        planes = values.reshape(*source.shape[:2], -1)
        return np.concatenate([planes, source[..., -1:]], axis=-1)
    return values.reshape(source.shape)


def _bands(part: Part) -> list[tuple[Part, Region]]:
    """A part in bands of rows."""
    left, top, right, bottom = part.region
    return [
        (part, Region(left, start, right, min(start + BAND, bottom))) for start in range(top, bottom, BAND)
    ]


def _largest_of(values: np.ndarray, step: int) -> np.ndarray:
    """The largest of each so many rows; the last ones may be fewer."""
    found = values[::step].copy()
    for start in range(1, step):
        other = values[start::step]
        np.maximum(found[: len(other)], other, out=found[: len(other)])
    return found


def _wider(marks: np.ndarray) -> np.ndarray:
    """Marks (bool) and the pixels that the sampling window takes from them."""
    kernel = np.ones((2 * LEAK + 1,) * 2, np.uint8)
    return cv2.dilate(np.ascontiguousarray(marks).view(np.uint8), kernel) > 0


def _slits(closed: np.ndarray, view: View) -> np.ndarray:
    """Bool: what lies open between things too near to each other: remnants and shadows of legs, nothing to copy."""
    side = 2 * max(round(SLIT * view.focal), 1) + 1
    return cv2.morphologyEx(closed.view(np.uint8), cv2.MORPH_CLOSE, np.ones((side, side), np.uint8)) > 0


def _rolled(array: np.ndarray, first: int) -> np.ndarray:
    """A copy whose first column is that of a number."""
    out = np.empty_like(array)

    def roll(top: int) -> None:
        band = slice(top, top + ROWS)
        out[band, : array.shape[1] - first] = array[band, first:]
        out[band, array.shape[1] - first :] = array[band, :first]

    run_bands(roll, list(range(0, len(array), ROWS)))
    return out


def _rolled_back(array: np.ndarray, first: int) -> np.ndarray:
    """Undoes the roll in place, band by band: a 16K panorama is not copied once more."""

    def roll(top: int) -> None:
        array[top : top + ROWS] = np.roll(array[top : top + ROWS], first, axis=1)

    run_bands(roll, list(range(0, len(array) if first else 0, ROWS)))
    return array
