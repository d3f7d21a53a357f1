"""The three things that the plug-in does, without dialogs: selection, people, panorama."""
# pyright: reportMissingImports=false

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("GdkPixbuf", "2.0")
import daemon  # noqa: E402
import jobs  # noqa: E402
import layers  # noqa: E402
import marks  # noqa: E402
import pixels  # noqa: E402
import tiff  # noqa: E402
from daemon import Daemon  # noqa: E402
from gi.repository import Gimp  # noqa: E402
from pixels import Box  # noqa: E402
from sentence import Sentence  # noqa: E402
from settings import Settings  # noqa: E402
from tiff import Picture  # noqa: E402

SOFT_FLOOR = 16
"""What is selected less than this does not grow in the library; without growth the mask counts as it is."""


@dataclass(frozen=True)
class Options:
    """What can be chosen.

    Attributes:
        grow: pixels round the selection; negative: by the size of each thing.
        feather: pixels of soft edge in that ring; negative: by the growth.
        model: auto, network or exemplar.
        seed: another number, another texture.
        in_place: change the layer itself, and only inside the selection.
    """

    grow: int = -1
    feather: float = -1.0
    model: str = "auto"
    seed: int = 0
    in_place: bool = False

    KEYS: ClassVar = ("grow", "feather", "model", "seed", "output")
    """As the dialog and `vanisher.json` name them."""

    @classmethod
    def of(cls, values: dict[str, Any]) -> Options:
        """Options from the values of a dialog; a missing one has its default.

        Raises:
            Sentence: a value does not fit.
        """
        try:
            options = cls(
                int(values.get("grow", -1)), float(values.get("feather", -1)), str(values.get("model", "auto")),
                int(values.get("seed", 0)), values.get("output", "layer") == "in-place",
            )  # fmt: skip
        except (TypeError, ValueError):
            raise Sentence(
                f"The settings {values} do not fit: choose them anew in Vanish selection..."
            ) from None
        if 0 <= options.grow < options.feather:
            raise Sentence(
                f"Feather is {options.feather:g} and grow {options.grow}: the soft edge lies inside the grown "
                "ring, so feather must not be larger."
            )
        return options

    @property
    def fields(self) -> dict[str, Any]:
        """As the daemon reads them. In place nothing beyond the selection changes, so nothing grows."""
        grow = 0 if self.in_place else None if self.grow < 0 else self.grow
        feather = 0 if self.in_place else None if self.feather < 0 else self.feather
        return {"grow": grow, "feather": feather, "model": self.model, "seed": self.seed}


@dataclass(frozen=True)
class Outcome:
    """What became of it: the new layer (None: in place, or nothing to do) and sentences for the user."""

    layer: Any
    notes: list[str]


def erase_selection(image: Any, drawables: list[Any], options: Options, settings: Settings) -> Outcome:
    """Erases what is selected from the chosen layer.

    Raises:
        Sentence: it cannot be done.
    """
    layer = layers.chosen(image, drawables, options.in_place)
    hole = layers.selected_box(image, layer)
    box = _context(hole, layer, options)
    mask = layers.selection_on(image, layer, box)
    service = daemon.connect(settings, _pulse)
    return _erased(image, layer, box, mask, options, service, _progress)


def erase_people(image: Any, drawables: list[Any], options: Options, settings: Settings) -> Outcome:
    """Erases every person from the chosen layer; with a selection only what lies in it.

    Raises:
        Sentence: it cannot be done.
    """
    layer = layers.chosen(image, drawables, options.in_place)
    if options.in_place and Gimp.Selection.is_empty(image):
        raise Sentence(
            "In place means inside the selection, and nothing is selected: select where people may be erased "
            "(Select > All), or let the result be a new layer."
        )
    whole = Box(0, 0, layer.get_width(), layer.get_height())
    service = daemon.connect(settings, _pulse)
    picture = pixels.read(layer, whole, "u8")
    found = jobs.run(
        service, {"kind": "segment", "classes": "person"}, {"image": tiff.encode(picture)}, _share(0.0, 0.4)
    )
    mask = pixels.read_mask_file(found.data, whole)
    if not Gimp.Selection.is_empty(image):
        mask = marks.both(mask, marks.at_least(layers.selection_on(image, layer, whole), 128))
    hole = _bounds(mask, whole.width)
    if hole is None:
        return Outcome(None, ["No person was found: nothing was erased."])
    box = _context(hole, layer, options)
    cut = marks.cut(mask, whole.width, 1, box)
    return _erased(image, layer, box, cut, options, service, _share(0.4, 1.0))


def erase_panorama(image: Any, drawables: list[Any], options: Options, settings: Settings) -> Outcome:
    """Erases what is selected from a layer that is an equirectangular panorama; with no selection, furniture.

    Raises:
        Sentence: it cannot be done.
    """
    layer = layers.chosen(image, drawables, options.in_place)
    whole = Box(0, 0, layer.get_width(), layer.get_height())
    fields = {**options.fields, "kind": "panorama"}
    mask = bytes(whole.width * whole.height)
    selected = not Gimp.Selection.is_empty(image)
    if selected:
        layers.selected_box(image, layer)
        mask = layers.selection_on(image, layer, whole)
    elif options.in_place:
        raise Sentence(
            "In place means inside the selection, and nothing is selected: select what to erase, or let the "
            "result be a new layer."
        )
    service = daemon.connect(settings, _pulse)
    sent = layers.seen(image, layer, whole)
    files = {"image": tiff.encode(sent)}
    if selected:
        files["mask"] = tiff.encode(_mask_picture(mask, whole, options))
    else:
        fields["remove"] = "furniture"
    done = jobs.run(service, fields, files, _progress)
    return _applied(image, layer, whole, sent, mask, done, 0, options)


def _context(hole: Box, layer: Any, options: Options) -> Box:
    grow, feather = (0, 0) if options.in_place else (options.grow, options.feather)
    return pixels.context(hole, layer.get_width(), layer.get_height(), grow, feather)


def _erased(
    image: Any, layer: Any, box: Box, mask: bytes, options: Options, service: Daemon, progress: jobs.Progress,
) -> Outcome:  # fmt: skip
    """Sends a box of the layer with its mask, and puts the answer into the image."""
    sent = layers.seen(image, layer, box)
    files = {"image": tiff.encode(sent), "mask": tiff.encode(_mask_picture(mask, box, options))}
    done = jobs.run(service, {**options.fields, "kind": "erase"}, files, progress)
    receipt = done.result.get("receipt")
    grow = receipt.get("grow_used", 0) if isinstance(receipt, dict) else 0
    return _applied(image, layer, box, sent, mask, done, int(grow), options)


def _mask_picture(mask: bytes, box: Box, options: Options) -> Picture:
    """The mask as it is sent: in place every selected pixel is filled, and GIMP blends soft edges itself."""
    values = marks.at_least(mask, 1) if options.in_place else mask
    return Picture(box.width, box.height, 1, "u8", values)


def _applied(
    image: Any, layer: Any, box: Box, sent: Picture, mask: bytes, done: jobs.Done, grow: int, options: Options,
) -> Outcome:  # fmt: skip
    """The answer as a new layer, or in place."""
    answer = tiff.decode(done.data)
    if answer.layout != sent.layout:
        raise Sentence(
            "Vanisher answered with another picture than was sent: nothing was changed. Install plug-in and "
            "daemon of the same version."
        )
    if not (image.is_valid() and layer.is_valid()):
        raise Sentence("The layer was deleted meanwhile: nothing was changed.")
    changed = marks.differing(sent.data, answer.data, sent.pixel_bytes)
    solid = marks.at_least(mask, SOFT_FLOOR if grow else 1)
    cover = marks.either(changed, marks.grown(solid, box.width, grow))
    tight = _bounds(cover, box.width)
    if tight is None:
        return Outcome(None, done.notes or ["Nothing was erased."])
    part = Picture(
        tight.width, tight.height, sent.channels, sent.kind,
        marks.cut(answer.data, box.width, sent.pixel_bytes, tight),
    )  # fmt: skip
    x, y = box.left + tight.left, box.top + tight.top
    if options.in_place:
        layers.put_in_place(image, layer, part, x, y)
        return Outcome(None, [*done.notes, *_remarks(layer, options)])
    result = layers.add_result(image, layer, part, marks.cut(cover, box.width, 1, tight), x, y)
    return Outcome(result, [*done.notes, *_remarks(layer, options)])


def _remarks(layer: Any, options: Options) -> list[str]:
    """What the user should know about this kind of layer."""
    notes = []
    if layer.is_indexed():
        notes.append(
            "This image has a palette, so the fill uses the nearest of its colours: for a smooth one, undo, "
            "choose Image > Mode > RGB and erase again."
        )
    if not options.in_place and (
        layer.get_opacity() < 100
        or layer.get_mode() not in (Gimp.LayerMode.NORMAL, Gimp.LayerMode.NORMAL_LEGACY)
    ):
        notes.append(
            f"'{layer.get_name()}' is not opaque or has a mode of its own, and the new layer above covers it: "
            "in place (Vanish selection...) the look stays."
        )
    return notes


def _bounds(mask: bytes, width: int) -> Box | None:
    """Tight box of the pixels that are not 0."""
    rows = [mask[start : start + width] for start in range(0, len(mask), width)]
    used = [index for index, row in enumerate(rows) if any(row)]
    if not used:
        return None
    number = 0
    for index in used:
        number |= int.from_bytes(rows[index], "little")
    left = (number & -number).bit_length() - 1
    return Box(left // 8, used[0], (number.bit_length() + 7) // 8, used[-1] + 1)


def _pulse(text: str) -> None:
    Gimp.progress_set_text(text)
    Gimp.progress_pulse()


def _progress(fraction: float, text: str) -> None:
    Gimp.progress_set_text(text)
    Gimp.progress_update(min(max(fraction, 0.0), 1.0))


def _share(start: float, end: float) -> jobs.Progress:
    return lambda fraction, text: _progress(start + (end - start) * fraction, text)
