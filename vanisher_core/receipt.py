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
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from vanisher_core import __version__
from vanisher_core.errors import InputError

FORMAT = 2
"""Version of the receipt's own layout; a reader refuses a newer one instead of guessing. 2 added `files` and
`environment`; receipts of format 1 are read without them."""
LIBRARIES = {
    "numpy": "numpy",
    "opencv": "opencv-python-headless",
    "numba": "numba",
    "torch": "torch",
    "pillow": "pillow",
    "imagecodecs": "imagecodecs",
}
"""Name in a receipt -> distribution, for every library whose version may decide a sample or a byte."""
T = TypeVar("T")


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


def file_name(path: Path) -> str:
    """A file's name for a receipt: text that JSON can hold, whatever bytes the file system has."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def environment() -> dict[str, str]:
    """What else decides the last bit of a result: processor family, threads, versions of the libraries."""
    from vanisher_core.exemplar.workers import thread_count

    return {**_versions(), "machine": platform.machine(), "threads": str(thread_count())}


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    from importlib import metadata

    found = {}
    for name, distribution in LIBRARIES.items():
        try:
            found[name] = metadata.version(distribution)
        except metadata.PackageNotFoundError:  # another build of it, as opencv has several
            found[name] = "unknown"
    return found


@dataclass(frozen=True)
class LabelRecord:
    """A visible label, which changed pixels outside the mask.

    Attributes:
        text: what it says.
        place: where it stands, see `disclosure.label.PLACES`.
        size: height of its letters as a share of the picture's shorter side.
        box: left, top, right, bottom of its plate in pixels, right and bottom exclusive.
    """

    text: str
    place: str
    size: float
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class Files:
    """Which files an erasure read and wrote, by name without any folder; a replay looks for them beside the receipt.

    Attributes:
        input: the photograph's name.
        output: the result's name.
        format: the result's format, such as "JPEG".
        mask: the mask as given: the user's file, or the kept one; None if nothing has it.
        original: the kept copy of the photograph; None without disclosure.
        source_type: IPTC digital source type written into the result; None without disclosure.
        label: the visible label; None without.
        unsigned_sha256: of the result's bytes before they were signed with C2PA; None without a signature. A
            signature holds chance and is never made twice alike.
    """

    input: str
    output: str
    format: str
    mask: str | None = None
    original: str | None = None
    source_type: str | None = None
    label: LabelRecord | None = None
    unsigned_sha256: str | None = None


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
        files: names of the files, if there were any.
        environment: see `environment`.
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
    files: Files | None = None
    environment: Mapping[str, str] = field(default_factory=environment)
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
        return plain(dataclasses.asdict(self))

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
        return built(
            cls, parsed(text), {"windows": lambda records: tuple(map(window, records)), "size": tuple}
        )


def parsed(text: str) -> dict[str, Any]:
    """The JSON object of a receipt of any kind.

    Raises:
        InputError: not JSON, not a receipt, or written by a newer version; the message says which.
    """
    try:
        values = json.loads(text)
    except ValueError as error:
        raise InputError(f"The receipt is not JSON ({error}): give a file written by --receipt.") from None
    if not isinstance(values, dict) or not isinstance(values.get("format"), int):
        raise InputError(
            'This JSON is no receipt: it has no number "format". Give a file written by --receipt.'
        )
    if values["format"] > FORMAT:
        raise InputError(
            f"The receipt has format {values['format']}, this version reads {FORMAT}: update Vanisher."
        )
    return values


def built(kind: type[T], values: Mapping[str, Any], shapes: Mapping[str, Any]) -> T:
    """A receipt dataclass of plain values; `shapes` turns what JSON cannot tell (tuples, records) back.

    Raises:
        InputError: a field is missing, unknown or of another shape.
    """
    every = {"files": _files, "notes": tuple, **shapes}
    try:
        shaped = {name: shape(values[name]) for name, shape in every.items() if values.get(name) is not None}
        return kind(**({"environment": {}} | dict(values) | shaped))
    except (TypeError, KeyError) as error:
        raise InputError(f"The receipt lacks or misnames a field ({error}): it was edited or cut.") from None


def _files(record: Mapping[str, Any]) -> Files:
    values: dict[str, Any] = dict(record)
    if label := values.get("label"):
        values["label"] = LabelRecord(**(label | {"box": tuple(label["box"])}))
    return Files(**values)


def window(record: Mapping[str, Any]) -> WindowRecord:
    """A window's record of its plain values."""
    return WindowRecord(
        box=tuple(record["box"]),
        method=record["method"],
        scores=dict(record.get("scores", {})),
        reasons=tuple(record.get("reasons", ())),
    )


def plain(value: Any) -> Any:
    """Mappings, sequences and numbers as JSON has them."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
