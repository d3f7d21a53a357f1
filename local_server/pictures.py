"""Files <-> photographs inside a worker: opening, views for a screen, versions of a session, encoding.

A session's pixels lie as `pixels-N.npy` at the source's own depth, upright, so that a view of a 24-megapixel
picture is a memory-mapped crop and no decoding; `original` is the uploaded file, which lends its metadata to
every version that is written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from vanisher_core import tone
from vanisher_core.codecs.base import Limits, Metadata
from vanisher_core.errors import PhotoError, UsageError
from vanisher_core.photo import Photo
from vanisher_core.window import bounding_box

if TYPE_CHECKING:
    from vanisher_core.mask import Mask

Progress = Callable[[float, str], None]
Values = dict[str, Any]

TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "TIFF": "image/tiff", "WEBP": "image/webp"}


def load(folder: Path, options: Values) -> Photo:
    """The photograph of a job: its `image`, or the version of a session.

    Raises:
        PhotoError: it cannot be read, or is over the limits.
    """
    session = options.get("session")
    if not session:
        return read(folder / "image", options)
    photo = read(Path(session["folder"]) / "original", options)
    if session["version"] == 0:
        return photo
    return photo.with_array(np.array(_pixels(session["folder"], session["version"])))


def read(path: Path, options: Values) -> Photo:
    """A photograph's file, within the limits; messages say "the picture" and no file name."""
    return Photo.from_bytes(path.read_bytes(), name="the picture", limits=limits(options))


def read_mask(path: Path, options: Values) -> Mask:
    """A mask's file, within the same limits.

    Raises:
        PhotoError: it cannot be read, or is over the limits.
    """
    from vanisher_core.mask import Mask

    try:
        # the daemon has counted the bytes; a file is read into a buffer of the limit's size
        return Mask.open(path, replace(limits(options), max_bytes=max(1, path.stat().st_size)))
    except PhotoError as error:
        raise type(error)(str(error).replace(str(path), "the mask")) from None


def limits(options: Values) -> Limits:
    """What the daemon allows a picture to cost."""
    given = options["limits"]
    return Limits(max_bytes=given["bytes"], max_pixels=given["pixels"], max_side=given["side"])


def open_session(folder: Path, options: Values, progress: Progress) -> Values:
    """`original` -> `pixels-0.npy` and what the page needs to know."""
    photo = read(folder / "original", options)
    np.save(folder / "pixels-0.npy", photo.array, allow_pickle=False)
    (folder / "original.icc").write_bytes(photo.metadata.icc or b"")
    width, height = photo.size
    return {
        "width": width,
        "height": height,
        "format": photo.format,
        "mode": photo.mode,
        "dtype": str(photo.array.dtype),
        "panorama": width == 2 * height or b"equirectangular" in (photo.metadata.xmp or b""),
        "notes": list(photo.notes),
    }


def view(folder: Path, options: Values, progress: Progress) -> Values:
    """A part of a version, scaled down to fit -> `result`, in 8 bits, with the source's colour profile."""
    session = options["session"]
    pixels = _pixels(session["folder"], session["version"])
    height, width = pixels.shape[:2]
    left, top = min(options["left"], width - 1), min(options["top"], height - 1)
    right = min(left + (options["width"] or width), width)
    bottom = min(top + (options["height"] or height), height)
    part = np.asarray(pixels[top:bottom, left:right])
    scale = min(1.0, options["longest"] / max(part.shape[:2]))
    if scale < 1:
        size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    shown = _eight_bit(part, pixels)
    alpha = shown.ndim == 3 and shown.shape[2] in (2, 4)
    wanted = options["format"] or ("PNG" if alpha else "JPEG")
    if wanted == "JPEG" and alpha:
        shown = np.ascontiguousarray(shown[..., :-1] if shown.shape[2] == 4 else shown[..., 0])
    icc = Path(session["folder"], "original.icc").read_bytes() or None
    photo = Photo.from_array(shown)
    photo = replace(photo, metadata=Metadata(icc=icc, alpha=photo.metadata.alpha))
    (folder / "result").write_bytes(photo.to_bytes(wanted))
    return {"media_type": TYPES[wanted], "scale": scale}


def encode(folder: Path, options: Values, progress: Progress) -> Values:
    """A session's version -> `result`, a file with the original's metadata, depth and, by default, format."""
    photo = load(folder, options)
    if options["panorama"]:
        from local_server import sphere

        photo = sphere.described(photo, read(Path(options["session"]["folder"]) / "original", options))
    wanted = options.get("format") or photo.format or "PNG"
    file = photo.encoded(wanted)
    (folder / "result").write_bytes(file.data)
    return {"media_type": TYPES[wanted], "reencoded": file.reencoded, "notes": list(file.notes)}


def write(folder: Path, result: Any, format: str | None, notes: list[str]) -> Values:
    """An erased photograph -> `result`, with its complete receipt."""
    wanted = format or result.photo.format or ("TIFF" if result.photo.array.dtype.kind == "f" else "PNG")
    file = result.photo.encoded(wanted)
    (folder / "result").write_bytes(file.data)
    notes = list(dict.fromkeys((*notes, *file.notes)))
    receipt = result.receipt.with_files(
        notes=tuple(notes),
        reencoded=f"saved as {wanted}, which is lossy" if file.reencoded else "",
        input_file_sha256=hashlib.sha256((folder / "image").read_bytes()).hexdigest(),
        output_file_sha256=hashlib.sha256(file.data).hexdigest(),
    )
    return {
        "media_type": TYPES[wanted],
        "reencoded": file.reencoded,
        "receipt": receipt.as_dict(),
        "notes": notes,
    }


def keep_version(result: Any, options: Values) -> Values:
    """An erased photograph -> the pixels and the receipt of a session's new version."""
    session = options["session"]
    folder, number = Path(session["folder"]), session["new"]
    np.save(folder / f"pixels-{number}.npy", result.photo.array, allow_pickle=False)
    receipt = json.dumps(result.receipt.as_dict(), ensure_ascii=False, allow_nan=False)
    (folder / f"receipt-{number}.json").write_text(receipt, encoding="utf-8")
    return {}


def changed(mask: np.ndarray) -> list[int] | None:
    """[left, top, right, bottom] of what an erasure touched; None if nothing."""
    box = bounding_box((mask > 0).view(np.uint8))
    return [box.left, box.top, box.right, box.bottom] if box.area else None


def png(array: np.ndarray) -> bytes:
    """An 8-bit picture as a PNG file."""
    return Photo.from_array(array).to_bytes("PNG")


def _pixels(folder: str, version: int) -> np.ndarray:
    path = Path(folder) / f"pixels-{version}.npy"
    if not path.exists():
        raise UsageError(f"there is no version {version} in this session")
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _eight_bit(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """A part as uint8 for a screen; float samples get the tone curve of the whole picture, coarsely sampled."""
    if part.dtype == np.uint8:
        return np.ascontiguousarray(part)
    if part.dtype == np.uint16:
        return (part // 257).astype(np.uint8)
    step = max(1, max(whole.shape[:2]) // 512)
    _, toned = tone.encode(np.ascontiguousarray(whole[::step, ::step]))
    if toned.curve is None:
        raise TypeError(f"samples of {part.dtype} have no tone curve")
    colours = part.shape[2] - (toned.alpha is not None) if part.ndim == 3 else None
    shown = toned.curve.encode(part if colours is None else part[..., :colours])
    if toned.alpha is not None:
        shown = np.concatenate([shown, part[..., -1:]], axis=2)
    return np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)
