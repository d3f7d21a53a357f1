"""The room round a camera: floor, ceiling and upright walls, from what a level panorama shows of their edges.

The camera stands upright and its height is the unit of length. Walls stand at right angles (Coughlan & Yuille,
"Manhattan World", ICCV 1999); each is one of four directions and a distance. A wall predicts where its foot and its
top appear in every column, and what the picture shows there (a step of colour between a band above and one below)
is evidence for it; a hole says nothing. Which wall stands in which column is found by dynamic programming over all
columns (Viterbi), as in Hedau et al., "Recovering the Spatial Layout of Cluttered Rooms" (ICCV 2009) and Flint et
al., "A Dynamic Programming Approach to Reconstructing Building Interiors" (ECCV 2010): corners where two walls meet
cost little, a wall that ends before another costs more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from panorama.sphere import Frame, turned
from panorama.views import reduced

COLUMNS = 1024
"""Of the full sphere at the scale that is looked at."""
STRIDE = 4
"""Columns of that scale for one column of the search."""
NEAREST, FARTHEST, DISTANCES = 0.35, 9.0, 72
"""Distances of walls, in camera heights."""
LOWEST, HIGHEST, HEIGHTS = 0.4, 1.9, 18
"""Heights of the ceiling above the camera, in camera heights."""
GRAZING = 0.1
"""Cosine between a column and a wall's normal, below which the wall is not looked for."""
BAND = 6
"""Pixels above and below an edge that are compared."""
AROUND, TEXTURE = 31, 1.5
"""Pixels round an edge, and how many times their mean step it must exceed."""
CORNER, OUTER, JUMP = 4.0, 6.0, 12.0
"""Cost of an inner corner, of an outer one, and of a wall that ends in front of another; in columns of evidence."""
APART = 1
REGION = 0.1
"""Evidence of one pixel of the coarse grid whose colour is on its own side of an edge."""
TRUSTED = 0.5
"""Mean evidence from which on a layout is used."""
QUARTER = math.pi / 2


@dataclass(frozen=True)
class Wall:
    """A stretch of columns that show one wall.

    Attributes:
        start: yaw in radians where it begins (to the left), in -pi..pi.
        facing: yaw of the direction from the camera straight to it.
        distance: in camera heights.
    """

    start: float
    facing: float
    distance: float


@dataclass(frozen=True)
class Layout:
    """Floor, ceiling and walls round the camera.

    Attributes:
        walls: by ascending start; the last reaches round to the first.
        ceiling: height above the camera, in camera heights.
        score: mean evidence, 0..1.
    """

    walls: tuple[Wall, ...]
    ceiling: float
    score: float

    def wall_of(self, yaw: np.ndarray) -> np.ndarray:
        """Index of the wall in each of some directions (radians, -pi..pi)."""
        starts = np.array([wall.start for wall in self.walls])
        return (np.searchsorted(starts, yaw, side="right") - 1) % len(starts)

    def towards(self, plane: int) -> np.ndarray:
        """Rotation (3x3) of a camera that looks straight at a plane, along the walls."""
        if plane >= 2:
            return turned(self.walls[plane - 2].facing, 0.0)
        return turned(self.walls[0].facing, -QUARTER if plane == 0 else QUARTER)

    def planes(self, yaw: np.ndarray, pitch: np.ndarray) -> np.ndarray:
        """Which plane directions show, int16 (rows x columns): 0 floor, 1 ceiling, 2 + i wall i.

        Args:
            yaw: of the columns, radians, any turn.
            pitch: of the rows.
        """
        return self.planes_at(yaw[None], pitch[:, None])

    def planes_at(self, yaw: np.ndarray, pitch: np.ndarray) -> np.ndarray:
        """`planes` for any arrays that broadcast."""
        yaw = np.mod(yaw + math.pi, 2 * math.pi) - math.pi
        index = self.wall_of(yaw)
        facing = np.array([wall.facing for wall in self.walls])[index]
        away = np.array([wall.distance for wall in self.walls])[index]
        rise = np.tan(pitch) * (away / np.maximum(np.cos(yaw - facing), 1e-3))
        return np.where(rise < -1, 0, np.where(rise > self.ceiling, 1, index + 2)).astype(np.int16)


class _Evidence:
    """How much the picture speaks for an edge at each place; nothing where it is hidden."""

    def __init__(self, frame: Frame, picture: np.ndarray, hole: np.ndarray) -> None:
        self.frame, small = reduced(frame, picture, COLUMNS)
        size = self.frame.width, self.frame.height
        hidden = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        known = cv2.dilate((hidden > 0).astype(np.uint8), np.ones((3, 3), np.uint8)) == 0
        colour = small.reshape(*small.shape[:2], -1)[..., :3].astype(np.float32)
        colour = np.sqrt(np.maximum(colour, 0) / max(float(np.quantile(colour, 0.98)), 1e-6))
        self.coarse, self.seen = _steps(colour, known, BAND, 9)
        self.fine, _ = _steps(colour, known, 2, 9)
        self.yaw = self.frame.yaw(np.arange(self.frame.width))
        self.floorish, self.ceilingish = _regions(self.frame, small, hidden > 0)

    def rows(self, pitch: np.ndarray) -> np.ndarray:
        """Row between texels at a pitch, whole; an edge between rows r - 1 and r has number r."""
        frame = self.frame
        rows = (0.5 - pitch / math.pi) * frame.full_height - frame.top
        return np.clip(np.rint(rows), 0, frame.height - 1).astype(int)

    def along(self, steps: np.ndarray, columns: np.ndarray, facing: np.ndarray, distance: np.ndarray,
              height: float) -> np.ndarray:  # fmt: skip
        """Evidence where walls end at a height (-1: their foot); broadcasts columns, facings and distances."""
        away = distance / np.maximum(np.cos(self.yaw[columns] - facing), GRAZING)
        return steps[self.rows(np.arctan2(height, away)), columns]


def _steps(colour: np.ndarray, known: np.ndarray, band: int, wide: int) -> tuple[np.ndarray, np.ndarray]:
    """Step of colour between the band above each row and the one below (HxW in 0..1), and whether both are seen."""
    weight = known.astype(np.float32)
    total = cv2.boxFilter(colour * weight[..., None], -1, (wide, band), normalize=False,
                          anchor=(wide // 2, band - 1), borderType=cv2.BORDER_CONSTANT)  # fmt: skip
    count = cv2.boxFilter(weight, -1, (wide, band), normalize=False, anchor=(wide // 2, band - 1),
                          borderType=cv2.BORDER_CONSTANT)  # fmt: skip
    mean = total / np.maximum(count, 1e-6)[..., None]  # of the rows r - band + 1 .. r
    above, many = np.roll(mean, 1, axis=0), np.roll(count, 1, axis=0)
    below, more = np.roll(mean, 1 - band, axis=0), np.roll(count, 1 - band, axis=0)
    least = 0.7 * band * wide
    seen = (many > least) & (more > least)
    seen[:band] = seen[-band:] = False
    size = np.where(seen, np.abs(above - below).max(axis=2), 0).astype(np.float32)
    # an edge of the room stands out from the texture on both sides of it
    around = cv2.blur(size, (AROUND, AROUND)) / np.maximum(cv2.blur(seen.astype(np.float32), (AROUND, AROUND)), 0.05)
    size = np.where(seen, np.maximum(size - TEXTURE * around, 0), 0)
    half = len(size) // 2
    out = np.zeros_like(size)
    for part in (np.s_[:half], np.s_[half:]):
        usual = np.quantile(size[part], 0.985, axis=0)
        usual = np.maximum(cv2.blur(usual[None], (31, 1))[0], 0.02)
        out[part] = np.minimum(size[part] / usual, 1)
    return out, seen


def _regions(frame: Frame, picture: np.ndarray, hidden: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How well colours divide at each row: below it floor, or above it ceiling, and wall on the other side.

    The colours of floor, wall and ceiling are those seen steeply below, near the horizon and steeply above. Both are
    rows x columns at a quarter of the scale, in units of evidence.
    """
    width, height = frame.width // STRIDE, frame.height // STRIDE
    known = cv2.resize((~hidden).astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0.999
    eight = picture.reshape(*picture.shape[:2], -1)[..., :3].astype(np.float32)
    eight = np.broadcast_to(eight / max(float(np.quantile(eight, 0.99)), 1e-6), (*eight.shape[:2], 3))
    small = cv2.resize(np.clip(eight, 0, 1).astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    colour = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    cells = (np.clip(colour / (8, 4, 4) + (0, 32, 32), 0, (12, 63, 63))).astype(int)
    index = (cells[..., 0] * 64 + cells[..., 1]) * 64 + cells[..., 2]
    pitch = frame.pitch(np.arange(height) * STRIDE + (STRIDE - 1) / 2)
    weight = known * np.cos(pitch)[:, None]

    def likelihood(rows: np.ndarray) -> np.ndarray:
        counts = np.bincount(index[rows].ravel(), weight[rows].ravel(), minlength=13 * 64 * 64)
        table = counts.reshape(13, 64, 64).astype(np.float32)
        table = cv2.GaussianBlur(table.transpose(1, 2, 0), (0, 0), 1.0)
        table = cv2.GaussianBlur(np.ascontiguousarray(table.transpose(2, 0, 1)).reshape(13, -1), (1, 5), 1.0)
        return (table / max(float(table.sum()), 1e-6)).reshape(-1)[index] + 1e-4

    floor, wall, ceiling = (
        likelihood(rows) for rows in (pitch < math.radians(-38), np.abs(pitch) < math.radians(10), pitch > math.radians(45))
    )
    def half(ratio: np.ndarray, steep: np.ndarray) -> np.ndarray:
        level = np.abs(pitch) < math.radians(10)
        right = [float(weight[rows][sign * np.log(ratio[rows]) > 0].sum() / max(weight[rows].sum(), 1e-6)) for rows, sign in ((steep, 1), (level, -1))]
        apart = max(min(right) * 2 - 1, 0)
        signed = REGION * apart**APART * np.clip(np.log(ratio) / 2, -1, 1) * known
        return np.cumsum(signed, axis=0) - signed
    below = half(floor / wall, pitch < math.radians(-38))
    total = below[-1:]
    above = half(ceiling / wall, pitch > math.radians(45))
    return total - 2 * below, 2 * above - above[-1:]


def room_layout(frame: Frame, picture: np.ndarray, hole: np.ndarray, room: float | None) -> Layout | None:
    """The layout of the room, or None if the picture shows no room that can be trusted.

    Args:
        frame: of the panorama.
        picture: HxW or HxWxC samples.
        hole: bool at any scale, what must not be looked at.
        room: yaw of one wall's normal (`axes.room_yaw`).
    """
    if room is None or not (frame.wraps and frame.has_nadir and frame.has_zenith):
        return None
    found = _Search(_Evidence(frame, picture, hole), room).best()
    return found if found.score >= TRUSTED else None


class _Search:
    """Looks for the walls that the evidence speaks for."""

    def __init__(self, evidence: _Evidence, room: float) -> None:
        self.evidence = evidence
        self.columns = np.arange(STRIDE // 2, evidence.frame.width, STRIDE)
        self.yaw = evidence.yaw[self.columns]
        self.distances = np.geomspace(NEAREST, FARTHEST, DISTANCES)
        self.facings = room + QUARTER * np.arange(4)
        cosine = np.cos(self.yaw[:, None] - self.facings)  # columns x 4
        self.open = cosine > GRAZING
        self.away = self.distances / np.maximum(cosine, GRAZING)[..., None]  # columns x 4 x distances
        self.near = cv2.dilate(evidence.coarse, np.ones((5, STRIDE), np.uint8))

    def _edge(self, height: float) -> np.ndarray:
        """Evidence for every state of every column that its wall ends at a height; columns x 4 x distances."""
        evidence = self.evidence
        rows = evidence.rows(np.arctan2(height, self.away))
        where = self.columns[:, None, None]
        regions = evidence.floorish if height < 0 else evidence.ceilingish
        return self.near[rows, where] + regions[rows // STRIDE, where // STRIDE]

    def best(self) -> Layout:
        """The layout with most evidence."""
        heights = np.geomspace(LOWEST, HIGHEST, HEIGHTS)
        floor = self._edge(-1.0)
        unary = np.stack([floor + self._edge(float(height)) for height in heights])
        unary[:, ~self.open] = -3.0
        which, path = self._walk(unary.reshape(HEIGHTS, len(self.yaw), -1))
        return self._refined(path, float(heights[which]))

    def _walk(self, unary: np.ndarray) -> tuple[int, np.ndarray]:
        """Viterbi, twice round the circle, for all heights of the ceiling at once.

        Args:
            unary: heights x columns x states (facing * DISTANCES + distance).

        Returns:
            The best height's index and its state in every column.
        """
        many, count, states = unary.shape
        each, every = np.arange(many)[:, None], np.arange(states)
        value = np.zeros((many, states))
        back = np.empty((2 * count, many, states), np.int16)
        for step in range(2 * count):
            best = value.argmax(axis=1)[:, None]
            came = np.broadcast_to(every, value.shape)
            jumped = value[each, best] - JUMP
            came = np.where(jumped > value, best, came)
            value = np.maximum(value, jumped)
            old = value if step == 0 else before
            for turn, price in ((1, CORNER), (-1, OUTER)):
                source = self._meeting(step % count, turn)
                met = np.where(source >= 0, old[:, source] - price, -np.inf)
                came = np.where(met > value, source, came)
                value = np.maximum(value, met)
            back[step] = came
            value = value + unary[:, step % count]
            before = value
        which = int(value.max(axis=1).argmax())
        path = np.empty(2 * count, np.int64)
        path[-1] = int(value[which].argmax())
        for step in range(2 * count - 1, 0, -1):
            path[step - 1] = back[step, which, path[step]]
        start = count // 2
        return which, np.roll(path[start : start + count], start)

    def _meeting(self, column: int, turn: int) -> np.ndarray:
        """For every state of a column the state before it that meets it there in a corner; -1: none."""
        found = np.full((4, DISTANCES), -1)
        scale = (DISTANCES - 1) / math.log(FARTHEST / NEAREST)
        for facing in range(4):
            other = (facing - turn) % 4
            if not (self.open[column, facing] and self.open[column, other]):
                continue
            cosine = max(math.cos(self.yaw[column] - self.facings[other]), GRAZING)
            index = np.rint(np.log(self.away[column, facing] * cosine / NEAREST) * scale).astype(int)
            inside = (index >= 0) & (index < DISTANCES)
            found[facing, inside] = other * DISTANCES + index[inside]
        return found.reshape(-1)

    def _refined(self, path: np.ndarray, ceiling: float) -> Layout:
        """Distances and height to the pixel, and corners where walls meet."""
        starts = np.flatnonzero(path != np.roll(path, 1))
        if len(starts) == 0:
            starts = np.array([0])
        ends = np.roll(starts, -1)
        spans = [np.arange(a, b if b > a else b + len(path)) % len(path) for a, b in zip(starts, ends, strict=True)]
        columns = [np.unique(np.clip(self.columns[span][:, None] + np.arange(STRIDE) - STRIDE // 2, 0,
                                     self.evidence.frame.width - 1)) for span in spans]  # fmt: skip
        facing = [float(self.facings[path[start] // DISTANCES]) for start in starts]
        distance = [float(self.distances[path[start] % DISTANCES]) for start in starts]
        ratios = np.linspace(-0.07, 0.07, 29)
        for steps, reach in ((self.evidence.coarse, 1.0), (self.evidence.fine, 0.6), (self.evidence.fine, 0.3)):
            for index, own in enumerate(columns):
                tried = distance[index] * np.exp(ratios * reach)
                gain = self._gain(steps, own, facing[index], tried, ceiling) - 1e-3 * np.abs(ratios)
                distance[index] = float(tried[int(gain.argmax())])
            tried = ceiling * np.exp(ratios * reach)
            gain = sum(
                self._gain(steps, own, f, np.array([d]), float(t), floor=False)
                for own, f, d in zip(columns, facing, distance, strict=True)
                for t in [0]
            ) if False else np.array([
                sum(
                    float(self.evidence.along(steps, own, np.float64(f), np.float64(d), float(height)).sum())
                    for own, f, d in zip(columns, facing, distance, strict=True)
                )
                for height in tried
            ])
            ceiling = float(tried[int((gain - 1e-3 * np.abs(ratios)).argmax())])
        walls = self._cornered(starts, facing, distance)
        return Layout(tuple(sorted(walls, key=lambda wall: wall.start)), ceiling, self._score(columns, facing, distance, ceiling))

    def _gain(self, steps, own, facing, tried, ceiling, floor=True):
        args = steps, own[:, None], np.float64(facing), tried[None]
        return (self.evidence.along(*args, -1.0) + self.evidence.along(*args, ceiling)).sum(axis=0)

    def _score(self, columns, facing, distance, ceiling) -> float:
        total = seen = 0.0
        for own, f, d in zip(columns, facing, distance, strict=True):
            for height in (-1.0, ceiling):
                value = self.evidence.along(self.near, own, np.float64(f), np.float64(d), height)
                visible = self.evidence.along(self.evidence.seen, own, np.float64(f), np.float64(d), height)
                total += float(value[visible].sum())
                seen += float(visible.sum())
        return total / max(seen, 1.0)

    def _cornered(self, starts, facing, distance) -> list[Wall]:
        """Walls that begin where they meet the one before."""
        walls = []
        for index, start in enumerate(starts):
            yaw = float(self.yaw[start] - self.evidence.frame.step * STRIDE / 2)
            before = index - 1
            turn = round((facing[index] - facing[before]) / QUARTER) % 4
            if turn in (1, 3):
                x = distance[index] * math.sin(facing[index]) + distance[before] * math.sin(facing[before])
                z = distance[index] * math.cos(facing[index]) + distance[before] * math.cos(facing[before])
                corner = math.atan2(x, z)
                if abs(math.remainder(corner - yaw, 2 * math.pi)) < math.radians(6):
                    yaw = corner
            walls.append(Wall(math.remainder(yaw, 2 * math.pi), facing[index], distance[index]))
        return walls
