"""The panorama module, for the tasks of a worker; imported with the first panorama."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from panorama import Panorama, PanoramaResult, erase_panorama, find_in_panorama
from vanisher_core.mask import Mask
from vanisher_core.photo import Photo
from vanisher_core.vanish import Vanisher

Progress = Callable[[float, str], None]


def erase(
    vanisher: Vanisher, photo: Photo, mask: Mask | None, options: dict[str, Any], progress: Progress
) -> PanoramaResult:
    """Erases on the sphere what the mask, the classes and the nadir of a job name, with its light if asked to.

    Raises:
        VanisherError: as `panorama.erase_panorama`.
    """
    known = ("grow", "feather", "model", "seed", "nadir", "relight")
    chosen = {name: options[name] for name in known if name in options}
    return erase_panorama(
        Panorama.from_photo(photo),
        mask,
        remove=options["remove"],
        vanisher=vanisher,
        progress=progress,
        **chosen,
    )


def segment(vanisher: Vanisher, photo: Photo, classes: list[str], progress: Progress) -> dict[str, Mask]:
    """Finds classes on the sphere, across the seam and at the poles.

    Raises:
        VanisherError: as `panorama.find_in_panorama`.
    """
    return find_in_panorama(
        Panorama.from_photo(photo), classes, segmenter=vanisher.segmenter, progress=progress
    )


def described(photo: Photo, original: Photo) -> Photo:
    """A panorama's new version with the GPano data that its original has, or should have."""
    return Panorama.from_photo(original).with_array(photo.array).photo
