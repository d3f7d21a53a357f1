"""Raw tensors for the Open Inference Protocol, in the worker: parsing, the shipped networks, packing.

A generator takes `rgb` FP32 [1, H, W, 3] in [0, 1] and `hole` UINT8 or BOOL [1, H, W] (1 = fill) and gives `rgb`; a
segmenter takes `rgb` UINT8 [1, H, W, 3] and gives `probability` FP32 [1, classes, H, W].
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from local_server.iopaint_request import json_object
from vanisher_core.errors import InputError, LimitExceeded, UsageError
from vanisher_core.models import registry

if TYPE_CHECKING:
    from vanisher_core.inpaint import Inpainter
    from vanisher_core.segment import Segmenter

Values = dict[str, Any]

DTYPES = {"BOOL": np.bool_, "UINT8": np.uint8, "FP32": np.float32}
"""Datatypes of the protocol that the shipped networks take or give."""

INPUTS = {
    "inpaint": [
        {"name": "rgb", "datatype": "FP32", "shape": [1, -1, -1, 3]},
        {"name": "hole", "datatype": "UINT8", "shape": [1, -1, -1]},
    ],
    "segment": [{"name": "rgb", "datatype": "UINT8", "shape": [1, -1, -1, 3]}],
}


class RawModels:
    """The networks of one worker, without the pipeline round them; each loaded when first asked for."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._inpainters: dict[str, Inpainter] = {}
        self._segmenter: Segmenter | None = None

    def describe(self, folder: Path, options: Values, progress: Any) -> Values:
        """Metadata of one model; its weights are checked, not loaded."""
        about = _served(options["model"])
        output = {"name": "rgb", "datatype": "FP32", "shape": [1, -1, -1, 3]}
        if about.task == "segment":
            output = {"name": "probability", "datatype": "FP32", "shape": [1, len(about.classes), -1, -1]}
        return {
            "about": {
                "name": about.name,
                "versions": [about.version],
                "platform": "pytorch_safetensors",
                "inputs": INPUTS[about.task],
                "outputs": [output],
            }
        }

    def infer(self, folder: Path, options: Values, progress: Any) -> Values:
        """`body` -> `result`, both as the protocol has them."""
        about = _served(options["model"])
        request, tensors = _read(folder / "body", options)
        rgb = _picture(tensors, options["limits"]["pixels"])
        progress(0.1, "running the network")
        if about.task == "inpaint":
            found = {"rgb": self._fill(about.name, rgb, tensors.get("hole"))[None]}
        else:
            found = {"probability": self._probabilities(about.classes, rgb)[None]}
        progress(0.9, "packing")
        return {"header_length": _write(folder / "result", about.name, request, found)}

    def _fill(self, name: str, rgb: np.ndarray, hole: np.ndarray | None) -> np.ndarray:
        from vanisher_core.inpaint import Inpainter

        if rgb.dtype != np.float32:
            raise InputError(f"rgb is {rgb.dtype}; a generator takes FP32 in [0, 1]")
        if hole is None or hole.shape != (1, *rgb.shape[:2]) or hole.dtype not in (np.bool_, np.uint8):
            raise InputError(f"hole must be UINT8 or BOOL of shape {[1, *rgb.shape[:2]]}")
        if not (np.isfinite(rgb).all() and rgb.min() >= 0 and rgb.max() <= 1):
            raise InputError("rgb has values outside [0, 1]; scale them")
        if name not in self._inpainters:
            self._inpainters[name] = Inpainter(name, self._device)
        return self._inpainters[name].fill(rgb, hole[0] != 0)

    def _probabilities(self, classes: tuple[str, ...], rgb: np.ndarray) -> np.ndarray:
        from vanisher_core.segment import Segmenter

        if rgb.dtype != np.uint8:
            raise InputError(f"rgb is {rgb.dtype}; a segmenter takes UINT8")
        if self._segmenter is None:
            self._segmenter = Segmenter(self._device)
        found = self._segmenter.probabilities(rgb, classes)
        return np.stack([found[name] for name in classes])


def _served(name: str) -> registry.WeightInfo:
    """What a weight file says about itself.

    Raises:
        UsageError: there is none of this name, or it is a network of whole panoramas, which has no tensors of its own.
    """
    about = registry.info(name)
    if about.task not in INPUTS:
        raise UsageError(
            f"{name} works on whole panoramas and is not served by itself: use /v1/panorama/erase, or one of "
            f"{', '.join(other for other in registry.names() if registry.info(other).task in INPUTS)}"
        )
    return about


def _read(path: Path, options: Values) -> tuple[Values, dict[str, np.ndarray]]:
    """A request's JSON and its input tensors by name.

    Raises:
        InputError: anything about them is wrong.
    """
    data = path.read_bytes()
    length = options["header_length"]
    if length is not None and length > len(data):
        raise InputError(f"Inference-Header-Content-Length is {length} and the body has {len(data)} bytes")
    request = json_object(data if length is None else data[:length])
    rest = memoryview(b"" if length is None else data)[length or 0 :]
    inputs = request.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(item, dict) for item in inputs):
        raise InputError("inputs is missing; give a list of tensors")
    tensors = {}
    for item in inputs[:8]:
        array, rest = _tensor(item, rest, options["limits"]["pixels"])
        tensors[str(item.get("name"))] = array
    return request, tensors


def _tensor(item: Values, rest: memoryview, most: int) -> tuple[np.ndarray, memoryview]:
    """One input, from its `data` or from the front of the binary part; and what is left of that."""
    name, shape, kind = item.get("name"), item.get("shape"), item.get("datatype")
    if kind not in DTYPES:
        raise InputError(f"tensor {name!r:.40} has datatype {kind!r:.20}; use one of {', '.join(DTYPES)}")
    if (
        not isinstance(shape, list)
        or not all(type(side) is int and side >= 1 for side in shape)
        or len(shape) > 4
    ):
        raise InputError(
            f"tensor {name!r:.40} has shape {shape!r:.60}; give up to four whole numbers of 1 or more"
        )
    count, dtype = math.prod(shape), np.dtype(DTYPES[kind])
    if count > 4 * most:
        raise LimitExceeded(f"tensor {name!r:.40} has {count:,} values; the limit is {4 * most:,}")
    parameters = item.get("parameters")
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if size is not None:
        if type(size) is not int or size != count * dtype.itemsize or size > len(rest):
            raise InputError(
                f"tensor {name!r:.40} needs {count * dtype.itemsize} bytes; {size!r:.20} are announced"
            )
        return np.frombuffer(rest[:size], dtype).reshape(shape), rest[size:]
    try:
        values = np.asarray(item["data"])
        if values.dtype.kind not in "bif" or values.size != count:
            raise InputError(f"tensor {name!r:.40} needs {count} numbers")
        if kind == "UINT8" and (values.min() < 0 or values.max() > 255):
            raise InputError(f"tensor {name!r:.40} has values outside 0..255")
        return values.astype(dtype).reshape(shape), rest
    except (KeyError, ValueError, OverflowError, TypeError, RecursionError):
        raise InputError(f"tensor {name!r:.40} has no data that can be read") from None


def _picture(tensors: dict[str, np.ndarray], most: int) -> np.ndarray:
    rgb = tensors.get("rgb")
    if rgb is None or rgb.ndim != 4 or rgb.shape[0] != 1 or rgb.shape[3] != 3:
        raise InputError("rgb is missing or not of shape [1, height, width, 3]")
    if rgb.shape[1] * rgb.shape[2] > most:
        raise LimitExceeded(f"rgb has {rgb.shape[1] * rgb.shape[2]:,} pixels; the limit is {most:,}")
    return rgb[0]


def _write(path: Path, model: str, request: Values, found: dict[str, np.ndarray]) -> int | None:
    """Writes an answer; the length of its JSON if tensors follow as bytes, else None."""
    binary = _wants_binary(request, found)
    header: Values = {"model_name": model, "outputs": []}
    if isinstance(request.get("id"), str):
        header["id"] = request["id"]
    tail = b""
    for name, array in found.items():
        output: Values = {"name": name, "datatype": "FP32", "shape": list(array.shape)}
        if name in binary:
            packed = np.ascontiguousarray(array, "<f4").tobytes()
            output["parameters"] = {"binary_data_size": len(packed)}
            tail += packed
        else:
            output["data"] = array.ravel().astype(float).tolist()
        header["outputs"].append(output)
    text = json.dumps(header, allow_nan=False).encode()
    path.write_bytes(text + tail)
    return len(text) if binary else None


def _wants_binary(request: Values, found: dict[str, np.ndarray]) -> set[str]:
    """Names of the outputs that are wanted as bytes."""
    general = request.get("parameters")
    default = isinstance(general, dict) and general.get("binary_data_output") is True
    wanted = {name: default for name in found}
    outputs = request.get("outputs")
    for item in outputs if isinstance(outputs, list) else []:
        name = item.get("name") if isinstance(item, dict) else None
        if name not in found:
            raise UsageError(f"there is no output {name!r:.40}; there is {', '.join(found)}")
        parameters = item.get("parameters")
        if isinstance(parameters, dict) and "binary_data" in parameters:
            wanted[name] = parameters["binary_data"] is True
    return {name for name, yes in wanted.items() if yes}
