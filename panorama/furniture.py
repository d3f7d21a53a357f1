"""What stands in a room, as the whole room tells it.

Perspective views (`panorama/find.py`) see outlines, but a wardrobe fills a view like a wall or a door does. The
furniture networks (`vanisher_core/models/furniture.py`) look at the whole panorama at once, small, as it is and
mirrored. They also tell pieces apart that the segmenter has no word for: rugs, lamps, pictures, shelves, cabinets.

One has learnt on rooms that hold furniture and nothing else, three on homes (`panorama.rooms --lived-in`): they know
kitchens and radiators for what they are, small things and large rugs, mirrors; the latest one on panoramas and
photographs labelled by eye as well. The latest two, trained on from one another, also tell what lies beyond the room's
walls (BEYOND), and say of it what it would be in this room. Their answers are averaged, as networks that learnt
otherwise err elsewhere (Lakshminarayanan, Pritzel and Blundell, "Simple and Scalable Predictive Uncertainty Estimation
using Deep Ensembles", NeurIPS 2017, section 2.4).
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from panorama import cells
from panorama.outlines import along_edges
from panorama.sphere import Frame

if TYPE_CHECKING:
    from torch import Tensor

    from vanisher_core.models.furniture import FurnitureNet

MODELS = {
    "room-furniture": (384, 0.2),
    "near-furniture": (512, 0.2),
    "door-furniture": (512, 0.2),
    "house-furniture": (512, 0.4),
}
"""The networks: columns of the panorama as each has learnt to see it, and its say; answers have half as many."""
LEAN = 1.6
"""Taken from the logarithm of the room's chance: what is left standing is worse than a wall that is filled again, and
neither rendered rooms nor the pictures learnt from are as full as homes that are emptied."""
BEYOND = "beyond"
"""The class of what lies beyond the room's walls."""
FURNITURE = "furniture"
"""The name that stands for every piece."""
ALSO = {"chair": ("swivel chair",)}
"""Channels that a name stands for besides its own; they have no name of their own."""
CERTAIN = 6.0
"""Log odds beyond which an answer counts no more, the views' as well."""


def kinds() -> dict[str, tuple[int, ...]]:
    """The names that these networks know, and their channels; none without all of their weights.

    Raises:
        ModelError: the weights are damaged, or tell other classes apart than each other.
    """
    from vanisher_core.errors import ModelError
    from vanisher_core.models import registry

    if not MODELS.keys() <= set(registry.names()):
        return {}
    channels, *others = (_pieces(registry.info(name).classes) for name in MODELS)
    if any(other != channels for other in others):
        raise ModelError(f"{', '.join(MODELS)} must know the same classes; reinstall the package")
    found = {FURNITURE: tuple(range(1, len(channels)))}
    parts = {part for own in ALSO.values() for part in own}
    for name in channels[1:]:
        if name not in parts:
            own = (name, *ALSO.get(name, ()))
            found[name] = tuple(index for index, channel in enumerate(channels) if channel in own)
    return found


def _pieces(classes: tuple[str, ...]) -> tuple[str, ...]:
    """A network's classes without what lies beyond the walls, which only later ones tell, last."""
    return classes[:-1] if classes[-1] == BEYOND else classes


class RoomFurniture:
    """What the networks say of one panorama.

    Args:
        frame: of the picture, the whole sphere (`panorama.light.sees_all`), upright.
        picture: HxWx3 uint8.

    Raises:
        ModelError: the weights are missing or damaged.
    """

    def __init__(self, frame: Frame, picture: np.ndarray) -> None:
        import torch

        from vanisher_core.models import registry

        self._frame, self._picture = frame, picture
        rows, mean, beyond = max(columns for columns, _ in MODELS.values()) // 4, torch.zeros(()), []
        with torch.inference_mode():
            for name, (columns, say) in MODELS.items():
                answer = _answer(name, picture, columns, rows)
                if registry.info(name).classes[-1] == BEYOND:
                    beyond.append(answer[-1])
                    # what it would be if it were in this room: `panorama/beyond.py` decides whether it is
                    answer = torch.log_softmax(answer[:-1], 0)
                mean = mean + say * answer
            mean[0] -= LEAN
            # Sums differ in their last bits with the number of threads; masks must not.
            self._chances = torch.softmax(mean.round(decimals=3), 0).numpy()
            self._beyond = torch.stack(beyond).mean(0).exp().round(decimals=3).numpy() if beyond else None

    def odds(self, channels: tuple[int, ...]) -> NDArray[np.float32]:
        """Log odds that a direction shows one of some classes, HxW of the frame, along the picture's edges."""
        chance = np.clip(self._chances[list(channels)].sum(0), 1e-6, 1 - 1e-6)
        odds = np.clip(np.log(chance / (1 - chance)), -CERTAIN, CERTAIN)
        return np.clip(along_edges(self._frame, self._picture, odds), -CERTAIN, CERTAIN)

    def beyond(self) -> NDArray[np.float32]:
        """Chance that a direction shows what lies beyond the room's walls, HxW of the frame, along edges."""
        if self._beyond is None:
            return np.zeros((self._frame.height, self._frame.width), np.float32)
        return np.clip(along_edges(self._frame, self._picture, self._beyond), 0, 1)

    def share(self, channels: tuple[int, ...]) -> NDArray[np.float32]:
        """Chance that a piece of furniture is of some classes, HxW of the frame."""
        furniture = np.maximum(1 - self._chances[0], 1e-5)
        return cells.enlarged(self._chances[list(channels)].sum(0) / furniture, self._frame)


def _answer(name: str, picture: np.ndarray, columns: int, rows: int) -> Tensor:
    """Logarithms of one network's chances, Cx(rows)x(2 rows), mean of the picture and its mirror image."""
    import torch
    from torch.nn import functional

    small = cv2.resize(picture, (columns, columns // 2), interpolation=cv2.INTER_AREA)
    rgb = torch.from_numpy(small.astype(np.float32) / 255).permute(2, 0, 1)
    both = _network(name)(torch.stack([rgb, rgb.flip(2)])).double()
    mean = 0.5 * (both[0] + both[1].flip(2))[None]
    # on both sides as much of the other as comes out as whole columns: the seam is interpolated like the rest
    edge = mean.shape[3] // math.gcd(mean.shape[3], 2 * rows)
    wide = functional.pad(mean, (edge, edge, 0, 0), mode="circular")
    beyond = edge * 2 * rows // mean.shape[3]
    return functional.interpolate(wide, (rows, 2 * (rows + beyond)), mode="bilinear")[0, ..., beyond:-beyond]


@functools.cache
def _network(name: str) -> FurnitureNet:
    """A network, ready to be asked."""
    from vanisher_core.models import registry
    from vanisher_core.models.furniture import FurnitureNet

    net = registry.load(name)
    assert isinstance(net, FurnitureNet)
    return net.folded()
