"""What `--disclose` does: the original kept, the result marked, the change shown; one function for every command.

    wish = Wish(label=Label("Digitally altered"))
    names = check(wish, photo, source, target)
    result = vanisher.erase(photo, mask)
    disclose(wish, photo=photo, result=result, mask=mask, source=source, target=target)

The result is written last: where it stands, the rest of the pack stands beside it. `dressed` is what a replay
calls, too, so that both make the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from vanisher_core import __version__
from vanisher_core.codecs import atomic, format_of, jpeg
from vanisher_core.disclosure import source, xmp
from vanisher_core.disclosure.keep import Names, check_original, keep_original
from vanisher_core.disclosure.label import Label, drawn
from vanisher_core.photo import Photo
from vanisher_core.receipt import Files, LabelRecord, file_digest, file_name

if TYPE_CHECKING:
    from vanisher_core.disclosure.c2pa import Credentials
    from vanisher_core.mask import Mask

AGENT = f"Vanisher {__version__}"
UNCHANGED = "Nothing was erased, so there is nothing to disclose: the result carries no mark."


@dataclass(frozen=True)
class Wish:
    """What a disclosure shall hold beside the kept original, the XMP receipt, the overlay and the page.

    Attributes:
        label: a visible label; None for none.
        credentials: certificate and key to sign a C2PA manifest with; None for none.
    """

    label: Label | None = None
    credentials: Credentials | None = None


class Erased(Protocol):
    """What a disclosure needs of a result: that of `Vanisher.erase`, or of a panorama."""

    @property
    def photo(self) -> Photo: ...  # noqa: D102
    @property
    def mask_used(self) -> Mask: ...  # noqa: D102
    @property
    def receipt(self) -> Any: ...  # noqa: D102
    @property
    def notes(self) -> tuple[str, ...]: ...  # noqa: D102


@dataclass(frozen=True)
class Disclosed:
    """What was written.

    Attributes:
        names: the files beside the result.
        receipt: the complete receipt.
        notes: remarks of saving and of the disclosure, for the user.
    """

    names: Names
    receipt: Any
    notes: tuple[str, ...]


def check(wish: Wish, photo: Photo, source: Path, target: Path, receipt: Path | None = None) -> Names:
    """Asks, before any work on the pixels, whether this disclosure can be made.

    Whether the replaceable files exist is the caller's question (`Names.replaceable`).

    Raises:
        UsageError: another file stands where the original belongs; a label that does not fit; a bad certificate.
        UnsupportedPhoto: the photograph's XMP data cannot be added to.
    """
    names = Names.beside(target, source, receipt)
    check_original(names.original, photo.to_bytes())
    xmp.source_of(photo.metadata.xmp)
    if wish.label:
        drawn(photo.array[:, :], wish.label)
    if wish.credentials:
        wish.credentials.check()
    return names


@dataclass(frozen=True)
class Pack:
    """A disclosure that is made and not yet written.

    Attributes:
        names: the files beside the result.
        original: bytes of the photograph.
        beside: path -> bytes of mask, overlay, page and receipt.
        data: bytes of the result.
        reencoded: whether the format lost something everywhere.
        receipt: the complete receipt.
        notes: remarks of saving and of the disclosure, for the user.
    """

    names: Names
    original: bytes
    beside: dict[Path, bytes]
    data: bytes
    reencoded: bool
    receipt: Any
    notes: tuple[str, ...]


def disclose(
    wish: Wish,
    *,
    photo: Photo,
    result: Erased,
    mask: Mask,
    source: Path,
    target: Path,
    receipt: Path | None = None,
    overwrite: bool = False,
    notes: Sequence[str] = (),
) -> Disclosed:
    """Writes the result and all that discloses it.

    Args:
        wish: what to add.
        photo: the photograph as it was read.
        result: of the erasure.
        mask: as given to the erasure; of a panorama, `result.mask`.
        source: the photograph's file, for its name.
        target: where the result goes.
        receipt: where the receipt goes; None: beside the result.
        overwrite: replace the result, mask, overlay, page and receipt; never an original.
        notes: remarks that the receipt shall keep beside the result's own.

    Raises:
        UsageError: an output exists.
        OutputError: something cannot be written, or a signature cannot be made.
    """
    check_original(Names.beside(target, source, receipt).original, photo.to_bytes())
    pack = packed(
        wish,
        photo=photo,
        result=result,
        mask=mask,
        source=source,
        target=target,
        receipt=receipt,
        notes=notes,
    )
    keep_original(pack.names.original, pack.original)
    for path, data in pack.beside.items():
        atomic.write(path, data, overwrite=overwrite)
    atomic.write(target, pack.data, overwrite=overwrite)
    return Disclosed(pack.names, pack.receipt, pack.notes)


def packed(
    wish: Wish,
    *,
    photo: Photo,
    result: Erased,
    mask: Mask,
    source: Path,
    target: Path,
    receipt: Path | None = None,
    notes: Sequence[str] = (),
) -> Pack:
    """Makes what `disclose` writes; the same arguments give the same bytes.

    Raises:
        OutputError: a signature cannot be made.
    """
    from vanisher_core.disclosure import page

    names = Names.beside(target, source, receipt)
    original = photo.to_bytes()
    files = Files(
        file_name(source),
        file_name(target),
        _format(photo, target),
        file_name(names.mask),
        file_name(names.original),
    )
    if not result.mask_used.array.any():
        notes = (*notes, UNCHANGED)
        picture = result.photo
    else:
        picture, files = dressed(result.photo, result, files, wish.label)
    encoded = picture.encoded(files.format)
    data = encoded.data
    remarks = tuple(dict.fromkeys((*notes, *result.notes, *picture.notes, *encoded.notes)))
    if wish.credentials and files.source_type:
        signed = wish.credentials.signed(data, files, original, result.receipt)
        files = replace(files, unsigned_sha256=file_digest(data))
        data, remarks = signed.data, (*remarks, *signed.notes)
    full = result.receipt.with_files(
        input_file_sha256=file_digest(original),
        output_file_sha256=file_digest(data),
        reencoded=f"saved as {files.format}, which is lossy" if encoded.reencoded else "",
        notes=remarks,
        files=files,
    )
    shown = page.overlay(photo, result.mask_used)
    beside = {
        names.mask: Photo.from_array(mask.array).to_bytes("PNG"),
        names.overlay: shown,
        names.page: page.page(photo, picture, shown, full, names, share(result)).encode(),
        names.receipt: full.to_json().encode(),
    }
    return Pack(names, original, beside, data, encoded.reencoded, full, remarks)


def dressed(photo: Photo, result: Erased, files: Files, label: Label | None) -> tuple[Photo, Files]:
    """The erased photograph with label and XMP receipt, and the names with what was added.

    Raises:
        UnsupportedPhoto: its XMP data cannot be added to.
        OutputError: they become too long for the format.
    """
    record: LabelRecord | None = None
    if label:
        array, record = drawn(photo.array, label)
        photo = photo.with_array(array)
    term = source.source_type(result.receipt.weights, xmp.source_of(photo.metadata.xmp))
    packet = xmp.with_edit(photo.metadata.xmp, _edit(result, term, record))
    if files.format == "JPEG" and len(packet) + len(jpeg.XMP) > jpeg.ROOM:
        packet = xmp.unpadded(packet)
    return photo.with_xmp(packet), replace(files, source_type=term, label=record)


def _format(photo: Photo, target: Path) -> str:
    """The format that `Photo.save` would choose for this name."""
    return format_of(target.suffix) if target.suffix else photo.format or "PNG"


def share(result: Erased) -> float:
    """Share of the picture's pixels that the erasure changed."""
    return float(np.count_nonzero(result.mask_used.array) / result.mask_used.array.size)


def _edit(result: Erased, term: str, label: LabelRecord | None) -> xmp.Edit:
    receipt = result.receipt
    summary = f"erased things by a mask and changed {share(result):.2%} of the picture"
    facts = {
        "MaskSHA256": receipt.mask_sha256,
        "InputPixelsSHA256": receipt.input_pixels_sha256,
        "OutputPixelsSHA256": receipt.output_pixels_sha256,
        "Model": receipt.model,
        "Seed": str(receipt.seed),
        "ErasedShare": f"{share(result):.6f}",
    }
    if label:
        facts["Label"] = label.text
        summary += f"; a visible label says {label.text}"
    return xmp.Edit(AGENT, summary, term, facts, dict(receipt.weights))
