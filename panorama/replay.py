"""What `vanisher replay` and `vanisher verify` must know of panoramas; named in `vanisher.receipts`.

The kept mask is the union of all that was asked for, so that a replay needs neither the finder nor the nadir.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from panorama.canvas import Canvas
from panorama.erase import PanoramaResult, erase_panorama
from panorama.files import Panorama
from panorama.receipt import PanoramaReceipt
from vanisher_core.mask import Mask
from vanisher_core.photo import Photo
from vanisher_core.vanish import Vanisher


class PanoramaKind:
    """Erasures of `erase_panorama`."""

    def read(self, text: str) -> PanoramaReceipt:
        """See `PanoramaReceipt.from_json`."""
        return PanoramaReceipt.from_json(text)

    def erase(
        self,
        receipt: PanoramaReceipt,
        photo: Photo,
        mask: Mask,
        device: str,
        progress: Callable[[float, str], None] | None,
    ) -> PanoramaResult:
        """See `erase_panorama`."""
        return erase_panorama(
            Panorama.from_photo(photo),
            mask,
            vanisher=Vanisher(device=device),
            progress=progress,
            **receipt.replay(),
        )

    def changed(self, receipt: PanoramaReceipt, photo: Photo, mask: Mask) -> np.ndarray:
        """Bool HxW: the grown mask in equirectangular pixels, and what got new light."""
        canvas = Canvas(
            Panorama.from_photo(photo), mask.array, receipt.grow, receipt.feather, relight=receipt.relight
        )
        return canvas.alpha() > 0


KIND = PanoramaKind()
