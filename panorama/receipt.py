"""The receipt of a panorama: what was done, view by view, and how to do it again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vanisher_core import __version__
from vanisher_core.receipt import (
    FORMAT,
    Files,
    WindowRecord,
    built,
    environment,
    parsed,
    pixel_digest,
    plain,
    window,
)


class Digests:
    """`pixel_digest` of arrays, computed aside: a 16K panorama has 400 MB of samples, and hashing needs no lock."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="vanisher-digests")
        self._waiting: list[Future[str]] = []

    def __enter__(self) -> Digests:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def add(self, array: np.ndarray) -> None:
        """Begins one; the array must not change until `found`."""
        self._waiting.append(self._pool.submit(pixel_digest, array))

    def found(self) -> list[str]:
        """All digests, in the order in which they were added."""
        return [one.result() for one in self._waiting]


@dataclass(frozen=True)
class ViewRecord:
    """One perspective view that was filled.

    Attributes:
        yaw: degrees, of its middle, in the panorama as given.
        pitch: degrees.
        field: degrees across and down.
        size: width and height in pixels.
        filled: degrees, radius of the cap round what was filled.
        windows: what `Vanisher.erase` did in it; boxes in pixels of the view.
        notes: what it said about them.
    """

    yaw: float
    pitch: float
    field: tuple[float, float]
    size: tuple[int, int]
    filled: float
    windows: tuple[WindowRecord, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PanoramaReceipt:
    """What one erasure of a panorama was asked, what it used and what came out.

    Fields with the names of `vanisher_core.receipt.Receipt` mean the same.

    Attributes:
        nadir: degrees of the cap below that was erased, or None.
        removed: classes that were looked for.
        relight: whether the room was given new light.
        frame: columns and rows of the full sphere, and where the picture begins in it.
        room_yaw: degrees, the yaw of a wall if the edges agree on one.
        views: one record for each view, in the order they were worked.
    """

    model: str
    seed: int
    grow: int | None
    feather: float | None
    nadir: float | None
    removed: tuple[str, ...]
    grow_used: int
    size: tuple[int, int]
    frame: tuple[int, int, int, int]
    pixels: str
    input_pixels_sha256: str
    mask_sha256: str
    output_pixels_sha256: str
    room_yaw: float | None = None
    relight: bool = False
    input_file_sha256: str | None = None
    output_file_sha256: str | None = None
    weights: Mapping[str, str] = field(default_factory=dict)
    views: tuple[ViewRecord, ...] = ()
    device: str = "cpu"
    compute: str = ""
    reencoded: str = ""
    notes: tuple[str, ...] = ()
    files: Files | None = None
    environment: Mapping[str, str] = field(default_factory=environment)
    vanisher: str = __version__
    kind: str = "panorama"
    format: int = FORMAT

    def replay(self) -> dict[str, Any]:
        """Options of `erase_panorama` that do the same again, given the same panorama and mask."""
        chosen = ("model", "seed", "grow", "feather", "relight")
        return {name: getattr(self, name) for name in chosen}

    def with_files(self, **changes: Any) -> PanoramaReceipt:
        """A copy with what only the caller knows: digests of files, notes of saving, `reencoded`."""
        return dataclasses.replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; numbers that are not finite become None."""
        return plain(dataclasses.asdict(self))

    def to_json(self) -> str:
        """The receipt as text: keys sorted, two spaces, one newline at the end."""
        return (
            json.dumps(self.as_dict(), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
        )

    @classmethod
    def from_json(cls, text: str) -> PanoramaReceipt:
        """Reads `to_json`'s text back.

        Raises:
            InputError: not JSON, not a receipt, or written by a newer version; the message says which.
        """
        shapes = {"views": _views, "size": tuple, "frame": tuple, "removed": tuple}
        return built(cls, parsed(text), shapes)


def _views(records: list[dict[str, Any]]) -> tuple[ViewRecord, ...]:
    return tuple(
        ViewRecord(
            **record
            | {
                "field": tuple(record["field"]),
                "size": tuple(record["size"]),
                "windows": tuple(map(window, record["windows"])),
                "notes": tuple(record.get("notes", ())),
            }
        )
        for record in records
    )
