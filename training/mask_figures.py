"""Figures of a segmenter, pooled over photographs, with bootstrap intervals.

Pooled over all judged pixels: intersection over union and pixel accuracy (only because the 2018 report quotes
it: it flatters). Per object: recall of small ones, connected areas under 1 % of the picture of which at least
half was found. Boundary F-score (Martin et al. 2004; Perazzi et al., DAVIS, CVPR 2016, section 4.1): outline
pixels within 0.8 % of the diagonal of the other outline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from training.intervals import Interval, ratio, ratio_difference

SMALL = 0.01
"""Share of the picture under which an object is small."""

SPECK = 16
"""Labelled areas of fewer pixels are crumbs of the labelling and no objects."""

TOLERANCE = 0.008
"""Of the diagonal: how far outlines may lie apart and still match."""


@dataclass(frozen=True)
class Counts:
    """What one photograph adds to the pooled figures."""

    key: str
    both: int
    either: int
    right: int
    pixels: int
    small_found: int
    small_all: int
    outline_found: tuple[int, int]
    """Found outline pixels near the true outline, and all found ones."""
    outline_true: tuple[int, int]
    """True outline pixels near the found outline, and all true ones."""
    seconds: float


def measure(
    key: str, found: np.ndarray, truth: np.ndarray, seconds: float, judged: np.ndarray | None = None
) -> Counts:
    """Compares two HxW bool masks of one photograph; only where `judged` (HxW bool) is True, if given."""
    if judged is not None:
        found, truth = found & judged, truth & judged
    small_found = small_all = 0
    number, labels, stats, _ = cv2.connectedComponentsWithStats(truth.astype(np.uint8), connectivity=8)
    for index in range(1, number):
        area = int(stats[index, cv2.CC_STAT_AREA])
        if SPECK <= area < SMALL * truth.size:
            small_all += 1
            small_found += int(2 * (found & (labels == index)).sum() >= area)
    outline, true_outline = _outline(found), _outline(truth)
    reach = TOLERANCE * float(np.hypot(*truth.shape))
    pixels = truth.size if judged is None else int(judged.sum())
    return Counts(
        key,
        int((found & truth).sum()),
        int((found | truth).sum()),
        pixels - int((found != truth).sum()),
        pixels,
        small_found,
        small_all,
        (int((outline & _near(true_outline, reach)).sum()), int(outline.sum())),
        (int((true_outline & _near(outline, reach)).sum()), int(true_outline.sum())),
        seconds,
    )


@dataclass
class Figures:
    """One method's row of the table."""

    name: str
    counts: list[Counts] = field(default_factory=list)
    note: str = ""

    @property
    def keys(self) -> list[str]:
        """The photographs, in the order of the counts."""
        return [count.key for count in self.counts]

    @property
    def areas(self) -> tuple[list[float], list[float]]:
        """Intersection and union of each photograph, in pixels."""
        return [float(c.both) for c in self.counts], [float(c.either) for c in self.counts]

    def iou(self) -> Interval:
        """Pooled intersection over union with its 95 % interval."""
        return ratio(*self.areas, self.keys)

    def gain_over(self, other: Figures) -> Interval:
        """Paired difference of pooled IoU, this minus the other, on the same photographs."""
        return ratio_difference(self.areas, other.areas, self.keys)

    def row(self) -> dict[str, float | str]:
        """The figures by column name; only name and note when the method did not run."""
        if not self.counts:
            return {"method": self.name, "note": self.note}
        iou = self.iou()
        precision = _share([c.outline_found for c in self.counts])
        recall = _share([c.outline_true for c in self.counts])
        return {
            "method": self.name,
            "iou": 0.0 if np.isnan(iou.mean) else iou.mean,
            "iou_low": iou.low,
            "iou_high": iou.high,
            "accuracy": _share([(c.right, c.pixels) for c in self.counts]),
            "small_recall": _share([(c.small_found, c.small_all) for c in self.counts]),
            "boundary_f": 2 * precision * recall / max(precision + recall, 1e-9),
            "seconds": float(np.median([c.seconds for c in self.counts])),
            "note": self.note,
        }


def table(results: Sequence[Figures], head: str) -> list[str]:
    """Markdown lines: one method a line; `head` names what the IoU is of."""
    lines = [
        f"| method | {head} IoU (95 %) | pixel accuracy | recall < 1 % | boundary F | s a photograph |",
        "|---|---|---|---|---|---|",
    ]
    for row in (figures.row() for figures in results):
        if "iou" not in row:
            lines.append(f"| {row['method']} | not run: {row['note']} | | | | |")
            continue
        lines.append(
            "| {method} | {iou:.3f} [{iou_low:.3f}, {iou_high:.3f}] | {accuracy:.4f} | {small_recall:.3f} |"
            " {boundary_f:.3f} | {seconds:.3f} |".format(**row)
        )
    return lines


def _outline(mask: np.ndarray) -> np.ndarray:
    """Pixels of the mask that touch its outside; the picture's border is no outline."""
    inside = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1)
    return mask & (inside == 0)


def _near(outline: np.ndarray, reach: float) -> np.ndarray:
    """Pixels within `reach` of an outline."""
    if not outline.any():
        return np.zeros_like(outline)
    return cv2.distanceTransform((~outline).astype(np.uint8), cv2.DIST_L2, 5) <= reach


def _share(pairs: Sequence[tuple[int, int]]) -> float:
    part, whole = np.array(pairs, np.float64).reshape(-1, 2).sum(0)
    return float(part / max(whole, 1))
