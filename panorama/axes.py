"""Which way the room stands: the yaw of its walls, from the straight edges of the picture.

In a room most edges run along three directions (Coughlan & Yuille, "Manhattan World", ICCV 1999). An edge on the
sphere lies on a great circle with normal n; if it is horizontal in the room, its direction is the one in which
that circle meets the horizon plane, n x up. Every edge pixel votes for this yaw modulo a right angle; the sharpest
peak wins, if it stands out. Upright edges tell nothing about yaw and are left out.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from panorama.sphere import Frame
from panorama.views import View, reduced, render
from vanisher_core.exemplar.workers import run_bands

SIDE = 224
"""Pixels of the views that are looked at."""
COLUMNS = 1024
"""Of the panorama at the scale that is looked at."""
BINS = 180
"""Half degrees of a right angle."""
UPRIGHT = 0.25
"""Great circles whose normal has a smaller vertical part are upright."""
STANDS_OUT = 2.5
"""Peak over mean votes from which on the room counts as having walls."""
LOOKS = [(yaw * math.pi / 3, pitch) for pitch in (-0.6, 0.35) for yaw in range(6)]
"""Yaw and pitch of the views."""


def room_yaw(frame: Frame, picture: np.ndarray) -> float | None:
    """Yaw in [0, pi/2) of one wall's normal, or None if the edges agree on none.

    Args:
        frame: of the panorama.
        picture: HxW or HxWxC samples.
    """
    frame, picture = reduced(frame, picture, COLUMNS)
    found = np.zeros((len(LOOKS), BINS))

    def look(index: int) -> None:
        found[index] = _votes(frame, picture, View.square(*LOOKS[index], math.radians(75), SIDE))

    run_bands(look, list(range(len(LOOKS))))
    votes = found.sum(axis=0)
    if not votes.any():
        return None
    kernel = np.array([1, 2, 3, 2, 1]) / 9
    smooth = np.convolve(np.concatenate([votes[-2:], votes, votes[:2]]), kernel, mode="valid")
    peak = int(smooth.argmax())
    if smooth[peak] < STANDS_OUT * smooth.mean():
        return None
    near = np.arange(peak - 2, peak + 3)
    weight = votes[near % BINS]
    at = float((near + 0.5) @ weight / max(weight.sum(), 1e-12))
    return (at * math.pi / 2 / BINS) % (math.pi / 2)


def _votes(frame: Frame, picture: np.ndarray, view: View) -> np.ndarray:
    """Weight of edge pixels by the yaw of their horizontal direction, modulo a right angle."""
    seen = render(frame, picture, view, linear=True)
    grey = seen.reshape(view.height, view.width, -1)[..., :3].mean(axis=2)
    grey = cv2.GaussianBlur(grey, (0, 0), 1.5)
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    strength = np.hypot(across, down)
    strong = strength > max(float(np.quantile(strength, 0.85)), 1e-6)
    rows, columns = np.nonzero(strong)
    if len(rows) == 0:
        return np.zeros(BINS)
    x = (columns + 0.5) / view.focal + view.left
    y = -((rows + 0.5) / view.focal + view.top)
    point = np.stack([x, y, np.ones_like(x)], axis=1)
    along = np.stack(
        [down[strong], across[strong], np.zeros(len(rows))], axis=1
    )  # the edge's own direction, y up
    normal = np.cross(point, along)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    normal = normal @ view.rotation
    level = np.abs(normal[:, 1]) > UPRIGHT
    yaw = np.arctan2(-normal[level, 2], normal[level, 0]) % (math.pi / 2)  # n x up = (-n_z, 0, n_x)
    weight = np.minimum(strength[strong][level], np.quantile(strength[strong], 0.9))
    weight = weight / max(float(weight.sum()), 1e-12)
    return np.bincount((yaw * BINS / (math.pi / 2)).astype(int) % BINS, weights=weight, minlength=BINS)
