"""The receipt: what was done to a photograph, in enough detail to do it again and to check it.

One frozen value, written as JSON with sorted keys and no clock in it: the same erasure gives the same
receipt, byte for byte. Pixels are named by `pixel_digest`, a SHA-256 over shape, dtype and samples, so that
a PNG and a TIFF of the same picture have the same name; files are named by the SHA-256 of their bytes.

    receipt = Receipt.from_json(text)
    if receipt.input_pixels_sha256 == pixel_digest(photo.array):
        again = Vanisher(device=receipt.device).erase(photo, mask, **receipt.replay())
"""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vanisher_core import __version__
from vanisher_core.errors import InputError

FORMAT = 1
"""Version of the receipt's own layout; a reader refuses a newer one instead of guessing."""


def pixel_digest(array: np.ndarray) -> str:
    """Names a picture's samples.

    Args:
        array: any shape and dtype.

    Returns:
        SHA-256 in hexadecimal over dtype, shape and the samples in row-major little-endian order: equal
        exactly when two arrays have the same dtype, shape and bits, on every machine.
    """
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    digest = hashlib.sha256(f"{little.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(little).tobytes() if not little.flags.c_contiguous else little.data)
    return digest.hexdigest()


def file_digest(source: Path | bytes) -> str:
    """SHA-256 in hexadecimal of a file, or of bytes that are one.

    Raises:
        OSError: the file cannot be read.
    """
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class WindowRecord:
    """One native-scale window: where it was, what filled it, how good the fill was judged to be.

    Attributes:
        box: left, top, right, bottom in pixels of the upright photograph, right and bottom exclusive.
        method: "network", "exemplar", or what the pipeline calls the way it chose.
        scores: figures of quality.py by name; finite numbers only, others are stored as null.
        reasons: why the first choice was not taken, in words; empty if it was.
    """

    box: tuple[int, int, int, int]
    method: str
    scores: Mapping[str, float | None] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Receipt:
    """What one erasure was asked, what it used and what came out.

    Attributes:
        model: the `--model` that was asked for.
        seed: seed of the exemplar search.
        grow: pixels asked for, or None for automatic.
        feather: pixels asked for, or None for automatic.
        fit_mask: whether a mask of another size was scaled.
        grow_used: pixels by which the mask was grown (the largest over its parts).
        feather_used: width in pixels of the soft edge inside the grown ring.
        size: width and height of the upright photograph.
        pixels: dtype and channels of the photograph, such as "uint16 x3".
        input_pixels_sha256: `pixel_digest` of the photograph's array.
        mask_sha256: `pixel_digest` of the mask as given, HxW uint8.
        output_pixels_sha256: `pixel_digest` of the result's array, before any encoding (a palette's or a
            lossy format's changes are not in it).
        input_file_sha256: of the file's bytes, if there was a file.
        output_file_sha256: of the written file's bytes, if one was written.
        weights: name -> SHA-256 of every weight file that took part.
        windows: one record per window, in the order they were worked.
        device: "cpu", "cuda", ...
        compute: dtype the networks ran in, such as "float32"; empty if none ran.
        reencoded: what saving cost outside the mask, in words (a lossy format); empty if nothing.
        notes: anything else that the owner of the picture should know.
        vanisher: version of the product.
        format: version of this layout.
    """

    model: str
    seed: int
    grow: int | None
    feather: float | None
    fit_mask: bool
    grow_used: int
    feather_used: float
    size: tuple[int, int]
    pixels: str
    input_pixels_sha256: str
    mask_sha256: str
    output_pixels_sha256: str
    input_file_sha256: str | None = None
    output_file_sha256: str | None = None
    weights: Mapping[str, str] = field(default_factory=dict)
    windows: tuple[WindowRecord, ...] = ()
    device: str = "cpu"
    compute: str = ""
    reencoded: str = ""
    notes: tuple[str, ...] = ()
    vanisher: str = __version__
    format: int = FORMAT

    def replay(self) -> dict[str, Any]:
        """Options for `Vanisher.erase` that do the same again, given the same photograph and mask."""
        return {
            "model": self.model,
            "seed": self.seed,
            "grow": self.grow,
            "feather": self.feather,
            "fit_mask": self.fit_mask,
        }

    def with_files(self, **changes: Any) -> "Receipt":
        """A copy with what only the caller knows: digests of files, notes of saving, `reencoded`."""
        return dataclasses.replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; numbers that are not finite become None, since JSON has no word for them."""
        return _plain(dataclasses.asdict(self))

    def to_json(self) -> str:
        """The receipt as text: keys sorted, two spaces, one newline at the end."""
        return (
            json.dumps(self.as_dict(), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
        )

    @classmethod
    def from_json(cls, text: str) -> "Receipt":
        """Reads `to_json`'s text back.

        Raises:
            InputError: not JSON, not a receipt, or written by a newer version; the message says which.
        """
        try:
            values = json.loads(text)
        except ValueError as error:
            raise InputError(
                f"The receipt is not JSON ({error}): give a file written by --receipt."
            ) from None
        return cls._from_dict(values)

    @classmethod
    def _from_dict(cls, values: Any) -> "Receipt":
        if not isinstance(values, dict) or not isinstance(values.get("format"), int):
            raise InputError(
                'This JSON is no receipt: it has no number "format". Give a file written by --receipt.'
            )
        if values["format"] > FORMAT:
            raise InputError(
                f"The receipt has format {values['format']}, this version reads {FORMAT}: update Vanisher."
            )
        try:
            windows = tuple(_window(record) for record in values.get("windows", ()))
            shaped = {
                "windows": windows,
                "size": tuple(values["size"]),
                "notes": tuple(values.get("notes", ())),
            }
            return cls(**(values | shaped))
        except (TypeError, KeyError) as error:
            raise InputError(
                f"The receipt lacks or misnames a field ({error}): it was edited or cut."
            ) from None


def _window(record: Mapping[str, Any]) -> WindowRecord:
    return WindowRecord(
        box=tuple(record["box"]),
        method=record["method"],
        scores=dict(record.get("scores", {})),
        reasons=tuple(record.get("reasons", ())),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
