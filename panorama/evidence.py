"""What a panorama says about the edges between floor, walls and ceiling.

Two kinds of evidence: a step of colour across the edge that stands out from the texture on both sides, and colours
that are the floor's below it (the ceiling's above it) and the wall's on the other side, as in Hedau et al.,
"Recovering the Spatial Layout of Cluttered Rooms" (ICCV 2009). What is to be erased says nothing.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from panorama.sphere import Frame
from panorama.views import reduced

COLUMNS = 1024
"""Of the full sphere at the scale that is looked at."""
STRIDE = 4
"""Columns of that scale for one column of the search, and pixels for one of the grid of colours."""
GRAZING = 0.1
"""Cosine between a column and a wall's normal, below which the wall is not looked for."""
BAND, FINE, WIDE = 6, 2, 9
"""Pixels above and below an edge that are compared, coarsely and finely, and columns that are taken together."""
AROUND, TEXTURE = 31, 1.5
"""Pixels round an edge, and how many times their mean step it must exceed."""
STRONG, FAINT = 0.985, 0.02
"""Quantile of a column's steps that counts as whole evidence, and the least step that does."""
REGION, APART = 0.2, 3
"""Evidence of one pixel of the grid whose colour is on its own side of an edge, times a power of how well colours
tell the two sides apart (0..1)."""
BELOW, ABOVE, LEVEL = math.radians(-38), math.radians(45), math.radians(10)
"""Pitches beyond which floor and ceiling are seen, and up to which walls are."""
CELLS, CELL, MIDDLE = (13, 64, 64), (8, 4, 4), (0, 32, 32)
"""The histogram of Lab colours: cells, units of a cell, cell of zero."""


class Evidence:
    """How much the picture speaks for an edge at each place.

    Args:
        frame: of the panorama.
        picture: HxW or HxWxC samples.
        hidden: bool at any scale, what must not be looked at.

    Attributes:
        frame: at the scale that is looked at.
        coarse: HxW float32 in 0..1, steps between wide bands.
        fine: the same between narrow ones, for the exact place.
        seen: HxW bool, where `coarse` says anything.
        yaw: radians, of the columns.
    """

    def __init__(self, frame: Frame, picture: np.ndarray, hidden: np.ndarray) -> None:
        self.frame, small = reduced(frame, picture, COLUMNS)
        size = self.frame.width, self.frame.height
        covered = cv2.resize(hidden.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
        known = cv2.dilate(covered.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0
        colour = np.maximum(small.reshape(*small.shape[:2], -1)[..., :3].astype(np.float32), 0)
        if colour.shape[2] != 3:
            colour = np.repeat(colour[..., :1], 3, axis=2)
        colour = np.minimum(colour / max(float(np.quantile(colour, 0.98)), 1e-6), 1)
        self.coarse, self.seen = _steps(np.sqrt(colour), known, BAND)
        self.fine, _ = _steps(np.sqrt(colour), known, FINE)
        self.near = cv2.dilate(self.coarse, np.ones((5, STRIDE), np.uint8))
        self.yaw = self.frame.yaw(np.arange(self.frame.width))
        self._floor, self._ceiling = _regions(self.frame, colour, known)

    def rows(self, pitch: np.ndarray) -> np.ndarray:
        """Number of the edge at a pitch: r between rows r - 1 and r."""
        rows = (0.5 - pitch / math.pi) * self.frame.full_height - self.frame.top
        return np.clip(np.rint(rows), 0, self.frame.height - 1).astype(int)

    def of_edges(self, height: float, away: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Evidence of both kinds, allowing a few pixels, that walls `away` end at a height; -1 is the floor."""
        rows = self.rows(np.arctan2(height, away))
        regions = self._floor if height < 0 else self._ceiling
        return self.near[rows, columns] + regions[rows // STRIDE, columns // STRIDE]

    def along(
        self, plane: np.ndarray, columns: np.ndarray, facing: float, distance: np.ndarray | float, height: float
    ) -> np.ndarray:  # fmt: skip
        """A plane of values (HxW) where a wall ends at a height, column by column."""
        away = distance / np.maximum(np.cos(self.yaw[columns] - facing), GRAZING)
        return plane[self.rows(np.arctan2(height, away)), columns]


def _steps(colour: np.ndarray, known: np.ndarray, band: int) -> tuple[np.ndarray, np.ndarray]:
    """Step of colour from the band above each row to the one below (HxW in 0..1), and whether both are seen."""
    weight = known.astype(np.float32)
    total, count = (_band_sums(plane, band) for plane in (colour * weight[..., None], weight))
    mean = total / np.maximum(count, 1e-6)[..., None]  # of rows r - band + 1 .. r
    least = 0.7 * band * WIDE
    seen = (np.roll(count, 1, axis=0) > least) & (np.roll(count, 1 - band, axis=0) > least)
    seen[:band] = seen[-band:] = False
    size = np.abs(np.roll(mean, 1, axis=0) - np.roll(mean, 1 - band, axis=0)).max(axis=2)
    size = np.where(seen, size, 0).astype(np.float32)
    share = np.maximum(cv2.blur(seen.astype(np.float32), (AROUND, AROUND)), 0.05)
    size = np.where(seen, np.maximum(size - TEXTURE * cv2.blur(size, (AROUND, AROUND)) / share, 0), 0)
    out = np.zeros_like(size)
    half = len(size) // 2
    for part in (np.s_[:half], np.s_[half:]):
        usual = cv2.blur(np.quantile(size[part], STRONG, axis=0)[None], (AROUND, 1))[0]
        out[part] = np.minimum(size[part] / np.maximum(usual, FAINT), 1)
    return out, seen


def _band_sums(plane: np.ndarray, band: int) -> np.ndarray:
    """Sums over `WIDE` columns and the rows r - band + 1 .. r."""
    return cv2.boxFilter(
        plane, -1, (WIDE, band), normalize=False, anchor=(WIDE // 2, band - 1), borderType=cv2.BORDER_CONSTANT
    )


def _regions(frame: Frame, colour: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How well an edge at each row of the coarse grid divides floor from wall, and wall from ceiling."""
    size = frame.width // STRIDE, frame.height // STRIDE
    clear = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.999
    lab = cv2.cvtColor(cv2.resize(colour, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2LAB)
    cells = np.clip(lab / CELL + MIDDLE, 0, np.array(CELLS) - 1).astype(int)
    index = (cells[..., 0] * CELLS[1] + cells[..., 1]) * CELLS[2] + cells[..., 2]
    pitch = frame.pitch(np.arange(size[1]) * STRIDE + (STRIDE - 1) / 2)
    weight = clear * np.cos(pitch)[:, None]
    level = np.abs(pitch) < LEVEL
    found = []
    for steep in (pitch < BELOW, pitch > ABOVE):
        ratio = np.log(_chance(index, weight, steep) / _chance(index, weight, level))
        right = min(_share(ratio[steep] > 0, weight[steep]), _share(ratio[level] < 0, weight[level]))
        signed = REGION * max(2 * right - 1, 0) ** APART * np.clip(ratio / 2, -1, 1) * clear
        found.append(np.cumsum(signed, axis=0) - signed)  # of the rows above
    floor, ceiling = found
    return floor[-1:] - 2 * floor, 2 * ceiling - ceiling[-1:]


def _chance(index: np.ndarray, weight: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """How usual each pixel's colour is in some rows."""
    counts = np.bincount(index[rows].ravel(), weight[rows].ravel(), minlength=math.prod(CELLS))
    table = np.ascontiguousarray(counts.reshape(CELLS).transpose(1, 2, 0), np.float32)
    table = cv2.GaussianBlur(table, (0, 0), 1.0).transpose(2, 0, 1)
    table = cv2.GaussianBlur(np.ascontiguousarray(table).reshape(CELLS[0], -1), (1, 5), 1.0)
    return (table / max(float(table.sum()), 1e-6)).reshape(-1)[index] + 1e-4


def _share(right: np.ndarray, weight: np.ndarray) -> float:
    return float((right * weight).sum() / max(float(weight.sum()), 1e-6))
