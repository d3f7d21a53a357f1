"""Asks the layout network where the walls of a room meet its floor and its ceiling."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from panorama.sphere import Frame
from panorama.views import reduced
from vanisher_core.vanish import eight_bit

if TYPE_CHECKING:
    from vanisher_core.models.layout import LayoutNet

MODEL = "room-layout"
COLUMNS = 384
"""Of the panorama as the network has learnt to see it."""
LEAST = math.log(1e-3)
"""Log probability below which rows are equally unlikely."""
ABOUT = 5
"""Rows round an edge whose probabilities are its own."""

SPAN = 4
"""Columns on both sides of one, between which an outline's direction is taken."""
BINS, STANDS_OUT = 90, 2.5
"""Parts of a right angle, and peak over mean votes from which on walls are at right angles."""


class Edges:
    """How likely each row is the foot or the top of the wall in its column.

    Args:
        frame: of the panorama, the whole sphere.
        picture: HxW or HxWxC samples.
        hidden: bool at any scale, what must not be looked at.

    Raises:
        ModelError: the weights are missing or damaged.
    """

    def __init__(self, frame: Frame, picture: np.ndarray, hidden: np.ndarray) -> None:
        import torch

        size = COLUMNS, COLUMNS // 2
        _, small = reduced(frame, picture, COLUMNS)
        rgb = cv2.resize(eight_bit(small), size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        hole = cv2.resize(hidden.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
        seen, hidden_there = (
            torch.from_numpy(rgb).permute(2, 0, 1),
            torch.from_numpy(hole.astype(np.float32))[None],
        )
        with torch.inference_mode():  # as it is, and mirrored
            both = _network()(
                torch.stack([seen, seen.flip(2)]), torch.stack([hidden_there, hidden_there.flip(2)])
            ).exp()
            found = (0.5 * (both[0] + both[1].flip(2))).numpy()
        # Sums differ in their last bits with the number of threads; layouts must not.
        self.log = np.round(np.log(np.maximum(found, math.exp(LEAST))), 2)
        chance = cv2.blur(np.moveaxis(found, 0, 2), (1, ABOUT), borderType=cv2.BORDER_CONSTANT) * ABOUT
        self.mass: NDArray[np.float32] = np.round(np.moveaxis(np.minimum(chance, 1), 2, 0), 3)

    def of(self, plane: np.ndarray, height: float, yaw: np.ndarray, pitch: np.ndarray) -> np.ndarray:
        """Values at edges, between their four neighbours.

        Args:
            plane: `log` or `mass`.
            height: of the edge; below 0 it is the floor's.
            yaw: radians; broadcasts with `pitch`.
            pitch: radians.
        """
        from panorama.viterbi import between  # late: the command line's help imports this module

        values = plane[0 if height < 0 else 1]
        yaw, pitch = (np.asarray(side, np.float64) for side in np.broadcast_arrays(yaw, pitch))
        out = np.empty(yaw.shape, np.float32)
        between(values, np.ravel(yaw), np.ravel(pitch), out.reshape(-1))
        return out

    def yaw(self) -> float | None:
        """Yaw in [0, pi/2) of one wall's normal, by the directions of the outlines drawn on the plan; None: no peak."""
        columns = self.log.shape[2]
        ahead = ((np.arange(columns) + 0.5) / columns - 0.5) * 2 * math.pi
        votes = np.zeros(BINS)
        for plane, mass in zip(self.log, self.mass, strict=True):
            top = plane.argmax(axis=0)
            pitch = np.abs((0.5 - (_peak(plane, top) + 0.5) / len(plane)) * math.pi)
            away = 1 / np.tan(np.clip(pitch, 0.02, 1.5))
            x, z = away * np.sin(ahead), away * np.cos(ahead)
            along = np.arctan2(np.roll(x, -SPAN) - np.roll(x, SPAN), np.roll(z, -SPAN) - np.roll(z, SPAN))
            sure = mass[top, np.arange(columns)]
            weight = sure * np.roll(sure, SPAN) * np.roll(sure, -SPAN)
            at = (along % (math.pi / 2) * BINS / (math.pi / 2)).astype(int) % BINS
            votes += np.bincount(at, weights=weight, minlength=BINS)
        smooth = np.convolve(
            np.concatenate([votes[-4:], votes, votes[:4]]), np.hanning(11)[1:-1], mode="valid"
        )
        peak = int(smooth.argmax())
        if smooth[peak] < STANDS_OUT * smooth.mean():
            return None
        near = np.arange(peak - 4, peak + 5)
        at = float((near + 0.5) @ votes[near % BINS] / max(float(votes[near % BINS].sum()), 1e-12))
        return at * math.pi / 2 / BINS % (math.pi / 2)


def _peak(plane: np.ndarray, top: np.ndarray) -> np.ndarray:
    """Rows of the tops of parabolas through the likeliest row of each column and its neighbours."""
    columns = np.arange(plane.shape[1])
    inner = np.clip(top, 1, len(plane) - 2)
    before, own, after = (plane[inner + step, columns] for step in (-1, 0, 1))
    curve = np.minimum(before - 2 * own + after, -1e-3)
    return inner + np.clip(0.5 * (before - after) / curve, -0.5, 0.5)


@functools.cache
def _network() -> LayoutNet:
    """The network, ready to be asked."""
    from vanisher_core.models import registry
    from vanisher_core.models.layout import LayoutNet

    net = registry.load(MODEL)
    assert isinstance(net, LayoutNet)
    return net.folded()
