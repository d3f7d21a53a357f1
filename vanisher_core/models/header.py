"""Reads a safetensors header by hand, and trusts nothing in it.

The format is eight bytes of little-endian length, that many bytes of JSON, then raw tensors
(https://github.com/huggingface/safetensors#format). The library checks it as well, but by its own messages
and only when loading; here every size that the header declares is checked against the file before a byte is
allocated for it, so that a truncated download and a hostile file both end in one sentence.
"""

import json
import math
import struct
from pathlib import Path
from typing import Any, NamedTuple

from vanisher_core.errors import ModelError

MAX_HEADER = 4 * 1024 * 1024
"""Bytes; the shipped networks need some 30 kB."""

_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


class Header(NamedTuple):
    """What a weight file says about itself.

    Attributes:
        metadata: text by key, as written by training (architecture, config, task, classes, version, ...).
        shapes: tensor name -> shape.
        payload: bytes of tensors after the header.
    """

    metadata: dict[str, str]
    shapes: dict[str, tuple[int, ...]]
    payload: int


def read_header(path: Path) -> Header:
    """Reads and checks the header of a safetensors file.

    Raises:
        ModelError: missing, unreadable, truncated, or sizes that do not add up; with what to do.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            prefix = file.read(8)
            length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else -1
            if not 2 <= length <= min(MAX_HEADER, size - 8):
                raise _damaged(path, f"its header length {length} does not fit its {size} bytes")
            text = file.read(length)
    except FileNotFoundError:
        raise ModelError(f"The weight file {path.name} is missing from {path.parent}: {ADVICE}.") from None
    except OSError as error:
        raise ModelError(f"The weight file {path} cannot be read ({error.strerror}): {ADVICE}.") from None
    return _parse(path, text, size - 8 - length)


ADVICE = "install Vanisher again (the weights come with it), then run 'vanisher models verify'"
"""What to do about a weight file that is missing or damaged."""


def _parse(path: Path, text: bytes, payload: int) -> Header:
    try:
        entries = json.loads(text)
    except ValueError:
        raise _damaged(path, "its header is not JSON") from None
    if not isinstance(entries, dict):
        raise _damaged(path, "its header is not a JSON object")
    metadata = entries.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _damaged(path, "its metadata is not text")
    spans = sorted(_span(path, name, entry) for name, entry in entries.items())
    end = 0
    for begin, finish in spans:
        if begin != end:
            raise _damaged(path, f"its tensors overlap or leave a gap at byte {end}")
        end = finish
    if end != payload:
        raise _damaged(path, f"its tensors take {end} bytes and the file holds {payload}")
    return Header(metadata, {name: tuple(entry["shape"]) for name, entry in entries.items()}, payload)


def _span(path: Path, name: str, entry: Any) -> tuple[int, int]:
    """First and last byte of a tensor, checked against its dtype and shape."""
    try:
        (begin, end), shape, item = entry["data_offsets"], entry["shape"], _BYTES[entry["dtype"]]
        whole = all(isinstance(number, int) and number >= 0 for number in (begin, end, *shape))
    except (KeyError, TypeError, ValueError):
        raise _damaged(path, f"the entry of tensor {name!r} is malformed") from None
    if not whole or end - begin != math.prod(shape) * item:
        raise _damaged(path, f"tensor {name!r} of shape {shape} does not take bytes {begin} to {end}")
    return begin, end


def _damaged(path: Path, why: str) -> ModelError:
    return ModelError(f"The weight file {path.name} is damaged, {why}: {ADVICE}.")
