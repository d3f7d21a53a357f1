"""Plays one call of the GIMP 2.10 plug-in in the stand-in: play.py PLUG_IN SCENE.json RESULT.json; Python 2.7 or 3."""

import base64
import json
import sys

import gimpfu

GLOBALS = {"__name__": "vanisher"}
"""Of the plug-in; runpy would empty them under Python 2."""


def unpacked(text):
    """Bytes out of base64 text."""
    return base64.b64decode(text.encode("ascii"))


def packed(data):
    """Bytes as base64 text."""
    return base64.b64encode(bytes(data)).decode("ascii")


def described(layer):
    """A layer as JSON."""
    mask = layer.mask
    return {
        "name": layer.name,
        "size": [layer.width, layer.height],
        "type": layer.type,
        "offsets": list(layer.offsets),
        "data": packed(layer.data),
        "mask": packed(mask.data) if mask is not None else None,
        "updated": layer.updated,
    }


def main(plug_in, scene_file, result_file):
    """Loads the plug-in as GIMP does, builds the image, calls one procedure and writes what became of it."""
    with open(scene_file) as file:  # noqa: PTH123
        scene = json.load(file)
    gimpfu.gimp.directory = scene["profile"]
    with open(plug_in, "rb") as file:  # noqa: PTH123
        exec(compile(file.read(), plug_in, "exec"), GLOBALS)
    image = gimpfu.Image(*scene["canvas"])
    image.selection.data = bytearray(unpacked(scene["selection"]))
    width, height = scene["size"]
    layer = gimpfu.Layer(image, "photo", width, height, scene["type"], data=unpacked(scene["data"]))
    layer.offsets, layer.is_group, layer.is_layer = tuple(scene["offsets"]), scene["group"], scene["layer"]
    image.layers.append(layer)
    failure = None
    if scene["procedure"]:
        try:
            gimpfu.PROCEDURES[scene["procedure"]]["run"](image, layer, *scene["arguments"])
        except Exception as error:
            failure = [type(error).__name__, str(error)]
    procedures = dict(
        (name, [one["label"], one["menu"], one["params"]]) for name, one in gimpfu.PROCEDURES.items()
    )
    result = {
        "python": sys.version_info[0],
        "procedures": procedures,
        "failure": failure,
        "messages": gimpfu.MESSAGES,
        "progress": gimpfu.PROGRESS,
        "layers": [described(one) for one in image.layers],
        "selection": packed(image.selection.data),
        "undo": [image.depth, image.steps],
        "unprotected": image.unprotected,
    }
    with open(result_file, "w") as file:  # noqa: PTH123
        json.dump(result, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
