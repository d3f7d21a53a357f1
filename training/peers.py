"""Rival inpainters: OpenCV's Telea and Navier-Stokes, PyPatchMatch, scikit-image's biharmonic.

They are rivals on the measuring bench and never part of the product. All get the same picture and hole, take
uint8 RGB and give uint8 RGB, and keep known pixels (anything else is put back, so that no rival is blamed for
it).

- Telea, "An Image Inpainting Technique Based on the Fast Marching Method", 2004; radius 5.
- Bertalmio, Bertozzi, Sapiro, "Navier-Stokes, Fluid Dynamics, and Image and Video Inpainting", CVPR 2001;
  radius 5.
- PyPatchMatch (`pypatchmatch`, the code of InvokeAI's and IOPaint's PatchMatch): Barnes et al. 2009, patch
  size 5.
- Damelin & Hoang, "On Surface Completion and Image Inpainting by Biharmonic Functions", 2018 (slow on large
  holes).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # HxWx3, RGB
Hole = NDArray[np.bool_]  # HxW, True = fill
Fill = Callable[[Picture, Hole], Picture]

RADIUS = 5  # pixels, OpenCV's neighbourhood
PATCH_SIZE = 5
SEED = 0


class PeerMissing(RuntimeError):
    """A rival that is asked for is not installed; the message says what to install."""


def telea(rgb: Picture, hole: Hole) -> Picture:
    """OpenCV's fast-marching fill."""
    return _as_picture(cv2.inpaint(rgb, hole.astype(np.uint8), RADIUS, cv2.INPAINT_TELEA))


def navier_stokes(rgb: Picture, hole: Hole) -> Picture:
    """OpenCV's Navier-Stokes fill."""
    return _as_picture(cv2.inpaint(rgb, hole.astype(np.uint8), RADIUS, cv2.INPAINT_NS))


def patchmatch(rgb: Picture, hole: Hole) -> Picture:
    """PyPatchMatch with patch size 5 and a fixed seed."""
    import patchmatch as library

    if not library.patchmatch_available:
        raise PeerMissing("pypatchmatch is installed but its native library does not load: install libgomp1")
    library.set_random_seed(SEED)
    filled = library.inpaint(np.ascontiguousarray(rgb), hole.astype(np.uint8) * 255, patch_size=PATCH_SIZE)
    return _as_picture(filled)


def biharmonic(rgb: Picture, hole: Hole) -> Picture:
    """scikit-image's biharmonic fill."""
    from skimage.restoration import inpaint_biharmonic

    filled = inpaint_biharmonic(rgb.astype(np.float64) / 255, hole, channel_axis=-1)
    return _as_picture(np.rint(np.clip(filled, 0, 1) * 255))


def _as_picture(array: NDArray[np.generic]) -> Picture:
    return np.asarray(array).astype(np.uint8)


PEERS: dict[str, Fill] = {
    "telea": telea,
    "ns": navier_stokes,
    "patchmatch": patchmatch,
    "biharmonic": biharmonic,
}
PACKAGES = {"patchmatch": ("patchmatch", "pypatchmatch"), "biharmonic": ("skimage", "scikit-image")}


def installed(name: str) -> bool:
    """Whether the named rival can run here."""
    return name in PEERS and (name not in PACKAGES or find_spec(PACKAGES[name][0]) is not None)


def peer(name: str) -> Fill:
    """The named rival as a function (rgb uint8 HxWx3, hole bool HxW) -> uint8 HxWx3, known pixels kept.

    Raises ValueError for an unknown name and PeerMissing when its package is not installed.
    """
    if name not in PEERS:
        raise ValueError(f"unknown rival {name!r}: choose from {', '.join(PEERS)}")
    if not installed(name):
        raise PeerMissing(f"{name} is not installed: pip install {PACKAGES[name][1]}")
    fill = PEERS[name]

    def kept(rgb: Picture, hole: Hole) -> Picture:
        return np.where(hole[..., None], fill(rgb, hole), rgb)

    return kept
