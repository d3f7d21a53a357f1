"""Keeps what networks are certain of, and draws its outline tightly.

Odds of furniture fall off gently: over the wall beside a bed, which stays, and inside a large wardrobe, of which only
half is seen for certain. One level cannot tell these two. But the bed is certain right beside the wall and nothing in
the wardrobe is, so a texel belongs to a thing if it is about as likely as the likeliest texel near it.
What is doubtful throughout (a radiator, a sliver of a door frame, panes of a window) is dropped: half of a radiator
erased is worse than a chair that was missed.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from panorama.furniture import CERTAIN
from panorama.objects import components, solid_angle
from panorama.sphere import Frame, Region

LEVEL = 0.25
"""Probability from which a texel belongs to a thing at all."""
NEAR, HALF = math.radians(2.5), 0.45
"""Reach within which a texel is compared with the likeliest one, in rows and in columns of the horizon, and what part
of that probability it must have (half of the maximum, as widths of peaks are measured)."""
LIKELY = 0.15
"""Least part of a thing that must be more likely than not."""
DENIED = -2.5
"""Median log odds of the views below which they see nothing there, whatever the whole room says; that counts for what
is all below or all above the horizon (radiators, panes), as views take tall wardrobes for walls..."""
SURE, CORE = 0.73, 0.25
"""...unless so much of it is so probable all the same."""
HOLE = 0.04
"""Steradians; what a thing encloses is part of it up to this size (130 square degrees): a screen, a mirror's glass."""


def log_odds(chance: float) -> float:
    """The logarithm of a probability's odds."""
    return math.log(chance / (1 - chance))


def certain(frame: Frame, odds: np.ndarray, views: np.ndarray) -> NDArray[np.float32]:
    """Log odds that are -CERTAIN wherever no certain thing is, and at least those of LEVEL wherever one is.

    Args:
        frame: of the picture.
        odds: log odds of furniture, HxW.
        views: what the views alone say of it.
    """
    chance = 1 / (1 + np.exp(-odds.astype(np.float32)))
    marks = (chance >= LEVEL) & (chance >= HALF * _likeliest(frame, chance))
    kept = np.zeros_like(marks)
    for region, own in components(marks, frame):
        if _is_thing(frame, region, own, odds, views):
            frame.put(kept, region, frame.cut(kept, region) | own)
    for region, own in components(~kept, frame) if kept.any() and not kept.all() else []:
        if solid_angle(own, region, frame) < HOLE:
            frame.put(kept, region, frame.cut(kept, region) | own)
    least = np.float32(log_odds(LEVEL))
    return np.where(kept, np.maximum(odds, least), -CERTAIN).astype(np.float32)


def _is_thing(frame: Frame, region: Region, own: np.ndarray, odds: np.ndarray, views: np.ndarray) -> bool:
    """Whether what was found is likely as a whole, and not denied by the views."""
    chance, all_of_it = frame.cut(odds, region), solid_angle(own, region, frame)
    likely, sure = (
        solid_angle(own & (chance >= log_odds(level)), region, frame) / all_of_it for level in (0.5, SURE)
    )
    if likely < LIKELY:
        return False
    ends = frame.pitch(np.array([region.top, region.bottom - 1]))
    tall = ends[0] > 0 > ends[1]
    return bool(tall or sure >= CORE or np.median(frame.cut(views, region)[own]) >= DENIED)


def _likeliest(frame: Frame, chance: np.ndarray) -> NDArray[np.float32]:
    """The largest probability near each texel; across the seam where the picture has one."""
    reach = max(1, round(NEAR / frame.row_step))
    sides = ((0, 0), (reach, reach))
    wide = np.pad(chance, sides, mode="wrap") if frame.wraps else np.pad(chance, sides, mode="edge")
    square = np.ones((2 * reach + 1,) * 2, np.uint8)
    return cv2.dilate(wide, square, borderType=cv2.BORDER_REPLICATE)[:, reach:-reach].astype(np.float32)
