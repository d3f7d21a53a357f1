"""Gives a room the light it would have without what was erased.

Furniture leaves more than a hole: the floor and the walls round it stay darker than in an empty room. The light
network (`vanisher_core/models/light.py`) looks at the room as it was and says by what gain each direction differs. It
is applied in full to what was filled and fades out round it, so that no step shows; beyond REACH nothing changes.
Towards white a gain weakens, so that floors below windows do not burn out: film has such a shoulder as well.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from panorama import cells
from panorama.objects import Part, covered
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
EVEN = 4.0
"""Texels at COLUMNS, standard deviation within which light is the same: finer changes are the network's noise."""
SHOULDER, CONTRAST = 0.5, 0.2
"""Space below white, of full scale 1, at which gains begin to weaken, and how much of its contrast white keeps."""
BAND = 64
"""Rows that are lit at a time."""


def fading(frame: Frame, parts: list[Part]) -> NDArray[np.float32]:
    """How much of the new light each direction gets: (COLUMNS/2)xCOLUMNS, 1 in the holes, 0 towards REACH.

    What `apply` and `reached` look up between its cells is exactly 0 for every texel further than REACH from all holes.
    """
    small = Frame.full(COLUMNS, COLUMNS // 2)
    hole = covered(frame, parts)
    rows, columns = _starts(small.height, frame.height), _starts(small.width, frame.width)
    marks = np.maximum.reduceat(np.maximum.reduceat(hole, rows, axis=0), columns, axis=1) > 0
    # A texel of the hole lies up to half a cell from its cell's middle, and a cell colours texels one cell away.
    slack = 1.5 * math.sqrt(2) * max(small.step, frame.step, frame.row_step)
    away = small.distance(marks, Region(0, 0, small.width, small.height), REACH)
    share = np.clip(1 - away / np.float32(max(REACH - slack, small.step)), 0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)


def sees_all(frame: Frame) -> bool:
    """Whether a panorama is the whole sphere, which the network wants to look at."""
    return bool(frame.wraps and frame.has_nadir and frame.has_zenith)


def reached(share: np.ndarray, size: tuple[int, int]) -> NDArray[np.uint8]:
    """What `apply` may have changed of a picture of size (height, width): at least 1 there, 255 where in full."""
    across, down = cells.places(share.shape[1], size[1]), cells.places(share.shape[0], size[0])
    wide = cells.surrounded(share)
    reach = np.empty(size, np.uint8)
    for top in range(0, size[0], BAND):
        found = cells.looked_up(wide, across, down[top : top + BAND])
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
    hidden = cv2.resize(covered(frame, parts), size, interpolation=cv2.INTER_AREA) >= 128
    with torch.inference_mode():
        found = _network()(
            torch.from_numpy(rgb).permute(2, 0, 1)[None],
            torch.from_numpy(hidden.astype(np.float32))[None, None],
        )[0].numpy()
    # Sums differ in their last bits with the number of threads; pictures must not.
    return _enlarged(np.round(np.moveaxis(found, 0, 2), 3), size)


def apply(frame: Frame, work: np.ndarray, light: np.ndarray, *, shoulder: bool = True) -> None:
    """Multiplies samples by gains, in place; where the logarithm is 0 they stay as they are.

    Args:
        frame: of the picture, the whole sphere.
        work: HxW or HxWxC, uint8, uint16 or float32.
        light: hxwx3 logarithms, all round the sphere.
        shoulder: less the whiter they are.
    """
    across, down = cells.places(light.shape[1], frame.width), cells.places(light.shape[0], frame.height)
    wide = cells.surrounded(light)
    most = 1.0 if work.dtype == np.float32 else float(np.iinfo(work.dtype).max)
    colours = 1 if work.ndim == 2 or work.shape[2] < 3 else 3

    def light_band(top: int) -> None:
        rows = slice(top, min(top + BAND, frame.height))
        between = cells.between(wide, down[rows], 0)
        near = np.flatnonzero(between.any(axis=(0, 2)))
        columns = np.flatnonzero((across > near[0] - 1) & (across < near[-1] + 1)) if len(near) else near
        if not len(columns):
            return
        beside = slice(columns[0], columns[-1] + 1)
        own = work[rows, beside] if work.ndim == 3 else work[rows, beside, None]
        logarithm = cells.between(between, across[beside], 1)
        if colours == 1:
            logarithm = logarithm.mean(axis=2, keepdims=True)
        plain = own[..., :colours] / np.float32(most)
        gain = logarithm * _share(plain, logarithm) if shoulder else logarithm
        lit = plain * np.exp(gain) * np.float32(most)
        own[..., :colours] = lit if work.dtype == np.float32 else np.rint(np.minimum(lit, most))

    run_bands(light_band, list(range(0, frame.height, BAND)))


def _share(plain: np.ndarray, logarithm: np.ndarray) -> NDArray[np.float32]:
    """How much of its gain each texel gets: all of it in the dark, none at white; HxWx1.

    The brightest channel decides for all, or hues would change. With c = max(l / (1 - CONTRAST), SHOULDER), x becomes
    x exp(l) up to 1 - c, and x exp(l (1 - x) / c) above: at most 1, and ever brighter, for its slope by x is that times
    1 / x - l / c >= CONTRAST.

    Args:
        plain: HxWxC, full scale 1; floats may exceed it.
        logarithm: HxWxC.
    """
    space = 1 - plain.max(axis=2, keepdims=True)
    needed = np.maximum(logarithm.max(axis=2, keepdims=True) / np.float32(1 - CONTRAST), np.float32(SHOULDER))
    return np.clip(space / needed, 0, 1)


def _starts(cells: int, texels: int) -> NDArray[np.int64]:
    """The first texel of each cell: those whose middle lies in it; the nearest one if cells are the smaller."""
    return (2 * np.arange(cells) * texels + min(cells, texels)) // (2 * cells)


def _enlarged(light: np.ndarray, size: tuple[int, int]) -> NDArray[np.float32]:
    """Logarithms at another size and evened, all round."""
    margin, factor = light.shape[1] // 8, size[0] // light.shape[1]
    wide = np.pad(light.astype(np.float32), ((0, 0), (margin, margin), (0, 0)), mode="wrap")
    wide = cv2.resize(wide, (wide.shape[1] * factor, size[1]), interpolation=cv2.INTER_LINEAR)
    return cv2.GaussianBlur(wide, (0, 0), EVEN)[:, margin * factor : -margin * factor].astype(np.float32)


@functools.cache
def _network() -> LightNet:
    """The network, ready to be asked."""
    from vanisher_core.models import registry
    from vanisher_core.models.light import LightNet

    net = registry.load(MODEL)
    assert isinstance(net, LightNet)
    return net.folded()
