"""Checking a result against its receipt and its original: was anything changed outside the mask?

What can be proved depends on the result's format, and each check says which it was:

- lossless files: every sample outside the grown mask is compared with the original's;
- JPEG: the original is coded again with the same tables, the result's own pixels put in where the mask is. JPEG
  codes blocks one by one (ITU T.81), so every block that the mask does not touch must decode to the very same
  samples; the blocks on its rim cannot be proved that way, and their share is said;
- lossy WebP predicts each block from its neighbours (RFC 6386): nothing can be proved by comparing, only a replay
  makes the same bytes again.

A visible label is drawn again on the original first, so that its own place is compared as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from vanisher_core.codecs import exif
from vanisher_core.codecs.base import Samples
from vanisher_core.disclosure import xmp
from vanisher_core.disclosure.label import drawn, of_record
from vanisher_core.errors import UnsupportedPhoto, UsageError
from vanisher_core.mask import Mask
from vanisher_core.photo import Photo
from vanisher_core.receipt import file_digest, pixel_digest
from vanisher_core.replay import Kind

BLOCK = 16
"""Pixels, the largest coding unit of a JPEG that this product writes (8x8 blocks, chroma halved both ways)."""
LEAK = 2
"""Pixels beyond a block that interpolated chroma reaches when it is decoded."""


@dataclass(frozen=True)
class Check:
    """One thing looked at: True right, False wrong, None could not be proved; and what was found, in a sentence."""

    name: str
    ok: bool | None
    found: str


def verify(
    data: bytes, receipt: Any, kind: Kind, original: bytes, mask: Mask, name: str = "the result"
) -> tuple[Check, ...]:
    """Checks a result.

    Args:
        data: bytes of the result's file.
        receipt: of `vanisher_core.replay.load`.
        kind: of the same.
        original: bytes of the original's file.
        mask: as it was given to the erasure.
        name: of the result, for messages.

    Returns:
        One `Check` for each question, the one about pixels outside the mask named "outside".

    Raises:
        PhotoError: result or original cannot be read.
    """
    result, before = Photo.from_bytes(data, name), Photo.from_bytes(original, "the original")
    checks = [
        _digest("file", "the result's bytes", file_digest(data), receipt.output_file_sha256),
        _digest("original", "the original's bytes", file_digest(original), receipt.input_file_sha256),
        _digest("pixels", "the original's pixels", pixel_digest(before.array), receipt.input_pixels_sha256),
        _digest("mask", "the mask's pixels", pixel_digest(mask.array), receipt.mask_sha256),
    ]
    fits = mask.size == before.size or getattr(receipt, "fit_mask", False)
    if result.size != before.size or not fits:
        sizes = f"result {result.size}, original {before.size} and mask {mask.size} differ in size"
        checks.append(Check("outside", False, f"{sizes}: they do not belong together"))
    else:
        checks.append(_outside(result, before, kind.changed(receipt, before, mask), receipt))
    if receipt.files and receipt.files.source_type:
        checks.append(_mark(result, receipt.files.source_type))
    if receipt.files and receipt.files.unsigned_sha256:
        checks.append(_credentials(data))
    return tuple(checks)


def verdict(checks: Sequence[Check]) -> bool:
    """Whether nothing is wrong; what could not be proved is not wrong."""
    return all(check.ok is not False for check in checks)


def _digest(name: str, what: str, found: str, wanted: str | None) -> Check:
    if wanted is None:
        return Check(name, None, f"{what}: the receipt names no SHA-256 to compare with")
    if found == wanted:
        return Check(name, True, f"{what} are those of the receipt (SHA-256 {found[:16]}...)")
    return Check(name, False, f"{what} have SHA-256 {found[:16]}..., the receipt says {wanted[:16]}...")


def _outside(result: Photo, before: Photo, changed: np.ndarray, receipt: Any) -> Check:
    """Compares what lies outside the grown mask with the original."""
    lossy = result.encoded_lossy
    if lossy and result.format == "WEBP":
        found = "lossy WebP predicts each block from the next: only 'vanisher verify --replay' can prove it"
        return Check("outside", None, found)
    expected, plate = _expected(result, before, changed, receipt)
    free = ~changed
    if lossy:
        free = ~_coded_with(changed, result.metadata.orientation)
    where = _differs(result.array, expected) & free
    if where.any():
        return Check("outside", False, _described(where, result.array, expected))
    proved = float(free.mean())
    kind = "coding block for coding block" if lossy else "sample for sample"
    text = f"nothing is changed outside the mask: {proved:.2%} of the picture equals the original {kind}"
    if lossy:
        text += (
            f" coded again ({float((~changed & ~free).mean()):.2%} shares a block with the mask, not proved)"
        )
    return Check("outside", True, text + plate)


def _expected(result: Photo, before: Photo, changed: np.ndarray, receipt: Any) -> tuple[Samples, str]:
    """What the result must show outside the mask, and what to say about a label.

    The original, the label drawn on it, in the result's own format: a palette, a conversion or a lossy codec changes
    samples in a way that only coding them again can tell.
    """
    array, plate = before.array, ""
    label = receipt.files.label if receipt.files else None
    if label:
        array, record = drawn(array, of_record(label))
        plate = f"; the label {label.text!r} at {record.box} is as drawn"
    plain = not result.encoded_lossy and before.mode == result.mode and before.mode not in ("P", "1")
    if plain and array.shape == result.array.shape and array.dtype == result.array.dtype:
        return array, plate
    if array.shape == result.array.shape and array.dtype == result.array.dtype:
        planes = changed if array.ndim == 2 else changed[..., None]
        array = np.where(planes, result.array, array)
    coded = before.with_array(array).to_bytes(result.format)
    return Photo.from_bytes(coded).array, plate


def _coded_with(changed: np.ndarray, orientation: int) -> np.ndarray:
    """Bool HxW upright: pixels in a JPEG block that the mask touches, or that its chroma reaches when decoded."""
    stored = exif.turned_back(changed, orientation)
    height, width = stored.shape
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    padded = np.zeros((rows * BLOCK, columns * BLOCK), bool)
    padded[:height, :width] = stored
    blocks = padded.reshape(rows, BLOCK, columns, BLOCK).any(axis=(1, 3))
    touched = np.repeat(np.repeat(blocks, BLOCK, 0), BLOCK, 1)[:height, :width].astype(np.uint8)
    side = 2 * LEAK + 1
    return exif.turned_upright(cv2.dilate(touched, np.ones((side, side), np.uint8)), orientation) > 0


def _differs(one: Samples, other: Samples) -> np.ndarray:
    """Bool HxW: where any channel differs; everywhere if the arrays are not alike."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return np.ones(one.shape[:2], bool)
    unlike = one != other
    return unlike if unlike.ndim == 2 else unlike.any(axis=2)


def _described(where: np.ndarray, now: Samples, expected: Samples) -> str:
    """How much differs, where, and the first pixel."""
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    y = int(rows[0])
    x = int(np.flatnonzero(where[y])[0])
    count = int(where.sum())
    if now.shape != expected.shape or now.dtype != expected.dtype:
        return f"the result's samples are {now.dtype} {now.shape}, the original gives {expected.dtype} {expected.shape}"
    box = f"x {columns[0]}-{columns[-1]}, y {rows[0]}-{rows[-1]}"
    plural = "s are" if count > 1 else " is"
    values = f"{np.atleast_1d(expected[y, x]).tolist()} became {np.atleast_1d(now[y, x]).tolist()}"
    return (
        f"{count} pixel{plural} changed outside the mask, within {box}; the first at x={x}, y={y}: {values}"
    )


def _mark(result: Photo, wanted: str) -> Check:
    """The digital source type in the result's XMP."""
    try:
        found = xmp.source_of(result.metadata.xmp)
    except UnsupportedPhoto as error:
        return Check("mark", False, str(error))
    if found == wanted:
        return Check("mark", True, f"its IPTC digital source type is {wanted.rsplit('/', 1)[-1]}")
    return Check("mark", False, f"its IPTC digital source type is {found or 'missing'}, it must be {wanted}")


def _credentials(data: bytes) -> Check:
    """The C2PA manifest, if the library is there."""
    from vanisher_core.disclosure import c2pa

    try:
        found = c2pa.read(data)
    except UsageError as error:
        return Check("c2pa", None, str(error))
    if found is None:
        return Check("c2pa", False, "the content credentials that the receipt speaks of are missing")
    if found.problems:
        return Check("c2pa", False, f"the content credentials are broken: {', '.join(found.problems)}")
    trust = "" if found.state == "Trusted" else ", a certificate that this machine does not know"
    return Check("c2pa", True, f"the content credentials are whole, signed by {found.signer}{trust}")
