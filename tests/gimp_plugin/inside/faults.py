"""Calls the plug-in under one fault after the other and writes `results.json`: name -> sentence, and what changed.

`faults.json` says for each what `vanisher.json` holds; what is wrong with the daemon is arranged by the host, which
watches the file `at` for the name of the fault that is on.
"""
# pyright: reportMissingImports=false

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp  # noqa: E402

HERE = Path(Gimp.directory()).parent
sys.path.insert(0, str(HERE))
import images  # noqa: E402
from cases import Case  # noqa: E402

LONG = (1800, 1400)
"""Pixels of a picture of noise, from which to erase the half takes many seconds."""


def long_image() -> tuple[Any, Any]:
    """An image whose erasure takes its time."""
    image = Gimp.Image.new(*LONG, Gimp.ImageBaseType.RGB)
    layer = Gimp.Layer.new(image, "noise", *LONG, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    buffer = layer.get_buffer()
    buffer.set(images.rectangle(0, 0, *LONG), "R'G'B' u8", os.urandom(3 * LONG[0] * LONG[1]))
    buffer.flush()
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 250, 250, 1300, 900)
    return image, layer


def attempt(fault: dict[str, Any]) -> dict[str, Any]:
    """One call; what came of it."""
    if fault.get("long"):
        image, layer = long_image()
    else:
        image, layer = images.image_of(Case(fault["name"]))
        images.select(image, "rectangle")
    (Path(Gimp.directory()) / "vanisher.json").write_text(fault["settings"])
    before = images.native(layer), images.native(image.get_selection()), len(image.get_layers())
    procedure = Gimp.get_pdb().lookup_procedure("vanisher-selection")
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", [layer])
    config.set_property("model", "exemplar")
    (HERE / "at").write_text(fault["name"])
    start = time.monotonic()
    values = procedure.run(config)
    worked = values.index(0) == Gimp.PDBStatusType.SUCCESS
    sentence = Gimp.get_pdb().get_last_error()  # at once: the next call of anything forgets it
    after = images.native(layer), images.native(image.get_selection()), len(image.get_layers())
    result = {
        "worked": worked,
        "says": "" if worked else sentence,
        "unchanged": before[:2] == after[:2] and after[2] == before[2] + worked,
        "undo closed": not image.undo_group_end(),
        "seconds": round(time.monotonic() - start, 2),
    }
    image.delete()
    return result


def main() -> None:
    """All faults."""
    results = {}
    for fault in json.loads((HERE / "faults.json").read_text()):
        print(f"FAULT {fault['name']}", file=sys.stderr, flush=True)
        results[fault["name"]] = attempt(fault)
        (HERE / "results.json").write_text(json.dumps(results, indent=1))
    (HERE / "at").write_text("end")


main()
