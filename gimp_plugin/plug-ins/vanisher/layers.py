"""Which layer is worked on, why another one cannot be, and how the result gets into the image."""
# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
import marks  # noqa: E402
import pixels  # noqa: E402
from gi.repository import Gegl, Gimp  # noqa: E402
from pixels import Box  # noqa: E402
from sentence import Sentence  # noqa: E402
from tiff import Picture  # noqa: E402

NAME = "Vanished"

PARASITE = "vanisher-source"
"""On each layer made here: the tattoo of the layer that it belongs to."""

PERSISTENT = 1
"""Parasite flag: saved with the image."""


def chosen(image: Any, drawables: list[Any], in_place: bool) -> Any:
    """The one layer to work on.

    Raises:
        Sentence: none, several, or one that cannot be worked on.
    """
    if image.get_floating_sel() is not None:
        raise Sentence("A floating selection is in the way: anchor it (Layer > Anchor Layer) and try again.")
    if len(drawables) != 1:
        count = "No layer is" if not drawables else f"{len(drawables)} layers are"
        raise Sentence(f"{count} chosen and Vanisher works on one: click it in the Layers dialog.")
    layer = drawables[0]
    if isinstance(layer, Gimp.LayerMask):
        raise Sentence("A layer mask is being edited: click the layer's picture beside it and try again.")
    if not isinstance(layer, Gimp.Layer):
        raise Sentence("A channel is chosen: click a layer in the Layers dialog and try again.")
    if layer.is_group():
        raise Sentence(
            f"'{layer.get_name()}' is a group: choose a layer in it, or make one of all that is seen with "
            "Layer > New from Visible."
        )
    if in_place:
        _check_changeable(layer)
    return layer


def _check_changeable(layer: Any) -> None:
    """Whether the layer's own pixels may be changed; GIMP itself would silently do nothing."""
    name, item = layer.get_name(), layer
    while item is not None:
        if item.get_lock_content():
            raise Sentence(
                f"The pixels of '{item.get_name()}' are locked: unlock them in the Layers dialog, or let the "
                "result be a new layer."
            )
        item = item.get_parent()
    for kind, question in (
        ("a text", "is_text_layer"),
        ("a vector", "is_vector_layer"),
        ("a link", "is_link_layer"),
    ):
        if hasattr(layer, question) and getattr(layer, question)():  # the last two came with GIMP 3.2
            raise Sentence(
                f"'{name}' is {kind} layer, whose pixels are made anew: let the result be a new layer, or turn "
                "it into pixels first (Layer > Rasterize or Discard Text Information)."
            )


def selected_box(image: Any, layer: Any) -> Box:
    """Box of the selection in the layer's coordinates.

    Raises:
        Sentence: nothing is selected, or nothing of the layer.
    """
    if Gimp.Selection.is_empty(image):
        raise Sentence(
            "Nothing is selected: select the thing to erase (Free Select is enough) and try again."
        )
    touches, x, y, width, height = layer.mask_intersect()
    if not touches or width <= 0 or height <= 0:
        raise Sentence(
            f"The selection does not touch '{layer.get_name()}': choose the layer that shows the thing, or "
            "select something of this one."
        )
    return Box(x, y, x + width, y + height)


def selection_on(image: Any, layer: Any, box: Box) -> bytes:
    """The selection over a box of the layer, one byte per pixel.

    Raises:
        Sentence: no pixel of it is selected by half.
    """
    _, x, y = layer.get_offsets()
    mask = pixels.read_selection(image, box.moved(x, y))
    if max(mask, default=0) < 128:
        raise Sentence(
            "The selection is too faint, no pixel of it is selected by half or more: use less feather, or "
            "Select > Sharpen."
        )
    return mask


def seen(image: Any, layer: Any, box: Box) -> Picture:
    """The layer's pixels in a box with what was erased from it before, so that nothing comes back.

    Earlier results lie on layers of their own; without them the next erasure would look at, and copy, things that
    are gone already.
    """
    picture = pixels.read(layer, box)
    data = picture.data
    for above in reversed(results_of(image, layer)):
        _, x, y = layer.get_offsets()
        _, own_x, own_y = above.get_offsets()
        place = box.moved(x - own_x, y - own_y)
        if (
            place.right <= 0
            or place.bottom <= 0
            or place.left >= above.get_width()
            or place.top >= above.get_height()
        ):
            continue
        patch = pixels.read(above, place, picture.kind, picture.channels)
        data = marks.overlaid(data, patch.data, _opaque(above, place), picture.pixel_bytes)
    return Picture(picture.width, picture.height, picture.channels, picture.kind, data)


def results_of(image: Any, layer: Any) -> list[Any]:
    """Visible results of earlier erasures from a layer, from the uppermost down."""
    parent = layer.get_parent()
    siblings = parent.get_children() if parent is not None else image.get_layers()
    above = siblings[: image.get_item_position(layer)]
    return [item for item in above if _source_of(item) == layer.get_tattoo() and item.get_visible()]


def _source_of(item: Any) -> int | None:
    parasite = item.get_parasite(PARASITE)
    try:
        return int(bytes(parasite.get_data()).decode()) if parasite is not None else None
    except ValueError:
        return None


def _opaque(layer: Any, box: Box) -> bytes:
    """255 where a layer covers what lies below."""
    mask = layer.get_mask()
    if mask is not None and layer.get_apply_mask():
        values = mask.get_buffer().get(box.rectangle, 1.0, "Y u8", Gegl.AbyssPolicy.NONE)
        return marks.at_least(bytes(values), 128)
    with_alpha = layer.get_buffer().get(box.rectangle, 1.0, "Y'A u8", Gegl.AbyssPolicy.NONE)
    return marks.at_least(bytes(with_alpha)[1::2], 128)


def add_result(image: Any, layer: Any, picture: Picture, mask: bytes, x: int, y: int) -> Any:
    """A new layer "Vanished" above the layer, cut by a layer mask; the chosen layers stay chosen.

    Args:
        image: the image.
        layer: the layer that was worked on.
        picture: the result's pixels.
        mask: 255 where the result counts, one byte per pixel of it.
        x: column of its upper left pixel in the layer.
        y: row of it.

    Returns:
        The new layer.
    """
    _, left, top = layer.get_offsets()
    result = Gimp.Layer.new(
        image, NAME, picture.width, picture.height, layer.type(), 100, Gimp.LayerMode.NORMAL
    )
    pixels.write(result, result.get_buffer(), picture, 0, 0)
    result.attach_parasite(Gimp.Parasite.new(PARASITE, PERSISTENT, str(layer.get_tattoo()).encode()))
    above = (results_of(image, layer) or [layer])[0]
    with one_undo_step(image):
        kept = image.get_selected_layers()
        image.insert_layer(result, layer.get_parent(), image.get_item_position(above))
        result.set_offsets(left + x, top + y)
        result.add_mask(result.create_mask(Gimp.AddMaskType.BLACK))
        cover = result.get_mask().get_buffer()
        cover.set(
            Box(0, 0, picture.width, picture.height).rectangle,
            "Y u8",
            _under_mask(layer, mask, picture, x, y),
        )
        cover.flush()
        result.get_mask().update(0, 0, picture.width, picture.height)
        result.update(0, 0, picture.width, picture.height)
        result.set_edit_mask(False)
        image.set_selected_layers(kept)
    return result


def _under_mask(layer: Any, mask: bytes, picture: Picture, x: int, y: int) -> bytes:
    """The result's mask, no more opaque than the layer's own mask: what it hides stays hidden."""
    own = layer.get_mask()
    if own is None or not layer.get_apply_mask():
        return mask
    box = Box(x, y, x + picture.width, y + picture.height)
    return marks.both(mask, bytes(own.get_buffer().get(box.rectangle, 1.0, "Y u8", Gegl.AbyssPolicy.NONE)))


def put_in_place(image: Any, layer: Any, picture: Picture, x: int, y: int) -> None:
    """Changes the layer's own pixels, through the selection: GIMP leaves all others as they are."""
    with one_undo_step(image):
        shadow = layer.get_shadow_buffer()
        pixels.write(layer, shadow, picture, x, y)
        layer.merge_shadow(True)
        layer.update(x, y, picture.width, picture.height)


@contextmanager
def one_undo_step(image: Any) -> Iterator[None]:
    """An undo group that is closed whatever happens."""
    image.undo_group_start()
    try:
        yield
    finally:
        image.undo_group_end()
