"""Compiled sweeps of the Laplace equation (successive over-relaxation) on one plane.

Used by `vanisher_core.membrane` at every level of its pyramid. Red-black order, so that a sweep does not
depend on a scan direction; neighbours outside the picture are left out (a free border).
"""

import numpy as np

from vanisher_core.exemplar.kernel import kernel


@kernel(fastmath=True)
def relax_plane(plane, hole, sweeps, omega):  # pragma: no cover - compiled
    """Relax `plane` (HxW float32) in place where `hole` (HxW bool); the last two sweeps are Gauss-Seidel."""
    height, width = plane.shape
    for sweep in range(sweeps):
        weight = np.float32(omega if sweep < sweeps - 2 else 1.0)
        for colour in range(2):
            for y in range(height):
                for x in range((y + colour) & 1, width, 2):
                    if not hole[y, x]:
                        continue
                    total = np.float32(0.0)
                    count = np.float32(0.0)
                    if y > 0:
                        total += plane[y - 1, x]
                        count += np.float32(1.0)
                    if y + 1 < height:
                        total += plane[y + 1, x]
                        count += np.float32(1.0)
                    if x > 0:
                        total += plane[y, x - 1]
                        count += np.float32(1.0)
                    if x + 1 < width:
                        total += plane[y, x + 1]
                        count += np.float32(1.0)
                    if count > 0:
                        plane[y, x] += weight * (total / count - plane[y, x])
