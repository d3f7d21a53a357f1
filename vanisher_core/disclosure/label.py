"""A visible label in the picture, for those whose law asks for one that nobody can overlook.

Letters in white on a dark plate, in the font that comes inside Pillow (Aileron, CC0), drawn at the picture's own
depth. The label changes pixels outside the mask: the receipt says where, and `vanisher verify` draws it again on
the original to check that nothing else changed there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vanisher_core.codecs.base import Samples
from vanisher_core.errors import UsageError
from vanisher_core.receipt import LabelRecord

PLACES = ("bottom-right", "bottom-left", "top-right", "top-left", "ahead")
"""Corners; `ahead` is the middle of a panorama, a little below the horizon, where viewers begin to look."""
SIZE = 0.04
"""Height of the letters as a share of the shorter side, unless another is asked for."""
SMALLEST = 9
"""Pixels, the smallest font that can be read."""
LONGEST = 120
"""Characters."""
PLATE, INK = 0.72, 1.0
"""Opacity of the plate; white of the letters."""
AHEAD = 0.62
"""Share of the picture's height at which a label ahead stands."""
WIDEST = 0.9
"""Share of the picture's width that a label may take; it shrinks rather than exceed it."""


@dataclass(frozen=True)
class Label:
    """What to write and where.

    Attributes:
        text: one line, 1 to 120 characters.
        place: one of `PLACES`.
        size: height of the letters as a share of the shorter side, above 0 and up to 0.2.

    Raises:
        UsageError: values outside these.
    """

    text: str
    place: str = "bottom-right"
    size: float = SIZE

    def __post_init__(self) -> None:
        if not self.text.strip() or len(self.text) > LONGEST or not self.text.isprintable():
            raise UsageError(
                f"The label {self.text[:40]!r} must be one line of 1 to {LONGEST} printable characters."
            )
        if self.place not in PLACES:
            raise UsageError(f"The label's place {self.place!r} is unknown: use one of {', '.join(PLACES)}.")
        if not 0 < self.size <= 0.2:
            raise UsageError(f"The label's size {self.size:g} must be above 0 and at most 0.2 of the side.")


def drawn(array: Samples, label: Label) -> tuple[Samples, LabelRecord]:
    """The picture with the label.

    Args:
        array: HxW, HxWx2..4; uint8, uint16 or float32 (white = 1.0). An alpha channel becomes opaque below the
            plate, or nobody would see it.
        label: what to write.

    Returns:
        A new array of the same shape and dtype, and the record for the receipt.

    Raises:
        UsageError: the picture is too small for the label.
    """
    height, width = array.shape[:2]
    font, plate = _fitted(label, width, height)
    left, top = _corner(label.place, width, height, plate)
    box = (left, top, left + plate[0], top + plate[1])
    ink = _ink(label.text, font, plate)
    result = array.copy()
    part = result[box[1] : box[3], box[0] : box[2]]
    part[...] = _blended(part, ink)
    return result, LabelRecord(label.text, label.place, label.size, box)


def of_record(record: LabelRecord) -> Label:
    """The label that a receipt speaks of."""
    return Label(record.text, record.place, record.size)


def _fitted(label: Label, width: int, height: int) -> tuple[ImageFont.FreeTypeFont, tuple[int, int]]:
    """The largest font up to the wish whose plate fits, and the plate's width and height."""
    size = max(SMALLEST, round(label.size * min(width, height)))
    while size >= SMALLEST:
        font = ImageFont.load_default(size)
        assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow's wheels have FreeType
        plate = (round(font.getlength(label.text) + 1.2 * size), round(1.9 * size))
        if plate[0] <= WIDEST * width and plate[1] <= WIDEST * height:
            return font, plate
        size = min(size - 1, int(size * WIDEST * width / plate[0]) if plate[0] > WIDEST * width else size - 1)
    raise UsageError(
        f"The picture of {width}x{height} is too small for the label {label.text!r}: shorten it, or leave it out."
    )


def _corner(place: str, width: int, height: int, plate: tuple[int, int]) -> tuple[int, int]:
    """Left and top of the plate."""
    if place == "ahead":
        return (width - plate[0]) // 2, min(round(height * AHEAD), height - plate[1])
    margin = plate[1] // 3
    left = margin if place.endswith("left") else width - plate[0] - margin
    top = margin if place.startswith("top") else height - plate[1] - margin
    return max(0, left), max(0, top)


def _ink(text: str, font: ImageFont.FreeTypeFont, plate: tuple[int, int]) -> np.ndarray:
    """HxW float32 in [0, 1]: how much of each pixel the letters cover."""
    image = Image.new("L", plate)
    ImageDraw.Draw(image).text((plate[0] / 2, plate[1] / 2), text, fill=255, font=font, anchor="mm")
    return np.asarray(image, np.float32) / 255


def _blended(part: Samples, ink: np.ndarray) -> Samples:
    """The plate over the picture, the letters over the plate, at the picture's depth."""
    top = 1.0 if part.dtype.kind == "f" else float(np.iinfo(part.dtype).max)
    planes = part.astype(np.float64).reshape(*part.shape[:2], -1)
    cover = ink[..., None].astype(np.float64)
    result = planes * (1 - PLATE) * (1 - cover) + top * INK * cover
    if planes.shape[2] in (2, 4):
        result[..., -1] = top
    if part.dtype.kind != "f":
        result = np.clip(np.rint(result), 0, top)
    return result.astype(part.dtype).reshape(part.shape)
