"""An IOPaint client's request, read in the worker: base64 pictures in JSON."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_server import pictures
from vanisher_core.errors import InputError

if TYPE_CHECKING:
    from vanisher_core.mask import Mask
    from vanisher_core.photo import Photo


@dataclass(frozen=True)
class Asked:
    """What an IOPaint client wants."""

    photo: Photo
    mask: Mask
    seed: int


def read(folder: Path, options: dict[str, Any]) -> Asked:
    """Reads a request's `body`.

    Raises:
        InputError: it is no JSON object, or lacks a picture.
        PhotoError: a picture cannot be read, or is over the limits.
    """
    values = json_object((folder / "body").read_bytes())
    seed = values.get("sd_seed", 42)
    if isinstance(seed, bool) or not isinstance(seed, int) or not -1 <= seed < 2**32:
        raise InputError(f"sd_seed is {seed!r:.50}; give a whole number from 0 to 4294967295, or -1")
    for name in ("image", "mask"):
        (folder / name).write_bytes(_decoded(values, name))
    return Asked(
        pictures.read(folder / "image", options), pictures.read_mask(folder / "mask", options), max(seed, 0)
    )


def _decoded(values: dict[str, Any], name: str) -> bytes:
    """The bytes of a picture that stands as base64, or as a data URL, in the request."""
    text = values.get(name)
    if not isinstance(text, str) or not text:
        raise InputError(f"{name} is missing; give the picture's file in base64")
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"{name} is no base64 ({error}); give the picture's file in base64") from None


def json_object(data: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        InputError: it is something else, or nested too deeply.
    """
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the body is not JSON that can be read ({str(error)[:100]})") from None
    if not isinstance(values, dict):
        raise InputError(f"the body is a JSON {type(values).__name__}; an object is needed")
    return values
