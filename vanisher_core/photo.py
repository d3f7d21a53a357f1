"""Photo: the pixels of a photograph at their own depth, and everything else its file says.

A photo is a value that nothing changes. `Photo.open` reads PNG, JPEG, TIFF and WebP by content, not by
name; `array` is always upright, at the file's own depth. `with_array` puts other pixels into the same
photograph; `save` writes them back into a file of the same build: orientation, profile, EXIF, XMP,
resolution, palette, compression. Saved in another format, the picture is upright and says so. A photo whose
pixels were never changed saves, in its own format, as the very bytes it was read from.

Modes, after Pillow: `1` bilevel, `L` grey, `LA` grey with alpha, `P` palette, `RGB`, `RGBA`. CMYK, Lab,
camera raw, animations and files of several pages are refused (`vanisher_core.codecs` says why, format by
format).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from vanisher_core.codecs import FORMATS, atomic, codec, exif, format_of, sniff, xmp
from vanisher_core.codecs.base import DEFAULT_LIMITS, Encoded, Limits, Metadata, Samples, channels, mode_of
from vanisher_core.errors import (
    DamagedPhoto,
    InputError,
    LimitExceeded,
    OutputError,
    PhotoError,
    UsageError,
)

__all__ = ["DEFAULT_LIMITS", "Encoded", "Limits", "Metadata", "Photo", "SaveReport"]

DTYPES = ("uint8", "uint16", "float32")
BAND = 128
"""Rows that are compared at a time."""


@dataclass(frozen=True)
class SaveReport:
    """What `Photo.save` did: where, in which format, whether a lossy codec was used, and remarks."""

    path: Path
    format: str
    reencoded: bool
    notes: list[str]


@dataclass(frozen=True, eq=False)
class Photo:
    """A photograph.

    Attributes:
        array: HxW, HxWx2 (grey and alpha), HxWx3 or HxWx4; uint8, uint16 or float32; upright and read-only.
        mode: `1`, `L`, `LA`, `P`, `RGB` or `RGBA`: what the file held. `array` has `P` and `1` expanded.
        format: `PNG`, `JPEG`, `TIFF` or `WEBP`; None for a photo made from an array.
        metadata: profile, EXIF, XMP, resolution, the file's orientation, the meaning of alpha.
        notes: remarks from reading that the user should see.
        name: what to call the photo in messages.
    """

    array: Samples = field(repr=False)
    mode: str
    format: str | None = None
    metadata: Metadata = field(default_factory=Metadata, repr=False)
    notes: tuple[str, ...] = ()
    name: str = "photo"
    _recipe: Any = field(default=None, repr=False)
    _source: bytes | None = field(default=None, repr=False)

    @classmethod
    def open(cls, path: str | os.PathLike[str], limits: Limits = DEFAULT_LIMITS) -> Photo:
        """Read a photograph from a file.

        Raises:
            PhotoError: missing, a folder, no permission; or a subclass, see `from_bytes`.
        """
        path = Path(path)
        return cls.from_bytes(_read(path, limits), name=str(path), limits=limits)

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "photo", limits: Limits = DEFAULT_LIMITS) -> Photo:
        """Read a photograph from the bytes of its file.

        Raises:
            UnsupportedPhoto: a format, mode or layout that is not worked on; the message says what to do.
            DamagedPhoto: no picture, truncated, or with NaN or infinite samples.
            LimitExceeded: more bytes, pixels or a longer side than `limits`; found before decoding.
        """
        with _named(name):
            limits.check_bytes(len(data))
            format = sniff(data)
            limits.check_size(*codec(format).probe(data))
            decoded = codec(format).decode(data)
            array = exif.turned_upright(decoded.samples, decoded.metadata.orientation)
            _check_finite(array)
        notes = decoded.notes
        suffix = Path(name).suffix
        if suffix and format != _format_or_none(suffix):
            notes = (f"{name} is a {format} file by its content, whatever its name says", *notes)
        return cls(
            _frozen(array), decoded.mode, format, decoded.metadata, notes, name, decoded.recipe, bytes(data)
        )

    @classmethod
    def from_array(cls, array: Samples) -> Photo:
        """Make a photo of HxW, HxWx2, HxWx3 or HxWx4 samples, uint8, uint16 or float32 (copied).

        Raises:
            InputError: another shape or type, or no pixels.
            DamagedPhoto: NaN or infinite samples.
        """
        if array.dtype.name not in DTYPES:
            raise InputError(f"samples are {array.dtype}; give uint8, uint16 or float32")
        if (
            array.ndim not in (2, 3)
            or (array.ndim == 3 and array.shape[2] not in (2, 3, 4))
            or array.size == 0
        ):
            raise InputError(f"the array has shape {array.shape}; give HxW or HxWx2..4, at least one pixel")
        _check_finite(array)
        metadata = Metadata(alpha="straight" if channels(array) in (2, 4) else None)
        native = array.astype(array.dtype.newbyteorder("="), order="C", copy=True)
        return cls(_frozen(native), mode_of(array), None, metadata)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, upright."""
        return self.array.shape[1], self.array.shape[0]

    @property
    def encoded_lossy(self) -> bool:
        """Whether the file's own coding loses something: a JPEG, or a WebP that is not lossless."""
        return self.format == "JPEG" or (self.format == "WEBP" and not self._recipe.lossless)

    def with_array(self, array: Samples, *, copy: bool = True) -> Photo:
        """The same photograph with other pixels; the photo itself if `array` is equal.

        Args:
            array: of the photo's shape and type.
            copy: False hands the array over: it becomes read-only, and whoever holds it must not change it.

        Raises:
            InputError: `array` has another shape or type.
            DamagedPhoto: NaN or infinite samples.
        """
        if array.shape != self.array.shape or array.dtype != self.array.dtype:
            raise InputError(
                f"the new samples are {array.dtype} {array.shape} and the photo's "
                f"{self.array.dtype} {self.array.shape}; give the same type and shape"
            )
        if _equal(array, self.array):
            return self
        _check_finite(array)
        own = np.array(array, order="C", copy=True if copy else None)
        return replace(self, array=_frozen(own), _source=None)

    def with_xmp(self, packet: bytes) -> Photo:
        """The same photograph with another XMP packet; it then saves as a new file, never as the bytes it was.

        Raises:
            OutputError: its own format cannot hold a packet of this length (JPEG: 64 KiB).
        """
        recipe = self._recipe
        if self.format is not None and recipe is not None:
            recipe = codec(self.format).with_xmp(recipe, packet)
        return replace(self, metadata=replace(self.metadata, xmp=packet), _recipe=recipe, _source=None)

    def encoded(self, format: str | None = None) -> Encoded:
        """The file in `format` (None: its own; PNG or, for float samples, TIFF if it has none), with remarks.

        Raises:
            UsageError: no such format.
            OutputError: the format cannot hold the picture (depth, alpha, side).
        """
        wanted = self._format(format)
        if wanted == self.format and self._source is not None:
            return Encoded(self._source)
        try:
            if wanted == self.format:
                stored = exif.turned_back(self.array, self.metadata.orientation)
                return codec(wanted).encode(stored, self.metadata, self._recipe)
            upright = self.metadata.exif and exif.upright(self.metadata.exif)
            packet = self.metadata.xmp
            if packet and self.metadata.orientation != 1:
                packet = xmp.upright(packet)
            metadata = replace(self.metadata, exif=upright, xmp=packet, orientation=1)
            return codec(wanted).encode(self.array, metadata, None)
        except MemoryError:
            raise OutputError(
                f"{self.name}: not enough memory to write {self.size} pixels as {wanted}"
            ) from None

    def to_bytes(self, format: str | None = None) -> bytes:
        """The bytes of the file in `format`; as `encoded`, without its remarks."""
        return self.encoded(format).data

    def check_savable(self, path: str | os.PathLike[str]) -> None:
        """Ask, before any work on the pixels, whether `save` could write them to a file of this name.

        Raises:
            UsageError: the suffix is unknown.
            OutputError: the format that it names cannot hold the picture (depth, alpha, side, profile).
        """
        codec(self._format_for(Path(path))).check(self.array, self.metadata)

    def save(self, path: str | os.PathLike[str], overwrite: bool = False) -> SaveReport:
        """Write the photo to a file, whole or not at all; the suffix names the format (none: its own).

        Raises:
            UsageError: the file exists and `overwrite` is off, or the suffix is unknown.
            OutputError: folder missing or read-only, disk full, or the format cannot hold the picture.
        """
        path = Path(path)
        wanted = self._format_for(path)
        if not overwrite and os.path.lexists(path):
            raise UsageError(
                f"{path}: exists already; choose another name or allow overwriting (--overwrite)"
            )
        file = self.encoded(wanted)
        atomic.write(path, file.data, overwrite=overwrite)
        return SaveReport(path, wanted, file.reencoded, [*self.notes, *file.notes])

    def _format_for(self, path: Path) -> str:
        return self._format(format_of(path.suffix) if path.suffix else None)

    def _format(self, format: str | None) -> str:
        if format is None:
            return self.format or ("TIFF" if self.array.dtype.kind == "f" else "PNG")
        wanted = {"JPG": "JPEG", "TIF": "TIFF"}.get(format.upper(), format.upper())
        if wanted not in FORMATS:
            raise UsageError(f"format {format!r} is unknown; use one of {', '.join(FORMATS)}")
        return wanted


def _format_or_none(suffix: str) -> str | None:
    try:
        return format_of(suffix)
    except UsageError:
        return None


def _equal(one: Samples, other: Samples) -> bool:
    """Whether two arrays of one shape are equal; in bands of rows, for most differ before the end."""
    return all(
        np.array_equal(one[top : top + BAND], other[top : top + BAND]) for top in range(0, len(one), BAND)
    )


def _frozen(array: Samples) -> Samples:
    array.flags.writeable = False
    return array


def _check_finite(array: Samples) -> None:
    """Raise `DamagedPhoto` for NaN or infinite samples, with how many there are and where the first is."""
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return
    bad = np.argwhere(~np.isfinite(array))
    y, x, *channel = bad[0].tolist()
    where = f"x={x}, y={y}" + (f", channel {channel[0]}" if channel else "")
    raise DamagedPhoto(
        f"{len(bad)} of {array.size} samples are NaN or infinite, the first at {where}; "
        "replace them in an editor first"
    )


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Put the file's name before every message, and turn what a decoder throws into `DamagedPhoto`."""
    try:
        yield
    except PhotoError as error:
        raise type(error)(f"{name}: {error}") from error.__cause__
    except MemoryError:
        raise LimitExceeded(f"{name}: not enough memory for its pixels; use a smaller picture") from None
    except Exception as error:  # decoders throw anything at all on hostile bytes
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DamagedPhoto(
            f"{name}: cannot be decoded ({reason}); get an undamaged copy of the file"
        ) from error


def _read(path: Path, limits: Limits) -> bytes:
    """The bytes of a regular file within the limit."""
    try:
        # Without O_NONBLOCK a pipe without a writer would block here for ever.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            os.close(handle)
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(status.st_mode):
                raise PhotoError(f"{path}: is no ordinary file; name a photograph's file")
            with _named(str(path)):
                limits.check_bytes(status.st_size)
            data = file.read(status.st_size + 1)  # a buffer of this size is made at once
    except OSError as error:
        reason = {
            errno.ENOENT: "does not exist; check the name",
            errno.EISDIR: "is a folder; name a photograph's file",
            errno.EACCES: "may not be read; give yourself permission to read it",
        }.get(error.errno or 0, f"cannot be read ({error.strerror or error})")
        raise PhotoError(f"{path}: {reason}") from error
    except ValueError as error:
        raise PhotoError(f"{str(path)!r}: is no valid file name ({error})") from error
    return data
