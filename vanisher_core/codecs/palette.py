"""Palettes and bilevel pictures: colours out, indices back in.

A pixel whose colour did not change gets its own index back, even where a palette holds the same colour
twice. A changed one takes the nearest colour (squared distance over RGB) among the entries whose alpha is
nearest to its own, so that no hole appears in an opaque picture: the table itself is never touched, and
nothing outside the erased part can shift.
"""

from __future__ import annotations

import numpy as np

from vanisher_core.codecs.base import Samples

CHUNK = 1 << 14
ALPHA_STEP = np.int32(3 * 255**2 + 1)
"""More than any two colours differ: one step of alpha outweighs them all, and 255 steps fit 32 bits."""


def expand(indices: Samples, table: Samples) -> Samples:
    """Colours (HxWx3 or HxWx4 uint8) of indices (HxW uint8) into a table (Nx3 or Nx4); beyond it: black."""
    full = np.zeros((256, table.shape[1]), np.uint8)
    full[:, 3:] = 255
    full[: len(table)] = table
    return full[indices]


def reindex(colours: Samples, indices: Samples, table: Samples) -> tuple[Samples, int]:
    """Indices (HxW uint8) for changed colours; pixels equal to their old colour keep their old index.

    Returns:
        The indices and how many pixels had to take a colour that is not exactly theirs.
    """
    changed = (colours != expand(indices, table)).any(axis=-1)
    if not changed.any():
        return indices, 0
    unique, back = np.unique(colours[changed], axis=0, return_inverse=True)
    nearest, distance = _nearest(unique.astype(np.int32), table.astype(np.int32))
    result = indices.copy()
    result[changed] = nearest[back.reshape(-1)]
    return result, int(np.count_nonzero(distance[back.reshape(-1)]))


def _nearest(colours: Samples, table: Samples) -> tuple[Samples, Samples]:
    """Index of the nearest entry for N colours, and its distance (0: exactly that colour); all int32."""
    index = np.empty(len(colours), np.uint8)
    distance = np.empty(len(colours), np.int32)
    for start in range(0, len(colours), CHUNK):
        part = colours[start : start + CHUNK]
        far = sum(((part[:, c, None] - table[None, :, c]) ** 2 for c in range(3)), np.int32(0))
        if table.shape[1] == 4:
            far = far + ALPHA_STEP * np.abs(part[:, 3, None] - table[None, :, 3])
        best = np.argmin(far, axis=1)
        index[start : start + CHUNK] = best
        distance[start : start + CHUNK] = np.take_along_axis(np.asarray(far), best[:, None], 1)[:, 0]
    return index, distance


def pack_bits(indices: Samples, depth: int) -> Samples:
    """Pack HxW values of 1, 2, 4 or 8 bits into rows of bytes, the first pixel in the highest bits."""
    if depth == 8:
        return indices
    each = 8 // depth
    padded = np.zeros((indices.shape[0], -(-indices.shape[1] // each) * each), np.uint8)
    padded[:, : indices.shape[1]] = indices
    parts = padded.reshape(len(padded), -1, each)
    shifts = np.arange(8 - depth, -1, -depth, dtype=np.uint8)
    return np.bitwise_or.reduce(parts << shifts, axis=2).astype(np.uint8)
