"""Lets odds flow over what is of even colour, and stop at edges: a corner of a sheet belongs to its bed.

Segments (`panorama/segments.py`) share one answer or none; a sheet full of folds falls into many, and its far corner,
of which the networks know little, into one of its own. So the odds are also solved for on the whole sphere: each cell's
is drawn to what the networks say of it and to its neighbours', the more so the more alike their colours are (the random
walker with prior: Grady, "Multilabel Random Walker Image Segmentation Using Prior Models", CVPR 2005, section 2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from panorama import cells
from panorama.furniture import CERTAIN
from panorama.sphere import Frame

if TYPE_CHECKING:
    from scipy.sparse import csr_array

COLUMNS = 640
"""Of the sphere on which odds flow."""
PULL, ALIKE = 100.0, 3.0
"""How much neighbours of one colour count against what the networks say, and the Lab distance at which they count a
third of that."""
PRECISION, MOST_STEPS = 1e-3, 200
"""Residual at which the linear system counts as solved, as a share of its right side, and steps at most."""


def flowed(frame: Frame, picture: np.ndarray, odds: np.ndarray) -> NDArray[np.float32]:
    """Log odds drawn to those of neighbours of like colour.

    Args:
        frame: of the picture, the whole sphere.
        picture: HxWx3 uint8.
        odds: HxW.

    Returns:
        HxW, not clipped; what is finer than the cells stays as it is.
    """
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import cg

    size = min(COLUMNS, frame.width), min(COLUMNS // 2, frame.height)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    told = cv2.resize(odds.astype(np.float32), size, interpolation=cv2.INTER_AREA).clip(-CERTAIN, CERTAIN)
    system, diagonal = _system(cv2.cvtColor(small, cv2.COLOR_RGB2LAB))
    right = told.ravel().astype(np.float64)
    found, _ = cg(system, right, x0=right, rtol=PRECISION, maxiter=MOST_STEPS, M=diags_array(1 / diagonal))
    # Sums differ in their last bits with the number of threads; masks must not.
    change = np.round(found.reshape(told.shape) - told, 3).astype(np.float32)
    return odds.astype(np.float32) + cells.enlarged(change, frame)


def _system(lab: np.ndarray) -> tuple[csr_array, NDArray[np.float64]]:
    """Identity and graph Laplacian of the cells' likeness (sparse, one row a cell), and its diagonal."""
    from scipy.sparse import coo_array, diags_array

    number = np.arange(lab.shape[0] * lab.shape[1]).reshape(lab.shape[:2])
    pairs = [(number, np.roll(number, -1, axis=1)), (number[:-1], number[1:])]  # the rows go round
    steps = [lab - np.roll(lab, -1, axis=1), lab[:-1] - lab[1:]]
    one, two = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
    apart = np.concatenate([np.square(step).sum(axis=2).ravel() for step in steps]).astype(np.float64)
    weights = PULL * np.exp(-apart / ALIKE**2)
    half = coo_array((weights, (one, two)), shape=(number.size, number.size))
    between = (half + half.T).tocsr()
    diagonal = 1 + np.asarray(between.sum(axis=1)).ravel()
    return (diags_array(diagonal) - between).tocsr(), diagonal
