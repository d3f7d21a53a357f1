"""Compiled geometry: which texel each pixel of a view shows, which pixel each texel, and what is marked there.

The arctangent is a polynomial, so that whole registers of pixels are worked at once; numpy, which goes over its arrays
once for every step, takes several times as long.
"""

import math

import numpy as np

from panorama.layout import BESIDE, CEILING, FIRST_WALL, FLOOR
from vanisher_core.exemplar.kernel import kernel

BEHIND = 1e-3
"""Directions nearer than this to the camera's own plane are not in any view."""
FAR = 1e3
"""Where the plane z = 1 puts what is behind the camera."""
TINY = 1e-300
"""Stands for 0 below a fraction."""
TURN = 2 * math.pi
LEVELS, BITS = 32, 5
"""Positions within a texel that bilinear sampling knows, and their bits; as `cv2.remap`."""
(
    _C0, _C1, _C2, _C3, _C4, _C5, _C6,
    _C7, _C8, _C9, _C10, _C11, _C12, _C13,
) = (
    0.9999999999981967, -0.333333332624797, 0.19999995340385063, -0.14285592394282529, 0.11109428364330506,
    -0.09076798876650477, 0.07614250199003121, -0.06366092236096826, 0.050455577528416146, -0.03526772086942244,
    0.01993744283625617, -0.008241899893996813, 0.002162794422156479, -0.00026660196719267425,
)  # fmt: skip
"""atan(t) / t by powers of t * t in 0..1, through its values at Chebyshev's points; errs by 1e-12."""


@kernel(inline="always")
def _arctan(t):  # pragma: no cover - compiled
    """The arctangent of -1..1."""
    s = t * t
    high = _C7 + s * (_C8 + s * (_C9 + s * (_C10 + s * (_C11 + s * (_C12 + s * _C13)))))
    return t * (_C0 + s * (_C1 + s * (_C2 + s * (_C3 + s * (_C4 + s * (_C5 + s * (_C6 + s * high)))))))


@kernel(error_model="numpy")
def texels(across, down, rotation, size, corner, columns, rows):  # pragma: no cover - compiled
    """Fractional column and row in the panorama of the pixels of a view, into two float32 planes.

    Args:
        across: float64, x of the plane z = 1 for each column of the view.
        down: float64, y of it, downwards, for each row.
        rotation: 3x3 float64, the camera's.
        size: columns and rows of the full sphere.
        corner: column and row of it where the picture begins.
        columns: float32 rows x columns, is written.
        rows: the same.
    """
    wide, high = size[0] / TURN, size[1] / math.pi
    middle, level = 0.5 * size[0] - 0.5 - corner[0], 0.5 * size[1] - 0.5 - corner[1]
    rx, ry, rz = rotation[0, 0], rotation[0, 1], rotation[0, 2]
    for row in range(len(down)):
        bx = rotation[2, 0] - down[row] * rotation[1, 0]
        by = rotation[2, 1] - down[row] * rotation[1, 1]
        bz = rotation[2, 2] - down[row] * rotation[1, 2]
        here, there = columns[row], rows[row]
        for n in range(len(across)):
            x, y, z = across[n] * rx + bx, across[n] * ry + by, across[n] * rz + bz
            flat = math.sqrt(x * x + z * z)
            # half angles: their tangents lie in -1..1 and need no case of their own
            half = 2 * _arctan(x / max(flat + abs(z), TINY))
            behind = (math.pi if x >= 0 else -math.pi) - half
            yaw = behind if z < 0 else half
            pitch = 2 * _arctan(y / (flat + math.sqrt(flat * flat + y * y)))
            here[n] = np.float32(middle + yaw * wide)
            there[n] = np.float32(level - pitch * high)


@kernel(error_model="numpy")
def pixels(sine, cosine, flat, high, rotation, window, columns, rows):  # pragma: no cover - compiled
    """Fractional column and row in a view of the texels of a region, into two float64 planes; far outside behind it.

    Args:
        sine: float64, of the yaw of each column of the region.
        cosine: the same.
        flat: float64, cosine of the pitch of each row.
        high: sine of it.
        rotation: 3x3 float64, the camera's.
        window: focal length, and left and top of the view on the plane z = 1.
        columns: float64 rows x columns, is written.
        rows: the same.
    """
    focal, left, top = window
    for row in range(len(flat)):
        f = flat[row]
        bx, by, bz = high[row] * rotation[0, 1], high[row] * rotation[1, 1], high[row] * rotation[2, 1]
        here, there = columns[row], rows[row]
        for n in range(len(sine)):
            x = f * (rotation[0, 0] * sine[n] + rotation[0, 2] * cosine[n]) + bx
            y = f * (rotation[1, 0] * sine[n] + rotation[1, 2] * cosine[n]) + by
            z = f * (rotation[2, 0] * sine[n] + rotation[2, 2] * cosine[n]) + bz
            ahead = z > BEHIND
            here[n] = ((x / z if ahead else FAR) - left) * focal - 0.5
            there[n] = ((-y / z if ahead else FAR) - top) * focal - 0.5


@kernel(error_model="numpy")
def planes(across, down, rotation, walls, ceiling, feet, out):  # pragma: no cover - compiled
    """Which plane of a room each pixel of a view shows; see `panorama.layout.Layout.planes`.

    Args:
        across: float64, x of the plane z = 1 for each column of the view.
        down: float64, y of it, downwards, for each row.
        rotation: 3x3 float64, the camera's.
        walls: float64 Nx4, by ascending first column: yaw where the wall begins, sine and cosine of the yaw towards it,
            and its distance.
        ceiling: its height.
        feet: float64, heights of the walls' feet (negative), in columns evenly round the circle.
        out: int16 rows x columns, is written.
    """
    count, known = len(walls), len(feet)
    for row in range(len(down)):
        bx = rotation[2, 0] - down[row] * rotation[1, 0]
        by = rotation[2, 1] - down[row] * rotation[1, 1]
        bz = rotation[2, 2] - down[row] * rotation[1, 2]
        for n in range(len(across)):
            x = across[n] * rotation[0, 0] + bx
            y = across[n] * rotation[0, 1] + by
            z = across[n] * rotation[0, 2] + bz
            flat = math.sqrt(x * x + z * z)
            half = 2 * _arctan(x / max(flat + abs(z), TINY))
            yaw = ((math.pi if x >= 0 else -math.pi) - half) if z < 0 else half
            index = count - 1
            while index >= 0 and walls[index, 0] > yaw:
                index -= 1
            index = index if index >= 0 else count - 1
            rise = y * walls[index, 3]
            level = max(x * walls[index, 1] + z * walls[index, 2], BESIDE * flat)
            at = (yaw / (2 * math.pi) + 0.5) * known - 0.5
            first = math.floor(at)
            share = at - first
            foot = (1 - share) * feet[first % known] + share * feet[(first + 1) % known]
            if rise < foot * level:
                out[row, n] = FLOOR
            elif rise > ceiling * level:
                out[row, n] = CEILING
            else:
                out[row, n] = index + FIRST_WALL


@kernel()
def touched(marks, columns, rows, out):  # pragma: no cover - compiled
    """Whether bilinear samples at fractional positions take anything from marks; the border is repeated.

    Args:
        marks: uint8 HxWxC.
        columns: float32 NxM.
        rows: the same.
        out: bool NxMxC, is written.
    """
    height, width, channels = marks.shape
    for i in range(columns.shape[0]):
        for j in range(columns.shape[1]):
            x = int(np.rint(columns[i, j] * np.float32(LEVELS)))
            y = int(np.rint(rows[i, j] * np.float32(LEVELS)))
            left, right = x >> BITS, (x + LEVELS - 1) >> BITS
            top, bottom = y >> BITS, (y + LEVELS - 1) >> BITS
            left, right = min(max(left, 0), width - 1), min(max(right, 0), width - 1)
            top, bottom = min(max(top, 0), height - 1), min(max(bottom, 0), height - 1)
            for c in range(channels):
                upper = marks[top, left, c] | marks[top, right, c]
                out[i, j, c] = (upper | marks[bottom, left, c] | marks[bottom, right, c]) > 0
