"""Runs inside GIMP beside its windows: opens a picture, selects a part, and tells again and again what the image is.

Started by `window.py` with --batch; GIMP's windows stay alive meanwhile. Writes `state.json` (layers, selection,
number of the look, number of the round) and, whenever what is seen changed, its samples to `look-N.raw`.
"""

# pyright: reportMissingImports=false
import hashlib
import json
import os
import time

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp, Gio  # noqa: E402

JOB = os.environ["VANISHER_JOB"]

PAUSE = 0.3

NAMES = ("selection", "selection-now", "people", "panorama")


def write(name: str, data: bytes) -> None:
    """Writes a file whole or not at all."""
    with open(f"{JOB}/{name}.part", "wb") as file:  # noqa: PTH123
        file.write(data)
    os.replace(f"{JOB}/{name}.part", f"{JOB}/{name}")  # noqa: PTH105


def samples_of(layer: Gimp.Layer) -> bytes:
    """RGBA bytes of a layer."""
    box = Gegl.Rectangle.new(0, 0, layer.get_width(), layer.get_height())
    return layer.get_buffer().get(box, 1.0, "R'G'B'A u8", Gegl.AbyssPolicy.CLAMP)


def visible(image: Gimp.Image) -> bytes:
    """What is seen of an image."""
    copy = image.duplicate()
    try:
        return samples_of(copy.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE))
    finally:
        copy.delete()


def main() -> None:
    """Opens, selects, shows, and looks until GIMP is ended from outside."""
    with open(f"{JOB}/scene.json") as file:  # noqa: PTH123
        scene = json.load(file)
    picture = Gio.File.new_for_path(f"{JOB}/photo.png")
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, picture)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, *scene["selection"])
    Gimp.Display.new(image)
    Gimp.displays_flush()
    procedures = listed()
    rounds, looks, last = 0, 0, b""
    while True:
        now = visible(image)
        if now != last:
            looks, last = looks + 1, now
            write(f"look-{looks}.raw", now)
        layers = image.get_layers()
        _, some, *box = Gimp.Selection.bounds(image)
        rounds += 1
        state = {
            "layers": [layer.get_name() for layer in layers],
            "masks": [layer.get_mask() is not None for layer in layers],
            "bottom": hashlib.sha256(samples_of(layers[-1])).hexdigest(),
            "selection": [bool(some), *box],
            "procedures": procedures,
            "look": looks,
            "round": rounds,
        }
        write("state.json", json.dumps(state).encode())
        time.sleep(PAUSE)


def listed() -> dict[str, list[str]]:
    """Label and menu of every procedure of the plug-in that GIMP knows."""
    known = [Gimp.get_pdb().lookup_procedure(f"vanisher-{name}") for name in NAMES]
    return {one.get_name(): [one.get_menu_label(), *one.get_menu_paths()] for one in known if one is not None}


main()
