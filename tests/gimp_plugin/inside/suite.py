"""Runs all cases in one GIMP and writes what it found to `results.json` beside itself: name -> list of faults.

Started by `gimp_root.Gimp.batch`; the folder also holds `cases.py`, `images.py` and `person.rgb`. For the cases that
are compared with the library, the pixels are left in files for the host (there is no numpy in here).
"""
# pyright: reportMissingImports=false

from __future__ import annotations

import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp  # noqa: E402

HERE = Path(Gimp.directory()).parent
sys.path.insert(0, str(HERE))
import images  # noqa: E402
from cases import CASES, HEIGHT, OBJECT, WIDTH, Case  # noqa: E402

NOISE = 3
"""Of 255: what GIMP's own projection of unchanged float pixels may differ by."""


def call(name: str, image: Any, drawables: list[Any], options: dict[str, Any]) -> tuple[bool, Any, str]:
    """Runs a procedure as a script would: success, the returned layer, the error's sentence."""
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", drawables)
    for key, value in options.items():
        config.set_property(key, value)
    values = procedure.run(config)
    if values.index(0) == Gimp.PDBStatusType.SUCCESS:
        return True, values.index(1), ""
    return False, None, Gimp.get_pdb().get_last_error()


def all_layers(items: list[Any]) -> list[Any]:
    """Layers with those in groups."""
    return [
        deep
        for item in items
        for deep in [item, *(all_layers(item.get_children()) if item.is_group() else [])]
    ]


def snapshot(image: Any) -> dict[str, Any]:
    """Everything about an image that must stay."""
    guides, guide = [], image.find_next_guide(0)
    while guide:
        guides.append((guide, image.get_guide_position(guide)))
        guide = image.find_next_guide(guide)
    profile = image.get_color_profile()
    return {
        "layers": {layer.get_id(): about(layer) for layer in all_layers(image.get_layers())},
        "channels": [(item.get_name(), images.native(item)) for item in image.get_channels()],
        "guides": guides,
        "selection": images.native(image.get_selection()),
        "chosen": [layer.get_id() for layer in image.get_selected_layers()],
        "kind": (
            int(image.get_base_type()),
            int(image.get_precision()),
            image.get_width(),
            image.get_height(),
        ),
        "profile": profile and bytes(profile.get_icc_profile()),
    }


def about(layer: Any) -> tuple[Any, ...]:
    """A layer's properties and pixels."""
    mask = layer.get_mask()
    pixels = b"" if layer.is_group() else images.native(layer)
    flags = (layer.get_visible(), layer.get_opacity(), layer.get_lock_content(), layer.has_alpha())
    return layer.get_name(), tuple(layer.get_offsets()), flags, pixels, mask and images.native(mask)


def look(image: Any) -> bytes:
    """What is seen of the image: R'G'B' u8."""
    copy = image.duplicate()
    merged = copy.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE)
    canvas = images.rectangle(-merged.get_offsets()[1], -merged.get_offsets()[2], WIDTH, HEIGHT)
    data = merged.get_buffer().get(canvas, 1.0, "R'G'B' u8", Gegl.AbyssPolicy.NONE)
    copy.delete()
    return bytes(data)


class Check:
    """Collects what is wrong with one case."""

    def __init__(self, case: Case) -> None:
        self.case, self.faults = case, []

    def that(self, right: object, fault: str) -> None:
        """Notes a fault unless `right`."""
        if not right:
            self.faults.append(fault)

    def run(self) -> None:
        """Builds the image, calls, compares."""
        case = self.case
        image, photo = images.image_of(case)
        images.select(image, case.select)
        drawables = images.prepare(image, photo, case.situation)
        layer = drawables[0] if drawables and isinstance(drawables[0], Gimp.Layer) else photo
        if case.situation == "erased-before":
            self.first_time(image, photo)
        before, seen = snapshot(image), look(image)
        worked, returned, sentence = call(case.procedure, image, drawables, case.options)
        after = snapshot(image)
        self.that(worked == (not case.says), f"success is {worked}: {sentence}")
        self.that(case.says in sentence, f"it says {sentence!r}")
        self.that(not image.undo_group_end(), "the undo group was left open")
        if worked and case.result == "in-place":
            self.in_place(layer, before, after)
        new = [number for number in after["layers"] if number not in before["layers"]]
        expected = 1 if worked and case.result == "layer" else 0
        self.that(len(new) == expected, f"{len(new)} new layers")
        self.unchanged(layer, before, after)
        if worked and case.result == "layer" and len(new) == 1:
            self.new_layer(image, layer, returned, seen)
        else:
            self.that(returned is None, "a layer was returned")
            if not worked:
                self.that(look(image) == seen, "the picture looks different after a failure")
        image.delete()

    def first_time(self, image: Any, photo: Any) -> None:
        """Erases the thing, then selects the place beside it."""
        worked, _, sentence = call("vanisher-selection", image, [photo], {"model": "exemplar"})
        self.that(worked, sentence)
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 120, 62, 24, 20)

    def unchanged(self, layer: Any, before: dict[str, Any], after: dict[str, Any]) -> None:
        """All that was there is as it was; in place the layer's own pixels are looked at elsewhere."""
        for key in ("channels", "guides", "selection", "chosen", "kind", "profile"):
            self.that(before[key] == after[key], f"{key} changed")
        for number, old in before["layers"].items():
            if self.case.result == "in-place" and number == layer.get_id():
                continue
            self.that(after["layers"].get(number) == old, f"layer {old[0]!r} changed")

    def in_place(self, layer: Any, before: dict[str, Any], after: dict[str, Any]) -> None:
        """Outside the selection every bit is as it was; inside much is not."""
        old, new = before["layers"][layer.get_id()][3], after["layers"][layer.get_id()][3]
        _, x, y = layer.get_offsets()
        width, height = layer.get_width(), layer.get_height()
        chosen = layer.get_image().get_selection().get_buffer()
        mask = chosen.get(images.rectangle(x, y, width, height), 1.0, "Y u8", Gegl.AbyssPolicy.NONE)
        size = len(old) // (width * height)
        moved = [
            index for index in range(width * height)
            if old[index * size : index * size + size] != new[index * size : index * size + size]
        ]  # fmt: skip
        self.that(all(mask[index] for index in moved), "pixels outside the selection changed")
        selected = sum(1 for value in mask if value > 200)
        self.that(len(moved) > 0.5 * selected, f"only {len(moved)} of {selected} selected pixels changed")
        self.that(
            before["layers"][layer.get_id()][:3] == after["layers"][layer.get_id()][:3], "the layer changed"
        )

    def new_layer(self, image: Any, layer: Any, returned: Any, seen: bytes) -> None:
        """Place, name, mask and look of the new layer; what is hidden by its mask looks as before."""
        siblings = layer.get_parent().get_children() if layer.get_parent() else image.get_layers()
        fresh = [item for item in siblings if item.get_name().startswith("Vanished")]
        self.that(fresh, "no layer of that name beside the layer")
        if not fresh:
            return
        result = fresh[0]
        self.that(returned and returned.get_id() == result.get_id(), f"returned is {returned}")
        place = image.get_item_position(layer) - len(fresh)
        self.that(image.get_item_position(result) == place, "it is not directly above")
        self.that(result.type() == layer.type(), "it has another type")
        mask = result.get_mask()
        if mask is None:
            self.faults.append("it has no layer mask")
            return
        self.that(not result.get_edit_mask(), "its mask is being edited instead of the picture")
        _, left, top = result.get_offsets()
        covers = bytes(
            mask.get_buffer().get(
                images.rectangle(-left, -top, WIDTH, HEIGHT), 1.0, "Y u8", Gegl.AbyssPolicy.NONE
            )
        )
        self.looks(image, seen, covers)
        if self.case.library:
            self.leave_for_the_host(image, layer, result)

    def looks(self, image: Any, seen: bytes, covers: bytes) -> None:
        """Outside the mask nothing is seen to change, and the thing is gone."""
        now = look(image)
        self.that(max(covers) == 255, "the mask is black")
        outside = [index for index in range(3 * WIDTH * HEIGHT) if not covers[index // 3]]
        differs = max((abs(now[index] - seen[index]) for index in outside), default=0)
        floating = any(word in self.case.precision for word in ("HALF", "FLOAT", "DOUBLE"))
        self.that(differs <= (NOISE if floating else 0), f"seen outside the mask: {differs} of 255")
        ordinary = self.case.situation in ("", "group", "locked", "bright", "erased-before")
        if ordinary and self.case.select in ("ellipse", "rectangle", "feathered", "polygon", "islands"):
            _, x, y = (0, *self.case.offset)
            box = [part + shift for part, shift in zip(OBJECT, (x, y, x, y), strict=True)]
            if (x, y) == (0, 0):
                middle = [
                    now[3 * (row * WIDTH + col) + 1]
                    for row in range(box[1] + 4, box[3] - 4)
                    for col in range(box[0] + 4, box[2] - 4)
                ]
                self.that(
                    sum(middle) / len(middle) > 90,
                    f"the thing is still there: {sum(middle) / len(middle):.0f}",
                )

    def leave_for_the_host(self, image: Any, layer: Any, result: Any) -> None:
        """Layer, selection over it, and the layer with the result laid over it by its mask, as raw samples."""
        kind = "float" if "FLOAT" in self.case.precision else "u16" if "16" in self.case.precision else "u8"
        prime = "" if kind == "float" else "'"
        name = ("Y" + prime if layer.is_gray() else f"R{prime}G{prime}B{prime}") + (
            "A" if layer.has_alpha() else ""
        )
        whole = images.rectangle(0, 0, layer.get_width(), layer.get_height())
        _, x, y = layer.get_offsets()
        _, left, top = result.get_offsets()
        none = Gegl.AbyssPolicy.NONE
        chosen = image.get_selection().get_buffer()
        over = images.rectangle(x - left, y - top, layer.get_width(), layer.get_height())
        parts = {
            "photo": layer.get_buffer().get(whole, 1.0, f"{name} {kind}", none),
            "selection": chosen.get(images.rectangle(x, y, *self.case.size), 1.0, "Y u8", none),
            "result": result.get_buffer().get(over, 1.0, f"{name} {kind}", none),
            "mask": result.get_mask().get_buffer().get(over, 1.0, "Y u8", none),
        }
        for part, data in parts.items():
            (HERE / f"{self.case.name}.{part}").write_bytes(bytes(data))


def main() -> None:
    """All cases; one that raises is a fault of its own."""
    results, wanted = {}, json.loads((HERE / "wanted.json").read_text())
    for name in wanted:
        check, start = Check(CASES[name]), time.monotonic()
        print(f"CASE {name}", file=sys.stderr, flush=True)
        try:
            check.run()
        except Exception:
            check.faults.append(traceback.format_exc())
        results[name] = {"faults": check.faults, "seconds": round(time.monotonic() - start, 3)}
        (HERE / "results.json").write_text(json.dumps(results, indent=1))


main()
