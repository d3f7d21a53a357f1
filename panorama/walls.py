"""Finds the room that a panorama shows: which wall stands in which column, how far, and how high the ceiling is.

Walls face one of four directions (Coughlan & Yuille, "Manhattan World", ICCV 1999). Each column's wall is found by
dynamic programming round the circle (Viterbi; Flint et al., "A Dynamic Programming Approach to Reconstructing Building
Interiors", ECCV 2010): corners where two walls meet cost little, a wall that ends in front of another costs more.
"""

from __future__ import annotations

import math

import numpy as np

from panorama.evidence import GRAZING, STRIDE, Evidence
from panorama.layout import Layout, Wall
from panorama.sphere import Frame

NEAREST, FARTHEST, DISTANCES = 0.35, 9.0, 72
"""Distances of walls, in camera heights."""
LOWEST, HIGHEST, HEIGHTS = 0.4, 1.9, 18
"""Heights of the ceiling above the camera, in camera heights."""
CORNER, OUTER, JUMP = 4.0, 6.0, 12.0
"""Cost of an inner corner, of an outer one, and of a wall that ends in front of another; in columns of evidence."""
UNSEEN = -3.0
"""Evidence for a wall in a column that cannot show it."""
TRUSTED = 0.5
"""Mean evidence from which on a layout is used."""
RATIOS = np.linspace(-0.07, 0.07, 29)
"""By which distances are varied in the last, exact search."""
LEAST_CHANGE = 1e-3
"""Evidence that a change of a distance must gain."""
SHIFT = math.radians(6)
"""How far a corner may lie from the column where the search has it."""
QUARTER = math.pi / 2


def room_layout(frame: Frame, picture: np.ndarray, hole: np.ndarray, room: float | None) -> Layout | None:
    """The layout of the room, or None if the picture shows no room that can be trusted.

    Args:
        frame: of the panorama; a cropped one has no layout.
        picture: HxW or HxWxC samples.
        hole: bool at any scale, what must not be looked at.
        room: yaw of one wall's normal (`axes.room_yaw`).
    """
    if room is None or not (frame.wraps and frame.has_nadir and frame.has_zenith):
        return None
    found = _Search(Evidence(frame, picture, hole), room).best()
    return found if found.score >= TRUSTED else None


class _Search:
    """Looks for the walls that the evidence speaks for."""

    def __init__(self, evidence: Evidence, room: float) -> None:
        self.evidence = evidence
        self.columns = np.arange(STRIDE // 2, evidence.frame.width, STRIDE)
        self.yaw = evidence.yaw[self.columns]
        self.distances = np.geomspace(NEAREST, FARTHEST, DISTANCES)
        self.facings = room + QUARTER * np.arange(4)
        cosine = np.cos(self.yaw[:, None] - self.facings)  # columns x 4
        self.open = cosine > GRAZING
        self.away = self.distances / np.maximum(cosine, GRAZING)[..., None]  # columns x 4 x distances

    def best(self) -> Layout:
        """The layout with most evidence."""
        heights = np.geomspace(LOWEST, HIGHEST, HEIGHTS)
        where = self.columns[:, None, None]
        floor = self.evidence.of_edges(-1.0, self.away, where)
        unary = np.stack([floor + self.evidence.of_edges(float(h), self.away, where) for h in heights])
        unary[:, ~self.open] = UNSEEN
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
        value = np.zeros((many, states))
        back = np.empty((2 * count, many, states), np.int16)
        for step in range(2 * count):
            best = value.argmax(axis=1)[:, None]
            jumped = np.take_along_axis(value, best, axis=1) - JUMP
            came = np.where(jumped > value, best, np.arange(states))
            found = np.maximum(value, jumped)
            for turn, price in ((1, CORNER), (-1, OUTER)):
                source = self._meeting(step % count, turn)
                met = np.where(source >= 0, value[:, source] - price, -np.inf)
                came = np.where(met > found, source, came)
                found = np.maximum(found, met)
            back[step] = came
            value = found + unary[:, step % count]
        which = int(value.max(axis=1).argmax())
        path = np.empty(2 * count, np.int64)
        path[-1] = int(value[which].argmax())
        for step in range(2 * count - 1, 0, -1):
            path[step - 1] = back[step, which, path[step]]
        start = count // 2  # away from both ends, where nothing came before or after
        return which, np.roll(path[start : start + count], start)

    def _meeting(self, column: int, turn: int) -> np.ndarray:
        """For every state of a column the state before it that meets it there in a corner; -1: none."""
        found = np.full((4, DISTANCES), -1)
        scale = (DISTANCES - 1) / math.log(FARTHEST / NEAREST)
        for facing in range(4):
            other = (facing - turn) % 4
            if not (self.open[column, facing] and self.open[column, other]):
                continue
            cosine = math.cos(self.yaw[column] - self.facings[other])
            index = np.rint(np.log(self.away[column, facing] * cosine / NEAREST) * scale).astype(int)
            inside = (index >= 0) & (index < DISTANCES)
            found[facing, inside] = other * DISTANCES + index[inside]
        return found.reshape(-1)

    def _refined(self, path: np.ndarray, ceiling: float) -> Layout:
        """Distances and height to the pixel, and corners where walls meet."""
        starts = np.flatnonzero(path != np.roll(path, 1))
        if len(starts) == 0:
            starts = np.array([0])
        ends = np.roll(starts, -1).tolist()
        spans = [self._columns_of(start, end) for start, end in zip(starts.tolist(), ends, strict=True)]
        facings = [float(self.facings[path[start] // DISTANCES]) for start in starts]
        distances = [float(self.distances[path[start] % DISTANCES]) for start in starts]
        evidence = self.evidence
        for steps, reach in ((evidence.coarse, 1.0), (evidence.fine, 0.6), (evidence.fine, 0.3)):
            tried = np.exp(RATIOS * reach)
            for index, (own, facing) in enumerate(zip(spans, facings, strict=True)):
                options = distances[index] * tried
                gain = sum(
                    evidence.along(steps, own[:, None], facing, options[None], height).sum(axis=0)
                    for height in (-1.0, ceiling)
                )
                distances[index] = float(options[int(np.argmax(gain - LEAST_CHANGE * np.abs(RATIOS)))])
            gains = [
                sum(
                    float(evidence.along(steps, own, facing, distance, ceiling * ratio).sum())
                    for own, facing, distance in zip(spans, facings, distances, strict=True)
                )
                for ratio in tried.tolist()
            ]
            ceiling *= float(tried[int(np.argmax(gains - LEAST_CHANGE * np.abs(RATIOS)))])
        walls = self._cornered(starts, facings, distances)
        score = self._score(spans, facings, distances, ceiling)
        return Layout(tuple(sorted(walls, key=lambda wall: wall.start)), ceiling, score)

    def _columns_of(self, start: int, end: int) -> np.ndarray:
        """Columns of the picture from one column of the search to before another; round the circle."""
        width = self.evidence.frame.width
        return np.arange(start * STRIDE, (end if end > start else end + len(self.yaw)) * STRIDE) % width

    def _score(
        self, spans: list[np.ndarray], facings: list[float], distances: list[float], ceiling: float
    ) -> float:
        """Mean evidence of the edges that are seen."""
        total = seen = 0.0
        for own, facing, distance in zip(spans, facings, distances, strict=True):
            for height in (-1.0, ceiling):
                value, visible = (
                    self.evidence.along(plane, own, facing, distance, height)
                    for plane in (self.evidence.near, self.evidence.seen)
                )
                total += float(value[visible].sum())
                seen += float(visible.sum())
        return total / max(seen, 1.0)

    def _cornered(self, starts: np.ndarray, facings: list[float], distances: list[float]) -> list[Wall]:
        """Walls that begin where they meet the one before."""
        walls = []
        for index, start in enumerate(starts):
            yaw = float(self.yaw[start]) - self.evidence.frame.step * STRIDE / 2
            before = index - 1
            if round((facings[index] - facings[before]) / QUARTER) % 2:
                x, z = (
                    distances[index] * turn(facings[index]) + distances[before] * turn(facings[before])
                    for turn in (math.sin, math.cos)
                )
                corner = math.atan2(x, z)
                if abs(math.remainder(corner - yaw, 2 * math.pi)) < SHIFT:
                    yaw = corner
            walls.append(Wall(math.remainder(yaw, 2 * math.pi), facings[index], distances[index]))
        return walls
