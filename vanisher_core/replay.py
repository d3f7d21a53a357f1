"""Doing an erasure again by its receipt, and saying whether the same bytes came out.

    receipt, kind = load(Path("room.receipt.json"))
    again = replay(receipt, kind, photo, mask)
    again.same, again.differences

What may differ is said, not guessed: other weights, other versions of the libraries, other processors or thread
counts change the last bits of a network's sums (docs/decisions/012-disclosure.md).

A receipt is of a kind: a photograph's own here, others from packages that name a `Kind` at the entry point
`vanisher.receipts` (panorama does; this package knows no sphere).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from vanisher_core import __version__
from vanisher_core.errors import InputError
from vanisher_core.mask import Mask, grown
from vanisher_core.photo import Photo
from vanisher_core.receipt import Receipt, environment, file_digest, parsed, pixel_digest

if TYPE_CHECKING:
    from vanisher_core.disclosure.pack import Erased

KIND_GROUP = "vanisher.receipts"
"""Entry points of other packages: a `Kind` by the word that stands in a receipt's "kind"."""
Progress = Callable[[float, str], None]


class Kind(Protocol):
    """What there is to know of one kind of erasure."""

    def read(self, text: str) -> Any:
        """The receipt of a JSON text; raises InputError for one that is not whole."""
        ...

    def erase(self, receipt: Any, photo: Photo, mask: Mask, device: str, progress: Progress | None) -> Erased:
        """Erases again as the receipt says."""
        ...

    def changed(self, receipt: Any, photo: Photo, mask: Mask) -> np.ndarray:
        """Bool HxW: where this erasure may have changed the photograph."""
        ...


class PhotoKind:
    """Erasures of `Vanisher.erase`."""

    def read(self, text: str) -> Receipt:
        """See `Receipt.from_json`."""
        return Receipt.from_json(text)

    def erase(
        self, receipt: Receipt, photo: Photo, mask: Mask, device: str, progress: Progress | None
    ) -> Erased:
        """See `Vanisher.erase`."""
        from vanisher_core.vanish import Vanisher

        return Vanisher(device=device).erase(photo, mask, progress=progress, **receipt.replay())

    def changed(self, receipt: Receipt, photo: Photo, mask: Mask) -> np.ndarray:
        """The grown mask."""
        fitted = mask.fit(photo.size) if receipt.fit_mask else mask
        return grown(fitted, receipt.grow, receipt.feather).hole


@dataclass(frozen=True)
class Replay:
    """What came of a replay.

    Attributes:
        pixels: whether the samples are those of the receipt.
        bytes: whether the file's bytes are (those before a signature, if it was signed); None if the receipt names
            no file.
        data: the file made again; None if the receipt names none.
        differences: what is not as it was when the receipt was written, in words.
    """

    pixels: bool
    bytes: bool | None
    data: bytes | None
    differences: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether everything that the receipt allows to compare came out the same."""
        return self.pixels and self.bytes is not False


def load(path: Path) -> tuple[Any, Kind]:
    """Reads a receipt of any kind.

    Raises:
        InputError: it cannot be read, is no receipt, or of a kind that nothing installed knows.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InputError(f"The receipt {path} cannot be read ({reason}): name a file of --receipt.") from None
    word = parsed(text).get("kind")
    kind: Kind = PhotoKind()
    if word is not None:
        entry = next((entry for entry in entry_points(group=KIND_GROUP) if entry.name == word), None)
        if entry is None:
            raise InputError(
                f"The receipt {path} is of kind {str(word)!r}, which nothing installed here knows: install the whole "
                "of Vanisher."
            )
        kind = entry.load()
    return kind.read(text), kind


def beside(folder: Path, *names: str | None) -> Path | None:
    """The first of these names that is a file in the folder; names with a folder in them are no names."""
    for name in names:
        if name and Path(name).name == name and (folder / name).is_file():
            return folder / name
    return None


def check_inputs(receipt: Any, photo: Photo, mask: Mask) -> None:
    """Asks whether these are the photograph and mask of a receipt.

    Raises:
        InputError: one of them is another.
    """
    for name, found, wanted in (
        ("photograph", photo.array, receipt.input_pixels_sha256),
        ("mask", mask.array, receipt.mask_sha256),
    ):
        if pixel_digest(found) != wanted:
            raise InputError(
                f"This {name} is not the receipt's: its pixels have SHA-256 {pixel_digest(found)[:16]}..., the receipt "
                f"says {wanted[:16]}.... Give the right one with --{'photo' if name == 'photograph' else 'mask'}."
            )


def replay(
    receipt: Any,
    kind: Kind,
    photo: Photo,
    mask: Mask,
    *,
    device: str | None = None,
    progress: Progress | None = None,
) -> Replay:
    """Does an erasure again.

    Args:
        receipt: of `load`.
        kind: of `load`.
        photo: the original.
        mask: as it was given.
        device: another than the receipt's.
        progress: called with (fraction done, what is being done).

    Raises:
        InputError: photograph or mask are not the receipt's.
        VanisherError: as the erasure itself.
    """
    check_inputs(receipt, photo, mask)
    result = kind.erase(receipt, photo, mask, device or receipt.device, progress)
    data, equal = None, None
    if receipt.files and receipt.output_file_sha256:
        data = _file(receipt, result)
        equal = file_digest(data) == (receipt.files.unsigned_sha256 or receipt.output_file_sha256)
    pixels = result.receipt.output_pixels_sha256 == receipt.output_pixels_sha256
    return Replay(pixels, equal, data, tuple(_differences(receipt, result.receipt)))


def _file(receipt: Any, result: Erased) -> bytes:
    """The result's file, dressed as the receipt says it was."""
    from vanisher_core.disclosure.label import of_record
    from vanisher_core.disclosure.pack import dressed

    picture = result.photo
    if receipt.files.source_type:
        label = receipt.files.label
        picture, _ = dressed(picture, result, receipt.files, of_record(label) if label else None)
    return picture.to_bytes(receipt.files.format)


def _differences(before: Any, now: Any) -> list[str]:
    """What is not as it was, in words."""
    found = []
    if before.vanisher != __version__:
        found.append(f"Vanisher {before.vanisher} then, {__version__} now")
    for name in sorted({*before.weights, *now.weights}):
        old, new = before.weights.get(name), now.weights.get(name)
        if old != new:
            found.append(f"weights {name}: {(old or 'none')[:16]} then, {(new or 'none')[:16]} now")
    for what in ("device", "compute"):
        old, new = getattr(before, what), getattr(now, what)
        if old != new:
            found.append(f"{what}: {old or 'none'} then, {new or 'none'} now")
    here = environment()
    for name, old in sorted(before.environment.items()):
        if old != here.get(name):
            found.append(f"{name}: {old} then, {here.get(name, 'none')} now")
    return found
