"""Erases 600x400 pixels from a 24-megapixel 16-bit image, several times; seconds to `results.json` (benchmarks.py)."""
# pyright: reportMissingImports=false

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gimp  # noqa: E402

HERE = Path(Gimp.directory()).parent
sys.path.insert(0, str(HERE))
import images  # noqa: E402


def main() -> None:
    """One image, the same call again and again; each result is deleted before the next."""
    told = json.loads((HERE / "large.json").read_text())
    width, height = told["size"]
    image = Gimp.Image.new_with_precision(
        width, height, Gimp.ImageBaseType.RGB, Gimp.Precision.U16_NON_LINEAR
    )
    layer = Gimp.Layer.new(
        image, "photo", width, height, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL
    )
    image.insert_layer(layer, None, 0)
    buffer = layer.get_buffer()
    buffer.set(images.rectangle(0, 0, width, height), "R'G'B' u16", (HERE / "large.raw").read_bytes())
    buffer.flush()
    image.select_rectangle(Gimp.ChannelOps.REPLACE, *told["hole"])
    seconds = []
    for _ in range(told["rounds"]):
        procedure = Gimp.get_pdb().lookup_procedure("vanisher-selection")
        config = procedure.create_config()
        config.set_property("image", image)
        config.set_core_object_array("drawables", [layer])
        start = time.monotonic()
        values = procedure.run(config)
        seconds.append(round(time.monotonic() - start, 3))
        if values.index(0) != Gimp.PDBStatusType.SUCCESS:
            raise RuntimeError(Gimp.get_pdb().get_last_error())
        image.remove_layer(values.index(1))
    (HERE / "results.json").write_text(json.dumps(seconds))


main()
