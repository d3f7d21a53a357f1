"""Pixels between GIMP and the daemon: at the image's own precision, in the image's own colours.

GEGL's format names mean sRGB, so reading `R'G'B' u8` from a layer with another profile converts its colours (up to 12
of 255 off in Adobe RGB after there and back, saturated colours are cut). `read` and `write` therefore go through a
scratch image of the same profile, which then is *assigned* sRGB: numbers stay, names fit, nothing is converted.

Exchanged are u8 for 8-bit gamma, u16 for other integers, float (linear light, as the daemon expects of float
pictures) for half, float and double. Indexed pixels travel as RGB and come back to the nearest colour of the palette.
"""
# pyright: reportMissingImports=false

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil, sqrt
from pathlib import Path
from typing import Any, NamedTuple

import gi

gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp, Gio, GLib  # noqa: E402
from sentence import Sentence  # noqa: E402
from tiff import Picture  # noqa: E402

EIGHT_BIT = (Gimp.Precision.U8_NON_LINEAR, Gimp.Precision.U8_PERCEPTUAL)
FLOATING = (
    Gimp.Precision.HALF_LINEAR, Gimp.Precision.HALF_NON_LINEAR, Gimp.Precision.HALF_PERCEPTUAL,
    Gimp.Precision.FLOAT_LINEAR, Gimp.Precision.FLOAT_NON_LINEAR, Gimp.Precision.FLOAT_PERCEPTUAL,
    Gimp.Precision.DOUBLE_LINEAR, Gimp.Precision.DOUBLE_NON_LINEAR, Gimp.Precision.DOUBLE_PERCEPTUAL,
)  # fmt: skip

NAMES = {1: "Y'", 2: "Y'A", 3: "R'G'B'", 4: "R'G'B'A"}
"""Channels -> GEGL's name of the gamma-encoded format; without the primes it is linear."""

MARGIN, SHARE = 64, 0.75
"""Context that the fill looks at: pixels at least, and share of the side of the hole."""
CELL = 512
"""Small holes are grouped by a grid of cells of this side."""
AUTOMATIC_GROWTH = 40
"""Pixels, the most that a mask grows by itself. These four say what vanisher_core's window.py and mask.py do."""


class Box(NamedTuple):
    """Half-open rectangle of pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def rectangle(self) -> Any:
        """For GEGL."""
        return Gegl.Rectangle.new(self.left, self.top, self.width, self.height)

    def moved(self, x: int, y: int) -> Box:
        """Shifted to the right and down."""
        return Box(self.left + x, self.top + y, self.right + x, self.bottom + y)


def context(hole: Box, width: int, height: int, grow: int, feather: float) -> Box:
    """What has to be sent so that the fill is, to the last bit, that of the whole layer.

    Every window that the library would look at fits into the hole grown as the mask will be and expanded by the
    largest context, slid inwards at the layer's edges as the library slides its windows; its corner lies on the
    library's grid, so that small holes are grouped the same way.

    Args:
        hole: box of the selected pixels in the layer.
        width: of the layer.
        height: of the layer.
        grow: pixels, negative for automatic.
        feather: pixels of soft edge, negative for automatic.
    """
    growth = max(AUTOMATIC_GROWTH, ceil(feather)) if grow < 0 else grow
    wide, high = hole.width + 2 * growth, hole.height + 2 * growth
    margin = max(MARGIN, ceil(SHARE * sqrt(wide * high))) + growth
    left, right = _slid(hole.left - margin, hole.right + margin, width)
    top, bottom = _slid(hole.top - margin, hole.bottom + margin, height)
    return Box(left // CELL * CELL, top // CELL * CELL, right, bottom)


def _slid(low: int, high: int, length: int) -> tuple[int, int]:
    if low < 0:
        low, high = 0, high - low
    if high > length:
        low, high = low - (high - length), length
    return max(low, 0), high


def exchange(layer: Any) -> tuple[int, str]:
    """Channels and kind of sample (u8, u16, float) in which a layer travels."""
    precision = layer.get_image().get_precision()
    kind = "float" if precision in FLOATING else "u8" if precision in EIGHT_BIT else "u16"
    return (1 if layer.is_gray() else 3) + int(layer.has_alpha()), kind


def format_name(channels: int, kind: str) -> str:
    """GEGL's name."""
    name = NAMES[channels]
    return f"{name.replace(chr(39), '') if kind == 'float' else name} {kind}"


def read(layer: Any, box: Box, kind: str | None = None, channels: int | None = None) -> Picture:
    """Pixels of a layer in the image's own profile; beyond the layer they are 0.

    Args:
        layer: a layer of any type and precision.
        box: in the layer's coordinates.
        kind: of sample, if not the layer's own.
        channels: if not the layer's own.
    """
    own_channels, own_kind = exchange(layer)
    channels, kind = channels or own_channels, kind or own_kind
    name, place = format_name(channels, kind), Box(0, 0, box.width, box.height).rectangle
    if layer.is_indexed():
        data = layer.get_buffer().get(box.rectangle, 1.0, name, Gegl.AbyssPolicy.NONE)
        return Picture(box.width, box.height, channels, kind, bytes(data))
    profile = layer.get_image().get_color_profile()
    with _scratch(layer, box, profile) as (image, copy):
        buffer = copy.get_buffer()
        layer.get_buffer().copy(box.rectangle, Gegl.AbyssPolicy.NONE, buffer, place)
        buffer.flush()
        if profile is not None:
            image.set_color_profile(_srgb(layer))
        data = copy.get_buffer().get(place, 1.0, name, Gegl.AbyssPolicy.NONE)
        return Picture(box.width, box.height, channels, kind, bytes(data))


def write(layer: Any, buffer: Any, picture: Picture, x: int, y: int) -> None:
    """Puts pixels in the image's own profile into a buffer of a layer (its own or its shadow).

    Args:
        layer: says type, precision and profile.
        buffer: where to.
        picture: the pixels.
        x: column of the upper left one in the layer.
        y: row of it.
    """
    name = format_name(picture.channels, picture.kind)
    box = Box(0, 0, picture.width, picture.height)
    if layer.is_indexed():
        buffer.set(box.moved(x, y).rectangle, name, picture.data)
        buffer.flush()
        return
    profile = layer.get_image().get_color_profile()
    with _scratch(layer, box, None) as (image, copy):
        source = copy.get_buffer()
        source.set(box.rectangle, name, picture.data)
        source.flush()
        if profile is not None:
            image.set_color_profile(profile)
        copy.get_buffer().copy(box.rectangle, Gegl.AbyssPolicy.NONE, buffer, box.moved(x, y).rectangle)
        buffer.flush()


def read_selection(image: Any, box: Box) -> bytes:
    """How much each pixel is selected, one byte each; beyond the canvas nothing is."""
    buffer = image.get_selection().get_buffer()
    return bytes(buffer.get(box.rectangle, 1.0, "Y u8", Gegl.AbyssPolicy.NONE))


def read_mask_file(data: bytes, box: Box) -> bytes:
    """The samples of a grey PNG of 8 bits, read by GIMP itself.

    Not by GdkPixbuf: where that loads pictures in a sandbox of its own (GIMP 3.2's Debian), it fails inside others.

    Raises:
        Sentence: it cannot be read, or is not of the box's size.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="vanisher-") as folder:
            path = Path(folder) / "mask.png"
            path.write_bytes(data)
            image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(path)))
    except OSError as error:
        raise Sentence(
            f"No room for a file of {len(data)} bytes ({error.strerror}): nothing was changed."
        ) from None
    except GLib.Error as error:
        raise Sentence(f"Vanisher's mask cannot be read ({error.message}): nothing was changed.") from None
    try:
        if (image.get_width(), image.get_height()) != (box.width, box.height):
            raise Sentence("Vanisher's mask has another size than the layer: nothing was changed.")
        buffer = image.get_layers()[0].get_buffer()
        return bytes(buffer.get(box.rectangle, 1.0, "Y' u8", Gegl.AbyssPolicy.NONE))
    finally:
        image.delete()


@contextmanager
def _scratch(layer: Any, box: Box, profile: Any) -> Iterator[tuple[Any, Any]]:
    """An image that nobody sees, with one layer of the given layer's type and precision."""
    like = layer.get_image()
    image = Gimp.Image.new_with_precision(box.width, box.height, like.get_base_type(), like.get_precision())
    try:
        image.undo_disable()
        if profile is not None:
            image.set_color_profile(profile)
        copy = Gimp.Layer.new(
            image, "scratch", box.width, box.height, layer.type(), 100, Gimp.LayerMode.NORMAL
        )
        image.insert_layer(copy, None, 0)
        yield image, copy
    finally:
        image.delete()


def _srgb(layer: Any) -> Any:
    return Gimp.ColorProfile.new_d65_gray_srgb_trc() if layer.is_gray() else Gimp.ColorProfile.new_rgb_srgb()
