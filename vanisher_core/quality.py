"""How good is a fill? Three ratios, a verdict, and a comparison for falling back.

Users of erasers ask to be told when a fill came out blurred. No reference-free score ranks honest fills
reliably (the ReMOVE metric changes sign between the paired sets RORD and RemovalBench), so these scores
only separate spoiled fills from honest ones, and `better` answers only when the difference is plain.

All scores are about 1 for a fill that looks like its surroundings:

- ``sharpness``: fine over coarse gradients in the fill, over the same in the ring round it; blur lowers it.
- ``seam``: gradient across the rim of the hole over that across parallel lines beside it; a step raises it.
- ``residue``: gradient across the erased object's outline over that across lines beside it; a ghost raises
  it.

Calibrated on 106 object-shaped holes (3-14 % of the picture) in validation photographs: 70 at 256 px, 36
native crops of 512 px. Area under the ROC curve, spoiled fills against the true pixels, of the score meant
for the fault (all / 256 px / native): blur by 1.5 px 0.995 / 0.999 / 0.988, mean colour 1.000, true pixels
shifted by 6 px or more 0.990 / 0.987 / 1.000, colour off by 12 codes 0.969 / 0.954 / 0.991, by 25 codes
0.998, halo along the outline 0.968 / 0.943 / 0.998, faint ghost of the object 0.987 / 0.975 / 1.000.
`badness`, which joins the scores: 0.973 over all faults together, at least 0.92 for each (at 256 px 0.89
for the small offset and 0.87 for the halo); against exemplar fills instead of true pixels 0.865 only.
Of true fills 5 % lie beyond sharpness 0.79, seam 1.25, residue 1.38; of exemplar fills 5 % beyond 0.59,
1.82, 1.39. The limits of the verdict pass 97 % of true and 89 % of exemplar fills, and 14 % of those
blurred by 1.5 px, 23 % of the shifted, 30 % of the halos and 68 % of the offsets by 12 codes. The limits
were chosen on the same holes that these figures describe.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import cv2
import numpy as np

from vanisher_core.exemplar.workers import run_bands
from vanisher_core.window import bounding_box

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Rec. 709 weights."""
FLOOR = 0.5 / 255
"""Half an 8-bit code: gradients below are noise; added to both sides of a ratio."""
RING = 12
"""Pixels, width of the known ring that sharpness is compared with (wider rings are less like the hole)."""
SCALES = (1.4, 2.8)
"""Pixels, Gaussian sigmas of the coarse gradients; the second serves soft photographs."""
LINES = 8
"""Parallel lines looked at on each side of an outline, one pixel apart."""
SHARPNESS_MIN, SEAM_MAX, RESIDUE_MAX = 0.6, 1.8, 1.5
GUIDE_SHARPNESS_MIN, GUIDE_SEAM_MAX = 0.5, 2.2
"""Limits of the verdict; see the module docstring for what they let through."""
SHARPNESS_USUAL, SEAM_USUAL, RESIDUE_USUAL = 0.79, 1.25, 1.4
"""One true fill in twenty lies beyond each: the units of `badness`."""
CLEARLY = 0.5
"""How much lower `badness` must be to count as clearly better."""


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
    if box.area == 0 or hole.all():
        return Scores(1.0, 1.0, 1.0)
    crop = box.expanded(2 * RING).clipped((hole.shape[1], hole.shape[0])).slices
    hole, core = np.ascontiguousarray(hole[crop]), np.ascontiguousarray(core[crop] & hole[crop])
    part = np.where(hole[..., None], fill[crop], rgb[crop]).astype(np.float32)
    tasks = {
        "sharpness": lambda: _sharpness(part @ LUMA, hole),
        "seam": lambda: _line_ratio(part, hole, 0, np.ones_like(hole)),
        "residue": lambda: _line_ratio(cv2.GaussianBlur(part, (0, 0), 1.0), core, 2, ~_rim(hole)),
    }
    found: dict[str, float] = {}

    def measure(name: str) -> None:
        found[name] = tasks[name]()

    run_bands(measure, list(tasks))
    return Scores(**found)


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


def misguided(scores: Scores) -> bool:
    """Whether what is wrong may lie with the guide: a blurred fill or a seam, not a residue of the object.

    A residue comes from a mask that is too tight or from texture that happens to turn there; another guide would
    not mend it, and making a second fill doubles the time.
    """
    return scores.sharpness < GUIDE_SHARPNESS_MIN or scores.seam > GUIDE_SEAM_MAX


def badness(scores: Scores) -> float:
    """The worst complaint: 0 = none, 1 = what one true fill in twenty reaches, on a logarithmic scale."""
    return max(
        0.0,
        math.log(max(scores.sharpness, 1e-3)) / math.log(SHARPNESS_USUAL),
        math.log(max(scores.seam, 1e-3)) / math.log(SEAM_USUAL),
        math.log(max(scores.residue, 1e-3)) / math.log(RESIDUE_USUAL),
    )


def better(a: Scores, b: Scores) -> bool:
    """Whether `a` is clearly better than `b`: b fails its verdict and a's `badness` is lower by 0.5.

    Meant for one decision only: to leave a fill that fails for another. It does not rank fills that pass.
    """
    return not verdict(b).ok and badness(a) + CLEARLY < badness(b)


def _sharpness(luma: np.ndarray, hole: np.ndarray) -> float:
    """Fine over coarse gradients in the fill, over the same in the ring; the worst of the scales."""
    inner = _eroded(hole)
    inner = inner if inner.any() else hole
    ring = ~hole & (cv2.dilate(hole.view(np.uint8), np.ones((2 * RING + 1,) * 2, np.uint8)) > 0)
    pictures = [_gradient(luma), *(_gradient(cv2.GaussianBlur(luma, (0, 0), sigma)) for sigma in SCALES)]
    inside = [float(picture[inner].mean()) + FLOOR for picture in pictures]
    outside = [float(picture[ring].mean()) + FLOOR for picture in pictures]
    ratios = [known / filled for known, filled in zip(outside, inside, strict=True)]
    return min(coarse / ratios[0] for coarse in ratios[1:])


def _eroded(hole: np.ndarray) -> np.ndarray:
    return cv2.erode(hole.view(np.uint8), np.ones((3, 3), np.uint8)) > 0


def _rim(hole: np.ndarray) -> np.ndarray:
    """Pixels on both sides of the rim, whose steps belong to `seam`."""
    marks, kernel = hole.view(np.uint8), np.ones((3, 3), np.uint8)
    return cv2.dilate(marks, kernel) != cv2.erode(marks, kernel)


def _gradient(luma: np.ndarray) -> np.ndarray:
    """Absolute differences to the right and lower neighbour, added."""
    across = np.abs(np.diff(luma, axis=1, append=luma[:, -1:]))
    down = np.abs(np.diff(luma, axis=0, append=luma[-1:]))
    return across + down


def _line_ratio(part: np.ndarray, inside: np.ndarray, spread: int, counted: np.ndarray) -> float:
    """Gradient across the outline of `inside`, `spread` lines to each side, over that of farther lines."""
    if not inside.any() or inside.all():
        return 1.0
    steps = _steps(part, inside, counted)
    own = steps[LINES - spread : LINES + spread + 1]
    gap = spread + 3
    far = np.concatenate([steps[: LINES - gap + 1], steps[LINES + gap :]])
    own, far = own[np.isfinite(own)], far[np.isfinite(far)]
    if len(own) == 0 or len(far) == 0:
        return 1.0
    return float((own.mean() + FLOOR) / (np.median(far) + FLOOR))


def _steps(part: np.ndarray, inside: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Mean |gradient| along the normal on parallel lines, inner ones first, the outline in the middle."""
    marks = inside.view(np.uint8)
    away = cv2.distanceTransform(1 - marks, cv2.DIST_L2, 5) - cv2.distanceTransform(marks, cv2.DIST_L2, 5)
    across, down = cv2.Scharr(away, -1, 1, 0), cv2.Scharr(away, -1, 0, 1)
    length = np.maximum(np.hypot(across, down), 1e-3)
    rows, columns = np.nonzero((np.abs(away) <= LINES + 0.5) & counted)
    distance = away[rows, columns]
    line = np.round(distance - np.copysign(0.5, distance)).astype(int) + LINES
    normal_x, normal_y = (across / length)[rows, columns], (down / length)[rows, columns]
    size = 2 * LINES + 1
    count = np.bincount(line, minlength=size)[:size]
    total = np.zeros(size)
    for channel in cv2.split(part):
        slope_x = cv2.Sobel(channel, -1, 1, 0, ksize=1)[rows, columns] / 2
        slope_y = cv2.Sobel(channel, -1, 0, 1, ksize=1)[rows, columns] / 2
        steps = np.abs(slope_x * normal_x + slope_y * normal_y)
        total += np.bincount(line, weights=steps, minlength=size)[:size]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
