"""A page to look round in, before and after, that works from a file: no server, no network, no library.

The page is `viewer.html` with the two pictures put in as JPEG data URLs; a fragment shader looks them up by the
direction of each pixel, so that there is no mesh and no stitching error.
"""

from __future__ import annotations

import base64
import html
import io
import json
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from panorama.sphere import Frame
from vanisher_core.codecs import atomic
from vanisher_core.errors import UsageError
from vanisher_core.photo import Photo
from vanisher_core.vanish import eight_bit

WIDEST = 4096
"""Pixels of the embedded pictures at most: what every WebGL device takes as a texture."""
PREVIEW = 1024
"""Pixels of a preview's width at most."""
QUALITY = 88
"""Of the embedded JPEGs."""


def write_viewer(
    path: Path, frame: Frame, before: Photo, after: Photo, *, title: str = "Panorama", overwrite: bool = False
) -> None:
    """Writes the page.

    Args:
        path: of the page, an .html file.
        frame: of both pictures.
        before: the panorama as it was.
        after: the panorama as it is now.
        title: shown in the page.
        overwrite: replace an existing file.

    Raises:
        UsageError: the file exists and `overwrite` is off, or its name does not end in .html.
        OutputError: it cannot be written.
    """
    check_name(path)
    facts = {
        "full": [frame.full_width, frame.full_height],
        "crop": [frame.left, frame.top, frame.width, frame.height],
        "before": _data_url(before),
        "after": _data_url(after),
    }
    page = resources.files("panorama").joinpath("viewer.html").read_text(encoding="utf-8")
    page = page.replace("{{title}}", html.escape(title)).replace('"{{facts}}"', json.dumps(facts))
    atomic.write(path, page.encode(), overwrite=overwrite)


def check_name(path: Path) -> None:
    """Raise UsageError for a page's name that does not end in .html."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"The page {path} must have a name that ends in .html: name it so with --view.")


def preview(before: Photo, after: Photo) -> Photo:
    """A small picture: before above after, 8-bit RGB, at most 1024 pixels wide."""
    shown = [_scaled(eight_bit(photo.array), PREVIEW) for photo in (before, after)]
    line = np.full((4, shown[0].shape[1], 3), 255, np.uint8)
    return Photo.from_array(np.concatenate([shown[0], line, shown[1]]))


def _data_url(photo: Photo) -> str:
    sink = io.BytesIO()
    icc = photo.metadata.icc
    options = {"icc_profile": icc} if icc and photo.array.ndim == 3 else {}
    Image.fromarray(_scaled(eight_bit(photo.array), WIDEST)).save(sink, "JPEG", quality=QUALITY, **options)
    return "data:image/jpeg;base64," + base64.b64encode(sink.getvalue()).decode()


def _scaled(rgb: np.ndarray, widest: int) -> np.ndarray:
    """HxWx3 uint8 no wider than `widest`, by area means."""
    height, width = rgb.shape[:2]
    if width <= widest:
        return rgb
    size = (widest, max(round(height * widest / width), 1))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
