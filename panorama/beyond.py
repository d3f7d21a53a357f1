"""Leaves alone what is not in front of this room's walls: things in the next room, and what is part of a wall.

A network tells openings (`panorama/furniture.py`): what is seen through one is left alone, whatever it is joined with.

Where the walls meet the floor is known (`panorama/walls.py`). What stands in the room covers that line. A thing that
ends above it, though it is none that hangs, stands farther away than the wall; what ends so little above it that
nothing hangs there is an open door, a fireplace or half of a radiator, and what would hang but is no kind of thing is
a door at the end of a corridor. A picture beside such things is seen through the same opening and stays with them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from panorama.edges import Edges
from panorama.furniture import CERTAIN, FURNITURE, RoomFurniture, kinds
from panorama.layout import Layout
from panorama.objects import components, solid_angle
from panorama.sphere import Frame, Region

STANDING = ("bed", "chair", "plant", "sofa", "table", "rug", "cabinet")
"""Names of what stands or lies on the floor; the others may hang."""
BEYOND = 1.15
"""How far a thing's foot would be on the floor, as a share of the wall's distance, from which it is behind the wall."""
LOW = 1.5
"""Up to here as well if it may hang and it is told what it is: it would end below a third of the camera's height."""
TOLD = 0.45
"""Mean chance of its likeliest kind from which on it is known what a thing is; pictures and screens have .6 to 1. What
ends below DOOR and is not told is part of what lies behind the wall, but says nothing about its neighbours."""
DOOR = math.radians(-5)
"""Pitch below which a door at the end of a corridor ends."""
TRUSTED = 0.5
"""Mean probability that the wall meets the floor where the layout has it, from which on the layout counts there."""
STRAY = math.radians(0.5)
"""Width of what may hang lower than a thing's foot: stains of its outline. A plant stands on a narrow pot."""
DOORWAY = math.radians(5)
"""What hangs no farther than this from something behind the wall is seen through the same opening."""
LEVEL = math.radians(-1)
"""Pitch above which nothing stands on the floor."""

OPEN, AJAR = 0.5, 0.2
"""Chance of showing what lies beyond the walls that some direction in every opening has, and the others at least."""
FULL = 0.67
"""Share of an opening that is things at most: one sees walls and floor through it as well, but not in a mirror."""
SILL, TRACE = 0.36, 0.04
"""Camera heights above the floor below which hardly a window ends: what is open down to there is so down to the floor,
unless a bed stands before it, where not even a trace of chance is left."""
OPENING, LEFT = math.radians(4), math.radians(2)
"""How wide what is seen through an opening must be to be cut off; what is left narrower than LEFT beside the cut is its
outline."""

Thing = tuple[Region, np.ndarray, float]
"""Where it is, its texels (bool), and how far its foot would be; 0: not known."""


def in_the_room(
    frame: Frame, picture: np.ndarray, odds: np.ndarray, room: RoomFurniture, layout: Layout | None
) -> NDArray[np.float32]:
    """Log odds (HxW) without what is behind the walls or part of them; as they are where no layout can be trusted.

    Args:
        frame: of the picture, the whole sphere.
        picture: HxWx3 uint8.
        odds: of furniture, above -CERTAIN on things only (`panorama.certain`).
        room: what the network says of the same picture.
        layout: of the room, as found without what is furniture; None: not known.

    Raises:
        ModelError: the layout's weights are missing or damaged.
    """
    left = _without(frame, odds.astype(np.float32), openings(frame, room.beyond(), odds > -CERTAIN, layout))
    marks = left > -CERTAIN
    if layout is None or not marks.any():
        return left
    yaw = frame.yaw(np.arange(frame.width))
    away, foot, edges = layout.away(yaw), layout.foot(yaw), Edges(frame, picture, marks)
    sure = edges.of(edges.mass, -1.0, yaw, np.arctan2(foot, away))
    wall = away / -foot  # how far what stands at its foot seems to be
    stands = room.share(_channels(STANDING))
    behind, before, untold = [], [], []
    for region, own in components(marks, frame):
        standing = frame.cut(stands, region)[own].mean() >= 0.5
        columns = np.arange(region.left, region.right) % frame.width
        end = _foot(frame, region, own, wall[columns]) if sure[columns].mean() >= TRUSTED else 0.0
        if BEYOND < end < (math.inf if standing else LOW):
            behind.append((region, own, end))
        elif end > BEYOND and _ends_low(frame, region) and not _is_told(frame, region, own, room):
            untold.append((region, own, end))
        else:
            before.append((region, own, end))
    for region, own, _ in behind + untold + _seen_through(frame, behind, before):
        frame.put(left, region, np.where(own, np.float32(-CERTAIN), frame.cut(left, region)))
    return left


def openings(
    frame: Frame, chance: np.ndarray, things: np.ndarray, layout: Layout | None
) -> NDArray[np.bool_]:
    """Where the room is open (HxW), down to the floor where it is open nearly so far.

    Args:
        frame: the whole sphere.
        chance: HxW, that a direction shows what lies beyond the walls.
        things: HxW bool, what was found.
        layout: of the room; None: not known.
    """
    found = np.zeros(chance.shape, bool)
    for region, own in components(chance >= AJAR, frame):
        sure = own & (frame.cut(chance, region) >= OPEN)
        full = solid_angle(sure & frame.cut(things, region), region, frame)
        if full < FULL * solid_angle(sure, region, frame):
            frame.put(found, region, frame.cut(found, region) | own)
    if layout is None:
        return found
    yaw, rows = frame.yaw(np.arange(frame.width)), np.arange(frame.height)[:, None]
    away, foot = layout.away(yaw), layout.foot(yaw)
    some = found.any(axis=0)
    end = np.where(some, frame.height - 1 - found[::-1].argmax(axis=0), 0)
    low = np.tan(frame.pitch(end)) * away - foot < SILL
    down = (rows > end) & (np.tan(np.minimum(frame.pitch(rows), 0)) * away > foot)
    likely = (chance * down).sum(axis=0) >= TRACE * down.sum(axis=0)
    return found | (down & low & likely & some)


def _without(frame: Frame, odds: NDArray[np.float32], opened: np.ndarray) -> NDArray[np.float32]:
    """Log odds without what is seen through openings (HxW bool)."""
    left = odds.copy()
    for region, own in components(odds > -CERTAIN, frame):
        through = own & frame.cut(opened, region)
        if 2 * solid_angle(through, region, frame) > solid_angle(own, region, frame):
            gone = own
        elif _broad(through, OPENING / frame.step).any():
            gone = through | _rim(own & ~through, through, LEFT / frame.step)
        else:
            continue
        frame.put(left, region, np.where(gone, np.float32(-CERTAIN), frame.cut(left, region)))
    return left


def _broad(marks: np.ndarray, least: float) -> NDArray[np.bool_]:
    """What of marks is at least about so many texels wide and high."""
    square = np.ones((max(round(least), 1) | 1,) * 2, np.uint8)
    wide = cv2.morphologyEx(
        marks.view(np.uint8), cv2.MORPH_OPEN, square, borderType=cv2.BORDER_CONSTANT, borderValue=(0.0,)
    )
    return wide > 0


def _rim(rest: np.ndarray, through: np.ndarray, least: float) -> NDArray[np.bool_]:
    """What of the rest is narrower than so many texels, beside what is cut off."""
    square = np.ones((2 * max(round(least), 1) + 1,) * 2, np.uint8)
    return rest & ~_broad(rest, least) & (cv2.dilate(through.view(np.uint8), square) > 0)


def _ends_low(frame: Frame, region: Region) -> bool:
    """Whether something ends as low as a door."""
    return bool(frame.pitch(np.array([region.bottom - 1]))[0] < DOOR)


def _is_told(frame: Frame, region: Region, own: np.ndarray, room: RoomFurniture) -> bool:
    """Whether it is known what kind of thing something is."""
    shares = (room.share(channels) for name, channels in kinds().items() if name != FURNITURE)
    return any(frame.cut(share, region)[own].mean() >= TOLD for share in shares)


def _seen_through(frame: Frame, behind: list[Thing], before: list[Thing]) -> list[Thing]:
    """Those things that hang, as it seems, beside one behind the wall."""
    if not behind:
        return []
    marks = np.zeros((frame.height, frame.width), bool)
    for region, own, _ in behind:
        frame.put(marks, region, frame.cut(marks, region) | own)
    near = frame.distance(marks, Region(0, 0, frame.width, frame.height), DOORWAY) < DOORWAY
    return [thing for thing in before if thing[2] > BEYOND and (frame.cut(near, thing[0]) & thing[1]).any()]


def _channels(names: Iterable[str]) -> tuple[int, ...]:
    """The network's channels for names, as far as it knows them."""
    known = kinds()
    return tuple(channel for name in names for channel in known.get(name, ()))


def _foot(frame: Frame, region: Region, own: np.ndarray, wall: np.ndarray) -> float:
    """How far the lower end of a thing is if it lies on the floor, as a share of the wall's distance (per column)."""
    lowest = region.bottom - 1 - own[::-1].argmax(axis=0)
    away = 1 / np.tan(np.maximum(-frame.pitch(lowest), -LEVEL))
    feet = np.sort((away / wall)[own.any(axis=0)])
    return float(feet[min(round(STRAY / frame.step), len(feet) - 1)])
