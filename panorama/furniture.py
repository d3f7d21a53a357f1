"""What stands in a room, as the whole room tells it.

Perspective views (`panorama/find.py`) see outlines, but a wardrobe fills a view like a wall or a door does. The
furniture network (`vanisher_core/models/furniture.py`) looks at the whole panorama at once, small, as it is and
mirrored. It also tells pieces apart that the segmenter has no word for: rugs, lamps, pictures, shelves, cabinets.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from panorama import cells
from panorama.outlines import along_edges
from panorama.sphere import Frame

if TYPE_CHECKING:
    from vanisher_core.models.furniture import FurnitureNet

MODEL = "room-furniture"
FURNITURE = "furniture"
"""The name that stands for every piece."""
COLUMNS = 384
"""Of the panorama as the network has learnt to see it; its answer has half as many."""
ALSO = {"chair": ("swivel chair",)}
"""Channels that a name stands for besides its own; they have no name of their own."""
CERTAIN = 6.0
"""Log odds beyond which an answer counts no more, the views' as well."""


def kinds() -> dict[str, tuple[int, ...]]:
    """The names that this network knows, and their channels; none without its weights.

    Raises:
        ModelError: the weights are damaged.
    """
    from vanisher_core.models import registry

    if MODEL not in registry.names():
        return {}
    channels = registry.info(MODEL).classes
    found = {FURNITURE: tuple(range(1, len(channels)))}
    parts = {part for own in ALSO.values() for part in own}
    for name in channels[1:]:
        if name not in parts:
            own = (name, *ALSO.get(name, ()))
            found[name] = tuple(index for index, channel in enumerate(channels) if channel in own)
    return found


class RoomFurniture:
    """What the network says of one panorama.

    Args:
        frame: of the picture, the whole sphere (`panorama.light.sees_all`), upright.
        picture: HxWx3 uint8.

    Raises:
        ModelError: the weights are missing or damaged.
    """

    def __init__(self, frame: Frame, picture: np.ndarray) -> None:
        import torch

        self._frame, self._picture = frame, picture
        small = cv2.resize(picture, (COLUMNS, COLUMNS // 2), interpolation=cv2.INTER_AREA)
        rgb = torch.from_numpy(small.astype(np.float32) / 255).permute(2, 0, 1)
        with torch.inference_mode():
            both = _network()(torch.stack([rgb, rgb.flip(2)])).double()
            # Sums differ in their last bits with the number of threads; masks must not.
            self._chances = torch.softmax((0.5 * (both[0] + both[1].flip(2))).round(decimals=3), 0).numpy()

    def odds(self, channels: tuple[int, ...]) -> NDArray[np.float32]:
        """Log odds that a direction shows one of some classes, HxW of the frame, along the picture's edges."""
        chance = np.clip(self._chances[list(channels)].sum(0), 1e-6, 1 - 1e-6)
        odds = np.clip(np.log(chance / (1 - chance)), -CERTAIN, CERTAIN)
        return np.clip(along_edges(self._frame, self._picture, odds), -CERTAIN, CERTAIN)

    def share(self, channels: tuple[int, ...]) -> NDArray[np.float32]:
        """Chance that a piece of furniture is of some classes, HxW of the frame."""
        furniture = np.maximum(1 - self._chances[0], 1e-5)
        return cells.enlarged(self._chances[list(channels)].sum(0) / furniture, self._frame)


@functools.cache
def _network() -> FurnitureNet:
    """The network, ready to be asked."""
    from vanisher_core.models import registry
    from vanisher_core.models.furniture import FurnitureNet

    net = registry.load(MODEL)
    assert isinstance(net, FurnitureNet)
    return net.folded()
