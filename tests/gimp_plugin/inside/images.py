"""Images for the cases, made inside GIMP: a grainy photograph with a dark thing, and round it what must stay."""
# pyright: reportMissingImports=false

from __future__ import annotations

import random
import struct
from functools import cache
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from cases import HEIGHT, OBJECT, WIDTH, Case  # noqa: E402
from gi.repository import Gegl, Gimp  # noqa: E402

HERE = Path(__file__).parent


def rectangle(x: int, y: int, width: int, height: int) -> Any:
    """For GEGL."""
    return Gegl.Rectangle.new(x, y, width, height)


def native(drawable: Any) -> bytes:
    """All pixels of a drawable as GIMP keeps them."""
    size = rectangle(0, 0, drawable.get_width(), drawable.get_height())
    return bytes(drawable.get_buffer().get(size, 1.0, None, Gegl.AbyssPolicy.NONE))


@cache
def photograph(width: int, height: int) -> bytes:
    """R'G'B'A u16: slow colour ramps, grain, the thing, one transparent corner; the low bits count."""
    rng = random.Random(7)
    left, top, right, bottom = OBJECT
    samples = []
    for y in range(height):
        for x in range(width):
            grain = rng.randrange(-2500, 2500)
            dark = left <= x < right and top <= y < bottom
            colour = (9000, 7000, 8000) if dark else (26000 + 60 * x, 34000 + 40 * y, 30000 + 30 * (x + y))
            samples += [min(max(value + grain, 0), 65535) for value in colour]
            samples.append(0 if x < 12 and y < 12 else 65535)
    return struct.pack(f"<{len(samples)}H", *samples)


def image_of(case: Case) -> tuple[Any, Any]:
    """An image with four layers, channel, guide and path; the photograph's layer is chosen."""
    base = getattr(Gimp.ImageBaseType, "RGB" if case.base == "INDEXED" else case.base)
    image = Gimp.Image.new_with_precision(WIDTH, HEIGHT, base, getattr(Gimp.Precision, case.precision))
    if case.profile:
        image.set_color_profile(
            Gimp.ColorProfile.new_rgb_adobe() if case.profile == "adobe"
            else Gimp.ColorProfile.new_d50_gray_lab_trc()
        )  # fmt: skip
    _layer(
        image, "below", False, (WIDTH, HEIGHT), (0, 0), b"\x40\x80\xc0\xff" * (WIDTH * HEIGHT), "R'G'B'A u8"
    )
    photo = _layer(image, "photo", case.alpha, case.size, case.offset, photograph(*case.size), "R'G'B'A u16")
    _layer(image, "above", True, (30, 20), (165, 120), b"\xff\x20\x20\xff" * 600, "R'G'B'A u8")
    if case.base == "INDEXED":
        dither, palette = Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE
        image.convert_indexed(dither, palette, 60, False, False, "")
    channel = Gimp.Channel.new(image, "a channel", WIDTH, HEIGHT, 50, Gegl.Color.new("red"))
    image.insert_channel(channel, None, 0)
    image.add_hguide(33)
    image.set_selected_layers([photo])
    return image, photo


def _layer(
    image: Any, name: str, alpha: bool, size: tuple[int, int], offset: tuple[int, int], data: bytes, form: str
) -> Any:
    grey = image.get_base_type() == Gimp.ImageBaseType.GRAY
    kind = getattr(Gimp.ImageType, ("GRAY" if grey else "RGB") + ("A_IMAGE" if alpha else "_IMAGE"))
    layer = Gimp.Layer.new(image, name, *size, kind, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    layer.set_offsets(*offset)
    buffer = layer.get_buffer()
    buffer.set(rectangle(0, 0, *size), form, data)
    buffer.flush()
    layer.update(0, 0, *size)
    return layer


def select(image: Any, how: str) -> None:
    """Selects round the thing, on the canvas; where the photograph's layer is moved, beside it."""
    replace, add = Gimp.ChannelOps.REPLACE, Gimp.ChannelOps.ADD
    left, top, right, bottom = OBJECT
    round_it = (left - 4, top - 4, right - left + 8, bottom - top + 8)
    if how == "":
        Gimp.Selection.none(image)
    elif how == "rectangle":
        image.select_rectangle(replace, *round_it)
    elif how == "ellipse":
        image.select_ellipse(replace, left - 9, top - 9, right - left + 18, bottom - top + 18)
    elif how == "feathered":
        image.select_rectangle(replace, *round_it)
        Gimp.Selection.feather(image, 7)
    elif how == "faint":
        image.select_rectangle(replace, left, top, 5, 5)
        Gimp.Selection.feather(image, 40)
    elif how == "polygon":
        image.select_polygon(replace, [84, 54, 122, 50, 126, 92, 100, 96, 82, 88])
    elif how == "islands":
        image.select_rectangle(replace, *round_it)
        image.select_rectangle(add, 20, 20, 9, 12)
        image.select_ellipse(add, 140, 90, 17, 15)
    elif how == "border":
        image.select_rectangle(replace, 0, 60, 22, 26)
    elif how == "border-right":
        image.select_rectangle(replace, WIDTH - 30, 70, 30, 30)
    elif how == "corner":
        image.select_rectangle(replace, WIDTH - 25, HEIGHT - 22, 25, 22)
    elif how == "pixel":
        image.select_rectangle(replace, 101, 71, 1, 1)
    elif how == "whole":
        Gimp.Selection.all(image)
    elif how == "left-part":
        image.select_rectangle(replace, 0, 0, 70, HEIGHT)
    else:
        raise ValueError(how)


def prepare(image: Any, photo: Any, situation: str) -> list[Any]:
    """Makes a situation of the image; the drawables with which the procedure is called."""
    if situation in ("group", "group-chosen", "locked-group"):
        group = Gimp.GroupLayer.new(image, "a group")
        image.insert_layer(group, None, 1)
        image.reorder_item(photo, group, 0)
        group.set_lock_content(situation == "locked-group")
        return [group if situation == "group-chosen" else photo]
    if situation in ("layer-mask", "mask-chosen"):
        mask = photo.create_mask(Gimp.AddMaskType.WHITE)
        photo.add_mask(mask)
        buffer = mask.get_buffer()
        buffer.set(rectangle(0, 0, 100, photo.get_height()), "Y u8", bytes(100 * photo.get_height()))
        buffer.flush()
        mask.update(0, 0, photo.get_width(), photo.get_height())
        return [mask if situation == "mask-chosen" else photo]
    if situation == "channel-chosen":
        return [image.get_channels()[0]]
    if situation == "two-chosen":
        return image.get_layers()[:2]
    if situation == "none-chosen":
        return []
    if situation == "floating":
        Gimp.Selection.float(image, [photo], 0, 0)
    elif situation == "locked":
        photo.set_lock_content(True)
    elif situation == "locked-otherwise":
        photo.set_lock_alpha(True)
        photo.set_lock_position(True)
    elif situation == "text":
        text = Gimp.TextLayer.new(image, "MMMMM", Gimp.fonts_get_list("DejaVu")[0], 90, Gimp.Unit.pixel())
        image.insert_layer(text, None, 0)
        text.set_offsets(5, 20)
        image.set_selected_layers([text])
        return [text]
    elif situation == "invisible":
        photo.set_visible(False)
    elif situation == "half-opaque":
        photo.set_opacity(50)
    elif situation == "bright":
        brighten(photo)
    elif situation == "blank":
        photo.get_buffer().set(
            rectangle(0, 0, WIDTH, HEIGHT), "R'G'B' u8", b"\x60\x90\xc0" * (WIDTH * HEIGHT)
        )
    elif situation == "person":
        put_person(photo)
    return [photo]


def brighten(photo: Any) -> None:
    """A band of highlights ten times as bright as white."""
    buffer, place = photo.get_buffer(), rectangle(130, 0, 30, HEIGHT)
    data = buffer.get(place, 1.0, "RGB float", Gegl.AbyssPolicy.NONE)
    count = len(data) // 4
    buffer.set(
        place, "RGB float", struct.pack(f"<{count}f", *(10 * v for v in struct.unpack(f"<{count}f", data)))
    )
    buffer.flush()


def put_person(photo: Any) -> None:
    """A portrait, 144 pixels wide, in the middle."""
    buffer = photo.get_buffer()
    buffer.set(rectangle(28, 0, HEIGHT, HEIGHT), "R'G'B' u8", (HERE / "person.rgb").read_bytes())
    buffer.flush()
    photo.update(0, 0, WIDTH, HEIGHT)
