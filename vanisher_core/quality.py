"""How good is a fill? Three ratios, a verdict, and a comparison for falling back.

Users of erasers ask for exactly this: to be told when a fill came out blurred (RIVALS idea 5). No
reference-free score ranks honest fills reliably (ReMOVE and others change sign between RORD and
RemovalBench), so these scores only separate spoiled fills from honest ones, and `better` answers only when
the difference is plain.

All scores are about 1 for a fill that looks like its surroundings:

- ``sharpness``: share of fine detail in the gradients of the fill over the same in the ring round it; blur
  lowers it.
- ``seam``: gradient jump across the rim of the hole over that across parallel lines beside it; a step
  raises it.
- ``residue``: gradient energy along the erased object's outline over that along parallel lines; a ghost
  raises it.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import cv2
import numpy as np

from vanisher_core.window import bounding_box

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Rec. 709 weights."""
FLOOR = 0.5 / 255
"""Gradients below half an 8-bit code are noise; added to both sides of a ratio."""
SHARPNESS_MIN, SEAM_MAX, RESIDUE_MAX = 0.5, 1.6, 1.6
"""Limits of the verdict."""


@dataclass(frozen=True)
class Scores:
    """Scores of one fill; 1 = like its surroundings."""

    sharpness: float
    seam: float
    residue: float

    def as_dict(self) -> dict[str, float]:
        """Plain numbers, four decimals, for receipts and JSON."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Verdict:
    """Whether a fill is acceptable, and what is wrong with it."""

    ok: bool
    reasons: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """For receipts and JSON."""
        return {"ok": self.ok, "reasons": list(self.reasons)}


def score(rgb: np.ndarray, fill: np.ndarray, hole: np.ndarray, core: np.ndarray) -> Scores:
    """Score a fill against its own surroundings.

    Args:
        rgb: HxWx3 float32 in [0, 1]; its values inside the hole are not looked at.
        fill: HxWx3 float32 in [0, 1]; only its values inside the hole are looked at.
        hole: bool HxW, what was filled (grown).
        core: bool HxW, the mask before growing: the erased object.

    Returns:
        `Scores`, all finite; 1.0 where nothing can be measured (no hole, nothing known).
    """
    box = bounding_box(np.ascontiguousarray(hole).view(np.uint8))
    if box.area == 0:
        return Scores(1.0, 1.0, 1.0)
    reach = max(16, math.ceil(math.sqrt(box.area) / 2))
    crop = box.expanded(reach).clipped((hole.shape[1], hole.shape[0])).slices
    hole, core = hole[crop], core[crop]
    luma = np.where(hole, fill[crop] @ LUMA, rgb[crop] @ LUMA)
    ring = ~hole & (cv2.dilate(hole.view(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0)
    return Scores(
        sharpness=_sharpness(luma, hole, ring), seam=_line_ratio(luma, hole), residue=_line_ratio(luma, core)
    )


def verdict(scores: Scores) -> Verdict:
    """Whether the scores pass, with a sentence for each that does not."""
    reasons = []
    if scores.sharpness < SHARPNESS_MIN:
        reasons.append(
            f"blurred: {scores.sharpness:.2f} of its surroundings' sharpness (at least {SHARPNESS_MIN})"
        )
    if scores.seam > SEAM_MAX:
        reasons.append(
            f"a seam shows: {scores.seam:.2f} times the normal step at the rim (at most {SEAM_MAX})"
        )
    if scores.residue > RESIDUE_MAX:
        reasons.append(
            f"the object's outline shows: {scores.residue:.2f} times the normal step (at most {RESIDUE_MAX})"
        )
    return Verdict(ok=not reasons, reasons=tuple(reasons))


def badness(scores: Scores) -> float:
    """One number, 0 = no complaint; sums how far each score lies on its bad side, in doublings."""
    return (
        max(0.0, -math.log2(max(scores.sharpness, 1e-3)))
        + max(0.0, math.log2(max(scores.seam, 1e-3)))
        + max(0.0, math.log2(max(scores.residue, 1e-3)))
    )


def better(a: Scores, b: Scores, margin: float = 0.5) -> bool:
    """Whether `a` is clearly better than `b`, which fails its verdict, by `badness`."""
    return not verdict(b).ok and badness(a) + margin < badness(b)


def _sharpness(luma: np.ndarray, hole: np.ndarray, ring: np.ndarray) -> float:
    inner = cv2.erode(hole.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    inner = inner if inner.any() else hole
    if not ring.any():
        return 1.0
    fine, coarse = _gradient(luma), _gradient(cv2.GaussianBlur(luma, (0, 0), 1.5))
    inside = (fine[inner].mean() + FLOOR) / (coarse[inner].mean() + FLOOR)
    outside = (fine[ring].mean() + FLOOR) / (coarse[ring].mean() + FLOOR)
    return float(inside / outside)


def _gradient(luma: np.ndarray) -> np.ndarray:
    across = np.abs(np.diff(luma, axis=1, append=luma[:, -1:]))
    down = np.abs(np.diff(luma, axis=0, append=luma[-1:]))
    return across + down


def _line_ratio(luma: np.ndarray, inside: np.ndarray) -> float:
    """Mean step across the outline of `inside` over that across parallel outlines 2 to 4 px beside it."""
    marks = np.ascontiguousarray(inside).view(np.uint8)
    own = _step(luma, marks)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    beside = [_step(luma, cv2.erode(marks, kernel, iterations=n)) for n in (2, 3, 4)]
    beside += [_step(luma, cv2.dilate(marks, kernel, iterations=n)) for n in (2, 3, 4)]
    found = [value for value in beside if value is not None]
    if own is None or not found:
        return 1.0
    return float((own + FLOOR) / (np.mean(found) + FLOOR))


def _step(luma: np.ndarray, marks: np.ndarray) -> float | None:
    """Mean absolute difference of neighbours on two sides of an outline; None where there is no outline."""
    right, down = marks[:, 1:] != marks[:, :-1], marks[1:] != marks[:-1]
    count = int(right.sum()) + int(down.sum())
    if count == 0:
        return None
    total = np.abs(np.diff(luma, axis=1))[right].sum() + np.abs(np.diff(luma, axis=0))[down].sum()
    return float(total / count)
