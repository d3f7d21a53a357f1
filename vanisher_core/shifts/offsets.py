"""By which offsets a surface resembles itself.

He & Sun (ECCV 2012, section 3.1) match patches and count offsets; here every offset is compared on all pixels known
at both its ends at once, which is a correlation (masked as in Padfield, "Masked Object Registration in the Fourier
Domain", IEEE TIP 2012).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from vanisher_core.exemplar.workers import thread_count

NEAREST = 12
"""Pixels, the least shift: a smaller one smears."""
OVERLAP, LEAST_OVERLAP = 0.03, 400
"""Pixels that must be known at both ends: as a share of all known ones, and at least so many."""
PEAK = 9
"""Side of the square in which an offset is the best."""
CHOICES = 4
"""Offsets that every pixel of the hole should have to choose from."""
MOST = 20
"""Offsets added at most so that they have."""
LIKE = 4.0
"""How much more likeness counts than pixels covered when such offsets are chosen."""


def dominant(detail: np.ndarray, known: np.ndarray, hole: np.ndarray, count: int) -> NDArray[np.int64]:
    """The offsets (Nx2: down, right) by which a surface resembles itself most: pixel p may be copied from p + offset.

    Args:
        detail: HxWxC float32, 0 where nothing is known.
        known: HxW bool.
        hole: HxW bool, what will be copied into.
        count: offsets wanted for their likeness; others are added where those leave parts of the hole with few.
    """
    height, width = known.shape
    shape = _fast(2 * height), _fast(2 * width)
    likeness, peaks = _likeness(detail, known, shape)
    spectrum = _spectrum(known, shape)
    useful = _correlation(_spectrum(hole, shape), spectrum, shape, known.shape) > 0.5
    peaks &= useful
    rows, columns = np.nonzero(peaks)
    order = np.argsort(-likeness[rows, columns], kind="stable")[:count]
    centre = np.array([height - 1, width - 1])
    chosen = [offset for offset in np.stack([rows[order], columns[order]], axis=1) - centre]
    choices = np.zeros(known.shape, np.int16)
    for offset in chosen:
        choices += moved(known, offset)
    weight = np.where(peaks, np.exp(LIKE * likeness), 0)
    for _ in range(MOST):
        poor = hole & (choices < CHOICES)
        if not poor.any():
            break
        gain = weight * _correlation(_spectrum(poor, shape), spectrum, shape, known.shape)
        for offset in chosen:
            gain[tuple(offset + centre)] = 0
        best = np.unravel_index(int(gain.argmax()), gain.shape)
        if gain[best] <= 0:
            break
        chosen.append(np.array(best) - centre)
        choices += moved(known, chosen[-1])
    return np.array(chosen, np.int64).reshape(-1, 2)


def moved(plane: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """A plane (HxW) read at p + offset; 0 where that lies outside."""
    out = np.zeros_like(plane)
    height, width = plane.shape
    down, right = int(offset[0]), int(offset[1])
    rows = slice(max(-down, 0), max(min(height, height - down), 0))
    columns = slice(max(-right, 0), max(min(width, width - right), 0))
    part = plane[max(down, 0) : max(height + down, 0), max(right, 0) : max(width + right, 0)]
    out[rows, columns] = part[: rows.stop - rows.start, : columns.stop - columns.start]
    return out


def _likeness(
    detail: np.ndarray, known: np.ndarray, shape: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """For every offset 1 minus the mean squared difference over that of strangers, and where this peaks."""
    there = _spectrum(known, shape)
    squares = _spectrum((detail * detail).sum(axis=2), shape)
    count = _correlation(there, there, shape, known.shape)
    products = 2 * np.real(np.conj(squares) * there) + 0j  # of a sum and its mirror image
    for channel in range(detail.shape[2]):
        products -= 2 * np.square(np.abs(_spectrum(detail[..., channel], shape)))
    apart = _shifted(products, shape, known.shape)
    total = float(known.sum())
    strangers = 2 * float((detail * detail).sum()) / max(total, 1)
    valid = count > max(OVERLAP * total, LEAST_OVERLAP)
    down, right = (np.arange(1 - side, side) for side in known.shape)
    valid &= np.hypot(down[:, None], right) >= NEAREST
    likeness = np.where(valid, 1 - apart / np.maximum(count, 1) / max(strangers, 1e-12), -2).astype(
        np.float32
    )
    return likeness, valid & (likeness == cv2.dilate(likeness, np.ones((PEAK, PEAK), np.uint8)))


def _fast(side: int) -> int:
    """The next side whose Fourier transform is quick."""
    found: int = fft.next_fast_len(side, real=True)  # pyright: ignore[reportAssignmentType]
    return found


def _spectrum(plane: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return np.asarray(fft.rfft2(plane.astype(np.float32), shape, workers=thread_count()))


def _correlation(
    first: np.ndarray, second: np.ndarray, shape: tuple[int, int], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Sum over p of first(p) second(p + offset) for all offsets, (2H-1)x(2W-1), that of no shift in the middle."""
    return _shifted(np.conj(first) * second, shape, size)


def _shifted(products: np.ndarray, shape: tuple[int, int], size: tuple[int, int]) -> NDArray[np.float32]:
    """The correlation whose spectrum is given."""
    whole = np.asarray(fft.irfft2(products, shape, workers=thread_count()))
    height, width = size
    return np.roll(whole, (height - 1, width - 1), axis=(0, 1))[: 2 * height - 1, : 2 * width - 1]
