"""Everything that fills a hole on the bench under one signature: the product's models and its rivals.

A method is a function (rgb uint8 HxWx3, hole bool HxW) -> uint8 HxWx3. The product is called as a user would
call it, `Vanisher.erase`, but with grow 0 and feather 0: the hole is filled exactly as given, so that every
method is measured on the same pixels.
"""

from __future__ import annotations

from pathlib import Path

from training.peers import PEERS, Fill, Hole, Picture, peer

PRODUCT = ("auto", "network", "exemplar")
METHODS = (*PRODUCT, *PEERS)
DEFAULT_METHODS = ("auto", "network", "exemplar", "telea", "ns", "patchmatch")
BASELINE = "patchmatch"
DEFAULT_MODEL = "auto"
DIFFUSION = ("telea", "ns")
TITLES = {
    "auto": "Vanisher (default)",
    "network": "Vanisher, network alone",
    "exemplar": "Vanisher, exemplar alone",
    "telea": "OpenCV Telea",
    "ns": "OpenCV Navier-Stokes",
    "patchmatch": "PyPatchMatch, patch 5",
    "biharmonic": "scikit-image biharmonic",
}


def title(name: str) -> str:
    """A method's name in tables: its own where it is not one of METHODS or a reference system."""
    from training.reference.methods import TITLES as reference_titles

    return TITLES.get(name) or reference_titles.get(name, name)


def references(folder: Path, device: str = "cpu") -> dict[str, Fill]:
    """The reference systems whose weights lie in a folder, by name (`training.reference` trains them).

    Raises `ModelError` when there is none, or one is damaged.
    """
    from training.reference.methods import reference_methods

    return dict(reference_methods(folder, device))


def product(model: str, device: str = "cpu", seed: int = 0) -> Fill:
    """The product with one of its models; weights are loaded at the first call.

    The returned function raises a `VanisherError` when weights are missing or the product refuses a hole.
    """
    from vanisher_core import Mask, Photo, Vanisher

    vanisher = Vanisher(device=device, model=model)

    def fill(rgb: Picture, hole: Hole) -> Picture:
        result = vanisher.erase(Photo.from_array(rgb), Mask.from_array(hole), grow=0, feather=0, seed=seed)
        return result.photo.array

    return fill


def method(name: str, device: str = "cpu") -> Fill:
    """The named method.

    Raises ValueError for an unknown name and `training.peers.PeerMissing` for a rival that is not installed.
    """
    if name in PRODUCT:
        return product(name, device)
    if name in PEERS:
        return peer(name)
    raise ValueError(f"unknown method {name!r}: choose from {', '.join(METHODS)}")


def set_threads(count: int) -> None:
    """Gives torch, OpenCV and numba the same number of CPU threads (PyPatchMatch follows OMP_NUM_THREADS).

    Raises ValueError for a count below 1.
    """
    if count < 1:
        raise ValueError(f"threads must be at least 1, got {count}")
    import cv2
    import torch
    from numba import get_num_threads, set_num_threads

    torch.set_num_threads(count)
    cv2.setNumThreads(count)
    set_num_threads(min(count, get_num_threads()))
