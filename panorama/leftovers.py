"""Adds what sticks out of found things: a cable, a bracket, the rim of a mirror, a figurine on top of a shelf.

Networks see a panorama small, and what they miss hangs in the air when the rest is gone. But where the wall round a
thing is plain, whatever is not wall can be told from it: it differs from the colour that prevails round it, taken as
the mean of what is not far from the mean (sigma clipping). Of that, small pieces belong to a thing that they touch, or
stand on with something between that looks like the wall. What runs on (skirtings, frames of doors, corners of the
room) is too long to be a piece of a thing, and a switch beside a bed touches nothing.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from panorama.sphere import Frame

ROUND = (math.radians(3), math.radians(8))
"""Standard deviations of the weights round a texel that its surroundings' colour is taken with. Narrow ones follow the
light on the wall, but what is wide is most of its own surroundings."""
CELL, ROUNDS = 4, 3
"""Texels: a side of the cells that this colour is worked out on; how often what differs is left out of it."""
DIFFERS, SPREADS = 9.0, 2.2
"""Lab distance from which a texel is not its surroundings, and the least number of their standard deviations: parquet
and wallpaper differ from themselves."""
HUES = np.array([0.7, 1.3, 1.3], np.float32)
"""Weights of lightness and the two hues in that distance: a shadow on the wall is wall."""
ODD = 20.0
"""Largest distance that counts in full for the spread."""
SEEN = 0.02
"""Share of a texel's surroundings that must be in sight."""
REACH, MOST = math.radians(11), 0.08
"""How far from a thing its pieces may end, and steradians of the largest one."""
ABOVE, BESIDE, BELOW = math.radians(1.6), math.radians(0.35), math.radians(1.3)
"""Gaps between a thing and what stands on it, touches it, hangs from it."""
CORD, DROP = math.radians(1), math.radians(3.5)
"""Width up to which something upright may be a cord, and how far below what it hangs from it may first be seen; what is
missing of it is bridged over twice as much."""
BESIDE_LINE, ALONG_LINE, LINE = math.radians(0.55), math.radians(1.9), 3.2
"""A line that runs up a wall differs, on average over so much of its length, from what lies so far to its left and to
its right by so much more than these do from each other (Lab): grain does not, a faint cord on a bright wall does."""
LEAST_COLUMNS = 512
"""Of the sphere, with which pieces can be told."""
PIECES = 3
"""Pieces that may hang on each other."""
STEEPEST = math.radians(60)
"""Pitch beyond which columns are too narrow to be compared with others."""


def leftovers(frame: Frame, picture: np.ndarray, found: np.ndarray, others: np.ndarray) -> NDArray[np.bool_]:
    """What belongs to found things and was not found, with the gaps between.

    Args:
        frame: of the picture, the whole sphere.
        picture: HxWx3 uint8.
        found: HxW bool, the things.
        others: HxW bool, what is something else for certain; neither wall nor a piece.

    Returns:
        HxW bool; nothing of `found` and `others`.
    """
    if not found.any() or frame.full_width < LEAST_COLUMNS:
        return np.zeros_like(found)
    edge = min(math.ceil(2 * REACH / frame.step), frame.width)
    wide, things, known = (_wider(array, edge) for array in (picture, found, found | others))
    lab = cv2.cvtColor(wide.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) * HUES
    level = (np.abs(frame.pitch(np.arange(frame.height))) < STEEPEST)[:, None] & ~known
    pieces, cords = _pieces(frame, level & _differs(lab, known, frame.step), things)
    cords = cords | _spanning(frame, level & _lines(lab, frame.step), things | pieces)
    found = pieces | _gaps(frame, things, pieces) | _run(frame, things, cords)
    return (found & ~known)[:, edge:-edge]


def _wider(array: np.ndarray, edge: int) -> np.ndarray:
    """An array of the sphere, continued past both its ends."""
    return np.pad(array, ((0, 0), (edge, edge), *[(0, 0)] * (array.ndim - 2)), mode="wrap")


def _areas(frame: Frame, labels: np.ndarray, count: int) -> NDArray[np.float64]:
    """Steradians of the texels of each label."""
    row = np.cos(frame.pitch(np.arange(frame.height))) * frame.step * frame.row_step
    return np.bincount(labels.ravel(), np.repeat(row, labels.shape[1]), count).astype(np.float64)


def _differs(lab: np.ndarray, known: np.ndarray, step: float) -> NDArray[np.bool_]:
    """What differs from its surroundings, near or far, gaps of a texel closed."""
    narrow, broad = (_odd(lab, known, angle / step / CELL) for angle in ROUND)
    odd = narrow | broad
    return cv2.morphologyEx(odd.view(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0


def _lines(lab: np.ndarray, step: float) -> NDArray[np.bool_]:
    """Thin upright lines: above and below each of their texels alike, or a screw would be one."""
    reach, half = max(round(BESIDE_LINE / step), 1), max(round(ALONG_LINE / step / 2), 1)
    even = cv2.blur(lab, (1, half), borderType=cv2.BORDER_REPLICATE)
    left, right = np.roll(even, reach, axis=1), np.roll(even, -reach, axis=1)
    apart = np.minimum(*(np.linalg.norm(even - side, axis=2) for side in (left, right)))
    alike = np.sum((even - left) * (even - right), axis=2) > 0
    strength = np.where(alike, apart - np.linalg.norm(left - right, axis=2), 0)
    away = -(-half // 2)
    above, below = np.roll(strength, away, axis=0), np.roll(strength, -away, axis=0)
    return np.minimum(above, below) > LINE


def _spanning(frame: Frame, lines: np.ndarray, things: np.ndarray) -> NDArray[np.bool_]:
    """Those lines that run down from one thing to another: any other may be a fold or a joint."""
    drop = max(round(DROP / frame.step), 1)
    kernel = np.ones((2 * (drop // 2) + 1, 3), np.uint8)
    whole = cv2.morphologyEx(lines.view(np.uint8), cv2.MORPH_CLOSE, kernel)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(whole, connectivity=8)
    broad = cv2.morphologyEx(things.view(np.uint8), cv2.MORPH_OPEN, _square(CORD / frame.step))
    _, which = cv2.connectedComponents(broad, connectivity=8)  # what only cords join are two things
    own = _is_cord(frame, stats)
    own[0] = False
    for number in np.flatnonzero(own):
        left, top, wide, high = stats[number, :4].tolist()
        columns = slice(max(left - 1, 0), left + wide + 1)
        above, below = which[max(top - 2 * drop, 0) : top, columns], which[top + high :, columns][: 2 * drop]
        own[number] = above.any() and below.any() and not np.isin(above[above > 0], below).any()
    return own[labels.astype(np.intp)]


def _square(side: float) -> NDArray[np.uint8]:
    """A kernel, its side the next odd number of texels."""
    return np.ones((2 * math.ceil(side / 2) + 1,) * 2, np.uint8)


def _is_cord(frame: Frame, stats: np.ndarray) -> NDArray[np.bool_]:
    """Which components are narrow and much higher than wide."""
    wide, high = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    return (wide <= max(CORD / frame.step, 2)) & (high >= 3 * wide)


def _run(frame: Frame, things: np.ndarray, cords: np.ndarray) -> NDArray[np.bool_]:
    """Cords as far as they run: what lies above and below the pieces that are seen, up to the things at both ends."""
    upright = 2 * max(round(DROP / frame.step), 1) + 1
    whole = cv2.morphologyEx(
        (things | cords).view(np.uint8), cv2.MORPH_CLOSE, np.ones((upright, 1), np.uint8)
    )
    return (whole > 0) & (cv2.dilate(cords.view(np.uint8), np.ones((2 * upright + 1, 3), np.uint8)) > 0)


def _gaps(frame: Frame, things: np.ndarray, pieces: np.ndarray) -> NDArray[np.bool_]:
    """What lies between pieces and what they stand on or touch; other notches of a thing's outline are its own."""
    upright, across = (2 * max(round(angle / frame.step), 1) + 1 for angle in (ABOVE, BESIDE))
    whole = (things | pieces).view(np.uint8)
    for size in ((upright, 1), (1, across)):
        whole = cv2.morphologyEx(whole, cv2.MORPH_CLOSE, np.ones(size, np.uint8))
    beside = cv2.dilate(pieces.view(np.uint8), np.ones((upright, across), np.uint8))
    return (whole > 0) & (beside > 0)


def _odd(lab: np.ndarray, known: np.ndarray, blur: float) -> NDArray[np.bool_]:
    """Texels (HxW) that differ from what surrounds them within some cells."""
    margin = np.ones((5, 5), np.uint8)  # a thing's outline is neither
    outside = (cv2.dilate(known.view(np.uint8), margin) == 0).astype(np.float32)
    size = known.shape[1], known.shape[0]
    cells = max(size[0] // CELL, 1), max(size[1] // CELL, 1)

    def total(values: np.ndarray) -> np.ndarray:
        small = cv2.resize(values, cells, interpolation=cv2.INTER_AREA)
        return cv2.resize(cv2.GaussianBlur(small, (0, 0), blur), size, interpolation=cv2.INTER_LINEAR)

    plain, differs, share = outside, known, outside
    for _ in range(ROUNDS):
        share = np.maximum(total(plain), np.float32(1e-4))
        away = np.linalg.norm(lab - total(lab * plain[..., None]) / share[..., None], axis=2)
        spread = np.sqrt(total(np.minimum(away, ODD) ** 2 * plain) / share)
        differs = away > np.maximum(DIFFERS, SPREADS * spread)
        plain = outside * ~differs
    return differs & (share > SEEN)


def _pieces(frame: Frame, odd: np.ndarray, things: np.ndarray) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Those small connected parts that touch things, or other such pieces; and those of them that are cords."""
    count, marked, stats, _ = cv2.connectedComponentsWithStats(odd.view(np.uint8), connectivity=8)
    labels = marked.astype(np.intp)
    away = cv2.distanceTransform((~things).view(np.uint8), cv2.DIST_L2, 5) * frame.step
    area = _areas(frame, labels, count)
    ends = np.zeros(count, np.float32)
    np.maximum.at(ends, labels[odd], away[odd])
    small = (area <= MOST) & (ends <= REACH)
    # what is no piece, and what runs on beyond the part of the sphere that is repeated
    small[np.unique(np.concatenate([[0], labels[:, 0], labels[:, -1]]))] = False
    above, beside, below = (max(round(angle / frame.step), 1) for angle in (ABOVE, BESIDE, BELOW))
    near = np.ones((above + below + 1, 2 * beside + 1), np.uint8)
    cords = small & _is_cord(frame, stats)
    drop = max(round(DROP / frame.step), 1)
    own, pieces = np.zeros(count, bool), np.zeros_like(things)
    for _ in range(PIECES):
        # the anchor is the kernel's cell that lies on the result: things reach `above` up and `below` down
        whole = (things | pieces).view(np.uint8)
        touched = cv2.dilate(whole, near, anchor=(beside, below)) > 0
        under = cv2.dilate(whole, np.ones((drop + 1, 1), np.uint8), anchor=(0, drop)) > 0
        touches, hangs = (np.bincount(labels.ravel(), marks.ravel(), count) > 0 for marks in (touched, under))
        own = (small & touches) | (cords & hangs)
        pieces = own[labels]
    return pieces, (own & cords)[labels]
