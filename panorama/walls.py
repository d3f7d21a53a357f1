"""Finds the room that a panorama shows: which wall stands in which column, how far, and how high the ceiling is.

Walls face one of four directions (Coughlan & Yuille, "Manhattan World", ICCV 1999). Each column's wall is found by
dynamic programming round the circle (Viterbi; Flint et al., "A Dynamic Programming Approach to Reconstructing Building
Interiors", ECCV 2010): corners where two walls meet cost little, a wall that ends in front of another costs more.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from panorama.corners import meet, snapped
from panorama.edges import LEAST, Edges
from panorama.feet import standing
from panorama.layout import Layout, Wall
from panorama.sphere import Frame

NEAREST, FARTHEST, DISTANCES = 0.35, 9.0, 72
"""Distances of walls, in camera heights."""
LOWEST, HIGHEST, HEIGHTS = 0.4, 1.9, 18
"""Heights of the ceiling above the camera, in camera heights."""
COLUMNS = 256
"""Of the search, round the circle."""
GRAZING = 0.1
"""Cosine between a column and a wall's normal, below which the wall is not looked for."""
CORNER, OUTER, JUMP = 8.0, 12.0, 24.0
"""Cost of an inner corner, of an outer one, and of a wall that ends in front of another; in columns of evidence."""
SURE = 0.3
"""Weight of the network's log probabilities."""
UNSEEN = 4 * LEAST * SURE
"""Evidence for a wall in a column that cannot show it."""
TRUSTED = 0.6
"""Mean probability of the edges from which on a layout is used."""
RATIOS = np.linspace(-0.07, 0.07, 29)
"""By which distances are varied in the last, exact search."""
LEAST_CHANGE = 1e-3
"""Evidence that a change of a distance must gain."""
QUARTER = math.pi / 2
ALIKE = math.radians(3)
"""Two yaws nearer than this are one."""
TURNS = np.radians(np.linspace(-2, 2, 17))
"""By which all walls are turned together in the exact search."""


def room_layout(frame: Frame, picture: np.ndarray, hole: np.ndarray, room: float | None) -> Layout | None:
    """The layout of the room, or None if the picture shows no room that can be trusted.

    Args:
        frame: of the panorama; a cropped one has no layout.
        picture: HxW or HxWxC samples.
        hole: bool at any scale, what must not be looked at.
        room: yaw of one wall's normal by the picture's straight edges (`axes.room_yaw`); None: they do not say.
    """
    if not (frame.wraps and frame.has_nadir and frame.has_zenith):
        return None
    edges = Edges(frame, picture, hole)
    yaws = [yaw for yaw in (room, edges.yaw()) if yaw is not None]
    if len(yaws) == 2 and abs(math.remainder(yaws[1] - yaws[0], QUARTER)) < ALIKE:
        yaws = yaws[:1]
    found = max((_Search(edges, yaw).best() for yaw in yaws), key=lambda one: one.score, default=None)
    if found is None or found.score < TRUSTED:
        return None
    return standing(frame, picture, hole, snapped(frame, picture, hole, found))


class _Search:
    """Looks for the walls that the evidence speaks for."""

    def __init__(self, edges: Edges, room: float) -> None:
        self.edges = edges
        self.yaw = ((np.arange(COLUMNS) + 0.5) / COLUMNS - 0.5) * 2 * math.pi
        self.distances = np.geomspace(NEAREST, FARTHEST, DISTANCES)
        self.facings = room + QUARTER * np.arange(4)
        cosine = np.cos(self.yaw[:, None] - self.facings)  # columns x 4
        self.open = cosine > GRAZING
        self.away = self.distances / np.maximum(cosine, GRAZING)[..., None]  # columns x 4 x distances

    def best(self) -> Layout:
        """The layout with most evidence."""
        heights = np.geomspace(LOWEST, HIGHEST, HEIGHTS)
        floor, *tops = (self._gain(self.yaw[:, None, None], self.away, h) for h in (-1.0, *heights.tolist()))
        unary = np.stack([floor + top for top in tops])
        unary[:, ~self.open] = UNSEEN
        which, path = self._walk(unary.reshape(HEIGHTS, len(self.yaw), -1))
        starts = np.flatnonzero(path != np.roll(path, 1))
        starts = starts if len(starts) else np.array([0])
        facings, distances = self.facings[path[starts] // DISTANCES], self.distances[path[starts] % DISTANCES]
        return self._refined(starts, facings, distances, float(heights[which]))

    def _walk(self, unary: np.ndarray) -> tuple[int, np.ndarray]:
        """Viterbi, twice round the circle, for all heights of the ceiling at once.

        Args:
            unary: heights x columns x states (facing * DISTANCES + distance).

        Returns:
            The best height's index and its state in every column.
        """
        from panorama.viterbi import viterbi  # late: the command line's help imports this module

        count = unary.shape[1]
        meeting = np.array([[self._meeting(column, turn) for turn in (1, -1)] for column in range(count)])
        value, back = viterbi(unary, meeting, np.array([CORNER, OUTER]), JUMP)
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

    def _refined(
        self, starts: np.ndarray, facings: np.ndarray, distances: np.ndarray, ceiling: float
    ) -> Layout:
        """Distances, directions and height between those of the search, and corners where walls meet."""
        wall = (np.searchsorted(starts, np.arange(COLUMNS), side="right") - 1) % len(starts)  # of each column
        turns = TURNS[:, None]
        for reach in (1.0, 0.6, 0.3):
            ratios = np.exp(RATIOS * reach)
            loss = LEAST_CHANGE * np.abs(RATIOS)
            away = self._away(facings[wall], distances[wall])
            gains = sum(
                self._gain(self.yaw[:, None], away[:, None] * ratios, height) for height in (-1.0, ceiling)
            )
            by_wall = np.stack([np.bincount(wall, column, len(starts)) for column in np.transpose(gains)])
            distances = distances * ratios[np.argmax(by_wall - loss[:, None], axis=0)]
            away = self._away(facings[wall] + turns, distances[wall])
            gains = sum(self._gain(self.yaw, away, height).sum(axis=1) for height in (-1.0, ceiling))
            facings = facings + TURNS[np.argmax(gains - LEAST_CHANGE * np.abs(TURNS))]
            away = self._away(facings[wall], distances[wall])
            gains = [self._gain(self.yaw, away, ceiling * ratio).sum() for ratio in ratios.tolist()]
            ceiling *= float(ratios[np.argmax(gains - loss)])
        away = self._away(facings[wall], distances[wall])
        sure = [
            self.edges.of(self.edges.mass, h, self.yaw, np.arctan2(h, away)).mean() for h in (-1.0, ceiling)
        ]
        walls = self._cornered(starts, facings.tolist(), distances.tolist())
        return Layout(tuple(sorted(walls, key=lambda one: one.start)), ceiling, float(np.mean(sure)))

    def _away(self, facings: np.ndarray, distances: np.ndarray) -> np.ndarray:
        """How far walls are in the direction of each column (the last axis)."""
        return distances / np.maximum(np.cos(self.yaw - facings), GRAZING)

    def _gain(self, yaw: np.ndarray, away: np.ndarray, height: float) -> np.ndarray:
        """What speaks for walls `away` that end at a height; -1 is the floor."""
        return SURE * self.edges.of(self.edges.log, height, yaw, np.arctan2(height, away))

    def _cornered(self, starts: np.ndarray, facings: list[float], distances: list[float]) -> list[Wall]:
        """Walls that begin where they meet the one before."""
        walls = []
        for index, start in enumerate(starts):
            wall = Wall(float(self.yaw[start]) - math.pi / COLUMNS, facings[index], distances[index])
            before = Wall(wall.start, facings[index - 1], distances[index - 1])
            corner = meet(before, wall)
            yaw = wall.start if corner is None else corner
            walls.append(replace(wall, start=math.remainder(yaw, 2 * math.pi)))
        return walls
