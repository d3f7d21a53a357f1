"""What the four file codecs share: limits, metadata, and the two values they hand over.

A codec is a module with `probe(data) -> (width, height)`, `decode(data) -> Decoded`,
`check(samples, metadata)`, `encode(samples, metadata, recipe) -> Encoded` and `with_xmp(recipe, packet)`. It
works in the file's own orientation ("stored"); `vanisher_core.photo` turns pictures upright. `recipe` is the
codec's own record of how the source file was built (chunks, tables, tags); with it a codec writes a file of
the same build, without it (another format, or a fresh array) one from the metadata alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from vanisher_core.errors import DamagedPhoto, LimitExceeded

Samples = np.ndarray[Any, Any]
Alpha = Literal["straight", "associated", "unspecified"]


@dataclass(frozen=True)
class Limits:
    """What a file may cost, checked from its size and header before anything is decoded.

    Attributes:
        max_bytes: length of the file in bytes.
        max_pixels: width times height.
        max_side: the longer side in pixels.
    """

    max_bytes: int = 512 * 1024 * 1024
    max_pixels: int = 600_000_000
    max_side: int = 300_000

    def check_bytes(self, count: int) -> None:
        """Raise `LimitExceeded` if a file of `count` bytes is over the limit."""
        if count > self.max_bytes:
            raise LimitExceeded(
                f"the file has {count:,} bytes and the limit is {self.max_bytes:,}; "
                "raise it with VANISHER_MAX_BYTES (in Python: `limits`) or use a smaller file"
            )

    def check_size(self, width: int, height: int) -> None:
        """Raise `DamagedPhoto` for an empty picture, `LimitExceeded` for one over the limits."""
        if width < 1 or height < 1:
            raise DamagedPhoto(f"the header says {width} x {height} pixels; a photograph has at least 1 x 1")
        if max(width, height) > self.max_side:
            raise LimitExceeded(
                f"the picture is {width} x {height} and the limit of a side is {self.max_side:,} pixels; "
                "cut the picture into parts"
            )
        if width * height > self.max_pixels:
            raise LimitExceeded(
                f"the picture is {width} x {height}, {width * height:,} pixels, "
                f"and the limit is {self.max_pixels:,}; "
                "raise it with VANISHER_MAX_PIXELS (in Python: `limits`) or use a smaller picture"
            )


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Metadata:
    """What a file says about its picture, in the form that every format can take over.

    Attributes:
        exif: the EXIF block as it stands, from its TIFF header (`II*` or `MM*`) on; None: there is none.
        icc: the ICC colour profile, byte for byte.
        xmp: the XMP packet (panorama data among it), byte for byte.
        resolution: dots per inch, horizontal and vertical.
        orientation: EXIF orientation of the *file*, 1..8. `Photo.array` is upright whatever it says.
        alpha: what the alpha channel means; None: there is none. `associated`: colours are premultiplied.
    """

    exif: bytes | None = None
    icc: bytes | None = None
    xmp: bytes | None = None
    resolution: tuple[float, float] | None = None
    orientation: int = 1
    alpha: Alpha | None = None


@dataclass(frozen=True)
class Decoded:
    """A file, read: samples as stored (HxW or HxWxC; uint8, uint16 or float32), metadata, recipe, remarks."""

    samples: Samples
    mode: str
    metadata: Metadata
    recipe: Any = field(repr=False)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Encoded:
    """A file, written: its bytes, whether a lossy codec touched every pixel, and remarks for the user."""

    data: bytes = field(repr=False)
    reencoded: bool = False
    notes: tuple[str, ...] = ()


def channels(samples: Samples) -> int:
    """Number of channels of an HxW (1) or HxWxC (C) array."""
    return 1 if samples.ndim == 2 else samples.shape[2]


def mode_of(samples: Samples) -> str:
    """Mode of an array by its channels: L, LA, RGB or RGBA."""
    return ("L", "LA", "RGB", "RGBA")[channels(samples) - 1]


def straight_alpha(samples: Samples) -> Samples:
    """Divide premultiplied colours (HxWx2 or HxWx4) by alpha, for formats that know straight alpha only."""
    top = np.float64(1.0 if samples.dtype.kind == "f" else np.iinfo(samples.dtype).max)
    alpha = samples[..., -1:].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        colour = np.where(alpha > 0, samples[..., :-1] * (top / alpha), 0.0)
    if samples.dtype.kind != "f":
        colour = np.clip(np.rint(colour), 0, top)
    return np.concatenate([colour.astype(samples.dtype), samples[..., -1:]], axis=-1)
