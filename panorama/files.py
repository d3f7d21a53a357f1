"""Panorama: a photograph that knows where its pixels lie on the sphere."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from panorama import gpano
from panorama.sphere import Frame
from vanisher_core.errors import PhotoError, UnsupportedPhoto
from vanisher_core.photo import DEFAULT_LIMITS, Limits, Photo, SaveReport

ROUNDED = 2
"""Pixels by which a full panorama's width may differ from twice its height (odd sides, rounding)."""


@dataclass(frozen=True, eq=False)
class Panorama:
    """An equirectangular photograph, full or cropped.

    Attributes:
        photo: pixels and metadata.
        frame: where the pixels lie on the sphere.
    """

    photo: Photo
    frame: Frame

    @classmethod
    def open(cls, path: str | os.PathLike[str], limits: Limits = DEFAULT_LIMITS) -> Panorama:
        """Read a panorama from a PNG, JPEG, TIFF or WebP file.

        Raises:
            UnsupportedPhoto: it is no equirectangular panorama.
            PhotoError: it cannot be read; see `Photo.open`.
        """
        return cls.from_photo(Photo.open(path, limits))

    @classmethod
    def from_photo(cls, photo: Photo) -> Panorama:
        """Take a photo: by its GPano data, or by its sides of 2:1.

        Raises:
            UnsupportedPhoto: neither says that it is an equirectangular panorama.
        """
        width, height = photo.size
        try:
            frame = gpano.frame_of(gpano.properties(photo.metadata.xmp), photo.size)
        except PhotoError as error:
            raise type(error)(f"{photo.name}: {error}") from None
        if frame is None and abs(width - 2 * height) > ROUNDED:
            raise UnsupportedPhoto(
                f"{photo.name}: {width}x{height} is not 2:1 and the file has no GPano data: no equirectangular "
                "panorama. Export the full sphere as 2:1, keep the stitcher's GPano data, or use 'vanisher erase'"
            )
        return cls(photo, frame or Frame.full(width, height))

    @classmethod
    def from_array(cls, array: np.ndarray, frame: Frame | None = None) -> Panorama:
        """Take samples as `Photo.from_array` does; without a frame they show the full sphere."""
        photo = Photo.from_array(array)
        return cls.from_photo(photo) if frame is None else cls(photo, frame)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.photo.size

    def with_array(self, array: np.ndarray, *, copy: bool = True) -> Panorama:
        """The same panorama with other pixels, and with GPano data if it had none; see `Photo.with_array`."""
        return Panorama(gpano.described(self.photo.with_array(array, copy=copy), self.frame), self.frame)

    def save(self, path: str | os.PathLike[str], overwrite: bool = False) -> SaveReport:
        """Write it to a file; see `Photo.save`."""
        return gpano.described(self.photo, self.frame).save(Path(path), overwrite=overwrite)
