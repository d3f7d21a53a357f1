"""Gives a room the light it would have without what was erased.

Furniture leaves more than a hole: the floor and the walls round it stay darker than in an empty room. The light
network (`vanisher_core/models/light.py`) looks at the room as it was and says by what gain each direction differs. It
is applied in full to what was filled and fades out round it, so that no step shows; beyond REACH nothing changes.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from panorama.objects import Part
from panorama.sphere import Frame, Region
from panorama.views import reduced
from vanisher_core.exemplar.workers import run_bands
from vanisher_core.vanish import eight_bit

if TYPE_CHECKING:
    from vanisher_core.models.light import LightNet

MODEL = "room-light"
COLUMNS = 256
"""Of the panorama as the network has learnt to see it; its answer has half as many."""
REACH = math.radians(20)
"""Angle from the hole at which the light is as it was."""
BAND = 64
"""Rows that are lit at a time."""


def fading(frame: Frame, parts: list[Part]) -> NDArray[np.float32]:
    """How much of the new light each direction gets: (COLUMNS/2)xCOLUMNS, 1 in the holes, 0 beyond REACH."""
    small = Frame.full(COLUMNS, COLUMNS // 2)
    marks = np.zeros((small.height, small.width), bool)
    across, down = small.width / frame.width, small.height / frame.height
    for part in parts:
        rows, columns = np.nonzero(part.hole)
        rows, columns = rows + part.region.top, (columns + part.region.left) % frame.width
        marks[(rows * down).astype(int), (columns * across).astype(int)] = True
    away = small.distance(marks, Region(0, 0, small.width, small.height), REACH)
    share = np.clip(1 - away / np.float32(REACH), 0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)


def sees_all(frame: Frame) -> bool:
    """Whether a panorama is the whole sphere, which the network wants to look at."""
    return bool(frame.wraps and frame.has_nadir and frame.has_zenith)


def reached(share: np.ndarray, size: tuple[int, int]) -> NDArray[np.uint8]:
    """What `apply` may have changed of a picture of size (height, width): at least 1 there, 255 where in full."""
    across, down = _places(share.shape[1], size[1]), _places(share.shape[0], size[0])
    wide = _surrounded(share)
    reach = np.empty(size, np.uint8)
    for top in range(0, size[0], BAND):
        found = _looked_up(wide, across, down[top : top + BAND])
        reach[top : top + BAND] = np.ceil(np.clip(found, 0, 1) * 255)
    return reach


def light_without(frame: Frame, picture: np.ndarray, parts: list[Part]) -> NDArray[np.float32]:
    """Logarithms of the gains that light a room as if it were empty: (COLUMNS/2)xCOLUMNSx3.

    Args:
        frame: of the panorama, the whole sphere.
        picture: HxW or HxWxC samples, with all that is to be erased still there.
        parts: what is to be erased.

    Raises:
        ModelError: the weights are missing or damaged.
    """
    import torch

    size = COLUMNS, COLUMNS // 2
    _, small = reduced(frame, picture, COLUMNS)
    rgb = cv2.resize(eight_bit(small), size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    hole = np.zeros((frame.height, frame.width), np.uint8)
    for part in parts:
        frame.put(hole, part.region, frame.cut(hole, part.region) | part.hole)
    covered = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) >= 0.5
    with torch.inference_mode():
        found = _network()(
            torch.from_numpy(rgb).permute(2, 0, 1)[None],
            torch.from_numpy(covered.astype(np.float32))[None, None],
        )[0].numpy()
    # Sums differ in their last bits with the number of threads; pictures must not.
    return _enlarged(np.round(np.moveaxis(found, 0, 2), 3), size)


def apply(frame: Frame, work: np.ndarray, light: np.ndarray) -> None:
    """Multiplies samples by gains, in place; where the logarithm is 0 they stay as they are.

    Args:
        frame: of the picture, the whole sphere.
        work: HxW or HxWxC, uint8, uint16 or float32.
        light: hxwx3 logarithms, all round the sphere.
    """
    across, down = _places(light.shape[1], frame.width), _places(light.shape[0], frame.height)
    wide = _surrounded(light)
    most = 1.0 if work.dtype == np.float32 else float(np.iinfo(work.dtype).max)
    colours = 1 if work.ndim == 2 or work.shape[2] < 3 else 3

    def light_band(top: int) -> None:
        rows = slice(top, min(top + BAND, frame.height))
        gain = _looked_up(wide, across, down[rows])
        changed = gain.any(axis=2)
        if not changed.any():
            return
        own = work[rows].reshape(-1, frame.width, 1 if work.ndim == 2 else work.shape[2])
        logarithm = gain[changed] if colours == 3 else gain[changed].mean(axis=1, keepdims=True)
        values = own[changed]
        lit = values[:, :colours] * np.exp(logarithm)
        if work.dtype != np.float32:
            lit = np.rint(np.minimum(lit, most))
        values[:, :colours] = lit.astype(work.dtype)
        own[changed] = values

    run_bands(light_band, list(range(0, frame.height, BAND)))


def _places(cells: int, texels: int) -> NDArray[np.float32]:
    """Where texels' centres lie among cells of a grid that `_surrounded` has widened."""
    return ((np.arange(texels) + 0.5) * cells / texels - 0.5 + 1).astype(np.float32)


def _surrounded(grid: np.ndarray) -> NDArray[np.float32]:
    """A grid (hxw or hxwxC) with one cell more on every side: round the sphere, and the last row again."""
    beside = ((0, 0),) * (grid.ndim - 2)
    wide = np.pad(grid.astype(np.float32), ((0, 0), (1, 1), *beside), mode="wrap")
    return np.pad(wide, ((1, 1), (0, 0), *beside), mode="edge")


def _looked_up(wide: np.ndarray, across: np.ndarray, down: np.ndarray) -> NDArray[np.float32]:
    """Values between the four nearest cells for every row and column; exactly 0 among zeros."""
    x, y = np.meshgrid(across, down)
    return cv2.remap(wide, x, y, cv2.INTER_LINEAR).astype(np.float32, copy=False)


def _enlarged(light: np.ndarray, size: tuple[int, int]) -> NDArray[np.float32]:
    """Logarithms at another size, smoothly, all round."""
    margin = light.shape[1] // 8
    wide = np.pad(light.astype(np.float32), ((0, 0), (margin, margin), (0, 0)), mode="wrap")
    factor = size[0] // light.shape[1]
    wide = cv2.resize(wide, (wide.shape[1] * factor, size[1]), interpolation=cv2.INTER_CUBIC)
    return wide[:, margin * factor : -margin * factor]


@functools.cache
def _network() -> LightNet:
    """The network, ready to be asked."""
    from vanisher_core.models import registry
    from vanisher_core.models.light import LightNet

    net = registry.load(MODEL)
    assert isinstance(net, LightNet)
    return net.folded()
