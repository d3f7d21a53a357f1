"""What can be labelled by eye, and how a draft is corrected: `training/label.py` reads and shows it.

A label is an array of class indices. An edit drops parts of the draft, gives them another kind, or paints a polygon;
edits are carried out in order. Parts too small to be numbered are unknown, and so is what lies along a polygon's
outline: hands are not that exact.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from panorama.rooms import classes as rendered
from training.data.room_furniture import BEYOND, UNKNOWN
from vanisher_core.errors import UsageError

KINDS = {name: index for index, name in enumerate(rendered.CLASSES) if index != rendered.TRIPOD} | {
    "unknown": UNKNOWN,
    "beyond": BEYOND,
}
"""Names of what can be labelled, and their indices."""
FAR = 8192
"""Pixels of the sheet; no corner is farther off."""


class Canvas(NamedTuple):
    """How labels of one sort are painted."""

    scale: int
    """Pixels of the sheet, which edits give corners in, for one texel of the label."""
    wraps: bool
    """Whether left and right are one."""
    outline: int
    """Texels that a polygon's unknown outline is wide."""
    least: int
    """Texels of the smallest part that gets a number."""


PANORAMA, PHOTOGRAPH = Canvas(2, True, 3, 40), Canvas(3, False, 1, 20)


def parts(labels: NDArray[np.uint8], canvas: Canvas) -> tuple[NDArray[np.int32], list[int]]:
    """Connected texels of one class, numbered from 1 (0: too small, or none), and the class of each number."""
    numbers, kinds = np.zeros(labels.shape, np.int32), []
    for kind in np.unique(labels[(labels > 0) & (labels != UNKNOWN)]).tolist():
        count, own, stats, _ = cv2.connectedComponentsWithStats((labels == kind).astype(np.uint8))
        for index in range(1, count):
            if stats[index, cv2.CC_STAT_AREA] >= canvas.least:
                kinds.append(kind)
                numbers[own == index] = len(kinds)
    return numbers, kinds


def drawn(draft: NDArray[np.uint8], edits: object, canvas: Canvas) -> NDArray[np.uint8]:
    """A draft after edits (see `training/label.py`).

    Raises:
        UsageError: the edits are no list, or one is none of the three, or names no part or kind.
    """
    if not isinstance(edits, list):
        raise UsageError("edits are a list: [] leaves the draft as it is")
    labels, (numbers, kinds) = draft.copy(), parts(draft, canvas)
    labels[(numbers == 0) & (labels > 0)] = UNKNOWN
    for edit in edits:
        match edit:
            case {"drop": [*which], **others} if not others and all(_is_part(one, kinds) for one in which):
                labels[np.isin(numbers, which)] = 0
            case {"kind": [number, str(kind)], **others} if (
                not others and _is_part(number, kinds) and kind in KINDS
            ):
                labels[numbers == number] = KINDS[kind]
            case {"polygon": [*corners], "kind": str(kind), **others} if not others and kind in KINDS:
                _paint(labels, _corners(corners, canvas), KINDS[kind], canvas)
            case _:
                choice = f"parts are 1 to {len(kinds)}, kinds {', '.join(KINDS)}"
                raise UsageError(f"{edit} is no edit of this draft; {choice}")
    return labels


def _is_part(number: object, kinds: list[int]) -> bool:
    return isinstance(number, int) and 0 < number <= len(kinds)


def _corners(corners: list[Any], canvas: Canvas) -> np.ndarray:
    """Nx2 texels of the label.

    Raises:
        UsageError: they are no three points or more, or far outside the picture.
    """
    pairs = [one for one in corners if isinstance(one, list) and len(one) == 2]
    numbers = [
        n for pair in pairs for n in pair if isinstance(n, int | float) and math.isfinite(n) and abs(n) <= FAR
    ]
    if len(corners) < 3 or len(numbers) != 2 * len(corners):
        raise UsageError(
            f"{corners} is no polygon: give three or more [x, y] in pixels, none farther off than {FAR}"
        )
    return (np.array(numbers, np.float32).reshape(-1, 2) + 0.5) / canvas.scale - 0.5


def _paint(labels: NDArray[np.uint8], corners: np.ndarray, kind: int, canvas: Canvas) -> None:
    """Paints a polygon, round the sphere where there is one; its outline is unknown where it changes anything."""
    wide, masks = labels.shape[1], []
    for turn in (-wide, 0, wide) if canvas.wraps else (0,):
        at = np.rint(corners).astype(np.int32) + np.array([turn, 0])
        inside, rim = np.zeros_like(labels), np.zeros_like(labels)
        cv2.fillPoly(inside, [at], 1)
        cv2.polylines(rim, [at], True, 1, canvas.outline)
        if not (inside > rim).any():  # the leg of a lamp is all outline
            rim[:] = 0
        masks.append((inside > rim, rim > 0))
    for _, rim in masks:
        labels[rim & (labels != kind)] = UNKNOWN
    for inside, _ in masks:  # last: what goes round the sphere and overlaps itself has no outline there
        labels[inside] = kind
