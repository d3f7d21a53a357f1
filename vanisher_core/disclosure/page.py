"""The change made visible: the original with the erased parts marked, and a page with before and after.

The page is one file: pictures as data URLs, no script from elsewhere, no request to anybody. The slider is an
ordinary range input, so keyboard and screen reader know it; without scripts both pictures stand one below the
other. It is `page.html` with the values put in.
"""

from __future__ import annotations

import base64
import html
import io
import os
import re
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from vanisher_core.disclosure.keep import Names
from vanisher_core.disclosure.source import GENERATIVE, RETOUCHED
from vanisher_core.mask import Mask
from vanisher_core.photo import Photo
from vanisher_core.receipt import file_name
from vanisher_core.vanish import eight_bit

WIDEST = 1600
"""Pixels of the longer side of the pictures in the page and of the overlay."""
QUALITY = 88
MARK = np.array([230, 40, 60], np.float32)
"""Colour of erased parts in the overlay."""
TINT = 0.45
HOW = {
    GENERATIVE: "a trained network and the photograph's own texture filled the erased parts",
    RETOUCHED: "the photograph's own texture filled the erased parts; no trained network took part",
}


def overlay(photo: Photo, mask: Mask) -> bytes:
    """A JPEG of the original, at most 1600 pixels long: erased parts tinted red, with an outline.

    Args:
        photo: before the erasure.
        mask: the mask as used; what is above 0 was changed.
    """
    picture = _scaled(eight_bit(photo.array))
    height, width = picture.shape[:2]
    # A speck that area means would lose is still a change: any changed pixel marks its cell.
    kernel = np.ones((max(1, round(photo.size[1] / height)), max(1, round(photo.size[0] / width))), np.uint8)
    inside = cv2.dilate((mask.array > 0).astype(np.uint8), kernel)
    inside = cv2.resize(inside, (width, height), interpolation=cv2.INTER_NEAREST)
    line = cv2.dilate(inside, np.ones((5, 5), np.uint8)) - inside
    shown = picture.astype(np.float32)
    shown[inside > 0] += TINT * (MARK - shown[inside > 0])
    shown[line > 0] = MARK
    return _jpeg(np.rint(shown).astype(np.uint8), photo)


def page(before: Photo, after: Photo, marked: bytes, receipt: Any, names: Names, share: float) -> str:
    """The page as HTML.

    Args:
        before: the original.
        after: the result as saved, label and all.
        marked: the overlay's JPEG.
        receipt: the complete receipt.
        names: of the files that the page links to.
        share: of the picture that was changed.
    """
    files = receipt.files
    size = _scaled(eight_bit(before.array)).shape
    values = {
        "title": files.output,
        "width": str(size[1]),
        "height": str(size[0]),
        "before": _data_url(_jpeg(_scaled(eight_bit(before.array)), before)),
        "after": _data_url(_jpeg(_scaled(eight_bit(after.array)), after)),
        "marked": _data_url(marked),
        "original": files.original or files.input,
        "original_link": _link(names.original),
        "receipt_link": _link(names.receipt),
        "receipt": file_name(names.receipt),
        "mask_link": _link(names.mask),
        "mask": file_name(names.mask),
        "share": f"{share:.2%}",
        "how": HOW.get(
            files.source_type, "nothing was changed" if not files.source_type else "see the source type"
        ),
        "source_type": (files.source_type or "none").rsplit("/", 1)[-1],
        "label": f"“{files.label.text}”" if files.label else "none",
        "original_hash": receipt.input_file_sha256 or "",
        "result_hash": receipt.output_file_sha256 or "",
        "mask_hash": receipt.mask_sha256,
        "agent": f"Vanisher {receipt.vanisher}",
    }
    text = resources.files("vanisher_core.disclosure").joinpath("page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: html.escape(values[found.group(1)]), text)


def _link(path: Path) -> str:
    """The file's name as a relative reference (RFC 3986: unreserved characters as they are)."""
    return "".join(
        chr(byte) if byte in b"-._~" or (byte < 128 and chr(byte).isalnum()) else f"%{byte:02X}"
        for byte in os.fsencode(path.name)
    )


def _scaled(rgb: np.ndarray) -> np.ndarray:
    """HxWx3 uint8 no longer than `WIDEST`, by area means."""
    height, width = rgb.shape[:2]
    factor = WIDEST / max(height, width)
    if factor >= 1:
        return rgb
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)


def _jpeg(rgb: np.ndarray, photo: Photo) -> bytes:
    sink = io.BytesIO()
    icc = photo.metadata.icc
    options = {"icc_profile": icc} if icc and photo.array.ndim == 3 and photo.array.shape[2] >= 3 else {}
    Image.fromarray(np.ascontiguousarray(rgb)).save(sink, "JPEG", quality=QUALITY, **options)
    return sink.getvalue()


def _data_url(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
